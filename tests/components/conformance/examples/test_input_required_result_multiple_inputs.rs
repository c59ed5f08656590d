//! Asks for three things at once.

use conformance::{Context, Failure, Name, Nothing, Question, Questions, Unstructured};

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    let Some(resume) = context.resume() else {
        let questions = vec![
            Question::form::<Name>("user_name", "What is your name?"),
            Question::sampling("greeting", "Generate a greeting", 50),
            Question::roots("client_roots"),
        ];
        let state = b"three questions".to_vec();
        return Ok(Questions { questions, state }.into());
    };
    let name = resume.form::<Name>("user_name")?.map(|Name { name }| name);
    let greeting = resume.sampled("greeting").map(|sampled| sampled.text());
    let roots = resume.roots("client_roots").len();
    let name = name.unwrap_or_default();
    let greeting = greeting.unwrap_or_default();
    Ok(format!("{greeting} {name}, with {roots} folders").into())
}

conformance::tool!(call);
