//! JSON Schemas that are derived, and small: they cost a model's context.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The JSON Schema (2020-12) of a tool's arguments. Arguments that are not
/// named in it are refused.
#[must_use]
pub fn of_input<T: JsonSchema>() -> String {
    derive::<T>(SchemaSettings::draft2020_12().for_deserialize(), true)
}

/// The JSON Schema (2020-12) of a tool's structured answer.
#[must_use]
pub fn of_output<T: JsonSchema>() -> String {
    derive::<T>(SchemaSettings::draft2020_12().for_serialize(), false)
}

/// The JSON Schema of a form for a person: a flat object of strings, numbers,
/// booleans and choices. Titles and defaults stay, people read them.
#[must_use]
pub fn of_form<T: JsonSchema>() -> String {
    let mut generator = SchemaSettings::draft2020_12()
        .for_deserialize()
        .with(|settings| {
            settings.meta_schema = None;
            settings.inline_subschemas = true;
        })
        .into_generator();
    let mut schema = T::json_schema(&mut generator).to_value();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            field(property);
        }
    }
    if let Value::Object(root) = &mut schema {
        root.remove("title");
        root.remove("description");
        root.remove("additionalProperties");
        root.insert("type".to_owned(), "object".into());
        root.entry("properties").or_insert_with(|| json!({}));
    }
    schema.to_string()
}

/// Takes out of a field what MCP's forms do not know, and writes a choice with
/// descriptions their way: the description is the title of the option.
fn field(schema: &mut Map<String, Value>) {
    remove_null(schema);
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if schema.get("type").is_some_and(|kind| kind != "string") {
        schema.remove("format");
    }
    if let Some(Value::Object(items)) = schema.get_mut("items") {
        field(items);
        if let Some(options) = items.remove("oneOf") {
            items.remove("type");
            items.insert("anyOf".to_owned(), options);
        }
    }
    if let Some(Value::Array(options)) = schema.get_mut("oneOf") {
        for option in options.iter_mut().filter_map(Value::as_object_mut) {
            option.remove("type");
            let value = option.get("const").cloned().unwrap_or_default();
            let title = option.remove("description").unwrap_or(value);
            option.entry("title").or_insert(title);
        }
        schema.insert("type".to_owned(), "string".into());
    }
}

fn derive<T: JsonSchema>(settings: SchemaSettings, closed: bool) -> String {
    let mut generator = settings
        .with(|settings| {
            settings.meta_schema = None;
            settings.inline_subschemas = true;
        })
        .into_generator();
    // Everything is inline, so the root needs nothing that the generator adds.
    let mut schema = T::json_schema(&mut generator).to_value();
    if let Value::Object(root) = &mut schema {
        root.remove("description");
        compact(root, closed);
        root.insert("type".to_owned(), "object".into());
        if closed {
            root.insert("additionalProperties".to_owned(), false.into());
        }
    }
    schema.to_string()
}

/// Takes out of a schema what tells a reader nothing: titles, formats of Rust's
/// integers, `null` for what may be left out, line breaks. A closed schema
/// takes no properties but its own.
fn compact(schema: &mut Map<String, Value>, closed: bool) {
    schema.remove("title");
    if schema
        .get("format")
        .is_some_and(|format| format != "date-time")
    {
        schema.remove("format");
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    if !closed {
        // What is answered needs no limits, and of an object only its fields.
        schema.remove("minimum");
        schema.remove("maximum");
        if schema.contains_key("properties") {
            schema.remove("description");
        }
    }
    remove_null(schema);

    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            compact(property, closed);
        }
        if closed {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(Value::Object(inner)) = schema.get_mut(key) {
            inner.remove("description");
            compact(inner, closed);
        }
    }
}

/// An absent value is absent here, so nothing is ever `null`.
fn remove_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.entry(key).or_insert(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(dead_code, reason = "the types are only described")]

    use super::*;
    use crate::Decimal;
    use serde::{Deserialize, Serialize};

    /// Noise.
    #[derive(Deserialize, JsonSchema)]
    struct Inner {
        /// How much,
        /// exactly
        title: Option<Decimal>,
    }

    /// Noise.
    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        /// Whose
        account_id: String,
        /// Which
        #[schemars(range(min = 1))]
        port: Option<u16>,
        inner: Option<Inner>,
        list: Option<Vec<Inner>>,
    }

    #[test]
    fn an_input_schema_is_closed_and_compact() {
        assert_eq!(
            of_input::<Input>(),
            concat!(
                r#"{"additionalProperties":false,"properties":{"#,
                r#""accountId":{"description":"Whose","type":"string"},"#,
                r#""inner":{"additionalProperties":false,"description":"Noise.","properties":{"#,
                r#""title":{"description":"How much, exactly","type":"number"}},"type":"object"},"#,
                r#""list":{"items":{"additionalProperties":false,"properties":{"#,
                r#""title":{"description":"How much, exactly","type":"number"}},"type":"object"},"type":"array"},"#,
                r#""port":{"description":"Which","maximum":65535,"minimum":1,"type":"integer"}},"#,
                r#""required":["accountId"],"type":"object"}"#,
            )
        );
    }

    /// Noise.
    #[derive(Serialize, JsonSchema)]
    struct Output {
        always: Decimal,
        #[serde(skip_serializing_if = "Option::is_none")]
        sometimes: Option<i32>,
    }

    #[test]
    fn an_output_schema_requires_what_is_always_there() {
        assert_eq!(
            of_output::<Output>(),
            r#"{"properties":{"always":{"type":"number"},"sometimes":{"type":"integer"}},"required":["always"],"type":"object"}"#
        );
    }

    /// Nothing.
    #[derive(Deserialize, JsonSchema)]
    struct Nothing {}

    #[test]
    fn no_arguments_is_an_empty_object() {
        assert_eq!(
            of_input::<Nothing>(),
            r#"{"additionalProperties":false,"type":"object"}"#
        );
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Plain {
        Red,
        Green,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Titled {
        /// Good till cancelled
        Gtc,
        /// Day
        Day,
    }

    fn ten() -> u32 {
        10
    }

    /// Noise.
    #[derive(Deserialize, JsonSchema)]
    struct Form {
        #[schemars(title = "Your name")]
        name: String,
        /// How many
        #[serde(default = "ten")]
        count: u32,
        colour: Plain,
        tif: Option<Titled>,
        several: Vec<Plain>,
        titled: Vec<Titled>,
    }

    #[test]
    fn a_form_is_flat_and_keeps_what_people_read() {
        let schema: Value = of_form::<Form>().parse().unwrap_or_default();
        assert_eq!(
            schema,
            json!({
                "type": "object",
                "properties": {
                    "name": { "type": "string", "title": "Your name" },
                    "count": {
                        "type": "integer",
                        "description": "How many",
                        "minimum": 0,
                        "default": 10,
                    },
                    "colour": { "type": "string", "enum": ["red", "green"] },
                    "tif": { "type": "string", "oneOf": [
                        { "const": "gtc", "title": "Good till cancelled" },
                        { "const": "day", "title": "Day" },
                    ] },
                    "several": {
                        "type": "array",
                        "items": { "type": "string", "enum": ["red", "green"] },
                    },
                    "titled": {
                        "type": "array",
                        "items": { "anyOf": [
                            { "const": "gtc", "title": "Good till cancelled" },
                            { "const": "day", "title": "Day" },
                        ] },
                    },
                },
                "required": ["name", "colour", "several", "titled"],
            })
        );
    }
}
