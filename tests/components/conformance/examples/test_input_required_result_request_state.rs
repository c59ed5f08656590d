//! Wants its state back.

use conformance::{
    Confirmation, Context, Failure, FailureKind, Nothing, Question, Questions, Unstructured,
};

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    match context.resume() {
        None => Ok(Questions {
            questions: vec![Question::form::<Confirmation>("confirm", "Please confirm")],
            state: b"remembered".to_vec(),
        }
        .into()),
        Some(resume) if resume.state == b"remembered" => Ok("state-ok".into()),
        Some(_) => Err(Failure::new(FailureKind::Internal, "The state is lost.")),
    }
}

conformance::tool!(call);
