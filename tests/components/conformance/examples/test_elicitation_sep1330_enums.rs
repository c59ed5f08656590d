//! Asks with a form that has every kind of choice.

use conformance::{
    Context, Elicitation, Failure, InputRequest, Nothing, Question, Unstructured, outcome,
};

/// The schema is written out: one of the kinds is an old one that no type gives.
const SCHEMA: &str = r#"{
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
        "titledSingle": {"type": "string", "oneOf": [
            {"const": "value1", "title": "First Option"},
            {"const": "value2", "title": "Second Option"},
            {"const": "value3", "title": "Third Option"}
        ]},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"]
        },
        "untitledMulti": {
            "type": "array",
            "items": {"type": "string", "enum": ["option1", "option2", "option3"]}
        },
        "titledMulti": {"type": "array", "items": {"anyOf": [
            {"const": "value1", "title": "First Choice"},
            {"const": "value2", "title": "Second Choice"},
            {"const": "value3", "title": "Third Choice"}
        ]}}
    }
}"#;

fn call(context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    Ok(match context.resume() {
        None => Question {
            name: "choices".to_owned(),
            request: InputRequest::Elicitation(Elicitation {
                message: "Please choose".to_owned(),
                schema: SCHEMA.to_owned(),
            }),
        }
        .into(),
        Some(resume) => {
            let outcome = outcome(resume, "choices");
            format!("Elicitation completed: {outcome}").into()
        }
    })
}

conformance::tool!(call);
