//! What a tool may ask its client for in the middle of its work: questions,
//! responses, and the second half of the call.
//!
//! The front seals questions on their way through a client and back, which is
//! why they can be serialized.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::bindings::sandpit::tool::types as wit;
use crate::error::CallError;
use crate::outcome::object;

/// How much state questions may keep, in bytes.
const STATE_BYTES: usize = 64 << 10;

/// How many questions may be asked at once.
const QUESTIONS: usize = 16;

/// How long the name of a question may be, in bytes.
const NAME_BYTES: usize = 64;

/// Questions to the client. The call is over when they are asked; it goes on
/// as another call with [`Resume`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Questions {
    /// The questions, at least one.
    pub questions: Vec<Question>,
    /// What the tool wants back. It must reach the client sealed, or not at
    /// all.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub state: Vec<u8>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Its name, by which the response is found.
    pub name: String,
    /// What is asked.
    pub request: InputRequest,
}

/// What a tool can ask a client for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InputRequest {
    /// That the person fills in a form (MCP elicitation).
    Elicitation(Elicitation),
    /// That the model writes a message (MCP sampling).
    Sampling(Sampling),
    /// Which folders the person works in (MCP roots).
    Roots,
}

/// A form for the person behind the client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Elicitation {
    /// What the person is asked.
    pub message: String,
    /// JSON Schema of the answer: a flat object of primitive properties.
    pub schema: Map<String, Value>,
}

/// A task for the client's model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// The conversation so far.
    pub messages: Vec<SamplingMessage>,
    /// What the model is told before the conversation.
    pub system_prompt: Option<String>,
    /// How many tokens the answer may have.
    pub max_tokens: u32,
    /// How freely the model chooses its words.
    pub temperature: Option<f32>,
    /// Texts that end the answer.
    pub stop_sequences: Vec<String>,
}

/// One message of a conversation with a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SamplingMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: Vec<MessageContent>,
}

/// Who speaks in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// Takes a role over from the guest.
    pub(crate) fn from_guest(role: wit::Role) -> Self {
        match role {
            wit::Role::User => Self::User,
            wit::Role::Assistant => Self::Assistant,
        }
    }
}

/// One piece of a message from or to a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageContent {
    /// Text.
    Text(String),
    /// An image.
    Image(MessageBlob),
    /// Sound.
    Audio(MessageBlob),
}

/// Bytes with a media type, within a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageBlob {
    /// The bytes.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub data: Vec<u8>,
    /// Media type, for example `image/png`.
    pub mime_type: String,
}

/// The second half of a call that asked questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resume {
    /// The state of the questions, as the tool gave it.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub state: Vec<u8>,
    /// The responses, one to each question, in the same order.
    pub responses: Vec<Response>,
}

/// The response to one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The question's name.
    pub name: String,
    /// What came of it.
    pub response: InputResponse,
}

/// What came of one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InputResponse {
    /// The person answered the form: a JSON object that matches its schema.
    Accept(String),
    /// The person said no, to a form or to a task for the model.
    Decline,
    /// The person closed the form without a decision.
    Cancel,
    /// The model wrote this.
    Sampled(Sampled),
    /// These are the folders.
    Roots(Vec<Root>),
}

/// What the client's model wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampled {
    /// The message.
    pub content: Vec<MessageContent>,
    /// The model's name.
    pub model: String,
    /// Why it stopped, for example `endTurn`.
    pub stop_reason: Option<String>,
}

/// A folder that the person works in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// Its URI.
    pub uri: String,
    /// A name for people.
    pub name: Option<String>,
}

/// What the client of a call can be asked for. By default: nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Askable {
    /// Forms for the person.
    pub elicitation: bool,
    /// Tasks for its model.
    pub sampling: bool,
    /// Folders.
    pub roots: bool,
}

impl Askable {
    /// Whether it can be asked for this.
    pub fn covers(self, request: &InputRequest) -> bool {
        match request {
            InputRequest::Elicitation(_) => self.elicitation,
            InputRequest::Sampling(_) => self.sampling,
            InputRequest::Roots => self.roots,
        }
    }

    /// For the guest.
    pub(crate) fn to_guest(self) -> wit::Askable {
        let Self {
            elicitation,
            sampling,
            roots,
        } = self;
        let mut askable = wit::Askable::empty();
        for (can, flag) in [
            (elicitation, wit::Askable::ELICITATION),
            (sampling, wit::Askable::SAMPLING),
            (roots, wit::Askable::ROOTS),
        ] {
            if can {
                askable |= flag;
            }
        }
        askable
    }
}

/// Takes questions over from the guest, and checks them.
pub(crate) fn from_guest(asked: wit::Questions) -> Result<Questions, CallError> {
    let broken = |what: String| Err(CallError::BrokenContract(what));
    if asked.state.len() > STATE_BYTES {
        return broken(format!(
            "its questions keep {} bytes of state; at most {STATE_BYTES} are allowed",
            asked.state.len()
        ));
    }
    if asked.questions.is_empty() || asked.questions.len() > QUESTIONS {
        return broken(format!(
            "it asks {} questions at once; 1 to {QUESTIONS} are allowed",
            asked.questions.len()
        ));
    }
    let mut names = HashSet::new();
    for question in &asked.questions {
        if !is_name(&question.name) {
            return broken(format!(
                "the name of a question has other signs than letters, digits, `_` and `-`, or not \
                 1 to {NAME_BYTES} of them"
            ));
        }
        if !names.insert(&question.name) {
            return broken(format!("it asks `{}` twice at once", question.name));
        }
    }
    let questions = asked.questions.into_iter().map(question_from_guest);
    Ok(Questions {
        questions: questions.collect::<Result<_, _>>()?,
        state: asked.state,
    })
}

fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn question_from_guest(question: wit::Question) -> Result<Question, CallError> {
    let request = match question.request {
        wit::InputRequest::Elicitation(form) => InputRequest::Elicitation(Elicitation {
            message: form.message,
            schema: object(&form.schema).map_err(|reason| {
                CallError::BrokenContract(format!("the schema of its question is {reason}"))
            })?,
        }),
        wit::InputRequest::Sampling(task) => {
            if task.temperature.is_some_and(|number| !number.is_finite()) {
                return Err(CallError::BrokenContract(
                    "the temperature of its task for the model is no number".to_owned(),
                ));
            }
            InputRequest::Sampling(Sampling {
                messages: task.messages.into_iter().map(message_from_guest).collect(),
                system_prompt: task.system_prompt,
                max_tokens: task.max_tokens,
                temperature: task.temperature,
                stop_sequences: task.stop_sequences,
            })
        }
        wit::InputRequest::Roots => InputRequest::Roots,
    };
    Ok(Question {
        name: question.name,
        request,
    })
}

fn message_from_guest(message: wit::SamplingMessage) -> SamplingMessage {
    SamplingMessage {
        role: Role::from_guest(message.role),
        content: message.content.into_iter().map(piece_from_guest).collect(),
    }
}

fn piece_from_guest(piece: wit::MessageContent) -> MessageContent {
    let taken = |blob: wit::Blob| MessageBlob {
        data: blob.data,
        mime_type: blob.mime_type,
    };
    match piece {
        wit::MessageContent::Text(text) => MessageContent::Text(text),
        wit::MessageContent::Image(blob) => MessageContent::Image(taken(blob)),
        wit::MessageContent::Audio(blob) => MessageContent::Audio(taken(blob)),
    }
}

/// Gives the guest what came of its questions.
pub(crate) fn to_guest(resume: Resume) -> wit::Resume {
    let responses = resume.responses.into_iter().map(|answered| wit::Response {
        name: answered.name,
        response: match answered.response {
            InputResponse::Accept(answer) => wit::InputResponse::Accept(answer),
            InputResponse::Decline => wit::InputResponse::Decline,
            InputResponse::Cancel => wit::InputResponse::Cancel,
            InputResponse::Sampled(sampled) => wit::InputResponse::Sampled(wit::Sampled {
                content: sampled.content.into_iter().map(piece_to_guest).collect(),
                model: sampled.model,
                stop_reason: sampled.stop_reason,
            }),
            InputResponse::Roots(roots) => {
                let roots = roots.into_iter().map(|root| wit::Root {
                    uri: root.uri,
                    name: root.name,
                });
                wit::InputResponse::Roots(roots.collect())
            }
        },
    });
    wit::Resume {
        state: resume.state,
        responses: responses.collect(),
    }
}

fn piece_to_guest(piece: MessageContent) -> wit::MessageContent {
    let given = |blob: MessageBlob| wit::Blob {
        data: blob.data,
        mime_type: blob.mime_type,
    };
    match piece {
        MessageContent::Text(text) => wit::MessageContent::Text(text),
        MessageContent::Image(blob) => wit::MessageContent::Image(given(blob)),
        MessageContent::Audio(blob) => wit::MessageContent::Audio(given(blob)),
    }
}

/// How many bytes of text and data questions carry.
pub(crate) fn size(asked: &wit::Questions) -> usize {
    let questions = asked.questions.iter().map(|question| {
        let request = match &question.request {
            wit::InputRequest::Elicitation(form) => form.message.len() + form.schema.len(),
            wit::InputRequest::Sampling(task) => {
                let pieces = task.messages.iter().flat_map(|message| &message.content);
                let pieces = pieces.map(|piece| match piece {
                    wit::MessageContent::Text(text) => text.len(),
                    wit::MessageContent::Image(blob) | wit::MessageContent::Audio(blob) => {
                        blob.data.len() + blob.mime_type.len()
                    }
                });
                let prompt = task.system_prompt.as_ref().map_or(0, String::len);
                let stops: usize = task.stop_sequences.iter().map(String::len).sum();
                pieces.sum::<usize>() + prompt + stops
            }
            wit::InputRequest::Roots => 0,
        };
        question.name.len() + request
    });
    questions.sum::<usize>() + asked.state.len()
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn form(name: &str) -> wit::Question {
        wit::Question {
            name: name.to_owned(),
            request: wit::InputRequest::Elicitation(wit::Elicitation {
                message: "Sure?".to_owned(),
                schema: r#"{"type":"object"}"#.to_owned(),
            }),
        }
    }

    fn asked(questions: Vec<wit::Question>, state: Vec<u8>) -> wit::Questions {
        wit::Questions { questions, state }
    }

    fn broken(asked: wit::Questions) -> String {
        match from_guest(asked) {
            Err(CallError::BrokenContract(what)) => what,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn state_is_bounded() {
        let largest = asked(vec![form("a")], vec![0; STATE_BYTES]);
        assert!(from_guest(largest).is_ok());
        let larger = asked(vec![form("a")], vec![0; STATE_BYTES + 1]);
        assert!(broken(larger).contains("bytes of state"));
    }

    #[test]
    fn there_are_some_questions_and_not_too_many() {
        assert!(broken(asked(Vec::new(), Vec::new())).contains("0 questions"));
        let many = (0..=QUESTIONS).map(|number| form(&number.to_string()));
        assert!(broken(asked(many.collect(), Vec::new())).contains("17 questions"));
    }

    #[test]
    fn a_question_is_found_by_its_name() {
        let twice = asked(vec![form("a"), form("b"), form("a")], Vec::new());
        assert!(broken(twice).contains("`a` twice"));
        for name in ["", "a b", "é", &"x".repeat(NAME_BYTES + 1)] {
            assert!(broken(asked(vec![form(name)], Vec::new())).contains("name"));
        }
    }

    #[test]
    fn a_temperature_is_a_number() {
        let hot = wit::Question {
            name: "hot".to_owned(),
            request: wit::InputRequest::Sampling(wit::Sampling {
                messages: Vec::new(),
                system_prompt: None,
                max_tokens: 1,
                temperature: Some(f32::NAN),
                stop_sequences: Vec::new(),
            }),
        };
        assert!(broken(asked(vec![hot], Vec::new())).contains("temperature"));
    }

    #[test]
    fn all_of_it_counts() {
        let question = wit::Question {
            name: "12".to_owned(),
            request: wit::InputRequest::Sampling(wit::Sampling {
                messages: vec![wit::SamplingMessage {
                    role: wit::Role::User,
                    content: vec![
                        wit::MessageContent::Text("345".to_owned()),
                        wit::MessageContent::Image(wit::Blob {
                            data: vec![6, 7],
                            mime_type: "8".to_owned(),
                        }),
                    ],
                }],
                system_prompt: Some("9".to_owned()),
                max_tokens: 1,
                temperature: None,
                stop_sequences: vec!["0".to_owned()],
            }),
        };
        assert_eq!(size(&asked(vec![question], vec![0; 3])), 13);
    }

    #[test]
    fn questions_survive_being_sealed() {
        let questions = Questions {
            questions: vec![Question {
                name: "draw".to_owned(),
                request: InputRequest::Sampling(Sampling {
                    messages: vec![SamplingMessage {
                        role: Role::Assistant,
                        content: vec![MessageContent::Image(MessageBlob {
                            data: vec![0, 255, 7],
                            mime_type: "image/png".to_owned(),
                        })],
                    }],
                    system_prompt: None,
                    max_tokens: 10,
                    temperature: Some(0.1),
                    stop_sequences: Vec::new(),
                }),
            }],
            state: vec![1, 2, 0],
        };
        let text = serde_json::to_string(&questions).unwrap();
        assert_eq!(serde_json::from_str::<Questions>(&text).unwrap(), questions);
    }
}
