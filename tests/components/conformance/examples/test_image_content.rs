//! Answers with an image.

use conformance::{Context, Failure, Nothing, Unstructured};

fn call(_context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    Ok(vec![conformance::image()].into())
}

conformance::tool!(call);
