//! Is a text that clients read.

use conformance::{Context, Failure, Nothing, ResourceDescriptor, Unstructured};

fn call(_context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    Ok("This is the content of the static text resource.".into())
}

fn resources() -> Vec<ResourceDescriptor> {
    let (uri, name) = ("test://static-text", "static-text");
    vec![ResourceDescriptor::new(
        uri,
        name,
        "A text",
        "A text that never changes.",
    )]
}

conformance::tool!(call, Nothing, resources);
