//! Texts into JSON values, by the types that a JSON Schema allows.

use serde_json::{Map, Value};

use super::ArgumentError;

/// A place in a schema, with the document that its references point into.
#[derive(Debug, Clone)]
pub(super) struct Schema<'a> {
    root: &'a Map<String, Value>,
    /// The alternatives that apply here, references resolved.
    alternatives: Vec<&'a Map<String, Value>>,
}

impl<'a> Schema<'a> {
    /// The top of a schema document.
    pub(super) fn root(root: &'a Map<String, Value>) -> Self {
        Self::at(root, root)
    }

    fn at(root: &'a Map<String, Value>, here: &'a Map<String, Value>) -> Self {
        let mut alternatives = Vec::new();
        flatten(root, here, &mut alternatives);
        Self { root, alternatives }
    }

    fn below(&self, step: impl Fn(&'a Map<String, Value>) -> Option<&'a Value>) -> Self {
        let mut alternatives = Vec::new();
        for schema in self.alternatives.iter().copied() {
            if let Some(Value::Object(child)) = step(schema) {
                flatten(self.root, child, &mut alternatives);
            }
        }
        Self {
            root: self.root,
            alternatives,
        }
    }

    /// Whether there is a property of this name.
    pub(super) fn has_property(&self, name: &str) -> bool {
        self.alternatives
            .iter()
            .any(|schema| property(schema, name).is_some())
    }

    /// The schema of a property; one that allows anything if it is not known.
    pub(super) fn property(&self, name: &str) -> Self {
        self.below(|schema| property(schema, name))
    }

    fn items(&self) -> Self {
        self.below(|schema| schema.get("items"))
    }

    /// Whether values of this type are allowed.
    pub(super) fn allows(&self, name: &str) -> bool {
        self.alternatives
            .iter()
            .any(|schema| match schema.get("type") {
                Some(Value::String(only)) => only == name,
                Some(Value::Array(some)) => some.iter().any(|one| one == name),
                _ => false,
            })
    }

    /// The values of `enum` and `const`.
    fn literals(&self) -> impl Iterator<Item = &'a Value> {
        self.alternatives.iter().flat_map(|schema| {
            let listed = schema.get("enum").and_then(Value::as_array);
            listed.into_iter().flatten().chain(schema.get("const"))
        })
    }
}

fn property<'a>(schema: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    schema.get("properties")?.as_object()?.get(name)
}

/// Collects a schema and all that it refers to or chooses from, each once: a
/// schema may refer to itself.
fn flatten<'a>(
    root: &'a Map<String, Value>,
    here: &'a Map<String, Value>,
    found: &mut Vec<&'a Map<String, Value>>,
) {
    if found.iter().any(|known| std::ptr::eq(*known, here)) {
        return;
    }
    found.push(here);
    if let Some(target) = here.get("$ref").and_then(Value::as_str)
        && let Some(target) = resolve(root, target)
    {
        flatten(root, target, found);
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        let branches = here.get(key).and_then(Value::as_array);
        for branch in branches.into_iter().flatten() {
            if let Value::Object(branch) = branch {
                flatten(root, branch, found);
            }
        }
    }
}

/// Follows a reference into the same document (`#/$defs/Name`).
fn resolve<'a>(root: &'a Map<String, Value>, reference: &str) -> Option<&'a Map<String, Value>> {
    let pointer = reference.strip_prefix('#')?;
    let Some(pointer) = pointer.strip_prefix('/') else {
        return pointer.is_empty().then_some(root);
    };
    let mut object = root;
    for key in pointer.split('/') {
        let key = key.replace("~1", "/").replace("~0", "~");
        object = object.get(&key)?.as_object()?;
    }
    Some(object)
}

/// The value of a parameter that was given once or, for a list, several times.
pub(super) fn values(
    schema: &Schema<'_>,
    name: &str,
    texts: Vec<String>,
) -> Result<Value, ArgumentError> {
    let mut texts = texts.into_iter();
    match (texts.next(), texts.next()) {
        (Some(only), None) => value(schema, name, &only),
        (Some(first), Some(second)) if schema.allows("array") => {
            let items = schema.items();
            [first, second]
                .into_iter()
                .chain(texts)
                .map(|text| value(&items, name, &text))
                .collect::<Result<_, _>>()
                .map(Value::Array)
        }
        _ => Err(ArgumentError::Duplicate(name.to_owned())),
    }
}

fn value(schema: &Schema<'_>, name: &str, text: &str) -> Result<Value, ArgumentError> {
    if let Some(literal) = schema.literals().find(|literal| spelled(literal, text)) {
        return Ok(literal.clone());
    }
    // A text stays one wherever the schema allows it: nothing is lost by that.
    if schema.allows("string") {
        return Ok(text.into());
    }
    let json = serde_json::from_str::<Value>(text).ok();
    let typed = json.filter(|json| match json {
        Value::Null => schema.allows("null"),
        Value::Bool(_) => schema.allows("boolean"),
        Value::Number(number) => {
            schema.allows("number") || schema.allows("integer") && !number.is_f64()
        }
        Value::String(_) => false,
        Value::Array(_) => schema.allows("array"),
        Value::Object(_) => schema.allows("object"),
    });
    if let Some(value) = typed {
        return Ok(value);
    }
    let items = schema.items();
    // Lists of lists only come as JSON.
    if schema.allows("array") && !items.allows("array") {
        return value(&items, name, text).map(|item| Value::Array(vec![item]));
    }
    let expected = expected(schema);
    if expected.is_empty() {
        // The schema says nothing of a type, or does not know the parameter.
        return Ok(text.into());
    }
    Err(ArgumentError::Mismatch {
        name: name.to_owned(),
        value: text.chars().take(60).collect(),
        expected: expected.join(" or "),
    })
}

fn spelled(literal: &Value, text: &str) -> bool {
    match literal {
        Value::String(literal) => literal == text,
        other => {
            let spelling = other.to_string();
            spelling == text
        }
    }
}

fn expected(schema: &Schema<'_>) -> Vec<&'static str> {
    let mut expected = Vec::new();
    for (name, words) in [
        ("integer", "an integer"),
        ("number", "a number"),
        ("boolean", "true or false"),
        ("array", "a JSON array"),
        ("object", "a JSON object"),
    ] {
        if schema.allows(name) {
            expected.push(words);
        }
    }
    expected
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use serde_json::json;

    use super::*;

    fn coerced(schema: Value, text: &str) -> Result<Value, ArgumentError> {
        let root = schema.as_object().unwrap();
        value(&Schema::root(root), "p", text)
    }

    #[test]
    fn a_text_stays_one_where_it_may() {
        let either = json!({"type": ["string", "number"]});
        assert_eq!(coerced(either, "1.10").unwrap(), json!("1.10"));
        assert_eq!(coerced(json!({}), "1.10").unwrap(), json!("1.10"));
    }

    #[test]
    fn the_values_of_an_enum_are_taken_as_they_are() {
        let schema = json!({"enum": [1, "auto", true]});
        assert_eq!(coerced(schema.clone(), "1").unwrap(), json!(1));
        assert_eq!(coerced(schema.clone(), "auto").unwrap(), json!("auto"));
        assert_eq!(coerced(schema, "true").unwrap(), json!(true));
    }

    #[test]
    fn null_is_one_where_no_text_may_be() {
        let schema = json!({"type": ["integer", "null"]});
        assert_eq!(coerced(schema.clone(), "null").unwrap(), Value::Null);
        assert_eq!(coerced(schema, "-3").unwrap(), json!(-3));
    }

    #[test]
    fn one_item_is_a_list_too() {
        let schema = json!({"type": "array", "items": {"type": "string"}});
        assert_eq!(coerced(schema.clone(), "A").unwrap(), json!(["A"]));
        assert_eq!(coerced(schema, "[\"A\",\"B\"]").unwrap(), json!(["A", "B"]));
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"$ref": "#", "anyOf": [{"$ref": "#"}, {"$ref": "#"}]});
        assert_eq!(coerced(schema, "x").unwrap(), json!("x"));
        let lists = json!({"type": "array", "items": {"$ref": "#"}});
        assert_eq!(coerced(lists.clone(), "[[]]").unwrap(), json!([[]]));
        assert!(coerced(lists, "x").is_err());
    }

    #[test]
    fn what_is_expected_is_said() {
        let error = coerced(json!({"type": ["integer", "boolean"]}), "x").unwrap_err();
        assert_eq!(
            error.to_string(),
            "The parameter \"p\" is \"x\", and should be an integer or true or false."
        );
    }
}
