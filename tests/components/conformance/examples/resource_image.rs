//! Is an image that clients read.

use conformance::{Context, Failure, Nothing, ResourceDescriptor, Unstructured};

fn call(_context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    Ok(vec![conformance::image()].into())
}

fn resources() -> Vec<ResourceDescriptor> {
    let (uri, name) = ("test://static-binary", "static-binary");
    let image = ResourceDescriptor::new(uri, name, "An image", "An image that never changes.");
    vec![image.mime_type("image/png")]
}

conformance::tool!(call, Nothing, resources);
