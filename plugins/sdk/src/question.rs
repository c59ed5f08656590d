//! Asking the client in the middle of a call, and what came of it.
//!
//! A call cannot wait. It ends with [`Questions`], and the tool is called again
//! with a [`Resume`].

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::bindings::sandpit::tool::types::{
    Elicitation, InputRequest, InputResponse, MessageContent, Question, Questions, Resume, Role,
    Root, Sampled, Sampling, SamplingMessage,
};
use crate::{Failure, FailureKind, schema};

impl Question {
    /// A form for the person. Its fields are those of `T`: strings, numbers,
    /// booleans and choices, which the person may leave out where they are
    /// `Option`s.
    #[must_use]
    pub fn form<T: JsonSchema>(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            request: InputRequest::Elicitation(Elicitation {
                message: message.into(),
                schema: schema::of_form::<T>(),
            }),
        }
    }

    /// A task for the client's model, which answers in at most `max_tokens`
    /// tokens.
    #[must_use]
    pub fn sampling(name: impl Into<String>, prompt: impl Into<String>, max_tokens: u32) -> Self {
        Self {
            name: name.into(),
            request: InputRequest::Sampling(Sampling {
                messages: vec![SamplingMessage {
                    role: Role::User,
                    content: vec![MessageContent::Text(prompt.into())],
                }],
                system_prompt: None,
                max_tokens,
                temperature: None,
                stop_sequences: Vec::new(),
            }),
        }
    }

    /// Which folders the person works in.
    #[must_use]
    pub fn roots(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            request: InputRequest::Roots,
        }
    }
}

impl From<Question> for Questions {
    /// One question, and nothing to remember.
    fn from(question: Question) -> Self {
        Self {
            questions: vec![question],
            state: Vec::new(),
        }
    }
}

impl Resume {
    /// What came of the question of this name.
    #[must_use]
    pub fn response(&self, name: &str) -> Option<&InputResponse> {
        let mut responses = self.responses.iter();
        let response = responses.find(|response| response.name == name)?;
        Some(&response.response)
    }

    /// What the person wrote into the form of this name. Nothing if the person
    /// declined, or closed it.
    ///
    /// # Errors
    /// If the answer does not fit `T`.
    pub fn form<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        let Some(InputResponse::Accept(answer)) = self.response(name) else {
            return Ok(None);
        };
        serde_json::from_str(answer).map(Some).map_err(|error| {
            Failure::new(
                FailureKind::InvalidArguments,
                format!("The answer to `{name}` does not fit the form: {error}."),
            )
        })
    }

    /// What the model wrote as the answer to the question of this name. Nothing
    /// if the person refused.
    #[must_use]
    pub fn sampled(&self, name: &str) -> Option<&Sampled> {
        match self.response(name)? {
            InputResponse::Sampled(sampled) => Some(sampled),
            _ => None,
        }
    }

    /// The folders that the question of this name asked for.
    #[must_use]
    pub fn roots(&self, name: &str) -> &[Root] {
        match self.response(name) {
            Some(InputResponse::Roots(roots)) => roots,
            _ => &[],
        }
    }
}

impl Sampled {
    /// The texts of the message, one after the other.
    #[must_use]
    pub fn text(&self) -> String {
        let texts = self.content.iter().filter_map(|piece| match piece {
            MessageContent::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;
    use crate::bindings::sandpit::tool::types::Response;

    fn resume(response: InputResponse) -> Resume {
        Resume {
            state: Vec::new(),
            responses: vec![Response {
                name: "there".to_owned(),
                response,
            }],
        }
    }

    #[test]
    fn an_answer_is_found_by_its_name() {
        let accepted = resume(InputResponse::Accept("[1,2]".to_owned()));
        assert_eq!(accepted.form("there").unwrap(), Some(vec![1, 2]));
        assert_eq!(accepted.form::<Vec<u8>>("elsewhere").unwrap(), None);
        assert!(accepted.form::<String>("there").is_err());
        assert!(accepted.sampled("there").is_none());
        assert_eq!(accepted.roots("there"), []);
    }

    #[test]
    fn who_declines_has_written_nothing() {
        for refused in [InputResponse::Decline, InputResponse::Cancel] {
            let refused = resume(refused);
            assert_eq!(refused.form::<Vec<u8>>("there").unwrap(), None);
            assert!(refused.sampled("there").is_none());
        }
    }

    #[test]
    fn the_text_of_a_model_is_in_one_piece() {
        let sampled = resume(InputResponse::Sampled(Sampled {
            content: vec![
                MessageContent::Text("Buy ".to_owned()),
                MessageContent::Text("low.".to_owned()),
            ],
            model: "m".to_owned(),
            stop_reason: None,
        }));
        assert_eq!(sampled.sampled("there").unwrap().text(), "Buy low.");
    }
}
