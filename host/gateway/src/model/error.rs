//! Why a request gave no answer.

use super::Confirmation;

/// A message from TWS itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwsMessage {
    /// The TWS message code, for example 201.
    pub code: i32,
    /// TWS's own words.
    pub text: String,
}

/// An order whose fate is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncertainOrder {
    /// The order's id, as far as one was assigned.
    pub order_id: Option<i32>,
    /// What is known, in a sentence.
    pub message: String,
}

/// Why a request to the broker gave no answer. Every text is a sentence that
/// can be shown to a person: what happened, what was expected, what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no connection to TWS.
    #[error("{0}")]
    NotConnected(String),
    /// What was asked for does not exist, for example a contract.
    #[error("{0}")]
    NotFound(String),
    /// The operator's policy or the account's permissions do not allow it.
    #[error("{0}")]
    NoPermission(String),
    /// It exists, but there is no data for it.
    #[error("{0}")]
    NoData(String),
    /// TWS's pacing rules or the host's limits stand in the way; try again later.
    #[error("{0}")]
    Pacing(String),
    /// TWS did not answer in time. Whether it did something is not known only
    /// for orders, and those give `Uncertain`.
    #[error("{0}")]
    TimedOut(String),
    /// The request cannot be right, and was not sent to TWS.
    #[error("{0}")]
    InvalidRequest(String),
    /// TWS refused it.
    #[error("TWS refused it (code {}): {}", .0.code, .0.text)]
    Rejected(TwsMessage),
    /// An order was sent and its fate is not known. Never send it again by
    /// yourself: look it up.
    #[error("{}", .0.message)]
    Uncertain(UncertainOrder),
    /// A person has to confirm the order first. Nothing was sent: ask, and run
    /// the request again once the person has confirmed.
    #[error(
        "This order needs the confirmation of a person, and nobody was asked: nothing was sent. \
         Use a client that can ask its user."
    )]
    ConfirmationNeeded(Box<Confirmation>),
    /// The call was cancelled, or ran into its deadline.
    #[error("{0}")]
    Cancelled(String),
    /// Anything else, including a defect of the host.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// There is no such order of this client.
    pub fn no_order(order_id: i32) -> Self {
        Self::NotFound(format!(
            "There is no open order {order_id} of this client. ibkr_get_open_orders lists the open \
             orders."
        ))
    }

    /// There is no such order that another could wait for.
    pub fn no_parent(order_id: i32) -> Self {
        Self::InvalidRequest(format!(
            "parentId {order_id} is no open order of this client. Place the parent first, with \
             transmit off, and use the id it gets."
        ))
    }

    /// There is no such position.
    pub fn no_position(account: &str, con_id: i32) -> Self {
        Self::NotFound(format!(
            "Account {account} has no position in conId {con_id}. ibkr_get_positions lists what it \
             holds."
        ))
    }

    /// A request that cannot be right.
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::InvalidRequest(text.into())
    }
}
