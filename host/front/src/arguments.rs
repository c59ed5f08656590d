//! The arguments of a REST call, gathered from path, query and body.
//!
//! JSON carries its types; the texts of path and query get theirs from the
//! tool's input schema. Whether the arguments then match that schema is checked
//! where tools are called, for REST and MCP alike.

mod coerce;

use serde_json::map::Entry;
use serde_json::{Map, Value};

use coerce::Schema;

/// Why the arguments cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArgumentError {
    /// One argument came twice.
    #[error("The parameter {0:?} is given more than once.")]
    Duplicate(String),
    /// A text is not of the type that the schema wants.
    #[error("The parameter {name:?} is {value:?}, and should be {expected}.")]
    Mismatch {
        /// Which parameter.
        name: String,
        /// Its text, shortened.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// The path or the query is not UTF-8 behind its percent signs.
    #[error("The parameter {0:?} is not UTF-8.")]
    Encoding(String),
}

impl ArgumentError {
    /// Which parameter is wrong.
    pub(crate) fn parameter(&self) -> &str {
        match self {
            Self::Duplicate(name) | Self::Encoding(name) => name,
            Self::Mismatch { name, .. } => name,
        }
    }
}

/// Gathers the arguments of a call. `query` is the raw query string.
pub(crate) fn gather(
    input_schema: &Map<String, Value>,
    path: &[(String, String)],
    query: &str,
    body: Map<String, Value>,
) -> Result<Map<String, Value>, ArgumentError> {
    let schema = Schema::root(input_schema);
    let mut arguments = body;
    let mut texts: Vec<(String, Vec<String>)> = Vec::new();
    let query = form_urlencoded::parse(query.as_bytes());
    let pairs = path
        .iter()
        .cloned()
        .chain(query.map(|(name, value)| (name.into_owned(), value.into_owned())));
    for (name, value) in pairs {
        // Lossy decoding leaves this mark, which no argument has use for.
        if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
            return Err(ArgumentError::Encoding(name));
        }
        match texts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => texts.push((name, vec![value])),
        }
    }
    for (name, values) in texts {
        let place = place(&schema, &name);
        let value = coerce::values(&place.schema, &name, values)?;
        insert(&mut arguments, &place.keys, &name, value)?;
    }
    Ok(arguments)
}

/// Whether an argument is a JSON object, by the schema.
pub(crate) fn is_object(input_schema: &Map<String, Value>, name: &str) -> bool {
    Schema::root(input_schema).property(name).allows("object")
}

/// Where a parameter belongs, and what it should be there.
struct Place<'a> {
    keys: Vec<String>,
    schema: Schema<'a>,
}

/// `contract.symbol` is the property `symbol` of the property `contract`,
/// unless the schema has a property of just that name or no such object.
fn place<'a>(root: &Schema<'a>, name: &str) -> Place<'a> {
    let whole = || Place {
        keys: vec![name.to_owned()],
        schema: root.property(name),
    };
    if root.has_property(name) || !name.contains('.') {
        return whole();
    }
    let mut schema = root.clone();
    let mut keys = Vec::new();
    for key in name.split('.') {
        if !schema.has_property(key) {
            return whole();
        }
        schema = schema.property(key);
        keys.push(key.to_owned());
    }
    Place { keys, schema }
}

fn insert(
    arguments: &mut Map<String, Value>,
    keys: &[String],
    name: &str,
    value: Value,
) -> Result<(), ArgumentError> {
    let duplicate = || ArgumentError::Duplicate(name.to_owned());
    let Some((last, parents)) = keys.split_last() else {
        return Err(duplicate());
    };
    let mut object = arguments;
    for key in parents {
        let nested = object
            .entry(key.clone())
            .or_insert_with(|| Value::Object(Map::new()));
        object = nested.as_object_mut().ok_or_else(duplicate)?;
    }
    match object.entry(last.clone()) {
        Entry::Vacant(entry) => {
            entry.insert(value);
            Ok(())
        }
        Entry::Occupied(_) => Err(duplicate()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Map<String, Value> {
        let schema = json!({
            "type": "object",
            "properties": {
                "symbol": {"type": "string"},
                "conId": {"type": "integer"},
                "quantity": {"type": "number"},
                "useRTH": {"type": "boolean"},
                "a.b": {"type": "integer"},
                "tags": {"type": "array", "items": {"type": "integer"}},
                "contract": {"anyOf": [{"$ref": "#/$defs/Contract"}, {"type": "null"}]}
            },
            "$defs": {
                "Contract": {
                    "type": "object",
                    "properties": {
                        "symbol": {"type": "string"},
                        "strike": {"type": ["number", "null"]}
                    }
                }
            }
        });
        schema.as_object().unwrap().clone()
    }

    fn from_query(query: &str) -> Result<Value, ArgumentError> {
        gather(&schema(), &[], query, Map::new()).map(Value::Object)
    }

    #[test]
    fn texts_get_the_types_of_the_schema() {
        assert_eq!(
            from_query("symbol=123&conId=265598&quantity=1.5&useRTH=true").unwrap(),
            json!({"symbol": "123", "conId": 265_598, "quantity": 1.5, "useRTH": true})
        );
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(
            from_query("symbol=BRK%20B+x%26y").unwrap(),
            json!({"symbol": "BRK B x&y"})
        );
    }

    #[test]
    fn dots_lead_into_objects() {
        assert_eq!(
            from_query("contract.symbol=SPY&contract.strike=420.5&a.b=3&x.y=z").unwrap(),
            json!({"contract": {"symbol": "SPY", "strike": 420.5}, "a.b": 3, "x.y": "z"})
        );
    }

    #[test]
    fn an_object_may_come_as_json() {
        assert_eq!(
            from_query("contract=%7B%22symbol%22%3A%22SPY%22%7D").unwrap(),
            json!({"contract": {"symbol": "SPY"}})
        );
        assert_eq!(
            from_query("contract=%7B%22symbol%22%3A%22SPY%22%7D&contract.symbol=X"),
            Err(ArgumentError::Duplicate("contract.symbol".to_owned()))
        );
    }

    #[test]
    fn a_list_may_be_repeated_and_nothing_else() {
        assert_eq!(
            from_query("tags=1&tags=2").unwrap(),
            json!({"tags": [1, 2]})
        );
        assert_eq!(
            from_query("symbol=A&symbol=B"),
            Err(ArgumentError::Duplicate("symbol".to_owned()))
        );
    }

    #[test]
    fn path_query_and_body_come_together() {
        let path = [("conId".to_owned(), "5".to_owned())];
        let body = json!({"quantity": 2}).as_object().unwrap().clone();
        assert_eq!(
            Value::Object(gather(&schema(), &path, "symbol=A", body.clone()).unwrap()),
            json!({"conId": 5, "symbol": "A", "quantity": 2})
        );
        assert_eq!(
            gather(&schema(), &path, "conId=5", Map::new()),
            Err(ArgumentError::Duplicate("conId".to_owned()))
        );
        assert_eq!(
            gather(&schema(), &[], "quantity=5", body),
            Err(ArgumentError::Duplicate("quantity".to_owned()))
        );
    }

    #[test]
    fn unknown_parameters_go_on_as_texts() {
        assert_eq!(
            from_query("nonsense=1&flag").unwrap(),
            json!({"nonsense": "1", "flag": ""})
        );
    }

    #[test]
    fn a_wrong_text_is_named() {
        let error = from_query("conId=abc").unwrap_err();
        assert_eq!(error.parameter(), "conId");
        assert_eq!(
            error.to_string(),
            "The parameter \"conId\" is \"abc\", and should be an integer."
        );
        for query in [
            "conId=1.5",
            "conId=",
            "quantity=NaN",
            "quantity=1e999",
            "useRTH=yes",
            "contract.strike=x",
            "tags=a",
        ] {
            assert!(
                matches!(from_query(query), Err(ArgumentError::Mismatch { .. })),
                "{query}"
            );
        }
    }

    #[test]
    fn broken_encoding_is_an_error() {
        assert_eq!(
            from_query("symbol=%ff"),
            Err(ArgumentError::Encoding("symbol".to_owned()))
        );
    }
}
