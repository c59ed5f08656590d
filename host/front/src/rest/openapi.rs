//! `GET /api/v1/openapi.json`: the routes of the live tools, as OpenAPI 3.1.
//!
//! The schemas of the tools are JSON Schema 2020-12, as OpenAPI 3.1 wants it.
//! Only their references change: a tool's document becomes a component, and its
//! definitions become components beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::Method;
use sandpit_tools::{Descriptor, Tool};
use serde_json::{Map, Value, json};

use super::routes::{self, Route};
use crate::arguments;

/// The document for these tools.
pub(crate) fn document(tools: &[Arc<Tool>]) -> Value {
    let mut schemas = Map::new();
    schemas.insert("Problem".to_owned(), problem_schema());
    let mut operations: BTreeMap<(String, String), (Route, &Descriptor)> = BTreeMap::new();
    for tool in tools {
        let descriptor = tool.descriptor();
        add_schemas(descriptor, &mut schemas);
        for route in routes::of(descriptor) {
            let key = (route.path.clone(), route.method.to_string());
            let better = operations
                .get(&key)
                .is_none_or(|(known, _)| route.rank < known.rank);
            if better {
                operations.insert(key, (route, descriptor));
            }
        }
    }
    let mut ids = BTreeSet::new();
    let mut paths = fixed_paths();
    for ((path, method), (route, descriptor)) in operations {
        let id = unique(operation_id(&method, &path), &mut ids);
        let item = paths
            .entry(format!("/api/v1/{path}"))
            .or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(
                method.to_ascii_lowercase(),
                operation(&route, descriptor, &id),
            );
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sandpit",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Interactive Brokers tools over plain HTTP. The same tools are \
                served over MCP at /api/v1/mcp.",
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

/// The routes that are always there.
fn fixed_paths() -> Map<String, Value> {
    let document = |id: &str, summary: &str| {
        json!({
            "get": {
                "operationId": id,
                "summary": summary,
                "responses": { "200": {
                    "description": "The document.",
                    "content": { "application/json": { "schema": { "type": "object" } } },
                } },
            }
        })
    };
    let mut paths = Map::new();
    for (path, id, summary) in [
        ("/api/v1/tools", "host.tools", "The live tools"),
        ("/api/v1/resources", "host.resources", "The resources"),
        ("/api/v1/prompts", "host.prompts", "The prompts"),
        ("/api/v1/openapi.json", "host.openapi", "This document"),
        ("/healthz", "host.health", "Whether the process is up"),
        ("/readyz", "host.readiness", "Whether tools can be called"),
    ] {
        paths.insert(path.to_owned(), document(id, summary));
    }
    paths.insert("/api/v1/resources/read".to_owned(), read_resource());
    // It says the same when there is no tool that can be called.
    let readiness = paths.get_mut("/readyz");
    let responses = readiness.and_then(|path| path.pointer_mut("/get/responses"));
    if let Some(Value::Object(responses)) = responses
        && let Some(document) = responses.get("200").cloned()
    {
        responses.insert("503".to_owned(), document);
    }
    paths
}

/// The route that reads resources.
fn read_resource() -> Value {
    json!({
        "get": {
            "operationId": "host.readResource",
            "summary": "Reads a resource",
            "parameters": [{
                "name": "uri",
                "in": "query",
                "required": true,
                "description": "The URI of the resource; /api/v1/resources lists them.",
                "schema": { "type": "string" },
            }],
            "responses": {
                "200": {
                    "description": "The structured answer of its tool, or a list of contents.",
                    "content": { "application/json": { "schema": {} } },
                },
                "default": {
                    "description": "A problem (RFC 9457).",
                    "content": { "application/problem+json": { "schema": reference("Problem") } },
                },
            },
        }
    })
}

fn operation(route: &Route, descriptor: &Descriptor, id: &str) -> Value {
    let mut parameters = Vec::new();
    let in_path: Vec<&str> = route.parameters().collect();
    for name in &in_path {
        let mut parameter = parameter(descriptor, name, "path");
        if let Some(parameter) = parameter.as_object_mut() {
            parameter.insert("required".to_owned(), true.into());
        }
        parameters.push(parameter);
    }
    let mut operation = json!({
        "operationId": id,
        "summary": descriptor.title,
        "description": descriptor.description,
        "tags": [descriptor.name],
        "responses": responses(route, descriptor),
    });
    let body = if route.method == Method::POST {
        let schema = reference(&component(descriptor, "input"));
        Some(json!({ "content": { "application/json": { "schema": schema } } }))
    } else {
        let properties = descriptor.input_schema.get("properties");
        let names = properties.and_then(Value::as_object).into_iter().flatten();
        for (name, _) in names.filter(|(name, _)| !in_path.contains(&name.as_str())) {
            parameters.push(parameter(descriptor, name, "query"));
        }
        None
    };
    if let Some(operation) = operation.as_object_mut() {
        operation.extend(body.map(|body| ("requestBody".to_owned(), body)));
        if !parameters.is_empty() {
            operation.insert("parameters".to_owned(), parameters.into());
        }
    }
    operation
}

fn parameter(descriptor: &Descriptor, name: &str, place: &str) -> Value {
    let input = &descriptor.input_schema;
    let property = input
        .get("properties")
        .and_then(|properties| properties.get(name));
    let mut schema = property.cloned().unwrap_or_else(|| json!({}));
    rewrite(&mut schema, &component(descriptor, "input"));
    let required = input
        .get("required")
        .and_then(Value::as_array)
        .is_some_and(|required| required.iter().any(|one| one == name));
    let mut parameter = json!({ "name": name, "in": place });
    let Some(members) = parameter.as_object_mut() else {
        return parameter;
    };
    if required {
        members.insert("required".to_owned(), true.into());
    }
    let description = property.and_then(|property| property.get("description"));
    members.extend(description.map(|text| ("description".to_owned(), text.clone())));
    if arguments::is_object(input, name) {
        // Its properties may also come one by one, as `contract.symbol=SPY`.
        let content = json!({ "application/json": { "schema": schema } });
        members.insert("content".to_owned(), content);
    } else {
        members.insert("schema".to_owned(), schema);
    }
    parameter
}

fn responses(route: &Route, descriptor: &Descriptor) -> Value {
    let schema = if descriptor.output_schema.is_some() {
        reference(&component(descriptor, "output"))
    } else {
        json!({ "type": "object" })
    };
    let mut content = json!({ "application/json": { "schema": schema } });
    if descriptor.streaming && route.method != Method::DELETE {
        // What stands for a stream is one of its events.
        let events = json!({ "schema": {
            "type": "object",
            "description": "A server-sent event: one of the tool, log or progress, and at the end \
                summary with the answer or error with a problem.",
            "required": ["event", "data"],
            "properties": {
                "event": { "type": "string", "description": "Its name." },
                "data": { "type": "string", "description": "JSON." },
                "id": { "type": "string", "description": "end, with the last event." },
            },
        } });
        if let Some(content) = content.as_object_mut() {
            content.insert("text/event-stream".to_owned(), events);
        }
    }
    json!({
        "200": { "description": "The answer.", "content": content },
        "default": {
            "description": "A problem (RFC 9457).",
            "content": { "application/problem+json": { "schema": reference("Problem") } },
        },
    })
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status", "detail", "instance"],
        "properties": {
            "type": { "type": "string", "description": "Which kind, for example /problems/not-connected. It never changes." },
            "title": { "type": "string", "description": "The kind in words." },
            "status": { "type": "integer", "description": "The HTTP status." },
            "detail": { "type": "string", "description": "What happened, what was expected, what to do." },
            "instance": { "type": "string", "description": "The id of the call, as urn:uuid:…; the host's log has it too." },
            "twsCode": { "type": "integer", "description": "The message code of TWS, if TWS said it." },
            "parameter": { "type": "string", "description": "The parameter that is wrong." },
        },
    })
}

/// The name of a tool's input or output among the components.
fn component(descriptor: &Descriptor, part: &str) -> String {
    format!("{}.{part}", descriptor.name)
}

fn reference(component: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{component}") })
}

fn add_schemas(descriptor: &Descriptor, schemas: &mut Map<String, Value>) {
    let input = Some(&descriptor.input_schema);
    for (part, schema) in [
        ("input", input),
        ("output", descriptor.output_schema.as_ref()),
    ] {
        let Some(schema) = schema else { continue };
        let name = component(descriptor, part);
        let mut schema = schema.clone();
        schema.remove("$schema");
        for key in ["$defs", "definitions"] {
            let Some(Value::Object(definitions)) = schema.remove(key) else {
                continue;
            };
            for (definition, mut body) in definitions {
                rewrite(&mut body, &name);
                schemas.insert(definition_name(&name, &definition), body);
            }
        }
        let mut schema = Value::Object(schema);
        rewrite(&mut schema, &name);
        schemas.insert(name, schema);
    }
}

/// Component names are of letters, digits, `.`, `-` and `_`.
fn definition_name(component: &str, definition: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '_'
        }
    };
    let definition: String = definition.chars().map(plain).collect();
    format!("{component}.{definition}")
}

/// Points the references of a schema to where its document is now.
fn rewrite(schema: &mut Value, component: &str) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(target) if key == "$ref" => {
                        if let Some(pointer) = target.strip_prefix('#') {
                            *target = moved(pointer, component);
                        }
                    }
                    other => rewrite(other, component),
                }
            }
        }
        Value::Array(array) => {
            for value in array {
                rewrite(value, component);
            }
        }
        _ => {}
    }
}

fn moved(pointer: &str, component: &str) -> String {
    for definitions in ["/$defs/", "/definitions/"] {
        if let Some(rest) = pointer.strip_prefix(definitions) {
            let (definition, below) = match rest.split_once('/') {
                Some((definition, below)) => (definition, format!("/{below}")),
                None => (rest, String::new()),
            };
            let definition = definition.replace("~1", "/").replace("~0", "~");
            let name = definition_name(component, &definition);
            return format!("#/components/schemas/{name}{below}");
        }
    }
    format!("#/components/schemas/{component}{pointer}")
}

fn operation_id(method: &str, path: &str) -> String {
    let mut id = method.to_ascii_lowercase();
    for word in path.split(|c: char| !c.is_ascii_alphanumeric()) {
        if !word.is_empty() {
            id.push('_');
            id.push_str(word);
        }
    }
    id
}

fn unique(id: String, taken: &mut BTreeSet<String>) -> String {
    let mut candidate = id.clone();
    let mut number = 2_u32;
    while !taken.insert(candidate.clone()) {
        candidate = format!("{id}_{number}");
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_move_with_their_document() {
        for (pointer, expected) in [
            ("", "#/components/schemas/t.input"),
            ("/$defs/A", "#/components/schemas/t.input.A"),
            ("/$defs/A/items", "#/components/schemas/t.input.A/items"),
            ("/definitions/a~1b c", "#/components/schemas/t.input.a_b_c"),
            ("/properties/x", "#/components/schemas/t.input/properties/x"),
        ] {
            assert_eq!(moved(pointer, "t.input"), expected);
        }
    }

    #[test]
    fn operation_ids_are_words_and_unique() {
        assert_eq!(
            operation_id("DELETE", "cancel_order/{orderId}"),
            "delete_cancel_order_orderId"
        );
        let mut taken = BTreeSet::new();
        assert_eq!(unique("get_a".to_owned(), &mut taken), "get_a");
        assert_eq!(unique("get_a".to_owned(), &mut taken), "get_a_2");
        assert_eq!(unique("get_a".to_owned(), &mut taken), "get_a_3");
    }
}
