//! Checking JSON against a tool's schemas, with sentences for what is wrong.

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value};

/// How many faults are named at once.
const NAMED: usize = 5;
/// The longest sentence about one fault, in characters.
const SENTENCE: usize = 200;

/// A compiled JSON Schema (2020-12).
pub(crate) struct Schema(Validator);

impl Schema {
    /// Compiles a schema. References to other documents are refused, and
    /// patterns run in linear time: a schema comes from a tool and must not be
    /// able to reach out or to hang the host.
    ///
    /// # Errors
    ///
    /// What is wrong with the schema.
    pub(crate) fn compile(schema: &Map<String, Value>) -> Result<Self, String> {
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .with_pattern_options(PatternOptions::regex())
            .should_validate_formats(true)
            .build(&Value::Object(schema.clone()))
            .map(Self)
            .map_err(|error| cut(&error.to_string()))
    }

    /// Checks a value.
    ///
    /// # Errors
    ///
    /// What is wrong with it, each fault with the path to it.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        if self.0.is_valid(value) {
            return Ok(());
        }
        let mut faults = Vec::new();
        for error in self.0.iter_errors(value) {
            name(value, &error, &mut faults);
            if faults.len() > NAMED {
                break;
            }
        }
        faults.dedup();
        let more = faults.len() > NAMED;
        faults.truncate(NAMED);
        let mut text = faults.join("; ");
        if more {
            text.push_str("; and more");
        }
        Err(text)
    }
}

/// Checks the answer to a tool's question against the schema of the question.
///
/// # Errors
///
/// What is wrong with the answer, or with the schema.
pub fn check_answer(schema: &Map<String, Value>, answer: &Value) -> Result<(), String> {
    Schema::compile(schema)?.check(answer)
}

/// Names one fault. Of a value that fits none of several alternatives, the
/// faults of the alternative that comes closest are what helps.
fn name(value: &Value, error: &ValidationError<'_>, faults: &mut Vec<String>) {
    if let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } =
        error.kind()
        && let Some(closest) = closest(error, context)
    {
        for error in closest {
            name(value, error, faults);
        }
        return;
    }
    faults.push(cut(&sentence(value, error)));
}

/// The alternative whose faults lie within the value, not at the value itself.
fn closest<'a>(
    error: &ValidationError<'_>,
    alternatives: &'a [Vec<ValidationError<'static>>],
) -> Option<&'a [ValidationError<'static>]> {
    let own = error.instance_path().as_str().len();
    let type_fits = |error: &ValidationError<'_>| {
        error.instance_path().as_str().len() > own
            || !matches!(
                error.kind(),
                ValidationErrorKind::Type { .. }
                    | ValidationErrorKind::Constant { .. }
                    | ValidationErrorKind::Enum { .. }
            )
    };
    let mut fitting = alternatives
        .iter()
        .filter(|errors| !errors.is_empty() && errors.iter().all(type_fits));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn sentence(value: &Value, error: &ValidationError<'_>) -> String {
    let path = path(error);
    let within = |field: &str| {
        if path.is_empty() {
            field.to_owned()
        } else {
            format!("{path}.{field}")
        }
    };
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            format!(
                "{} is missing",
                within(property.as_str().unwrap_or_default())
            )
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let names: Vec<_> = unexpected.iter().map(|field| within(field)).collect();
            format!("{} is unknown", names.join(", "))
        }
        // An object that may have no fields at all: the error does not say
        // which ones it has.
        ValidationErrorKind::FalseSchema
            if let Some(Value::Object(found)) = value.pointer(error.instance_path().as_str()) =>
        {
            let names: Vec<_> = found.keys().map(|field| within(field)).collect();
            format!("{} is unknown", names.join(", "))
        }
        _ if path.is_empty() => error.to_string(),
        _ => format!("{path}: {error}"),
    }
}

/// The path to the value, as one writes it: `order.legs[0].ratio`.
fn path(error: &ValidationError<'_>) -> String {
    let mut path = String::new();
    for segment in error.instance_path().segments() {
        match segment {
            LocationSegment::Property(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&name);
            }
            LocationSegment::Index(index) => {
                path.push_str(&format!("[{index}]"));
            }
        }
    }
    path
}

/// The sentence in a bounded length, without what could steer a terminal: it
/// may quote the schema or the value.
fn cut(text: &str) -> String {
    let printable = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut rest = text.chars().map(printable);
    let mut cut: String = rest.by_ref().take(SENTENCE).collect();
    if rest.next().is_some() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema(schema: Value) -> Schema {
        Schema::compile(schema.as_object().unwrap()).unwrap_or_else(|error| unreachable!("{error}"))
    }

    #[test]
    fn a_sentence_cannot_steer_a_terminal() {
        assert_eq!(cut("it says\u{1b}[31m"), "it says\u{fffd}[31m");
        assert_eq!(cut(&"é".repeat(SENTENCE)), "é".repeat(SENTENCE));
        assert!(cut(&"é".repeat(SENTENCE + 1)).ends_with('…'));
    }

    fn order() -> Schema {
        schema(json!({
            "type": "object",
            "properties": {
                "symbol": { "type": "string" },
                "limitPrice": { "type": ["number", "null"] },
                "legs": { "type": "array", "items": { "type": "integer" } },
                "contract": { "anyOf": [ { "$ref": "#/$defs/Contract" }, { "type": "null" } ] },
            },
            "required": ["symbol"],
            "additionalProperties": false,
            "$defs": { "Contract": {
                "type": "object",
                "properties": { "conId": { "type": "integer" } },
                "required": ["conId"],
            } },
        }))
    }

    #[test]
    fn what_fits_passes() {
        let value = json!({ "symbol": "SPY", "limitPrice": 1.5, "contract": null });
        assert_eq!(order().check(&value), Ok(()));
    }

    #[test]
    fn faults_are_named_with_their_path() {
        for (value, sentence) in [
            (json!({}), "symbol is missing"),
            (
                json!({ "symbol": "SPY", "limitPrice": "abc" }),
                "limitPrice: \"abc\" is not of types \"null\", \"number\"",
            ),
            (
                json!({ "symbol": "SPY", "legs": [1, "x"] }),
                "legs[1]: \"x\" is not of type \"integer\"",
            ),
            (
                json!({ "symbol": "SPY", "contract": {} }),
                "contract.conId is missing",
            ),
            (json!({ "symbol": "SPY", "limit": 1 }), "limit is unknown"),
        ] {
            assert_eq!(order().check(&value), Err(sentence.to_owned()));
        }
    }

    #[test]
    fn a_field_where_none_may_be_is_named() {
        let nothing = schema(json!({ "type": "object", "additionalProperties": false }));
        assert_eq!(nothing.check(&json!({})), Ok(()));
        let faults = nothing.check(&json!({ "colour": "red" }));
        assert_eq!(faults, Err("colour is unknown".to_owned()));
    }

    #[test]
    fn several_faults_are_listed() {
        let faults = order()
            .check(&json!({ "legs": ["x", 1, "y"] }))
            .unwrap_err();
        assert_eq!(faults.split("; ").count(), 3, "{faults}");
        let faults = order()
            .check(&json!({ "legs": vec!["x"; 100], "symbol": "x" }))
            .unwrap_err();
        assert!(faults.ends_with("; and more"), "{faults}");
    }

    #[test]
    fn long_values_are_cut() {
        let faults = order()
            .check(&json!({ "symbol": vec!["long"; 1000] }))
            .unwrap_err();
        assert!(faults.chars().count() <= SENTENCE + 1, "{faults}");
    }

    #[test]
    fn schemas_cannot_reach_out() {
        for bad in [
            json!({ "type": "object", "$ref": "https://example.com/schema.json" }),
            json!({ "type": "object", "$ref": "file:///etc/hostname" }),
            json!({ "type": 5 }),
        ] {
            assert!(Schema::compile(bad.as_object().unwrap()).is_err(), "{bad}");
        }
    }
}
