//! What a tool may answer.

use schemars::JsonSchema;
use serde::Serialize;

use crate::bindings::sandpit::tool::types::Answer as StructuredAnswer;
use crate::{Content, Failure, FailureKind, Outcome, Question, Questions, schema};

/// What [`Tool::Output`](crate::Tool::Output) can be: a type that becomes a
/// JSON object, a [`Reply`], or [`Unstructured`].
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

/// An answer without a structured part.
pub enum Unstructured {
    /// Texts, images and so on.
    Content(Vec<Content>),
    /// Questions to the client, as in [`Reply::Questions`].
    Questions(Questions),
}

impl From<Vec<Content>> for Unstructured {
    fn from(content: Vec<Content>) -> Self {
        Self::Content(content)
    }
}

impl From<String> for Unstructured {
    /// One text.
    fn from(text: String) -> Self {
        Self::Content(vec![Content::Text(text)])
    }
}

impl From<&str> for Unstructured {
    /// One text.
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Questions> for Unstructured {
    fn from(questions: Questions) -> Self {
        Self::Questions(questions)
    }
}

impl From<Question> for Unstructured {
    /// One question, and nothing to remember.
    fn from(question: Question) -> Self {
        Self::Questions(question.into())
    }
}

impl Answer for Unstructured {
    fn schema() -> Option<String> {
        None
    }

    fn into_outcome(self) -> Outcome {
        match self {
            Self::Content(content) => Outcome::Answer(StructuredAnswer {
                content,
                structured: None,
            }),
            Self::Questions(questions) => Outcome::InputRequired(questions),
        }
    }
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
