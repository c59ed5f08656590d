//! The argument by which a caller chooses one of several gateways.
//!
//! A tool does not know it: the host adds it to the tool's schema and takes it
//! out of the arguments again. It is there where the host has more than one
//! gateway, and only for tools that reach the broker at all.

use sandpit_sandbox::{Argument, Component, Suggestions};
use serde_json::{Map, Value, json};

/// The argument's name.
const NAME: &str = "gateway";

/// Whether calls of a tool take the argument. A tool that has one of the same
/// name keeps its own.
pub(crate) fn applies(component: &Component, schema: &Map<String, Value>) -> bool {
    component.gateway_count() > 1
        && !component.capabilities().is_empty()
        && !properties(schema).is_some_and(|properties| properties.contains_key(NAME))
}

/// Adds the argument to a schema, with the names that it may have, the default
/// first.
pub(crate) fn describe(schema: &mut Map<String, Value>, names: &[String]) {
    let properties = schema
        .entry("properties")
        .or_insert_with(|| Value::Object(Map::new()));
    let (Value::Object(properties), Some(default)) = (properties, names.first()) else {
        return;
    };
    let argument = json!({
        "type": "string",
        "enum": names,
        "description": description(default),
    });
    properties.insert(NAME.to_owned(), argument);
}

/// The argument of a prompt, with the names that it may have, the default first.
pub(crate) fn argument(names: Vec<String>) -> Argument {
    Argument {
        name: NAME.to_owned(),
        title: "Gateway".to_owned(),
        description: description(names.first().map_or("", String::as_str)),
        required: false,
        suggestions: Suggestions::Values(names),
    }
}

fn description(default: &str) -> String {
    format!("Which TWS connection; {default} if left out")
}

/// Takes the argument out of the arguments.
///
/// # Errors
///
/// If it is no text.
pub(crate) fn take(arguments: &mut Map<String, Value>) -> Result<Option<String>, String> {
    match arguments.remove(NAME) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => Ok(Some(name)),
        Some(_) => Err(format!("{NAME} must be the name of a gateway")),
    }
}

fn properties(schema: &Map<String, Value>) -> Option<&Map<String, Value>> {
    schema.get("properties")?.as_object()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn the_argument_names_the_gateways_and_the_default() {
        let names = ["paper".to_owned(), "live".to_owned()];
        for mut schema in [
            object(json!({ "type": "object" })),
            object(json!({ "type": "object", "properties": { "a": {} } })),
        ] {
            describe(&mut schema, &names);
            let argument = properties(&schema).unwrap().get(NAME).unwrap();
            assert_eq!(
                argument,
                &json!({
                    "type": "string",
                    "enum": ["paper", "live"],
                    "description": "Which TWS connection; paper if left out",
                })
            );
            assert_eq!(schema.get("required"), None);
        }
    }

    #[test]
    fn the_argument_is_taken_out() {
        let mut arguments = object(json!({ "gateway": "live", "a": 1 }));
        assert_eq!(take(&mut arguments), Ok(Some("live".to_owned())));
        assert_eq!(Value::Object(arguments.clone()), json!({ "a": 1 }));
        assert_eq!(take(&mut arguments), Ok(None));
        assert_eq!(take(&mut object(json!({ "gateway": null }))), Ok(None));
        assert_eq!(
            take(&mut object(json!({ "gateway": 1 }))),
            Err("gateway must be the name of a gateway".to_owned())
        );
    }
}
