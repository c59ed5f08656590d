//! Two groups of arguments as one.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::{Map, Value};

/// The arguments of both groups, side by side in one object.
///
/// serde's `flatten` does the same, and costs a component some 20 KB.
#[derive(Clone, Debug, Default)]
pub struct Both<A, B>(pub A, pub B);

impl<'de, A: DeserializeOwned, B: DeserializeOwned> Deserialize<'de> for Both<A, B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let arguments = Value::Object(Map::deserialize(deserializer)?);
        Ok(Self(
            serde_json::from_value(arguments.clone()).map_err(D::Error::custom)?,
            serde_json::from_value(arguments).map_err(D::Error::custom)?,
        ))
    }
}

impl<A: JsonSchema, B: JsonSchema> JsonSchema for Both<A, B> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Both".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = A::json_schema(generator);
        let other = B::json_schema(generator);
        let ours = schema.ensure_object();
        for (key, value) in other.to_value().as_object_mut().into_iter().flatten() {
            match (ours.get_mut(key), value) {
                (Some(Value::Object(ours)), Value::Object(theirs)) => ours.append(theirs),
                (Some(Value::Array(ours)), Value::Array(theirs)) => ours.append(theirs),
                (Some(_), _) => {}
                (None, value) => {
                    ours.insert(key.clone(), value.take());
                }
            }
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::schema;

    #[derive(Debug, Deserialize, JsonSchema)]
    struct One {
        one: i32,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    struct Two {
        two: Option<bool>,
        three: String,
    }

    #[test]
    fn each_takes_its_own() {
        let Both(one, two): Both<One, Two> =
            serde_json::from_str(r#"{"one":1,"two":true,"three":"x"}"#).unwrap();
        assert_eq!((one.one, two.two, two.three.as_str()), (1, Some(true), "x"));
        serde_json::from_str::<Both<One, Two>>(r#"{"one":1}"#).unwrap_err();
    }

    #[test]
    fn the_schema_has_both() {
        assert_eq!(
            schema::of_input::<Both<One, Two>>(),
            concat!(
                r#"{"additionalProperties":false,"properties":{"one":{"type":"integer"},"#,
                r#""three":{"type":"string"},"two":{"type":"boolean"}},"#,
                r#""required":["one","three"],"type":"object"}"#
            )
        );
    }
}
