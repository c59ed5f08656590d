//! A client's connection: what it has subscribed to, and what it is sent.

mod accounts;
pub(crate) mod connection;
mod contracts;
mod dispatch;
mod history;
mod orders;
mod pnl;
mod quotes;
pub(crate) mod received;
mod sink;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use time::OffsetDateTime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::exchange::millis;
use crate::exchange::search::Refusal;
use crate::wire::message::{Reply, WireMessage};
use crate::wire::proto;
use bytes::Bytes;

pub(crate) use self::dispatch::{Feeds, Flow};

/// The request id of a message that answers no request.
pub(crate) const NO_REQUEST: i32 = -1;

/// One connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) connection: u64,
    pub(crate) peer: SocketAddr,
    /// The protocol version agreed on.
    pub(crate) version: i32,
    /// `None` until the session was started.
    pub(crate) client_id: Option<i32>,
    /// The kind of market data it chose: 1 live, 2 frozen, 3 delayed, 4 delayed and frozen.
    pub(crate) market_data_type: i32,
    pub(crate) subscriptions: Subscriptions,
    /// Requests received, by message name.
    pub(crate) received: BTreeMap<&'static str, u64>,
    /// Nothing is sent while this is set.
    pub(crate) is_muted: bool,
    outbox: mpsc::Sender<Outgoing>,
    closing: CancellationToken,
}

/// What a connection is sent.
#[derive(Debug, Clone)]
pub(crate) enum Outgoing {
    Message(Reply),
    /// Bytes that are no message.
    Bytes(Bytes),
}

/// What a connection has subscribed to, by request id where there is one.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    pub(crate) quotes: BTreeMap<i32, quotes::QuoteSubscription>,
    pub(crate) history: BTreeMap<i32, history::HistorySubscription>,
    pub(crate) bars: BTreeMap<i32, history::RealTimeBars>,
    pub(crate) positions: bool,
    pub(crate) positions_multi: BTreeMap<i32, accounts::PositionsMulti>,
    pub(crate) account: Option<accounts::AccountSubscription>,
    pub(crate) account_multi: BTreeMap<i32, accounts::AccountMulti>,
    pub(crate) summaries: BTreeMap<i32, accounts::Summary>,
    pub(crate) pnl: BTreeMap<i32, pnl::PnLSubscription>,
    pub(crate) pnl_single: BTreeMap<i32, pnl::PnLSingleSubscription>,
}

impl Client {
    pub(crate) fn new(
        connection: u64,
        peer: SocketAddr,
        outbox: mpsc::Sender<Outgoing>,
        closing: CancellationToken,
    ) -> Self {
        Self {
            connection,
            peer,
            version: 0,
            client_id: None,
            market_data_type: 1,
            subscriptions: Subscriptions::default(),
            received: BTreeMap::new(),
            is_muted: false,
            outbox,
            closing,
        }
    }

    /// Sends a message. A client that does not read for long is closed, as TWS does.
    pub(crate) fn send(&self, reply: impl Into<Reply>) {
        if self.is_muted {
            return;
        }
        let reply = reply.into();
        tracing::trace!(connection = self.connection, message = reply.name(), "sent");
        self.queue(Outgoing::Message(reply));
    }

    /// Sends bytes that are no message.
    pub(crate) fn send_bytes(&self, bytes: Bytes) {
        if !self.is_muted {
            self.queue(Outgoing::Bytes(bytes));
        }
    }

    fn queue(&self, outgoing: Outgoing) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.outbox.try_send(outgoing) {
            tracing::warn!(
                connection = self.connection,
                "the client does not read; its connection is closed"
            );
            self.close();
        }
    }

    /// Sends an error message about a request.
    pub(crate) fn refuse(&self, request: i32, refusal: Refusal) {
        self.notice(request, refusal.code, refusal.text);
    }

    /// Sends an error message, which may be a mere notice.
    pub(crate) fn notice(&self, request: i32, code: i32, text: impl Into<String>) {
        self.send(proto::ErrorMessage {
            id: Some(request),
            error_time: Some(millis(OffsetDateTime::now_utc())),
            error_code: Some(code),
            error_msg: Some(text.into()),
            advanced_order_reject_json: None,
        });
    }

    /// Ends every subscription to market data, as a lost link does.
    pub(crate) fn lose_market_data(&mut self) {
        self.subscriptions.quotes.clear();
        self.subscriptions.history.clear();
        self.subscriptions.bars.clear();
    }

    /// Ends the connection once what was sent is out.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }
}
