//! Says in its log that the tools should change. Whoever runs the suite reads
//! it there and changes the folder: a tool has no power over it.

use conformance::{Context, Failure, Nothing, Unstructured};

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    context.info("please change the tools");
    Ok("It is asked for.".into())
}

conformance::tool!(call);
