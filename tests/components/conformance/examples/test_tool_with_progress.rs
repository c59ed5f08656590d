//! Tells how far it is.

use conformance::{Context, Failure, Nothing, Unstructured, pause};

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    for done in [0.0, 50.0, 100.0] {
        context.progress(done, Some(100.0), None);
        pause();
    }
    Ok("It is done.".into())
}

conformance::tool!(call);
