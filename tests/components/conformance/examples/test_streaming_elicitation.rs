//! Tells how far it is, and asks.

use conformance::{Context, Failure, Name, Nothing, Question, Unstructured};

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    context.progress(1.0, Some(2.0), None);
    Ok(match context.resume() {
        None => Question::form::<Name>("user_name", "What is your name?").into(),
        Some(_) => "Thank you.".into(),
    })
}

conformance::tool!(call);
