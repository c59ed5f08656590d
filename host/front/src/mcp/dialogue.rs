//! A request that may ask its client for more before it is answered.
//!
//! Before 2026-07-28 the client is asked with requests of our own, while its
//! own request waits. Since then the questions are the result, and the client
//! comes back with the same request, the responses and the state that was
//! sealed for it. A client that sends responses along without a state is taken
//! at its word, if they answer what the tool turns out to ask; the host's own
//! question is never answered that way.

use rmcp::ErrorData;
use rmcp::model::{
    ClientCapabilities, ErrorCode, InputRequest as McpRequest, InputRequiredResult, InputResponses,
    JsonObject, ServerRequest,
};
use rmcp::service::{PeerRequestOptions, RequestContext, RoleServer, ServiceError};
use sandpit_tools::{
    Askable, Failure, FailureKind, InputRequest, InputResponse, Question, Response, Resume,
};

use super::asked::Asked;
use super::handler::{Handler, is_modern};
use super::questions;
use super::seal::{Bound, InvalidState};

/// How often a request may ask.
const ROUNDS: u32 = 8;

/// The code with which clients say that the person refused a task for the
/// model.
const REFUSED: ErrorCode = ErrorCode(-1);

/// What happens next.
pub(super) enum Turn {
    /// The tool runs, from its beginning or after its questions.
    Run(Option<Resume>),
    /// The client is asked with this result.
    Ask(InputRequiredResult),
    /// The request ends with this.
    Fail(Failure),
}

/// The questions and answers of one request.
pub(super) struct Dialogue<'a> {
    handler: &'a Handler,
    context: &'a RequestContext<RoleServer>,
    bound: Bound<'a>,
    round: u32,
    /// Responses that came with the request and were not used yet.
    sent: InputResponses,
}

impl<'a> Dialogue<'a> {
    /// For a request, with the responses that came along.
    pub(super) fn new(
        handler: &'a Handler,
        context: &'a RequestContext<RoleServer>,
        bound: Bound<'a>,
        sent: Option<InputResponses>,
    ) -> Self {
        Self {
            handler,
            context,
            bound,
            round: 0,
            sent: sent.filter(|_| is_modern(context)).unwrap_or_default(),
        }
    }

    /// What happens first. `state` is what came with the request.
    ///
    /// # Errors
    ///
    /// If the state is not one of this request, or a response cannot be used.
    pub(super) async fn begin(&mut self, state: Option<&str>) -> Result<Turn, ErrorData> {
        let Some(state) = state.filter(|_| is_modern(self.context)) else {
            return Ok(Turn::Run(None));
        };
        let invalid = |error: InvalidState| ErrorData::invalid_params(error.to_string(), None);
        let seal = &self.handler.shared.seal;
        let opened = seal.open(&self.bound, state).map_err(invalid)?;
        self.round = opened.round;
        let Some(responses) = opened.asked.read(&self.sent).map_err(unusable)? else {
            // The state is still good: the same questions, once more.
            return Ok(self.ask(&opened.asked));
        };
        seal.spend(&opened).map_err(invalid)?;
        self.sent.clear();
        Ok(self.answered(opened.asked, responses).await)
    }

    /// What happens after the tool, or the host on its behalf, has asked.
    ///
    /// # Errors
    ///
    /// If a response that came with the request cannot be used, or if a client
    /// of 2026-07-28 has not declared what the tool asks for.
    pub(super) async fn next(&mut self, asked: Asked) -> Result<Turn, ErrorData> {
        self.round += 1;
        if self.round > ROUNDS {
            return Ok(Turn::Fail(Failure::new(
                FailureKind::Internal,
                format!("The tool asked more than {ROUNDS} times and was stopped."),
            )));
        }
        let askable = questions::askable(self.context);
        if let Some(failure) = asked.beyond(askable) {
            return match asked {
                // That the host holds an order back is not the tool's need.
                Asked::Tool(_) if is_modern(self.context) => {
                    Err(undeclared(&asked, askable, failure.message))
                }
                _ => Ok(Turn::Fail(failure)),
            };
        }
        if is_modern(self.context) {
            if matches!(asked, Asked::Tool(_))
                && let Some(responses) = asked.read(&self.sent).map_err(unusable)?
            {
                self.sent.clear();
                return Ok(self.answered(asked, responses).await);
            }
            return Ok(self.ask(&asked));
        }
        let mut responses = Vec::new();
        for question in asked.questions() {
            match self.put(&question).await {
                Ok(response) => responses.push(Response {
                    name: question.name,
                    response,
                }),
                Err(failure) => return Ok(Turn::Fail(failure)),
            }
        }
        Ok(self.answered(asked, responses).await)
    }

    async fn answered(&self, asked: Asked, responses: Vec<Response>) -> Turn {
        match asked.answered(responses, &self.handler.shared.tools).await {
            Ok(resume) => Turn::Run(resume),
            Err(failure) => Turn::Fail(failure),
        }
    }

    /// Asks with the result, and leaves it to the client to come back.
    fn ask(&self, asked: &Asked) -> Turn {
        let requests = match asked.requests() {
            Ok(requests) => requests,
            Err(failure) => return Turn::Fail(failure),
        };
        let seal = &self.handler.shared.seal;
        match seal.close(&self.bound, self.round, asked) {
            Some(state) => Turn::Ask(InputRequiredResult::new(Some(requests), Some(state))),
            None => Turn::Fail(Failure::new(
                FailureKind::Internal,
                "The host could not seal the state of the question.",
            )),
        }
    }

    /// Asks with a request of our own, and waits for the response.
    async fn put(&self, question: &Question) -> Result<InputResponse, Failure> {
        let request = match questions::put(&question.request)? {
            McpRequest::Elicitation(request) => ServerRequest::ElicitRequest(request),
            McpRequest::CreateMessage(request) => ServerRequest::CreateMessageRequest(request),
            McpRequest::ListRoots(request) => ServerRequest::ListRootsRequest(request),
            _ => {
                return Err(Failure::new(
                    FailureKind::Internal,
                    "The host has no way to put the tool's question.",
                ));
            }
        };
        let options = PeerRequestOptions::with_timeout(self.handler.shared.question_timeout);
        let asked = async {
            let handle = self.context.peer.send_request_with_option(request, options);
            handle.await?.await_response().await
        };
        let result = tokio::select! {
            () = self.context.ct.cancelled() => {
                let message = "The call was cancelled before its question was answered.";
                return Err(Failure::new(FailureKind::Cancelled, message));
            }
            result = asked => result,
        };
        match result {
            Ok(result) => {
                let response = serde_json::to_value(result).unwrap_or_default();
                questions::read(&question.request, response).map_err(|reason| {
                    Failure::new(
                        FailureKind::InvalidArguments,
                        format!("The client's answer to the question cannot be used: {reason}."),
                    )
                })
            }
            Err(ServiceError::McpError(error))
                if error.code == REFUSED
                    && matches!(question.request, InputRequest::Sampling(_)) =>
            {
                Ok(InputResponse::Decline)
            }
            Err(error) => Err(Failure::new(
                FailureKind::TimedOut,
                format!("The question was not answered: {error}."),
            )),
        }
    }
}

/// What a request is bound to that may ask.
impl<'a> Bound<'a> {
    /// A call of a tool.
    pub(super) fn call(caller: &'a str, tool: &'a str, arguments: &'a JsonObject) -> Self {
        Self {
            method: "tools/call",
            caller,
            name: tool,
            arguments,
        }
    }
}

/// The error of a request that needs more of its client than that has declared,
/// with the sentence for people.
fn undeclared(asked: &Asked, askable: Askable, sentence: String) -> ErrorData {
    let mut required = ClientCapabilities::default();
    for question in asked.questions() {
        match question.request {
            request if askable.covers(&request) => {}
            InputRequest::Elicitation(_) => required.elicitation = Some(Default::default()),
            InputRequest::Sampling(_) => required.sampling = Some(Default::default()),
            InputRequest::Roots => required.roots = Some(Default::default()),
        }
    }
    let mut error = ErrorData::missing_required_client_capability(required);
    error.message = sentence.into();
    error
}

fn unusable(reason: String) -> ErrorData {
    ErrorData::invalid_params(reason, None)
}
