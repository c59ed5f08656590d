//! Asks the client for what it offers.

use conformance::{Askable, Context, Failure, Name, Nothing, Question, Questions, Unstructured};

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    let mut questions = Vec::new();
    if context.can_ask(Askable::ELICITATION) {
        questions.push(Question::form::<Name>("user_name", "What is your name?"));
    }
    if context.can_ask(Askable::SAMPLING) {
        questions.push(Question::sampling("greeting", "Generate a greeting", 50));
    }
    if questions.is_empty() || context.resume().is_some() {
        return Ok("Nothing else is to be asked.".into());
    }
    let state = Vec::new();
    Ok(Questions { questions, state }.into())
}

conformance::tool!(call);
