//! Takes an argument that clients repeat in a header.

use conformance::{Context, Failure, Unstructured};

/// Where.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct Input {
    /// The region
    #[schemars(extend("x-mcp-header" = "Region"))]
    region: String,
}

fn call(_context: &Context, input: Input) -> Result<Unstructured, Failure> {
    Ok(format!("In {}", input.region).into())
}

conformance::tool!(call, Input);
