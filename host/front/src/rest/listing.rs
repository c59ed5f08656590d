//! `GET /api/v1/tools`: the live tools, for people and programs without MCP.

use std::sync::Arc;

use sandpit_tools::{Descriptor, Tool};
use serde_json::{Value, json};

use super::routes;

/// The document, tools in the order of their names.
pub(crate) fn tools_document(tools: &[Arc<Tool>]) -> Value {
    let tools: Vec<_> = tools.iter().map(|tool| entry(tool.descriptor())).collect();
    json!({ "tools": tools })
}

fn entry(descriptor: &Descriptor) -> Value {
    let routes: Vec<_> = routes::of(descriptor)
        .iter()
        .map(|route| {
            json!({
                "method": route.method.as_str(),
                "path": format!("/api/v1/{}", route.path),
            })
        })
        .collect();
    let annotations = descriptor.annotations;
    let mut entry = json!({
        "name": descriptor.name,
        "title": descriptor.title,
        "description": descriptor.description,
        "version": descriptor.version,
        "annotations": {
            "readOnlyHint": annotations.read_only,
            "destructiveHint": annotations.destructive,
            "idempotentHint": annotations.idempotent,
            "openWorldHint": annotations.open_world,
        },
        "streaming": descriptor.streaming,
        "routes": routes,
        "inputSchema": descriptor.input_schema,
    });
    if let (Some(schema), Some(entry)) = (&descriptor.output_schema, entry.as_object_mut()) {
        entry.insert("outputSchema".to_owned(), schema.clone().into());
    }
    entry
}
