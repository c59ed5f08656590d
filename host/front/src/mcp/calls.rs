//! `tools/call`: a call with everything that may happen while it runs.
//!
//! Events of the tool become progress and log notifications. A question, of the
//! tool or of the host ([`Asked`]), becomes an elicitation request, whose answer carries on the call
//! (before 2026-07-28), or the result `input_required`, whose answer comes with
//! another call (since). What the tool or the broker refuses is a result with
//! `isError`, which the model reads; only a tool that does not exist is an error
//! of the protocol.

#![expect(
    deprecated,
    reason = "logging is deprecated in 2026-07-28, and what older clients know"
)]

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientResult, ElicitRequest, ElicitResult,
    ElicitationAction, InputRequest, InputRequests, InputRequiredResult, JsonObject, LoggingLevel,
    LoggingMessageNotificationParam, ProgressNotificationParam, ProgressToken, ServerRequest,
};
use rmcp::service::{PeerRequestOptions, RequestContext, RoleServer};
use sandpit_tools::{
    CallRequest, Event, Failure, FailureKind, Level, Outcome, Response, Resume, ToolError,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::asked::Asked;
use super::content;
use super::handler::{Handler, identity, is_modern};
use super::seal::Bound;
use crate::auth::Identity;
use crate::call;

/// How many questions a call may ask.
const ROUNDS: u32 = 8;

/// The name of the one question in an `input_required` result.
const QUESTION: &str = "question";

/// How many events may wait for a client.
const WAITING: usize = 256;

/// Answers `tools/call`.
pub(super) async fn call(
    handler: &Handler,
    request: CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let identity = identity(context)?;
    if !identity.may_use(&request.name) {
        // For this caller it does not exist.
        let error = ToolError::unknown(&request.name);
        return Err(ErrorData::invalid_params(error.to_string(), None));
    }
    let call = Call::new(handler, context, identity, request.name.into_owned());
    let arguments = request.arguments.unwrap_or_default();
    let tools = &handler.shared.tools;
    let mut round = 0;
    let mut resume = None;
    if call.modern
        && let Some(sealed) = &request.request_state
    {
        let responses = request.input_responses.unwrap_or_default();
        let invalid =
            |error: super::seal::InvalidState| ErrorData::invalid_params(error.to_string(), None);
        let seal = &handler.shared.seal;
        let opened = seal.open(&call.of(&arguments), sealed).map_err(invalid)?;
        let Some(response) = responses.get(QUESTION).and_then(elicited) else {
            // The state is still good: the same question, once more.
            return Ok(call.ask(&arguments, opened.round, &opened.asked));
        };
        seal.spend(&opened).map_err(invalid)?;
        round = opened.round;
        resume = match opened.asked.answered(response, tools).await {
            Ok(resume) => resume,
            Err(failure) => return Ok(call.failed(failure)),
        };
    }
    loop {
        let asked = match call.run(arguments.clone(), resume.clone()).await {
            Ok(Outcome::Answer(answer)) => return Ok(content::result(answer, &call.id).into()),
            Ok(Outcome::Failure(failure)) => return Ok(call.failed(failure)),
            Ok(Outcome::InputRequired(question)) => Asked::Tool(question),
            Ok(Outcome::ConfirmationNeeded(confirmation)) => Asked::Host {
                confirmation,
                resume,
            },
            Err(error @ (ToolError::UnknownTool { .. } | ToolError::NotServed { .. })) => {
                return Err(ErrorData::invalid_params(error.to_string(), None));
            }
        };
        round += 1;
        if round > ROUNDS {
            return Ok(call.failed(Failure::new(
                FailureKind::Internal,
                format!("The tool asked more than {ROUNDS} questions and was stopped."),
            )));
        }
        if !call.can_ask() {
            return Ok(call.failed(asked.unaskable()));
        }
        if call.modern {
            return Ok(call.ask(&arguments, round, &asked));
        }
        let response = match call.elicit(&asked).await {
            Ok(response) => response,
            Err(failure) => return Ok(call.failed(failure)),
        };
        resume = match asked.answered(response, tools).await {
            Ok(resume) => resume,
            Err(failure) => return Ok(call.failed(failure)),
        };
    }
}

/// One `tools/call` request.
struct Call<'a> {
    handler: &'a Handler,
    context: &'a RequestContext<RoleServer>,
    identity: &'a Identity,
    id: String,
    tool: String,
    modern: bool,
}

impl<'a> Call<'a> {
    fn new(
        handler: &'a Handler,
        context: &'a RequestContext<RoleServer>,
        identity: &'a Identity,
        tool: String,
    ) -> Self {
        Self {
            handler,
            context,
            identity,
            id: call::new_id(),
            tool,
            modern: is_modern(context),
        }
    }

    /// What a sealed state is bound to.
    fn of<'b>(&'b self, arguments: &'b JsonObject) -> Bound<'b> {
        Bound {
            caller: self.identity.name(),
            tool: &self.tool,
            arguments,
        }
    }

    fn failed(&self, failure: Failure) -> CallToolResponse {
        content::failed(failure, &self.id).into()
    }

    /// Runs the tool once, and passes its events on while it runs.
    async fn run(
        &self,
        arguments: JsonObject,
        resume: Option<Resume>,
    ) -> Result<Outcome, ToolError> {
        let tools = &self.handler.shared.tools;
        let streaming = tools
            .get(&self.tool)
            .is_some_and(|tool| tool.descriptor().streaming);
        let mut listener = Listener {
            call: self,
            token: self.context.meta.get_progress_token(),
            level: self.handler.level(self.context),
            done: f64::NEG_INFINITY,
        };
        let (sender, mut events) = mpsc::channel(WAITING);
        let client = self.context.client_info().unwrap_or_default();
        // rmcp cancels this when the client sends `notifications/cancelled`,
        // or when it closes the stream of a request without a session.
        let cancel = self.context.ct.child_token();
        let request = CallRequest {
            arguments,
            resume,
            client: call::client(
                self.identity,
                "mcp",
                &format!("{} {}", client.name, client.version),
            ),
            call_id: self.id.clone(),
            events: listener.listens().then_some(sender),
            cancel: cancel.clone(),
            open_ended: false,
        };
        let ended = CancellationToken::new();
        let running = async {
            let outcome = call::run(tools, &self.tool, request).await;
            ended.cancel();
            outcome
        };
        let telling = async {
            let mut open = true;
            let mut stopping = false;
            loop {
                tokio::select! {
                    biased;
                    event = events.recv(), if open => match event {
                        Some(event) => listener.tell(event).await,
                        None => open = false,
                    },
                    () = ended.cancelled() => break,
                    () = self.handler.shared.streams.cancelled(), if streaming && !stopping => {
                        stopping = true;
                        cancel.cancel();
                    }
                }
            }
            while let Ok(event) = events.try_recv() {
                listener.tell(event).await;
            }
        };
        let (outcome, ()) = tokio::join!(running, telling);
        outcome
    }

    /// Whether the client can put a form before the person.
    fn can_ask(&self) -> bool {
        let capabilities = self.context.client_capabilities();
        capabilities
            .and_then(|capabilities| capabilities.elicitation)
            // Naming neither form nor URL means forms.
            .is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none())
    }

    /// Asks with the result, and leaves it to the client to come back.
    fn ask(&self, arguments: &JsonObject, round: u32, asked: &Asked) -> CallToolResponse {
        let params = match asked.form() {
            Ok(params) => params,
            Err(failure) => return self.failed(failure),
        };
        let seal = &self.handler.shared.seal;
        let Some(state) = seal.close(&self.of(arguments), round, asked) else {
            return self.failed(Failure::new(
                FailureKind::Internal,
                "The host could not seal the state of the question.",
            ));
        };
        let request = InputRequest::Elicitation(ElicitRequest::new(params));
        let requests = InputRequests::from([(QUESTION.to_owned(), request)]);
        InputRequiredResult::new(Some(requests), Some(state)).into()
    }

    /// Asks with a request of our own, and waits for the answer.
    async fn elicit(&self, asked: &Asked) -> Result<Response, Failure> {
        let request = ServerRequest::ElicitRequest(ElicitRequest::new(asked.form()?));
        let options = PeerRequestOptions::with_timeout(self.handler.shared.question_timeout);
        let asked = async {
            let handle = self.context.peer.send_request_with_option(request, options);
            handle.await?.await_response().await
        };
        let response = tokio::select! {
            () = self.context.ct.cancelled() => {
                let message = "The call was cancelled before its question was answered.";
                return Err(Failure::new(FailureKind::Cancelled, message));
            }
            response = asked => response,
        };
        match response {
            Ok(ClientResult::ElicitResult(result)) => Ok(answered(result)),
            Ok(_) => Err(Failure::new(
                FailureKind::Internal,
                "The client answered the question with something else.",
            )),
            Err(error) => Err(Failure::new(
                FailureKind::TimedOut,
                format!("The question was not answered: {error}."),
            )),
        }
    }
}

/// The response that a client sent along with a call, if it is one.
fn elicited(response: &Value) -> Option<Response> {
    let result = serde_json::from_value::<ElicitResult>(response.clone()).ok()?;
    Some(answered(result))
}

fn answered(result: ElicitResult) -> Response {
    match result.action {
        ElicitationAction::Accept => {
            let content = result.content.unwrap_or_else(|| json!({}));
            Response::Accept(content.to_string())
        }
        ElicitationAction::Decline => Response::Decline,
        // An action that this version does not know decides nothing.
        _ => Response::Cancel,
    }
}

/// Passes the events of a call on to the client.
struct Listener<'a> {
    call: &'a Call<'a>,
    /// Under which the client wants progress, if it does.
    token: Option<ProgressToken>,
    /// The least important log line that it wants, if any.
    level: Option<u8>,
    /// The progress told last: it must grow.
    done: f64,
}

impl Listener<'_> {
    /// Whether the client wants to hear anything.
    fn listens(&self) -> bool {
        self.token.is_some() || self.level.is_some()
    }

    async fn tell(&mut self, event: Event) {
        match event {
            Event::Log { level, message } => {
                let level = match level {
                    Level::Debug => LoggingLevel::Debug,
                    Level::Info => LoggingLevel::Info,
                    Level::Warning => LoggingLevel::Warning,
                    Level::Error => LoggingLevel::Error,
                };
                self.log(level, message.into()).await;
            }
            Event::Emitted { event, data } => {
                let data = serde_json::from_str(data.get()).unwrap_or(Value::Null);
                let data = json!({ "event": event, "data": data });
                self.log(LoggingLevel::Info, data).await;
            }
            Event::Progress {
                done,
                total,
                message,
            } => self.progress(done, total, message).await,
        }
    }

    async fn log(&self, level: LoggingLevel, data: Value) {
        if self.level.is_none_or(|least| (level as u8) < least) {
            return;
        }
        let log =
            LoggingMessageNotificationParam::new(level, data).with_logger(self.call.tool.clone());
        if let Err(error) = self.call.context.peer.notify_logging_message(log).await {
            tracing::debug!(%error, "a log line did not reach its client");
        }
    }

    async fn progress(&mut self, done: f64, total: Option<f64>, message: Option<String>) {
        let Some(token) = self.token.clone() else {
            return;
        };
        if !done.is_finite() || done <= self.done {
            return;
        }
        self.done = done;
        let mut progress = ProgressNotificationParam::new(token, done);
        progress.total = total.filter(|total| total.is_finite());
        progress.message = message;
        if let Err(error) = self.call.context.peer.notify_progress(progress).await {
            tracing::debug!(%error, "progress did not reach its client");
        }
    }
}
