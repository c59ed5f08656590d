//! The OpenAPI document of the first-party tools is one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{first_party, send};

#[tokio::test]
async fn the_document_is_complete_in_itself() {
    let server = first_party().await;
    let document = send(server.get("/api/v1/openapi.json")).await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut references = 0;
    every_reference(&document, &mut |reference| {
        references += 1;
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    });
    assert!(references > 100, "{references}");
    for name in document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        assert!(name.chars().all(plain), "{name}");
    }

    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            assert!(operation["responses"].is_object(), "{method} {path}");
            parameters_fit(path, operation);
        }
    }
    server.end().await;
}

/// Every argument in the path is declared once, and no other claims to be one.
fn parameters_fit(path: &str, operation: &Value) {
    let mut seen = BTreeSet::new();
    let mut in_path = BTreeSet::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        assert!(seen.insert(name), "{path}: {name} is there twice");
        let described = parameter.get("schema").or(parameter.get("content"));
        assert!(described.is_some(), "{path}: {name} has no schema");
        if parameter["in"] == "path" {
            assert_eq!(parameter["required"], true, "{path}: {name}");
            in_path.insert(format!("{{{name}}}"));
        }
    }
    let segments = path.split('/').filter(|segment| segment.starts_with('{'));
    let expected: BTreeSet<String> = segments.map(str::to_owned).collect();
    assert_eq!(in_path, expected, "{path}");
}

fn every_reference(value: &Value, check: &mut impl FnMut(&str)) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(reference) if key == "$ref" => check(reference),
                    other => every_reference(other, check),
                }
            }
        }
        Value::Array(array) => {
            for value in array {
                every_reference(value, check);
            }
        }
        _ => {}
    }
}
