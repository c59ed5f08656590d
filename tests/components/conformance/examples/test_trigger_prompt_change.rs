//! Says in its log that the prompts should change. Whoever runs the suite reads
//! it there and changes the folder: a tool has no power over it.

use conformance::{Context, Failure, Nothing, Unstructured};

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    context.info("please change the prompts");
    Ok("It is asked for.".into())
}

conformance::tool!(call);
