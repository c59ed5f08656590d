//! What the host offers a tool of its own call.

use std::time::Duration;

use serde::Serialize;

use crate::bindings::sandpit::tool::context as host;
use crate::{Askable, Level, Resume};

/// The call that is running.
pub struct Context {
    resume: Option<Resume>,
    askable: Askable,
}

impl Context {
    pub(crate) fn new(resume: Option<Resume>, askable: Askable) -> Self {
        Self { resume, askable }
    }

    /// Whether the client can be asked for this. A question beyond it ends the
    /// call.
    #[must_use]
    pub fn can_ask(&self, what: Askable) -> bool {
        self.askable & what == what
    }

    /// Set when this call carries on after questions to the client.
    #[must_use]
    pub fn resume(&self) -> Option<&Resume> {
        self.resume.as_ref()
    }

    /// Writes to the tool's log, and to the client if it listens.
    pub fn log(&self, level: Level, message: &str) {
        host::log(level, message);
    }

    /// [`log`](Self::log) at [`Level::Info`].
    pub fn info(&self, message: &str) {
        self.log(Level::Info, message);
    }

    /// Says how far the call is. `done` must grow from one time to the next.
    pub fn progress(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        host::progress(done, total, message);
    }

    /// Sends an event to a caller who listens.
    pub fn emit(&self, event: &str, data: &impl Serialize) {
        match serde_json::to_string(data) {
            Ok(data) => host::emit(event, &data),
            Err(error) => self.log(
                Level::Error,
                &format!("The event `{event}` could not be written as JSON: {error}."),
            ),
        }
    }

    /// How long the call may still take.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        Duration::from_millis(host::remaining_ms())
    }

    /// Whether the caller no longer wants the answer.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        host::cancelled()
    }

    /// Whether the caller holds a stream open until it leaves.
    #[must_use]
    pub fn open_ended(&self) -> bool {
        host::open_ended()
    }
}
