//! Cannot do without the client's model.

use conformance::{Context, Failure, Nothing, Question, Unstructured};

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    Ok(match context.resume() {
        None => Question::sampling("answer", "Say something.", 10).into(),
        Some(_) => "It was said.".into(),
    })
}

conformance::tool!(call);
