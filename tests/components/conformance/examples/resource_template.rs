//! Is a resource for every id.

use conformance::{Context, Failure, ResourceDescriptor, Suggestions, Unstructured};

/// Which one.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct Input {
    /// Its id
    id: String,
}

fn call(_context: &Context, Input { id }: Input) -> Result<Unstructured, Failure> {
    let data = format!("Data for ID: {id}");
    let json = serde_json::json!({"id": id, "templateTest": true, "data": data});
    Ok(json.to_string().into())
}

fn resources() -> Vec<ResourceDescriptor> {
    let (uri, name) = ("test://template/{id}/data", "template");
    let data = ResourceDescriptor::new(uri, name, "Data by id", "The data of one id.");
    vec![
        data.variable("id", Suggestions::None)
            .mime_type("application/json"),
    ]
}

conformance::tool!(call, Input, resources);
