//! `tools/call`: a call with everything that may happen while it runs.
//!
//! Events of the tool become progress and log notifications, its questions and
//! the host's a [`Dialogue`] with the client. What the tool or the broker
//! refuses is a result with `isError`, which the model reads; only a tool that
//! does not exist is an error of the protocol.

#![expect(
    deprecated,
    reason = "logging is deprecated in 2026-07-28, and what older clients know"
)]

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, JsonObject, LoggingLevel,
    LoggingMessageNotificationParam, ProgressNotificationParam, ProgressToken,
};
use rmcp::service::{RequestContext, RoleServer};
use sandpit_tools::{CallRequest, Event, Failure, Level, Outcome, Resume, ToolError};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::asked::Asked;
use super::content;
use super::dialogue::{Dialogue, Turn};
use super::handler::{Handler, identity, left};
use super::questions;
use super::seal::Bound;
use crate::auth::Identity;
use crate::call;
use crate::trace;

/// How many events may wait for a client.
const WAITING: usize = 256;

/// Answers `tools/call`.
pub(super) async fn call(
    handler: &Handler,
    request: CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let identity = identity(context)?;
    let tool = handler.shared.tools.get(&request.name);
    if tool.is_some_and(|tool| !identity.may_use(&tool)) {
        // For this caller it does not exist, nor does a question of it.
        let error = ToolError::unknown(&request.name);
        return Err(ErrorData::invalid_params(error.to_string(), None));
    }
    let call = Call::new(handler, context, identity, request.name.into_owned());
    let arguments = request.arguments.unwrap_or_default();
    let bound = Bound::call(identity.name(), &call.tool, &arguments);
    let mut dialogue = Dialogue::new(handler, context, bound, request.input_responses);
    let mut turn = dialogue.begin(request.request_state.as_deref()).await?;
    loop {
        let resume = match turn {
            Turn::Run(resume) => resume,
            Turn::Ask(questions) => return Ok(questions.into()),
            Turn::Fail(failure) => return Ok(call.failed(failure)),
        };
        let asked = match call.run(arguments.clone(), resume.clone()).await {
            Ok(Outcome::Answer(answer)) => return Ok(content::result(answer, &call.id).into()),
            Ok(Outcome::Failure(failure)) => return Ok(call.failed(failure)),
            Ok(Outcome::InputRequired(questions)) => Asked::Tool(questions),
            Ok(Outcome::ConfirmationNeeded(confirmation)) => Asked::Host {
                confirmation,
                resume,
            },
            Err(error) => return Err(ErrorData::invalid_params(error.to_string(), None)),
        };
        turn = dialogue.next(asked).await?;
    }
}

/// One `tools/call` request.
struct Call<'a> {
    handler: &'a Handler,
    context: &'a RequestContext<RoleServer>,
    identity: &'a Identity,
    id: String,
    tool: String,
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
            id: trace::call_id(context),
            tool,
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
            askable: questions::askable(self.context),
            client: call::client(
                self.identity,
                "mcp",
                &format!("{} {}", client.name, client.version),
            ),
            rights: self.identity.rights().clone(),
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
        let leaving = async {
            tokio::select! {
                () = ended.cancelled() => {}
                () = left(&self.handler.shared, self.context) => {
                    tracing::info!(call_id = self.id, "a call is cancelled: its client has left");
                    cancel.cancel();
                }
            }
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
        let (outcome, (), ()) = tokio::join!(running, telling, leaving);
        outcome
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
