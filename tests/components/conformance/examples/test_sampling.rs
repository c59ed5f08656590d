//! Asks the client's model what it is told to ask.

use conformance::{Context, Failure, Question, Unstructured};

/// What to ask.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct Input {
    /// The prompt for the model
    prompt: String,
}

fn call(context: &Context, input: Input) -> Result<Unstructured, Failure> {
    let Some(resume) = context.resume() else {
        return Ok(Question::sampling("answer", input.prompt, 100).into());
    };
    Ok(match resume.sampled("answer") {
        Some(sampled) => format!("LLM response: {}", sampled.text()),
        None => "The person refused it.".to_owned(),
    }
    .into())
}

conformance::tool!(call, Input);
