//! Asks the client's model.

use conformance::{Context, Failure, Nothing, Question, Unstructured};

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    let Some(resume) = context.resume() else {
        let prompt = "What is the capital of France?";
        return Ok(Question::sampling("capital_question", prompt, 100).into());
    };
    Ok(match resume.sampled("capital_question") {
        Some(sampled) => sampled.text().into(),
        None => "The person refused it.".into(),
    })
}

conformance::tool!(call);
