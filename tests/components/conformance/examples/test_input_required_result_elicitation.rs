//! Asks for a name.

use conformance::{Context, Failure, Name, Nothing, Question, Unstructured};

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    let Some(resume) = context.resume() else {
        return Ok(Question::form::<Name>("user_name", "What is your name?").into());
    };
    Ok(match resume.form::<Name>("user_name")? {
        Some(Name { name }) => format!("Hello, {name}!").into(),
        None => "Hello, whoever you are!".into(),
    })
}

conformance::tool!(call);
