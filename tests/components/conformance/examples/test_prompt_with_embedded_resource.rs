//! Hands over a resource.

use conformance::{Argument, Context, Conversation, Failure, Reply, Role, embedded};

/// What it is given.
#[derive(serde::Deserialize)]
pub struct Input {
    #[serde(rename = "resourceUri")]
    resource_uri: String,
}

fn arguments() -> Vec<Argument> {
    let uri = Argument::required("resourceUri", "Resource", "URI of the resource to embed");
    vec![uri]
}

fn get(_context: &Context, input: Input) -> Result<Reply, Failure> {
    let text = "Embedded resource content for testing.";
    Ok(Conversation::new()
        .says(
            Role::User,
            embedded(&input.resource_uri, "text/plain", text),
        )
        .user("Please process the embedded resource above.")
        .into())
}

conformance::prompt!(get, arguments, Input);
