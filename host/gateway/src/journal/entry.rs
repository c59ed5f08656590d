//! Rows: as they are handed in, and as they stand in the journal.

use serde::Serialize;
use time::OffsetDateTime;

use super::chain::Hash;
use super::event::Event;
use super::exact;
use super::key::{OrderKey, RequestId};

/// What a row is about. What is not known is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The journal's name of the order.
    #[serde(rename = "orderKey", skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderKey>,
    /// The request that it belongs to. What TWS tells of an order by itself,
    /// such as a fill, belongs to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// The configured name of the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The API client id of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<i32>,
    /// The order id, unique for its client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<i32>,
    /// TWS's own, permanent id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub perm_id: Option<i64>,
}

impl About {
    /// About this gateway.
    #[must_use]
    pub fn gateway(name: impl Into<String>) -> Self {
        Self {
            gateway: Some(name.into()),
            ..Self::default()
        }
    }
}

/// A row to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it happened, by the clock of the caller.
    pub time: OffsetDateTime,
    /// What it is about.
    pub about: About,
    /// What happened.
    pub event: Event,
}

impl Entry {
    /// A row to be.
    #[must_use]
    pub fn new(time: OffsetDateTime, about: About, event: Event) -> Self {
        Self { time, about, event }
    }
}

/// A row of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its number: 1 is the first, and no number is left out.
    pub seq: i64,
    /// When it happened, in UTC, to the nanosecond.
    #[serde(serialize_with = "exact::moment::serialize")]
    pub time: OffsetDateTime,
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// Hash of the row before it.
    pub previous: Hash,
    /// Its own hash.
    pub hash: Hash,
}

/// What became of a row that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The number of the row.
    pub seq: i64,
    /// False if TWS had told of this execution before: then `seq` is the row
    /// that says so, and nothing was written.
    pub new: bool,
}
