//! What a call waits for a person with: the tool's own question, or the host's
//! about an order that a person has to confirm.

use rmcp::model::{ElicitRequestParams, ElicitationSchema};
use sandpit_tools::{Confirmation, Failure, FailureKind, Question, Response, Resume, Tools};
use serde_json::{Value, json};

/// The one field of the host's form.
const CONFIRM: &str = "confirm";

/// A question to the person behind the client.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Asked {
    /// The tool's.
    Tool(Question),
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
    /// The question as MCP puts it.
    ///
    /// # Errors
    ///
    /// If the tool's question cannot be put so.
    pub(super) fn form(&self) -> Result<ElicitRequestParams, Failure> {
        let (message, schema) = match self {
            Self::Tool(question) => (&question.message, Value::Object(question.schema.clone())),
            Self::Host { confirmation, .. } => (&confirmation.message, confirmation_schema()),
        };
        let requested_schema: ElicitationSchema =
            serde_json::from_value(schema).map_err(|error| {
                Failure::new(
                    FailureKind::Internal,
                    format!(
                        "The tool asked a question whose schema is not a flat object of primitive \
                         properties: {error}."
                    ),
                )
            })?;
        Ok(ElicitRequestParams::FormElicitationParams {
            meta: None,
            message: message.clone(),
            requested_schema,
        })
    }

    /// What a client reads that cannot put a form before the person.
    pub(super) fn unaskable(&self) -> Failure {
        let message = match self {
            Self::Tool(question) => format!(
                "The tool needs an answer from you, and this client cannot ask for it: {} Use a \
                 client that supports elicitation.",
                question.message
            ),
            Self::Host { .. } => UNCONFIRMED.to_owned(),
        };
        Failure::new(FailureKind::NoPermission, message)
    }

    /// Takes the person's response. Answers what the next run begins with.
    ///
    /// # Errors
    ///
    /// What the call ends with, if there is no next run.
    pub(super) async fn answered(
        self,
        response: Response,
        tools: &Tools,
    ) -> Result<Option<Resume>, Failure> {
        let (confirmation, resume) = match self {
            Self::Tool(Question { state, .. }) => return Ok(Some(Resume { state, response })),
            Self::Host {
                confirmation,
                resume,
            } => (confirmation, resume),
        };
        if !confirms(&response) {
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
fn confirms(response: &Response) -> bool {
    let Response::Accept(answer) = response else {
        return false;
    };
    let answer: Option<Value> = serde_json::from_str(answer).ok();
    answer.is_some_and(|answer| answer.get(CONFIRM) == Some(&Value::Bool(true)))
}

fn confirmation_schema() -> Value {
    json!({
        "type": "object",
        "properties": { CONFIRM: {
            "type": "boolean",
            "title": "Send it",
            "description": "Yes sends exactly this to the broker.",
        } },
        "required": [CONFIRM],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        let accept = |text: &str| Response::Accept(text.to_owned());
        assert!(confirms(&accept(r#"{"confirm":true}"#)));
        for no in [
            accept(r#"{"confirm":false}"#),
            accept(r#"{"confirm":"true"}"#),
            accept(r#"{"confirm":1}"#),
            accept("{}"),
            accept("true"),
            accept(""),
            Response::Decline,
            Response::Cancel,
        ] {
            assert!(!confirms(&no), "{no:?}");
        }
    }
}
