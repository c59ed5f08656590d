//! Always fails.

use conformance::{Context, Failure, FailureKind, Nothing, Unstructured};

fn call(_context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    let message = "This tool intentionally returns an error for testing";
    Err(Failure::new(FailureKind::Internal, message))
}

conformance::tool!(call);
