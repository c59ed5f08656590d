//! How a call ended: with an answer, a failure, or questions to the client.

use std::sync::LazyLock;

use sandpit_gateway::model::Approval;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::bindings::sandpit::tool::types as wit;
use crate::error::CallError;
use crate::question::{self, Questions};

/// How a call ended, of a tool or of a prompt: `A` is its answer.
#[derive(Debug, Clone)]
pub enum Outcome<A = Answer> {
    /// With an answer.
    Answer(A),
    /// With a failure that the caller may read.
    Failure(Failure),
    /// With questions to the client.
    InputRequired(Questions),
    /// The host ended it, before the first order was sent: a person has to
    /// confirm that order. Once approved, the same call runs again.
    ConfirmationNeeded(Confirmation),
}

/// What a person has to confirm before a call may go on. It is the host's
/// question: the tool does not learn of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    /// What the person is shown, built by the host from facts.
    pub message: String,
    /// What approves exactly this order. It must reach the client sealed, or
    /// not at all.
    pub approval: Approval,
}

/// A good answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// What a person or a model reads.
    pub content: Vec<Content>,
    /// The structured answer.
    pub structured: Option<Structured>,
}

/// A JSON object as the tool wrote it, beside its parsed form.
///
/// The text is what is to be sent on: the parsed form holds numbers as
/// floating point, and a decimal of many digits would not survive it.
#[derive(Debug, Clone)]
pub struct Structured {
    raw: Box<RawValue>,
    json: Value,
}

impl Structured {
    /// Reads a JSON object.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, if it is not a JSON object.
    pub fn parse(text: String) -> Result<Self, String> {
        let json = Value::Object(object(&text)?);
        let raw = RawValue::from_string(text).map_err(|error| error.to_string())?;
        Ok(Self { raw, json })
    }

    /// The tool's own JSON text.
    pub fn text(&self) -> &str {
        self.raw.get()
    }

    /// The tool's own JSON text, to be serialized as it is.
    pub fn raw(&self) -> &RawValue {
        &self.raw
    }

    /// The parsed form, which is an object.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// The parsed form, by its properties.
    pub fn value(&self) -> &Map<String, Value> {
        static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        // `parse` lets nothing but objects in.
        self.json.as_object().unwrap_or(&EMPTY)
    }
}

/// One piece of an answer (MCP content types).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(String),
    /// An image.
    Image(Blob),
    /// Sound.
    Audio(Blob),
    /// A pointer to a resource that the client may read.
    ResourceLink(ResourceLink),
    /// A resource itself.
    EmbeddedResource(EmbeddedResource),
}

/// Bytes with a media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The bytes.
    pub data: Vec<u8>,
    /// Media type, for example `image/png`.
    pub mime_type: String,
}

/// A pointer to a resource that the client may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceLink {
    /// Its URI.
    pub uri: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Media type.
    pub mime_type: Option<String>,
}

/// A resource sent along with the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedResource {
    /// Its URI.
    pub uri: String,
    /// Media type.
    pub mime_type: Option<String>,
    /// What it holds.
    pub body: ResourceBody,
}

/// What an embedded resource holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceBody {
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// A failure that the caller may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which kind.
    pub kind: FailureKind,
    /// What happened, what was expected, what to do.
    pub message: String,
    /// TWS's message code, if TWS said it.
    pub tws_code: Option<i32>,
}

impl Failure {
    /// A failure that TWS had no part in.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            tws_code: None,
        }
    }
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The arguments are wrong.
    InvalidArguments,
    /// What was asked for does not exist.
    NotFound,
    /// It is not allowed.
    NoPermission,
    /// There is no connection to TWS.
    NotConnected,
    /// It exists, but there is no data for it.
    NoData,
    /// Too much at once; try again later.
    Pacing,
    /// The broker did not answer in time.
    TimedOut,
    /// The broker refused it.
    Rejected,
    /// Something was sent and its fate is not known.
    Uncertain,
    /// The call was cancelled.
    Cancelled,
    /// The tool or the host failed.
    Internal,
}

impl FailureKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::InvalidArguments,
        Self::NotFound,
        Self::NoPermission,
        Self::NotConnected,
        Self::NoData,
        Self::Pacing,
        Self::TimedOut,
        Self::Rejected,
        Self::Uncertain,
        Self::Cancelled,
        Self::Internal,
    ];

    /// Its name in the WIT contract, for logs and problem types.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidArguments => "invalid-arguments",
            Self::NotFound => "not-found",
            Self::NoPermission => "no-permission",
            Self::NotConnected => "not-connected",
            Self::NoData => "no-data",
            Self::Pacing => "pacing",
            Self::TimedOut => "timed-out",
            Self::Rejected => "rejected",
            Self::Uncertain => "uncertain",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }
}

/// Takes an outcome over from the guest, and checks it.
pub(crate) fn from_guest(outcome: wit::Outcome, limit: usize) -> Result<Outcome, CallError> {
    if size(&outcome) > limit {
        return Err(CallError::TooLarge { limit });
    }
    match outcome {
        wit::Outcome::Answer(answer) => answer_from_guest(answer).map(Outcome::Answer),
        wit::Outcome::Failure(failure) => Ok(Outcome::Failure(failure_from_guest(failure))),
        wit::Outcome::InputRequired(asked) => {
            question::from_guest(asked).map(Outcome::InputRequired)
        }
    }
}

fn answer_from_guest(answer: wit::Answer) -> Result<Answer, CallError> {
    let structured = answer
        .structured
        .map(Structured::parse)
        .transpose()
        .map_err(|reason| {
            CallError::BrokenContract(format!("its structured answer is {reason}"))
        })?;
    Ok(Answer {
        content: answer.content.into_iter().map(content_from_guest).collect(),
        structured,
    })
}

pub(crate) fn content_from_guest(content: wit::Content) -> Content {
    match content {
        wit::Content::Text(text) => Content::Text(text),
        wit::Content::Image(blob) => Content::Image(blob_from_guest(blob)),
        wit::Content::Audio(blob) => Content::Audio(blob_from_guest(blob)),
        wit::Content::ResourceLink(link) => Content::ResourceLink(ResourceLink {
            uri: link.uri,
            name: link.name,
            description: link.description,
            mime_type: link.mime_type,
        }),
        wit::Content::EmbeddedResource(resource) => Content::EmbeddedResource(EmbeddedResource {
            uri: resource.uri,
            mime_type: resource.mime_type,
            body: match resource.body {
                wit::ResourceBody::Text(text) => ResourceBody::Text(text),
                wit::ResourceBody::Blob(data) => ResourceBody::Blob(data),
            },
        }),
    }
}

fn blob_from_guest(blob: wit::Blob) -> Blob {
    Blob {
        data: blob.data,
        mime_type: blob.mime_type,
    }
}

pub(crate) fn failure_from_guest(failure: wit::Failure) -> Failure {
    let kind = match failure.kind {
        wit::FailureKind::InvalidArguments => FailureKind::InvalidArguments,
        wit::FailureKind::NotFound => FailureKind::NotFound,
        wit::FailureKind::NoPermission => FailureKind::NoPermission,
        wit::FailureKind::NotConnected => FailureKind::NotConnected,
        wit::FailureKind::NoData => FailureKind::NoData,
        wit::FailureKind::Pacing => FailureKind::Pacing,
        wit::FailureKind::TimedOut => FailureKind::TimedOut,
        wit::FailureKind::Rejected => FailureKind::Rejected,
        wit::FailureKind::Uncertain => FailureKind::Uncertain,
        wit::FailureKind::Cancelled => FailureKind::Cancelled,
        wit::FailureKind::Internal => FailureKind::Internal,
    };
    Failure {
        kind,
        message: failure.message,
        tws_code: failure.tws_code,
    }
}

/// Parses a JSON object, or says what the text is instead.
pub(crate) fn object(text: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("JSON, but not an object".to_owned()),
        Err(error) => Err(format!("not JSON ({error})")),
    }
}

/// How many bytes of text and data an outcome carries.
fn size(outcome: &wit::Outcome) -> usize {
    match outcome {
        wit::Outcome::Answer(answer) => {
            let content: usize = answer.content.iter().map(size_of_content).sum();
            content + optional(answer.structured.as_ref())
        }
        wit::Outcome::Failure(failure) => failure.message.len(),
        wit::Outcome::InputRequired(asked) => question::size(asked),
    }
}

/// How many bytes one piece of an answer carries.
pub(crate) fn size_of_content(content: &wit::Content) -> usize {
    match content {
        wit::Content::Text(text) => text.len(),
        wit::Content::Image(blob) | wit::Content::Audio(blob) => {
            blob.data.len() + blob.mime_type.len()
        }
        wit::Content::ResourceLink(link) => {
            link.uri.len()
                + link.name.len()
                + optional(link.description.as_ref())
                + optional(link.mime_type.as_ref())
        }
        wit::Content::EmbeddedResource(resource) => {
            let body = match &resource.body {
                wit::ResourceBody::Text(text) => text.len(),
                wit::ResourceBody::Blob(data) => data.len(),
            };
            resource.uri.len() + optional(resource.mime_type.as_ref()) + body
        }
    }
}

fn optional(text: Option<&String>) -> usize {
    text.map_or(0, String::len)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn answer(structured: &str) -> wit::Outcome {
        wit::Outcome::Answer(wit::Answer {
            content: Vec::new(),
            structured: Some(structured.to_owned()),
        })
    }

    #[test]
    fn structured_answers_keep_their_digits() {
        let text = r#"{"price":123456789012345.678901234567890}"#;
        let Outcome::Answer(answer) = from_guest(answer(text), 1000).unwrap() else {
            unreachable!("it is an answer")
        };
        let structured = answer.structured.unwrap();
        assert_eq!(structured.text(), text);
        assert_eq!(serde_json::to_string(structured.raw()).unwrap(), text);
        assert!(structured.value().contains_key("price"));
    }

    #[test]
    fn structured_answers_are_objects() {
        for text in ["[1]", "{", "1"] {
            assert!(matches!(
                from_guest(answer(text), 1000),
                Err(CallError::BrokenContract(_))
            ));
        }
    }

    #[test]
    fn answers_are_bounded() {
        assert_eq!(
            from_guest(answer(r#"{"a":"0123456789"}"#), 10).unwrap_err(),
            CallError::TooLarge { limit: 10 }
        );
    }
}
