//! Answers with a resource in the answer.

use conformance::{Context, Failure, Nothing, Unstructured, embedded};

fn call(_context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    let text = "This is an embedded resource content.";
    Ok(vec![embedded("test://embedded-resource", "text/plain", text)].into())
}

conformance::tool!(call);
