//! What the operator can stop: trading.

use std::fmt;

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::problem::{Problem, ProblemKind};

/// The operator's hand on trading. The front only carries the words to whoever
/// knows the gateways.
pub trait Trading: fmt::Debug + Send + Sync {
    /// How the gateways and the journal stand, as members of the status.
    fn status(&self) -> BoxFuture<'_, Map<String, Value>>;

    /// The orders to which something happened last, the latest first, no more
    /// than `limit`: how each stands and what the risk gate said of it, as the
    /// journal of orders has it.
    ///
    /// # Errors
    /// If there is no journal, or it cannot be read.
    fn orders(&self, limit: usize) -> BoxFuture<'_, Result<Value, NotDone>>;

    /// Stops new orders. Answers how each gateway stands then.
    ///
    /// # Errors
    /// If there is no such gateway. What else goes wrong is in the answer:
    /// trading is halted all the same.
    fn halt(&self, wish: HaltWish) -> BoxFuture<'_, Result<Value, NotDone>>;

    /// Lets new orders through again.
    ///
    /// # Errors
    /// If there is no such gateway, or something keeps one halted.
    fn resume(&self, wish: ResumeWish) -> BoxFuture<'_, Result<Value, NotDone>>;
}

/// What `POST /operator/halt` asks for. Everything may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct HaltWish {
    /// The one gateway that is meant; all if none is named.
    pub gateway: Option<String>,
    /// Why, for whoever wants to trade and for the journal.
    pub reason: Option<String>,
    /// Who it is that halts.
    pub by: Option<String>,
    /// Whether open orders are cancelled too.
    pub cancel_orders: bool,
}

/// What `POST /operator/resume` asks for. Everything may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ResumeWish {
    /// The one gateway that is meant; all if none is named.
    pub gateway: Option<String>,
    /// Who it is that resumes.
    pub by: Option<String>,
}

/// Why something was not done for the operator, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// There is no gateway of that name.
    #[error("{0}")]
    NoSuchGateway(String),
    /// Something stands in the way.
    #[error("{0}")]
    Conflict(String),
}

impl From<NotDone> for Problem {
    fn from(not_done: NotDone) -> Self {
        let kind = match &not_done {
            NotDone::NoSuchGateway(_) => ProblemKind::InvalidBody,
            NotDone::Conflict(_) => ProblemKind::Conflict,
        };
        Self::new(kind, not_done.to_string())
    }
}
