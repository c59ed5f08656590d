//! A client that goes on whatever happens to the host: over REST, or over MCP
//! in either era.

use std::time::Duration;

use reqwest::StatusCode;
use rmcp::ServiceError;
use rmcp::model::CallToolResult;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::mcp::{Person, text};
use crate::support::{Era, McpClient};

/// After how long an answer is given up, longer than any call may take.
const LOST: Duration = Duration::from_secs(15);

/// What came of a call.
#[derive(Debug)]
pub enum Reply {
    /// The tool's answer.
    Done(Value),
    /// The tool failed.
    Failed {
        /// Which kind of failure it was.
        kind: String,
        /// Why, in a sentence.
        sentence: String,
    },
    /// There was no answer: the host is gone.
    Gone,
}

impl Reply {
    fn failed(kind: &Value, sentence: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self::Failed {
            kind: text(kind).trim_start_matches("/problems/").to_owned(),
            sentence: text(sentence),
        }
    }
}

/// How a client speaks.
enum Speech {
    Rest(reqwest::Client),
    Mcp(Era, Option<Box<McpClient>>),
}

/// One client.
pub struct Client {
    base: String,
    speech: Speech,
}

impl Client {
    /// The client with this number: one in three speaks REST, the next the old
    /// MCP, the one after it the new.
    pub fn new(base: &str, number: usize) -> Self {
        let speech = match number % 3 {
            0 => Speech::Rest(reqwest::Client::new()),
            1 => Speech::Mcp(Era::Legacy, None),
            _ => Speech::Mcp(Era::Modern, None),
        };
        Self {
            base: base.to_owned(),
            speech,
        }
    }

    /// Calls a tool.
    pub async fn call(&mut self, tool: &str, arguments: &Value) -> Reply {
        match &mut self.speech {
            Speech::Rest(client) => {
                let request = client.post(format!("{}/{tool}", self.base)).json(arguments);
                rest(request).await
            }
            Speech::Mcp(era, client) => {
                let connected = match client.take() {
                    Some(connected) => connected,
                    None => match McpClient::try_connect(&self.base, *era, Person::Absent).await {
                        Ok(connected) => Box::new(connected),
                        Err(_) => return Reply::Gone,
                    },
                };
                let answer = timeout(LOST, connected.try_call(tool, arguments.clone()));
                // The answer of a host that was killed never comes.
                let Ok(answer) = answer.await else {
                    return Reply::Gone;
                };
                match answer {
                    Ok(result) => {
                        *client = Some(connected);
                        mcp(&result)
                    }
                    Err(ServiceError::McpError(error)) => {
                        *client = Some(connected);
                        Reply::failed(&json!("protocol"), &json!(error.message))
                    }
                    // The next call connects again.
                    Err(_) => Reply::Gone,
                }
            }
        }
    }
}

async fn rest(request: reqwest::RequestBuilder) -> Reply {
    let response = match request.send().await {
        Ok(response) => response,
        Err(_) => return Reply::Gone,
    };
    let status = response.status();
    match response.json::<Value>().await {
        Ok(answer) if status == StatusCode::OK => Reply::Done(answer),
        Ok(problem) => Reply::failed(&problem["type"], &problem["detail"]),
        Err(_) => Reply::Gone,
    }
}

fn mcp(result: &CallToolResult) -> Reply {
    if result.is_error != Some(true) {
        return Reply::Done(result.structured_content.clone().unwrap_or_default());
    }
    let meta = result.meta.as_ref();
    let failure = meta.and_then(|meta| meta.0.get("sandpit/failure"));
    let kind = failure.map(|failure| failure["kind"].clone());
    Reply::failed(&kind.unwrap_or_default(), &json!(text(result)))
}
