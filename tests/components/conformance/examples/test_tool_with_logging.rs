//! Logs while it works.

use conformance::{Context, Failure, Nothing, Unstructured, pause};

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    context.info("Tool execution started");
    pause();
    context.info("Tool processing data");
    pause();
    context.info("Tool execution completed");
    Ok("It is done.".into())
}

conformance::tool!(call);
