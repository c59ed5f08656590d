//! The words for what became of an order and of what was asked of it.

use serde::Serialize;
use time::OffsetDateTime;

use super::event::{CallerRecord, Found, RequestKind};
use super::exact;
use super::key::{IdempotencyKey, RequestId};
use super::record::StateRecord;

/// What stage an order has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Asked for, not sent.
    Asked,
    /// Refused before it was sent.
    Refused,
    /// About to be sent, and then certainly not sent.
    NotSent,
    /// Handed to the socket, or about to be: TWS has not spoken of it.
    Sent,
    /// TWS holds it: it waits, works, or is on its way.
    Working,
    /// Filled in full.
    Filled,
    /// Cancelled, whatever of it was filled before.
    Cancelled,
    /// Refused by TWS.
    Rejected,
    /// Sent, and its fate is not known.
    Uncertain,
    /// Sent, and a look-up found that it never arrived.
    NeverArrived,
    /// Ended while nobody looked, and it is not known how: TWS had it, and
    /// lists it nowhere any more.
    Gone,
}

impl Stage {
    /// Whether nothing more will happen to the order.
    #[must_use]
    pub fn is_end(self) -> bool {
        !matches!(
            self,
            Self::Asked | Self::Sent | Self::Working | Self::Uncertain
        )
    }
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum RequestOutcome {
    /// It was asked, and nothing was sent so far.
    Asked,
    /// It was refused before anything was sent.
    Refused {
        /// By what.
        by: String,
        /// Why, in the words that the caller got.
        sentence: String,
    },
    /// It certainly never reached the socket.
    NotSent {
        /// Why.
        sentence: String,
    },
    /// It was sent, or was about to be, and TWS has not spoken of it.
    Sent,
    /// TWS took it.
    Acknowledged {
        /// Where the order stood then.
        state: StateRecord,
    },
    /// TWS refused it.
    Rejected {
        /// Its message code.
        code: i32,
        /// Its words.
        text: String,
    },
    /// It was sent, and its fate is not known.
    Uncertain {
        /// What is known.
        sentence: String,
    },
    /// Its fate was not known, and was looked up.
    Reconciled {
        /// What was found.
        found: Found,
        /// Where it was looked for, and what was seen.
        sentence: String,
    },
}

impl RequestOutcome {
    /// Whether TWS may have it without a word on it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Sent | Self::Uncertain { .. })
    }
}

/// One request, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestStory {
    /// The request.
    pub id: RequestId,
    /// What was asked.
    pub kind: RequestKind,
    /// Who asked.
    pub caller: CallerRecord,
    /// When.
    #[serde(serialize_with = "exact::moment::serialize")]
    pub time: OffsetDateTime,
    /// The caller's own name of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<IdempotencyKey>,
    /// What became of it.
    pub outcome: RequestOutcome,
}
