//! What a request waits for the client with: the tool's own questions, or the
//! host's about an order that a person has to confirm.

use rmcp::model::{InputRequests, InputResponses};
use sandpit_tools::{
    Askable, Confirmation, Elicitation, Failure, FailureKind, InputRequest, InputResponse,
    Question, Questions, Response, Resume, Tools,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::questions;

/// The name of the host's question.
const QUESTION: &str = "question";

/// The one field of the host's form.
const CONFIRM: &str = "confirm";

/// Questions to the client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Asked {
    /// The tool's.
    Tool(Questions),
    /// The host's. The tool does not learn of it.
    Host {
        /// What is to be confirmed.
        confirmation: Confirmation,
        /// What the run began with that ended here: the next one begins with it
        /// again.
        resume: Option<Resume>,
    },
}

impl Asked {
    /// The questions, whoever asks them.
    pub(super) fn questions(&self) -> Vec<Question> {
        match self {
            Self::Tool(asked) => asked.questions.clone(),
            Self::Host { confirmation, .. } => vec![Question {
                name: QUESTION.to_owned(),
                request: InputRequest::Elicitation(Elicitation {
                    message: confirmation.message.clone(),
                    schema: confirmation_schema(),
                }),
            }],
        }
    }

    /// The questions as MCP puts them.
    ///
    /// # Errors
    ///
    /// If the tool's questions cannot be put so.
    pub(super) fn requests(&self) -> Result<InputRequests, Failure> {
        let questions = self.questions().into_iter();
        questions
            .map(|question| Ok((question.name, questions::put(&question.request)?)))
            .collect()
    }

    /// What a client reads that cannot be asked for all of it.
    pub(super) fn beyond(&self, askable: Askable) -> Option<Failure> {
        let mut questions = self.questions().into_iter();
        let question = questions.find(|question| !askable.covers(&question.request))?;
        let message = match (self, question.request) {
            (Self::Host { .. }, _) => UNCONFIRMED.to_owned(),
            (Self::Tool(_), InputRequest::Elicitation(elicitation)) => format!(
                "The tool needs an answer from you, and this client cannot ask for it: {} Use a \
                 client that supports elicitation.",
                elicitation.message
            ),
            (Self::Tool(_), InputRequest::Sampling(_)) => {
                "The tool needs a text from the client's model, and this client does not offer \
                 it. Use a client that supports sampling."
                    .to_owned()
            }
            (Self::Tool(_), InputRequest::Roots) => {
                "The tool needs to know your folders, and this client does not tell them. Use a \
                 client that supports roots."
                    .to_owned()
            }
        };
        Some(Failure::new(FailureKind::NoPermission, message))
    }

    /// Finds the response to each question among what a client sent. Whatever
    /// else is there is ignored. None if one is missing.
    ///
    /// # Errors
    ///
    /// What is wrong with a response.
    pub(super) fn read(&self, sent: &InputResponses) -> Result<Option<Vec<Response>>, String> {
        let mut responses = Vec::new();
        for question in self.questions() {
            let Some(response) = sent.get(&question.name) else {
                return Ok(None);
            };
            let name = question.name;
            let response = questions::read(&question.request, response.clone())
                .map_err(|reason| format!("The response to `{name}` cannot be used: {reason}."))?;
            responses.push(Response { name, response });
        }
        Ok(Some(responses))
    }

    /// Takes the responses to all questions. Answers what the next run begins
    /// with.
    ///
    /// # Errors
    ///
    /// What the request ends with, if there is no next run.
    pub(super) async fn answered(
        self,
        responses: Vec<Response>,
        tools: &Tools,
    ) -> Result<Option<Resume>, Failure> {
        let (confirmation, resume) = match self {
            Self::Tool(Questions { state, .. }) => return Ok(Some(Resume { state, responses })),
            Self::Host {
                confirmation,
                resume,
            } => (confirmation, resume),
        };
        if !confirms(&responses) {
            tools.decline(&confirmation).await;
            return Err(Failure::new(
                FailureKind::NoPermission,
                "The person did not confirm the order, so it was not sent. Do not try again \
                 unless they ask for it.",
            ));
        }
        tools.approve(&confirmation).await?;
        Ok(resume)
    }
}

/// For callers that nobody can be asked through.
pub(crate) const UNCONFIRMED: &str = "A person has to confirm this order, and this client cannot \
     ask one, so it was not sent. Use an MCP client that supports elicitation.";

/// Whether it is a yes and nothing less.
fn confirms(responses: &[Response]) -> bool {
    let [only] = responses else {
        return false;
    };
    let InputResponse::Accept(answer) = &only.response else {
        return false;
    };
    let answer: Option<Value> = serde_json::from_str(answer).ok();
    answer.is_some_and(|answer| answer.get(CONFIRM) == Some(&Value::Bool(true)))
}

fn confirmation_schema() -> Map<String, Value> {
    let field = json!({
        "type": "boolean",
        "title": "Send it",
        "description": "Yes sends exactly this to the broker.",
    });
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), json!({ CONFIRM: field }));
    schema.insert("required".to_owned(), json!([CONFIRM]));
    schema
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn form(name: &str) -> Question {
        Question {
            name: name.to_owned(),
            request: InputRequest::Elicitation(Elicitation {
                message: "Which?".to_owned(),
                schema: json!({"type": "object", "properties": {}})
                    .as_object()
                    .unwrap()
                    .clone(),
            }),
        }
    }

    fn roots(name: &str) -> Question {
        Question {
            name: name.to_owned(),
            request: InputRequest::Roots,
        }
    }

    fn asked(questions: Vec<Question>) -> Asked {
        Asked::Tool(Questions {
            questions,
            state: Vec::new(),
        })
    }

    #[test]
    fn only_a_yes_is_a_yes() {
        let response = |response: InputResponse| {
            vec![Response {
                name: QUESTION.to_owned(),
                response,
            }]
        };
        let accept = |text: &str| response(InputResponse::Accept(text.to_owned()));
        assert!(confirms(&accept(r#"{"confirm":true}"#)));
        let twice = [accept(r#"{"confirm":true}"#), accept(r#"{"confirm":true}"#)].concat();
        for no in [
            accept(r#"{"confirm":false}"#),
            accept(r#"{"confirm":"true"}"#),
            accept(r#"{"confirm":1}"#),
            accept("{}"),
            accept("true"),
            accept(""),
            response(InputResponse::Decline),
            response(InputResponse::Cancel),
            response(InputResponse::Roots(Vec::new())),
            Vec::new(),
            twice,
        ] {
            assert!(!confirms(&no), "{no:?}");
        }
    }

    #[test]
    fn responses_come_in_the_order_of_the_questions() {
        let asked = asked(vec![form("b"), roots("a")]);
        let sent = |json: Value| serde_json::from_value::<InputResponses>(json).unwrap();
        let both = sent(json!({
            "a": {"roots": []},
            "b": {"action": "decline"},
            "else": 1,
        }));
        let responses = asked.read(&both).unwrap().unwrap();
        assert_eq!(
            responses,
            [
                Response {
                    name: "b".to_owned(),
                    response: InputResponse::Decline,
                },
                Response {
                    name: "a".to_owned(),
                    response: InputResponse::Roots(Vec::new()),
                },
            ]
        );
        let one = sent(json!({"b": {"action": "decline"}}));
        assert_eq!(asked.read(&one), Ok(None));
        let wrong = sent(json!({"a": 5, "b": {"action": "decline"}}));
        let reason = asked.read(&wrong).unwrap_err();
        assert!(reason.contains("`a`"), "{reason}");
    }

    #[test]
    fn a_client_is_asked_only_for_what_it_offers() {
        let asked = asked(vec![form("b"), roots("a")]);
        let mut askable = Askable {
            elicitation: true,
            ..Askable::default()
        };
        let failure = asked.beyond(askable).unwrap();
        assert!(failure.message.contains("roots"), "{}", failure.message);
        askable.roots = true;
        assert_eq!(asked.beyond(askable), None);
        askable.elicitation = false;
        let failure = asked.beyond(askable).unwrap();
        assert!(failure.message.contains("Which?"), "{}", failure.message);
    }
}
