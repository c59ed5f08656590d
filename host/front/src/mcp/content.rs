//! Answers and failures of tools in MCP's own types.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rmcp::model::{CallToolResult, ContentBlock, MetaObject, Resource, ResourceContents};
use sandpit_tools::{Answer, Content, EmbeddedResource, Failure, ResourceBody};
use serde_json::{Map, Value, json};

/// The `_meta` key with the id of a call, which the host's log has too.
const CALL_ID: &str = "sandpit/callId";

/// The `_meta` key with the kind of a failure.
const FAILURE: &str = "sandpit/failure";

/// A good answer. One that is only structured gets a copy as text, in the
/// tool's own spelling, for clients that read no structured content.
pub(super) fn result(answer: Answer, call_id: &str) -> CallToolResult {
    let mut blocks = blocks(answer.content);
    if let Some(structured) = &answer.structured
        && blocks.is_empty()
    {
        blocks.push(ContentBlock::text(structured.text()));
    }
    let mut result = CallToolResult::success(blocks);
    result.structured_content = answer
        .structured
        .map(|structured| Value::Object(structured.value().clone()));
    result.meta = Some(meta(call_id, None));
    result
}

/// A failure that the caller may read.
pub(super) fn failed(failure: Failure, call_id: &str) -> CallToolResult {
    let mut details = json!({ "kind": failure.kind.name() });
    if let (Some(code), Some(details)) = (failure.tws_code, details.as_object_mut()) {
        details.insert("twsCode".to_owned(), code.into());
    }
    let mut result = CallToolResult::error(vec![ContentBlock::text(failure.message)]);
    result.meta = Some(meta(call_id, Some(details)));
    result
}

/// What is told of every call.
pub(super) fn meta(call_id: &str, failure: Option<Value>) -> MetaObject {
    let mut meta = Map::new();
    meta.insert(CALL_ID.to_owned(), call_id.into());
    meta.extend(failure.map(|failure| (FAILURE.to_owned(), failure)));
    MetaObject(meta)
}

/// The pieces of an answer.
pub(crate) fn blocks(content: Vec<Content>) -> Vec<ContentBlock> {
    content.into_iter().map(block).collect()
}

/// One piece of an answer.
pub(super) fn block(content: Content) -> ContentBlock {
    match content {
        Content::Text(text) => ContentBlock::text(text),
        Content::Image(image) => ContentBlock::image(STANDARD.encode(image.data), image.mime_type),
        Content::Audio(audio) => ContentBlock::audio(STANDARD.encode(audio.data), audio.mime_type),
        Content::ResourceLink(link) => {
            let mut resource = Resource::new(link.uri, link.name);
            resource.description = link.description;
            resource.mime_type = link.mime_type;
            ContentBlock::resource_link(resource)
        }
        Content::EmbeddedResource(embedded) => ContentBlock::resource(resource(embedded)),
    }
}

/// What a resource holds.
pub(crate) fn resource(resource: EmbeddedResource) -> ResourceContents {
    match resource.body {
        ResourceBody::Text(text) => ResourceContents::TextResourceContents {
            uri: resource.uri,
            mime_type: resource.mime_type,
            text,
            meta: None,
        },
        ResourceBody::Blob(data) => ResourceContents::BlobResourceContents {
            uri: resource.uri,
            mime_type: resource.mime_type,
            blob: STANDARD.encode(data),
            meta: None,
        },
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use sandpit_tools::{Blob, FailureKind, ResourceLink, Structured};

    use super::*;

    #[test]
    fn every_kind_of_content_arrives() {
        let content = vec![
            Content::Text("hello".to_owned()),
            Content::Image(Blob {
                data: vec![1, 2, 3],
                mime_type: "image/png".to_owned(),
            }),
            Content::Audio(Blob {
                data: vec![4],
                mime_type: "audio/wav".to_owned(),
            }),
            Content::ResourceLink(ResourceLink {
                uri: "test://a".to_owned(),
                name: "a".to_owned(),
                description: None,
                mime_type: Some("text/plain".to_owned()),
            }),
            Content::EmbeddedResource(EmbeddedResource {
                uri: "test://b".to_owned(),
                mime_type: None,
                body: ResourceBody::Text("b".to_owned()),
            }),
            Content::EmbeddedResource(EmbeddedResource {
                uri: "test://c".to_owned(),
                mime_type: None,
                body: ResourceBody::Blob(vec![5]),
            }),
        ];
        assert_eq!(
            serde_json::to_value(blocks(content)).unwrap(),
            json!([
                {"type": "text", "text": "hello"},
                {"type": "image", "data": "AQID", "mimeType": "image/png"},
                {"type": "audio", "data": "BA==", "mimeType": "audio/wav"},
                {"type": "resource_link", "uri": "test://a", "name": "a", "mimeType": "text/plain"},
                {"type": "resource", "resource": {"uri": "test://b", "text": "b"}},
                {"type": "resource", "resource": {"uri": "test://c", "blob": "BQ=="}},
            ])
        );
    }

    #[test]
    fn a_structured_answer_has_a_copy_in_its_own_spelling() {
        let answer = Answer {
            content: Vec::new(),
            structured: Some(Structured::parse("{\"price\": 100.10}".to_owned()).unwrap()),
        };
        let result = result(answer, "1");
        assert_eq!(
            result.content,
            vec![ContentBlock::text("{\"price\": 100.10}")]
        );
        assert_eq!(result.structured_content, Some(json!({"price": 100.1})));
        assert_eq!(result.is_error, Some(false));
    }

    #[test]
    fn a_failure_is_a_sentence_with_a_kind() {
        let failure = Failure {
            kind: FailureKind::Rejected,
            message: "TWS refused the order.".to_owned(),
            tws_code: Some(201),
        };
        let result = failed(failure, "4711");
        assert_eq!(result.is_error, Some(true));
        assert_eq!(
            serde_json::to_value(result.meta).unwrap(),
            json!({
                "sandpit/callId": "4711",
                "sandpit/failure": {"kind": "rejected", "twsCode": 201},
            })
        );
    }
}
