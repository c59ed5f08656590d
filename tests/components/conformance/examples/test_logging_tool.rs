//! Logs, whoever listens.

use conformance::{Context, Failure, Nothing, Unstructured};

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    context.info("A line for whoever wants it");
    Ok("It is done.".into())
}

conformance::tool!(call);
