//! Decimals and times as exact text in JSON, and JSON in one canonical form.

use std::fmt::Write as _;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serializer};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment in UTC as RFC 3339 writes it, with its nanoseconds.
pub(super) fn stamp(time: OffsetDateTime) -> String {
    let utc = time.to_offset(time::UtcOffset::UTC);
    // A year that RFC 3339 cannot write has no better text than this.
    utc.format(&Rfc3339).unwrap_or_else(|_| utc.to_string())
}

/// A [`Decimal`] as text: `"101.50"` stays `"101.50"`.
pub(super) mod decimal {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &Decimal, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
        let text = String::deserialize(from)?;
        Decimal::from_str_exact(&text).map_err(serde::de::Error::custom)
    }
}

/// As [`decimal`], for one that may be absent.
pub(super) mod maybe_decimal {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Decimal>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Decimal>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| Decimal::from_str_exact(&text).map_err(serde::de::Error::custom))
            .transpose()
    }
}

/// A moment as text.
pub(super) mod moment {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        value: &OffsetDateTime,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&stamp(*value))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<OffsetDateTime, D::Error> {
        let text = String::deserialize(from)?;
        OffsetDateTime::parse(&text, &Rfc3339).map_err(serde::de::Error::custom)
    }
}

/// As [`moment`], for one that may be absent.
pub(super) mod maybe_moment {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<OffsetDateTime>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.serialize_str(&stamp(*value)),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<OffsetDateTime>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| OffsetDateTime::parse(&text, &Rfc3339).map_err(serde::de::Error::custom))
            .transpose()
    }
}

/// JSON without spaces, the names of every object sorted by their bytes, so
/// that one value has one text. It does not lean on the order in which a map
/// of the JSON library happens to keep its names.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_bytes());
            text.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_plain(&Value::String(name.clone()), text);
                text.push(':');
                write_canonical(member, text);
            }
            text.push('}');
        }
        plain => write_plain(plain, text),
    }
}

fn write_plain(value: &Value, text: &mut String) {
    // Writing to a string does not fail.
    let _ = write!(text, "{value}");
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Money(#[serde(with = "decimal")] Decimal);

    #[test]
    fn names_are_sorted_at_every_depth() {
        let value = json!({"b": [{"d": 1, "c": null}], "a": "é\n\"", "B": true});
        assert_eq!(
            canonical(&value),
            r#"{"B":true,"a":"é\n\"","b":[{"c":null,"d":1}]}"#
        );
    }

    #[test]
    fn numbers_are_not_taken_for_decimals() {
        assert!(serde_json::from_str::<Money>("1.5").is_err());
        assert!(serde_json::from_str::<Money>("\"1.5\"").is_ok());
    }

    proptest! {
        #[test]
        fn decimals_come_back_digit_by_digit(mantissa: i64, scale in 0u32..=28) {
            let money = Money(Decimal::new(mantissa, scale));
            let text = serde_json::to_string(&money).unwrap();
            let back: Money = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back.0.to_string(), money.0.to_string());
        }

        #[test]
        fn canonical_text_is_json_of_the_same_value(keys: Vec<(String, i64)>) {
            let value = Value::Object(
                keys.into_iter().map(|(key, number)| (key, json!(number))).collect(),
            );
            let back: Value = serde_json::from_str(&canonical(&value)).unwrap();
            prop_assert_eq!(back, value);
        }
    }
}
