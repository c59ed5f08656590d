//! Answers with a text.

use conformance::{Context, Failure, Nothing, Unstructured};

fn call(_context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    Ok("This is a simple text response for testing.".into())
}

conformance::tool!(call);
