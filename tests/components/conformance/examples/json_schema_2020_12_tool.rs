//! Has a schema with what JSON Schema 2020-12 can say beyond types.

use conformance::{Context, Failure, Nothing, Tool, Unstructured};
use sandpit_sdk::bindings::exports::sandpit::tool::plugin::Guest;
use sandpit_sdk::{Descriptor, Outcome, Request};

/// Written out: no type gives it.
#[cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "only the sandbox reads it")
)]
const SCHEMA: &str = r##"{
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {"address": {
        "$anchor": "addressDef",
        "type": "object",
        "properties": {"street": {"type": "string"}, "city": {"type": "string"}}
    }},
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"}
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": false
}"##;

/// The tool.
pub struct Fixture;

impl Tool for Fixture {
    const NAME: &'static str = "json_schema_2020_12_tool";
    const TITLE: &'static str = "Conformance";
    const DESCRIPTION: &'static str = "Tool with JSON Schema 2020-12 features";
    const ANNOTATIONS: conformance::Annotations = conformance::QUIET;
    type Input = Nothing;
    type Output = Unstructured;

    fn call(_context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
        Ok("The arguments fit.".into())
    }
}

/// What the host calls.
#[cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "only the sandbox calls it")
)]
struct Component;

impl Guest for Component {
    fn describe() -> Descriptor {
        Descriptor {
            input_schema: SCHEMA.to_owned(),
            ..sandpit_sdk::describe::<Fixture>(env!("CARGO_PKG_VERSION"))
        }
    }

    fn call(request: Request) -> Outcome {
        sandpit_sdk::call::<Fixture>(request)
    }
}

#[cfg(target_family = "wasm")]
sandpit_sdk::bindings::export_component!(Component with_types_in sandpit_sdk::bindings);
