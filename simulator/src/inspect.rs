//! What tests can see of the connections.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;

use crate::session::Client;

/// One connection as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The simulator's number for it; the first is 1.
    pub connection: u64,
    /// The client's id; `None` before the session was started.
    pub client_id: Option<i32>,
    /// Where it comes from.
    pub peer: SocketAddr,
    /// The protocol version agreed on; 0 before the handshake.
    pub server_version: i32,
    /// What it has subscribed to and not cancelled.
    pub subscriptions: Vec<Subscription>,
    /// Requests received, by message name.
    pub received: BTreeMap<&'static str, u64>,
}

/// One live subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Subscription {
    /// What is sent.
    pub kind: SubscriptionKind,
    /// The request's id, where the subscription has one.
    pub request_id: Option<i32>,
    /// The instrument's local symbol, or the account, or empty where it is about all.
    pub of: String,
}

/// What a subscription sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum SubscriptionKind {
    /// Streaming quotes.
    MarketData,
    /// Historical bars that keep up to date.
    HistoricalData,
    /// Bars of five seconds.
    RealTimeBars,
    /// Positions of all accounts.
    Positions,
    /// Positions of one account, by request id.
    PositionsMulti,
    /// Account values and portfolio of one account.
    AccountUpdates,
    /// Account values of one account, by request id.
    AccountUpdatesMulti,
    /// Account summary.
    AccountSummary,
    /// Profit and loss of an account.
    PnL,
    /// Profit and loss of one position.
    PnLSingle,
}

/// How many connections there have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConnectionTotals {
    /// Accepted since the start.
    pub seen: u64,
    /// Of those, still open.
    pub open: u64,
    /// Of those, ended, for whatever reason.
    pub closed: u64,
    /// Closed as soon as they were made, while connections are refused. They are not accepted.
    pub refused: u64,
}

impl ConnectionInfo {
    pub(crate) fn of(client: &Client) -> Self {
        Self {
            connection: client.connection,
            client_id: client.client_id,
            peer: client.peer,
            server_version: client.version,
            subscriptions: subscriptions(client),
            received: client.received.clone(),
        }
    }
}

fn subscriptions(client: &Client) -> Vec<Subscription> {
    let live = &client.subscriptions;
    let mut all = Vec::new();
    let mut add = |kind, request_id, of: &str| {
        all.push(Subscription {
            kind,
            request_id,
            of: of.to_owned(),
        })
    };
    for (&id, quotes) in &live.quotes {
        add(
            SubscriptionKind::MarketData,
            Some(id),
            &quotes.instrument.local_symbol,
        );
    }
    for (&id, history) in &live.history {
        add(
            SubscriptionKind::HistoricalData,
            Some(id),
            &history.instrument.local_symbol,
        );
    }
    for (&id, bars) in &live.bars {
        add(
            SubscriptionKind::RealTimeBars,
            Some(id),
            &bars.instrument.local_symbol,
        );
    }
    if live.positions {
        add(SubscriptionKind::Positions, None, "");
    }
    for (&id, positions) in &live.positions_multi {
        add(
            SubscriptionKind::PositionsMulti,
            Some(id),
            &positions.account,
        );
    }
    if let Some(account) = &live.account {
        add(SubscriptionKind::AccountUpdates, None, &account.account);
    }
    for (&id, account) in &live.account_multi {
        add(
            SubscriptionKind::AccountUpdatesMulti,
            Some(id),
            &account.account,
        );
    }
    for &id in live.summaries.keys() {
        add(SubscriptionKind::AccountSummary, Some(id), "");
    }
    for (&id, pnl) in &live.pnl {
        add(SubscriptionKind::PnL, Some(id), &pnl.account);
    }
    for (&id, pnl) in &live.pnl_single {
        add(
            SubscriptionKind::PnLSingle,
            Some(id),
            &format!("{} {}", pnl.account, pnl.con_id),
        );
    }
    all
}
