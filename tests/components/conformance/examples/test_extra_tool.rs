//! Comes and goes while the suite runs.

use conformance::{Context, Failure, Nothing, Unstructured};

fn call(_context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    Ok("I am here.".into())
}

conformance::tool!(call);
