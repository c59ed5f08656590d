//! The list of what was done to the simulator, and what came of it.

use std::fmt;

use serde::Serialize;

use super::fault::Fault;

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Happened {
    /// Counted from 1.
    pub number: u64,
    /// The market's step in which it happened; 0 before the first.
    pub step: u64,
    /// Milliseconds since the simulator began.
    pub millis: u64,
    /// The seed of the script that did it; `None` for a script without one, and for
    /// [`Control`](crate::Control).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Happening {
    /// This was done.
    Fault(Fault),
    /// This came of something done before, in words: a message that was not sent, an order
    /// that was rejected.
    Effect(String),
}

impl fmt::Display for Happened {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "step {}, {} ms: ", self.step, self.millis)?;
        match &self.what {
            Happening::Fault(fault) => write!(formatter, "{fault}")?,
            Happening::Effect(effect) => write!(formatter, "  {effect}")?,
        }
        match self.seed {
            Some(seed) => write!(formatter, " (seed {seed})"),
            None => Ok(()),
        }
    }
}
