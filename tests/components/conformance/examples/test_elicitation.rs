//! Asks the person for what it is told to ask.

use conformance::{Context, Failure, Question, Unstructured, outcome};

/// What to ask.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct Input {
    /// The message for the person
    message: String,
}

/// What the person fills in.
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "it is only described")]
struct Form {
    /// User's response
    username: String,
    /// User's email address
    email: String,
}

fn call(context: &Context, input: Input) -> Result<Unstructured, Failure> {
    Ok(match context.resume() {
        None => Question::form::<Form>("user", input.message).into(),
        Some(resume) => format!("User response: {}", outcome(resume, "user")).into(),
    })
}

conformance::tool!(call, Input);
