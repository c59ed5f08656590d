//! Asks before it says anything.

use conformance::{Argument, Context, Conversation, Failure, Nothing, Question, Reply};

/// What the person fills in.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Answer {
    context: String,
}

fn arguments() -> Vec<Argument> {
    Vec::new()
}

fn get(context: &Context, _input: Nothing) -> Result<Reply, Failure> {
    let Some(resume) = context.resume() else {
        let question = "What context should the prompt use?";
        let question = Question::form::<Answer>("user_context", question);
        return Ok(Reply::Questions(question.into()));
    };
    let answer = resume.form::<Answer>("user_context")?;
    let context = answer.map(|Answer { context }| context).unwrap_or_default();
    Ok(Conversation::new()
        .user(format!("Context: {context}"))
        .into())
}

conformance::prompt!(get, arguments);
