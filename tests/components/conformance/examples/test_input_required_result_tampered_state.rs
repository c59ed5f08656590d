//! Has a state that nobody may change.

use conformance::{Confirmation, Context, Failure, Nothing, Question, Questions, Unstructured};

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    Ok(match context.resume() {
        None => Questions {
            questions: vec![Question::form::<Confirmation>("confirm", "Please confirm")],
            state: b"not to be changed".to_vec(),
        }
        .into(),
        Some(_) => "It was not changed.".into(),
    })
}

conformance::tool!(call);
