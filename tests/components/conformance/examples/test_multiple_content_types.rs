//! Answers with several kinds of content.

use conformance::{Content, Context, Failure, Nothing, Unstructured, embedded};

fn call(_context: &Context, _input: Nothing) -> Result<Unstructured, Failure> {
    let text = Content::Text("Multiple content types test:".to_owned());
    let json = r#"{"test":"data","value":123}"#;
    let resource = embedded("test://mixed-content-resource", "application/json", json);
    Ok(vec![text, conformance::image(), resource].into())
}

conformance::tool!(call);
