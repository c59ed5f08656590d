//! What a tool may answer.

use schemars::JsonSchema;
use serde::Serialize;

use crate::bindings::sandpit::tool::types::Answer as StructuredAnswer;
use crate::{Content, Failure, FailureKind, Outcome, Questions, schema};

/// What [`Tool::Output`](crate::Tool::Output) can be: a type that becomes a
/// JSON object, or a [`Reply`].
pub trait Answer {
    /// The JSON Schema of the structured answer, if there is one.
    fn schema() -> Option<String>;

    /// The answer as the host takes it.
    fn into_outcome(self) -> Outcome;
}

impl<T: Serialize + JsonSchema> Answer for T {
    fn schema() -> Option<String> {
        Some(schema::of_output::<T>())
    }

    fn into_outcome(self) -> Outcome {
        Reply::Structured(self).into_outcome()
    }
}

/// An answer of any kind. `T` is the structured part.
pub enum Reply<T> {
    /// Structured content; the host adds its text.
    Structured(T),
    /// Texts, images and so on, and structured content beside them.
    Content(Vec<Content>, T),
    /// Questions to the client. The tool is called again with the responses,
    /// see [`Context::resume`](crate::Context::resume).
    Questions(Questions),
}

impl<T: Serialize + JsonSchema> Answer for Reply<T> {
    fn schema() -> Option<String> {
        T::schema()
    }

    fn into_outcome(self) -> Outcome {
        let (content, structured) = match self {
            Self::Structured(structured) => (Vec::new(), structured),
            Self::Content(content, structured) => (content, structured),
            Self::Questions(questions) => return Outcome::InputRequired(questions),
        };
        match serde_json::to_string(&structured) {
            Ok(structured) => Outcome::Answer(StructuredAnswer {
                content,
                structured: Some(structured),
            }),
            Err(error) => Outcome::Failure(Failure::new(
                FailureKind::Internal,
                format!("The answer could not be written as JSON: {error}."),
            )),
        }
    }
}
