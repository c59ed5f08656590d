//! One call, as the caller asks for it, and the events it may listen to.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::CallLimits;
use crate::lines::Lines;
use crate::question::{Askable, Resume};
use crate::scope::Scope;
use crate::times::Times;

/// One call of a tool.
#[derive(Debug)]
pub struct Call {
    /// The call's id, unique in this host: it stands in every log line and
    /// travels with every order of the call.
    pub id: String,
    /// Who calls, in the front's words.
    pub client: String,
    /// The arguments as a JSON object.
    pub arguments: String,
    /// The gateway that it goes to; none for the first that the scope reaches.
    pub gateway: Option<String>,
    /// Set when this call carries on after questions.
    pub resume: Option<Resume>,
    /// What the client can be asked for.
    pub askable: Askable,
    /// Its bounds.
    pub limits: CallLimits,
    /// Which gateways, accounts and instruments it reaches.
    pub scope: Arc<Scope>,
    /// The market-data lines of the tool, over all of its calls.
    pub lines: Lines,
    /// Where its time goes, for whoever keeps a clone.
    pub times: Times,
    /// Where its events go. When the channel is full, log lines and progress
    /// are dropped, and stream events make the tool wait.
    pub events: Option<mpsc::Sender<Event>>,
    /// Says that the caller no longer wants the answer.
    pub cancel: CancellationToken,
    /// Whether the caller holds a stream open until it leaves.
    pub open_ended: bool,
}

impl Call {
    /// A call with the usual bounds and no limit to its reach, to which nobody
    /// listens.
    pub fn new(
        id: impl Into<String>,
        client: impl Into<String>,
        arguments: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            client: client.into(),
            arguments: arguments.into(),
            gateway: None,
            resume: None,
            askable: Askable::default(),
            limits: CallLimits::default(),
            scope: Arc::default(),
            lines: Lines::unlimited(),
            times: Times::default(),
            events: None,
            cancel: CancellationToken::new(),
            open_ended: false,
        }
    }
}

/// What a tool sends while it runs.
#[derive(Debug, Clone)]
pub enum Event {
    /// A log line (MCP `notifications/message`).
    Log {
        /// How much it matters.
        level: Level,
        /// The line.
        message: String,
    },
    /// How far the call is (MCP `notifications/progress`). `done` grows from
    /// one to the next.
    Progress {
        /// How much is done.
        done: f64,
        /// How much there is in all, where it is known.
        total: Option<f64>,
        /// What is being done.
        message: Option<String>,
    },
    /// An event of a stream (a server-sent event in REST).
    Emitted {
        /// Its name: 1 to 64 of letters, digits, `_`, `-` and `.`.
        event: String,
        /// Its data, as the tool wrote it, without line breaks.
        data: Box<RawValue>,
    },
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// Good to know.
    Info,
    /// Something is not as it should be.
    Warning,
    /// Something went wrong.
    Error,
}
