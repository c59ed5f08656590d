//! Reading a resource: a call of its tool.

use sandpit_tools::{
    Answer, CallRequest, Content, EmbeddedResource, Failure, FailureKind, Outcome, ResourceBody,
    Rights, ToolError, Tools,
};
use serde_json::Map;
use tokio_util::sync::CancellationToken;

use super::Found;
use crate::arguments;
use crate::call;
use crate::mcp::asked::UNCONFIRMED;

/// The media type of structured answers.
pub(crate) const JSON: &str = "application/json";

const TEXT: &str = "text/plain";
const URIS: &str = "text/uri-list";

/// Who reads.
pub(crate) struct Reader {
    /// As it stands in logs.
    pub(crate) client: String,
    /// What it may use.
    pub(crate) rights: Rights,
    /// The id of the call.
    pub(crate) call_id: String,
    /// Says that nobody wants it any more.
    pub(crate) cancel: CancellationToken,
}

/// Why a resource cannot be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// There is none of this URI.
    Unknown,
    /// What the tool or the host says.
    Failure(Failure),
}

impl Unreadable {
    /// What to tell the caller who asked for this URI.
    pub(crate) fn sentence(&self, uri: &str) -> String {
        match self {
            Self::Unknown => {
                let uri: String = uri.chars().take(200).collect();
                format!("There is no resource {uri:?}. List the resources to see which there are.")
            }
            Self::Failure(failure) => failure.message.clone(),
        }
    }
}

/// Reads the resource that was found under this URI.
///
/// # Errors
///
/// If its tool is gone, or failed.
pub(crate) async fn read(
    tools: &Tools,
    found: &Found,
    uri: &str,
    reader: Reader,
) -> Result<Vec<EmbeddedResource>, Unreadable> {
    let answer = answer(tools, found, reader).await?;
    Ok(contents(answer, uri, found.resource.mime_type.as_deref()))
}

/// The answer of its tool.
///
/// # Errors
///
/// If its tool is gone, or failed.
pub(crate) async fn answer(
    tools: &Tools,
    found: &Found,
    reader: Reader,
) -> Result<Answer, Unreadable> {
    let failure = |kind, message: &str| Unreadable::Failure(Failure::new(kind, message));
    let fixed = found.resource.arguments.clone();
    let schema = &found.tool.descriptor().input_schema;
    let arguments = arguments::gather(schema, &found.values, "", Map::new())
        .map_err(|error| failure(FailureKind::InvalidArguments, &error.to_string()))?;
    let arguments = fixed.into_iter().chain(arguments).collect();
    let request = CallRequest {
        rights: reader.rights,
        cancel: reader.cancel,
        ..CallRequest::new(arguments, reader.client, reader.call_id)
    };
    let name = found.tool.name();
    match call::run(tools, name, request).await {
        Ok(Outcome::Answer(answer)) => Ok(answer),
        Ok(Outcome::Failure(failure)) => Err(Unreadable::Failure(failure)),
        Ok(Outcome::InputRequired(_)) => Err(failure(
            FailureKind::Internal,
            &format!("The tool {name} asks a question before it answers. Call it instead."),
        )),
        Ok(Outcome::ConfirmationNeeded(_)) => Err(failure(FailureKind::NoPermission, UNCONFIRMED)),
        Err(
            ToolError::UnknownTool { .. }
            | ToolError::UnknownPrompt { .. }
            | ToolError::NotServed { .. },
        ) => Err(Unreadable::Unknown),
    }
}

/// What is read of an answer. A media type says that it is its text, and not
/// its structured content.
fn contents(answer: Answer, uri: &str, mime_type: Option<&str>) -> Vec<EmbeddedResource> {
    let part = |mime_type: &str, body| EmbeddedResource {
        uri: uri.to_owned(),
        mime_type: Some(mime_type.to_owned()),
        body,
    };
    let structured = answer.structured.filter(|_| mime_type.is_none());
    let mut contents: Vec<_> = structured
        .iter()
        .map(|structured| part(JSON, ResourceBody::Text(structured.text().to_owned())))
        .collect();
    for content in answer.content {
        contents.push(match content {
            // It is a copy of what is structured.
            Content::Text(_) if structured.is_some() => continue,
            Content::Text(text) => part(mime_type.unwrap_or(TEXT), ResourceBody::Text(text)),
            Content::Image(blob) | Content::Audio(blob) => {
                part(&blob.mime_type, ResourceBody::Blob(blob.data))
            }
            Content::ResourceLink(link) => part(URIS, ResourceBody::Text(link.uri)),
            Content::EmbeddedResource(embedded) => embedded,
        });
    }
    contents
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use sandpit_tools::{Blob, Structured};

    use super::*;

    fn structured() -> Answer {
        Answer {
            content: vec![
                Content::Text("a copy".to_owned()),
                Content::Image(Blob {
                    data: vec![1],
                    mime_type: "image/png".to_owned(),
                }),
            ],
            structured: Some(Structured::parse("{\"price\": 1.10}".to_owned()).unwrap()),
        }
    }

    fn shown(contents: &[EmbeddedResource]) -> Vec<(&str, &ResourceBody)> {
        let shown = |of: &EmbeddedResource| of.uri == "test:a";
        assert!(contents.iter().all(shown));
        let parts = contents.iter();
        parts
            .map(|of| (of.mime_type.as_deref().unwrap_or_default(), &of.body))
            .collect()
    }

    #[test]
    fn structured_content_is_read_in_its_own_spelling() {
        let contents = contents(structured(), "test:a", None);
        assert_eq!(
            shown(&contents),
            [
                (JSON, &ResourceBody::Text("{\"price\": 1.10}".to_owned())),
                ("image/png", &ResourceBody::Blob(vec![1])),
            ]
        );
    }

    #[test]
    fn text_is_read_where_it_has_a_media_type() {
        let read = contents(structured(), "test:a", Some("text/csv"));
        let first = shown(&read).into_iter().next();
        assert_eq!(
            first,
            Some(("text/csv", &ResourceBody::Text("a copy".to_owned())))
        );
        let plain = Answer {
            content: vec![Content::Text("plain".to_owned())],
            structured: None,
        };
        let read = contents(plain, "test:a", None);
        assert_eq!(
            shown(&read),
            [(TEXT, &ResourceBody::Text("plain".to_owned()))]
        );
    }
}
