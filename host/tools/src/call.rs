//! One call of a tool: checked before, checked after, and logged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sandpit_sandbox::{
    Answer, Askable, Call, CallError, Capability, Content, Event, Failure, FailureKind, Outcome,
    PromptAnswer, Resume, Structured, Times,
};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::admission::NotAdmitted;
use crate::config::ToolsConfig;
use crate::live::Live;
use crate::metrics::Ended;
use crate::rights::Rights;
use crate::runtime::{Running, Runtime};
use crate::tool::Tool;

/// What a caller asks for.
#[derive(Debug)]
pub struct CallRequest {
    /// The arguments.
    pub arguments: Map<String, Value>,
    /// Set when this call carries on after questions. Its state must come
    /// from the questions of this very tool.
    pub resume: Option<Resume>,
    /// What the client can be asked for.
    pub askable: Askable,
    /// Who calls, for logs and for the journal of orders.
    pub client: String,
    /// What the caller may use. A tool that is beyond it does not exist.
    pub rights: Rights,
    /// The call's id, unique in this host.
    pub call_id: String,
    /// Where the tool's events go. When the channel is full, log lines and
    /// progress are dropped, and stream events make the tool wait.
    pub events: Option<mpsc::Sender<Event>>,
    /// Says that the caller no longer wants the answer.
    pub cancel: CancellationToken,
    /// Whether the caller holds a stream open until it leaves.
    pub open_ended: bool,
}

impl CallRequest {
    /// A request of a caller who may use every tool, to whose events nobody
    /// listens.
    pub fn new(
        arguments: Map<String, Value>,
        client: impl Into<String>,
        call_id: impl Into<String>,
    ) -> Self {
        Self {
            arguments,
            resume: None,
            askable: Askable::default(),
            client: client.into(),
            rights: Rights::to_all(),
            call_id: call_id.into(),
            events: None,
            cancel: CancellationToken::new(),
            open_ended: false,
        }
    }
}

/// Calls a tool. Whatever goes wrong is a failure that the caller may read.
#[tracing::instrument(level = "debug", name = "tools.call", skip_all, fields(tool = tool.name()))]
pub(crate) async fn call(
    tool: &Tool,
    running: Running,
    live: &Live,
    request: CallRequest,
    config: &ToolsConfig,
) -> Outcome {
    let component = tool.component();
    let outcome = run(tool, running, live, request, config, |call| {
        component.call(call)
    });
    outcome.await
}

/// Has a prompt write its messages. Whatever goes wrong is a failure that the
/// caller may read.
#[tracing::instrument(level = "debug", name = "tools.prompt", skip_all, fields(prompt = prompt.name()))]
pub(crate) async fn get(
    prompt: &Tool,
    running: Running,
    live: &Live,
    request: CallRequest,
    config: &ToolsConfig,
) -> Outcome<PromptAnswer> {
    let component = prompt.component();
    let outcome = run(prompt, running, live, request, config, |call| {
        component.get(call)
    });
    outcome.await
}

/// Runs one of both within the policy, and logs it.
async fn run<A: Checked>(
    tool: &Tool,
    running: Running,
    live: &Live,
    request: CallRequest,
    config: &ToolsConfig,
    enter: impl AsyncFnOnce(Call) -> Result<Outcome<A>, CallError>,
) -> Outcome<A> {
    let log = CallLog::new(tool, &request);
    let outcome = admit(
        tool,
        &running,
        live,
        request,
        log.times.clone(),
        config,
        enter,
    )
    .await;
    let outcome = match running.revoked() {
        Some(what) => revoked(tool, what, outcome),
        None => outcome,
    };
    running.end(match &outcome {
        Outcome::Failure(failure) => Some(failure.kind),
        _ => None,
    });
    log.end(&outcome);
    outcome
}

async fn admit<A: Checked>(
    tool: &Tool,
    running: &Running,
    live: &Live,
    mut request: CallRequest,
    times: Times,
    config: &ToolsConfig,
    enter: impl AsyncFnOnce(Call) -> Result<Outcome<A>, CallError>,
) -> Outcome<A> {
    let unfit = |faults: String| {
        Outcome::Failure(Failure::new(
            FailureKind::InvalidArguments,
            format!("The arguments do not fit {}: {faults}.", tool.name()),
        ))
    };
    let gateway = match tool.take_gateway(&mut request.arguments) {
        Ok(gateway) => gateway,
        Err(faults) => return unfit(faults),
    };
    let arguments = Value::Object(request.arguments);
    if let Err(faults) = tool.check_arguments(&arguments) {
        return unfit(faults);
    }
    // A stream lasts as long as it likes; its caller does not wait as long.
    let patience = tool.limits().deadline.min(config.call_deadline);
    let admission = &tool.runtime().admission;
    let admitted = admission.enter(&request.client, patience, &running.cancel);
    let waiting = tracing::debug_span!("tools.queue");
    let _place = match times.queued(admitted).instrument(waiting).await {
        Ok(place) => {
            live.runs();
            place
        }
        Err(refused) => return Outcome::Failure(not_admitted(tool, &refused)),
    };
    let call = Call {
        id: request.call_id,
        client: request.client,
        arguments: arguments.to_string(),
        gateway,
        resume: request.resume,
        askable: request.askable,
        limits: tool.limits().clone(),
        scope: Arc::clone(tool.scope()),
        lines: tool.runtime().lines.clone(),
        times,
        events: request.events,
        cancel: running.cancel.clone(),
        open_ended: request.open_ended,
    };
    match enter(call).await {
        Ok(Outcome::Answer(answer)) => answer.checked(tool),
        Ok(outcome) => outcome,
        Err(error) => Outcome::Failure(failure(&error)),
    }
}

fn not_admitted(tool: &Tool, refused: &NotAdmitted) -> Failure {
    let kind = match refused {
        NotAdmitted::Rate { .. } | NotAdmitted::Full { .. } | NotAdmitted::Waited { .. } => {
            FailureKind::Pacing
        }
        NotAdmitted::Cancelled => FailureKind::Cancelled,
    };
    Failure::new(kind, format!("{} {refused}", tool.name()))
}

/// How a call ended from which the policy took something away. What became of
/// an order is never kept from the caller.
fn revoked<A>(tool: &Tool, what: &str, outcome: Outcome<A>) -> Outcome<A> {
    let trades = tool.capabilities().contains(&Capability::Trading);
    match outcome {
        Outcome::Answer(answer) if trades => Outcome::Answer(answer),
        Outcome::Failure(failure) if failure.kind == FailureKind::Uncertain => {
            Outcome::Failure(failure)
        }
        _ => Outcome::Failure(Failure::new(
            FailureKind::NoPermission,
            format!(
                "The operator's policy for {} changed during the call, and {what}: the call was \
                 ended.",
                tool.name()
            ),
        )),
    }
}

/// An answer that is checked before the caller gets it.
trait Checked: Sized {
    fn checked(self, tool: &Tool) -> Outcome<Self>;
}

/// It keeps what the tool promised, and has something to read.
impl Checked for Answer {
    fn checked(mut self, tool: &Tool) -> Outcome {
        let structured = self.structured.as_ref();
        if let Err(faults) = tool.check_answer(structured.map(Structured::json)) {
            return Outcome::Failure(Failure::new(
                FailureKind::Internal,
                format!(
                    "The answer of {} does not fit its own output schema: {faults}. This is a \
                     fault of the tool.",
                    tool.name()
                ),
            ));
        }
        if self.content.is_empty()
            && let Some(structured) = structured
        {
            let text = structured.text().to_owned();
            self.content.push(Content::Text(text));
        }
        Outcome::Answer(self)
    }
}

/// A prompt promises nothing of its messages.
impl Checked for PromptAnswer {
    fn checked(self, _prompt: &Tool) -> Outcome<Self> {
        Outcome::Answer(self)
    }
}

/// What the caller reads when there was no outcome.
fn failure(error: &CallError) -> Failure {
    let kind = match error {
        CallError::Busy { .. } | CallError::LimitExceeded { .. } => FailureKind::Pacing,
        CallError::ShuttingDown | CallError::Cancelled => FailureKind::Cancelled,
        CallError::DeadlineExceeded { .. } => FailureKind::TimedOut,
        CallError::OrdersUncertain { .. } => FailureKind::Uncertain,
        CallError::OutOfMemory { .. }
        | CallError::Trapped
        | CallError::TooLarge { .. }
        | CallError::BrokenContract(_)
        | CallError::NotStarted => FailureKind::Internal,
    };
    Failure::new(kind, error.to_string())
}

/// Writes one line for each call and counts it, also if its caller dropped it.
struct CallLog {
    tool: String,
    runtime: Arc<Runtime>,
    times: Times,
    call: String,
    client: String,
    begun: Instant,
    ended: bool,
}

impl CallLog {
    fn new(tool: &Tool, request: &CallRequest) -> Self {
        Self {
            tool: tool.name().to_owned(),
            runtime: Arc::clone(tool.runtime()),
            times: Times::default(),
            call: request.call_id.clone(),
            client: request.client.clone(),
            begun: Instant::now(),
            ended: false,
        }
    }

    fn end<A>(mut self, outcome: &Outcome<A>) {
        self.ended = true;
        match outcome {
            Outcome::Answer(_) => self.line(Ended::Answer, "answer", None),
            Outcome::InputRequired(_) => self.line(Ended::InputRequired, "input-required", None),
            Outcome::ConfirmationNeeded(_) => {
                self.line(Ended::ConfirmationNeeded, "confirmation-needed", None);
            }
            Outcome::Failure(failure) => {
                let kind = failure.kind;
                self.line(Ended::Failure(kind), kind.name(), Some(&failure.message));
            }
        }
    }

    fn line(&self, how: Ended, outcome: &str, reason: Option<&str>) {
        let duration = self.begun.elapsed();
        self.runtime.metrics.ended(how, duration, &self.times);
        tracing::info!(
            tool = self.tool,
            call = self.call,
            client = self.client,
            outcome,
            reason,
            milliseconds = milliseconds(duration),
            "tool call"
        );
    }
}

impl Drop for CallLog {
    fn drop(&mut self) {
        if !self.ended {
            self.line(Ended::Dropped, "dropped", Some("the caller left"));
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
