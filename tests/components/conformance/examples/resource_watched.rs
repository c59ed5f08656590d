//! Is a resource that clients subscribe to.

use conformance::{Context, Failure, Nothing, ResourceDescriptor, Unstructured};

fn call(_context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    Ok("Nothing happens.".into())
}

fn resources() -> Vec<ResourceDescriptor> {
    let (uri, name) = ("test://watched-resource", "watched-resource");
    vec![ResourceDescriptor::new(
        uri,
        name,
        "News",
        "What there is to watch.",
    )]
}

conformance::tool!(call, Nothing, resources);
