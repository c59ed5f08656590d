//! What happens to the host while it trades.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::journal::exact;

/// Trading was halted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Halt {
    /// Who did it: an operator, a file, a rule.
    pub who: String,
    /// Why.
    pub why: String,
    /// Whether all open orders were to be cancelled too.
    #[serde(default)]
    pub cancel_all: bool,
}

/// Trading was resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resume {
    /// Who did it.
    pub who: String,
    /// Why.
    pub why: String,
}

/// What became of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapKind {
    /// It was lost.
    Lost,
    /// It is back.
    Back,
}

/// The connection to TWS was lost, or came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// Lost or back.
    pub what: GapKind,
    /// When it was lost.
    #[serde(with = "exact::moment")]
    pub lost_at: OffsetDateTime,
    /// How long it was away, in nanoseconds, once it is back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_ns: Option<u64>,
    /// Why, in a sentence.
    pub reason: String,
}

/// Anything else worth keeping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// Who says it.
    pub who: String,
    /// What.
    pub text: String,
}
