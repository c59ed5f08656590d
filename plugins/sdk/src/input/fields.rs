//! Arguments that come in groups: a table says what there is, once for the
//! schema and once for reading.
//!
//! Contracts and orders have dozens of fields, all optional, and may be
//! written flat or as an object. Reading them by table keeps components small
//! and every message about a wrong value by name.

use schemars::{Schema, json_schema};
use serde_json::{Map, Value};

use super::{invalid, one_of};
use crate::{Decimal, Failure, Instant, time};

/// One argument of a group.
pub(super) struct Field {
    name: &'static str,
    kind: &'static str,
    /// Empty where the name says it all.
    description: &'static str,
}

/// An argument that is a text.
pub(super) const fn text(name: &'static str, description: &'static str) -> Field {
    Field {
        name,
        kind: "string",
        description,
    }
}

/// An argument that is a decimal number.
pub(super) const fn number(name: &'static str, description: &'static str) -> Field {
    Field {
        name,
        kind: "number",
        description,
    }
}

/// An argument that is a whole number.
pub(super) const fn integer(name: &'static str, description: &'static str) -> Field {
    Field {
        name,
        kind: "integer",
        description,
    }
}

/// An argument that is true or false.
pub(super) const fn flag(name: &'static str, description: &'static str) -> Field {
    Field {
        name,
        kind: "boolean",
        description,
    }
}

/// An argument that is an object.
pub(super) const fn object(name: &'static str, description: &'static str) -> Field {
    Field {
        name,
        kind: "object",
        description,
    }
}

/// An argument that is a list.
pub(super) const fn list(name: &'static str, description: &'static str) -> Field {
    Field {
        name,
        kind: "array",
        description,
    }
}

impl Field {
    /// What it is called.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }
}

/// The schema of an object with these fields.
pub(super) fn schema<'a>(fields: impl IntoIterator<Item = &'a Field>) -> Schema {
    let mut properties = Map::new();
    for field in fields {
        let mut property = Map::new();
        property.insert("type".to_owned(), field.kind.into());
        if field.kind == "array" {
            let mut items = Map::new();
            items.insert("type".to_owned(), "object".into());
            property.insert("items".to_owned(), items.into());
        }
        if !field.description.is_empty() {
            property.insert("description".to_owned(), field.description.into());
        }
        properties.insert(field.name.to_owned(), property.into());
    }
    json_schema!({ "type": "object", "properties": properties })
}

/// The fields of a group that were given.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// All arguments, of which only those of the group will be read.
    pub(super) fn new(arguments: &'a Map<String, Value>) -> Self {
        Self(arguments)
    }

    /// The fields of `group` among the arguments, or in the object of this name
    /// if there is one.
    pub(super) fn flat_or_in<'g>(
        arguments: &'a Map<String, Value>,
        object: &str,
        group: impl IntoIterator<Item = &'g Field>,
    ) -> Result<Self, Failure> {
        let flat = Self(arguments);
        let nested = match flat.get(object) {
            None => return Ok(flat),
            Some(Value::Object(nested)) => Self(nested),
            Some(_) => return invalid(format!("{object} must be an object")),
        };
        let group: Vec<_> = group.into_iter().map(Field::name).collect();
        let names = || group.iter().copied();
        if let Some(name) = names().find(|name| *name != object && flat.get(name).is_some()) {
            return invalid(format!(
                "The {object} was given twice, flat ({name}) and as the object `{object}`: \
                 give one of them"
            ));
        }
        let known = |name: &str| name != object && names().any(|known| known == name);
        if let Some(unknown) = nested.0.keys().find(|name| !known(name)) {
            let names: Vec<_> = names().filter(|name| *name != object).collect();
            return invalid(format!(
                "{object} has no field {unknown:?}; it has {}",
                names.join(", ")
            ));
        }
        Ok(nested)
    }

    /// The field, unless it is absent or null.
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text, unless it is absent or blank.
    pub(super) fn text(self, name: &str) -> Result<Option<String>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => {
                let text = text.trim();
                Ok((!text.is_empty()).then(|| text.to_owned()))
            }
            Some(_) => invalid(format!("{name} must be a text")),
        }
    }

    /// A decimal number.
    pub(super) fn decimal(self, name: &str) -> Result<Option<Decimal>, Failure> {
        match self.get(name).map(Decimal::from_json) {
            None => Ok(None),
            Some(Ok(decimal)) => Ok(Some(decimal)),
            Some(Err(error)) => invalid(format!("{name} {error}")),
        }
    }

    /// A decimal number greater than zero.
    pub(super) fn positive(self, name: &str) -> Result<Option<Decimal>, Failure> {
        match self.decimal(name)? {
            Some(decimal) if !decimal.is_positive() => {
                invalid(format!("{name} must be greater than 0; got {decimal}"))
            }
            decimal => Ok(decimal),
        }
    }

    /// A decimal number that has two names.
    pub(super) fn decimal_of_two_names(
        self,
        name: &str,
        other: &str,
    ) -> Result<Option<Decimal>, Failure> {
        match (self.decimal(name)?, self.decimal(other)?) {
            (Some(_), Some(_)) => invalid(format!(
                "{name} and {other} are the same thing: give one of them"
            )),
            (one, two) => Ok(one.or(two)),
        }
    }

    /// An id: a whole number greater than zero. TWS means none by 0.
    pub(super) fn id(self, name: &str) -> Result<Option<i32>, Failure> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_i64().map(i32::try_from) {
            Some(Ok(id @ 0..)) => Ok((id > 0).then_some(id)),
            _ => invalid(format!("{name} must be a whole number greater than 0")),
        }
    }

    /// Whether a flag is set, if it was given.
    pub(super) fn flag(self, name: &str) -> Result<Option<bool>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => invalid(format!("{name} must be true or false")),
        }
    }

    /// A moment.
    pub(super) fn instant(self, name: &str) -> Result<Option<Instant>, Failure> {
        self.text(name)?
            .map(|text| super::instant(name, &text))
            .transpose()
    }

    /// When a derivative expires.
    pub(super) fn expiry(self, name: &str) -> Result<Option<String>, Failure> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match time::parse_expiry(&text) {
            Some(expiry) => Ok(Some(expiry)),
            None => invalid(format!(
                "{name} {text:?} is neither a day nor a month: \
                 write it like \"20261218\", \"2026-12-18\" or \"202612\""
            )),
        }
    }

    /// One of the values that `table` names, whatever its case.
    pub(super) fn one_of<T: Clone>(
        self,
        name: &str,
        table: &[(&str, T)],
    ) -> Result<Option<T>, Failure> {
        self.text(name)?
            .map(|text| one_of(name, &text, table))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn arguments(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused_by_name() {
        let arguments = arguments(
            r#"{"text":1,"number":"x","long":0.30000000000000004,"id":-1,"half":1.5,"flag":"yes","zero":0}"#,
        );
        let fields = Fields::new(&arguments);
        let messages = [
            fields.text("text").unwrap_err(),
            fields.decimal("number").unwrap_err(),
            fields.decimal("long").unwrap_err(),
            fields.id("id").unwrap_err(),
            fields.id("half").unwrap_err(),
            fields.flag("flag").unwrap_err(),
            fields.positive("zero").unwrap_err(),
        ]
        .map(|failure| failure.message);
        assert_eq!(
            messages,
            [
                "text must be a text",
                "number \"x\" is not a decimal number; write it like 123.45",
                "long 0.30000000000000004 has more digits than can be kept exactly \
                 (15 significant ones); round it",
                "id must be a whole number greater than 0",
                "half must be a whole number greater than 0",
                "flag must be true or false",
                "zero must be greater than 0; got 0",
            ]
        );
    }

    #[test]
    fn null_and_blank_are_absent() {
        let arguments = arguments(r#"{"a":null,"b":"  ","c":0}"#);
        let fields = Fields::new(&arguments);
        assert_eq!(fields.text("a"), Ok(None));
        assert_eq!(fields.text("b"), Ok(None));
        assert_eq!(fields.id("c"), Ok(None));
    }

    #[test]
    fn an_object_takes_only_the_fields_of_its_group() {
        let group = [
            text("symbol", ""),
            text("exchange", ""),
            object("contract", ""),
        ];
        let read = |json: &str| {
            let arguments = arguments(json);
            let fields = Fields::flat_or_in(&arguments, "contract", &group)?;
            fields.text("symbol")
        };
        assert_eq!(
            read(r#"{"symbol":"A","other":1}"#),
            Ok(Some("A".to_owned()))
        );
        assert_eq!(
            read(r#"{"contract":{"symbol":"A"}}"#),
            Ok(Some("A".to_owned()))
        );
        let message = |json: &str| read(json).unwrap_err().message;
        assert_eq!(
            message(r#"{"contract":{"symbl":"A"}}"#),
            "contract has no field \"symbl\"; it has symbol, exchange"
        );
        assert_eq!(
            message(r#"{"contract":{},"symbol":"A"}"#),
            "The contract was given twice, flat (symbol) and as the object `contract`: give one of them"
        );
        assert_eq!(message(r#"{"contract":"A"}"#), "contract must be an object");
    }
}
