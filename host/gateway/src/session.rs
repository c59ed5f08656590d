//! One connection to TWS: the client library, what watches over it, and what
//! all its users share.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ibapi::market_data::MarketDataType;
use ibapi::{Client, RateLimiter, StartupMessage};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::codes::{self, Overrides};
use crate::config::{Address, GatewayConfig};
use crate::connection::Inner;
use crate::contracts::Cache;
use crate::farms::{Farms, Pulse};
use crate::link::Link;
use crate::metrics::Counts;
use crate::model::{Error, Result};
use crate::orders::Book;
use crate::pacing::{self, Pacing};
use crate::supervisor::Failure;

/// How long closing waits for subscriptions to say goodbye to TWS.
const GOODBYE: Duration = Duration::from_secs(2);

/// One connection to TWS.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) address: Address,
    pub(crate) config: GatewayConfig,
    pub(crate) book: Arc<Book>,
    /// How fast messages may be sent: the same for all sessions of a gateway.
    pub(crate) pacing: Arc<Pacing>,
    pub(crate) turns: Turns,
    pub(crate) contracts: Cache,
    /// What the operator says that codes mean.
    pub(crate) codes: Overrides,
    /// What of TWS's data stands still.
    pub(crate) farms: Farms,
    /// When TWS was last known to be alive, over all sessions of a gateway.
    pub(crate) pulse: Arc<Pulse>,
    /// How often what has happened, over all sessions of a gateway.
    counts: Arc<Counts>,
    /// Fires when the session closes: every subscription cancels itself.
    pub(crate) closing: CancellationToken,
    /// Everything that works for this session.
    pub(crate) tasks: TaskTracker,
    /// How the connection fares.
    pub(crate) link: Link,
}

/// Requests that TWS answers without a request id, so that two at once would
/// see each other's answers: they take turns.
#[derive(Default)]
pub(crate) struct Turns {
    pub(crate) accounts: tokio::sync::Mutex<()>,
    pub(crate) summary: tokio::sync::Mutex<()>,
    pub(crate) open_orders: tokio::sync::Mutex<()>,
    pub(crate) completed_orders: tokio::sync::Mutex<()>,
    pub(crate) order_ids: tokio::sync::Mutex<()>,
    /// New orders: TWS takes their ids only in rising order.
    pub(crate) sending: tokio::sync::Mutex<()>,
}

impl Session {
    /// Connects, and sets to work what watches over the connection. TWS `was_up`
    /// if it has given a session before.
    pub(crate) async fn open(
        inner: &Inner,
        address: &Address,
        was_up: bool,
    ) -> std::result::Result<Arc<Self>, Failure> {
        let config = inner.config.clone();
        let book = inner.book_for(address);
        book.connected(address.client_id, None);
        let early = Arc::clone(&book);
        let connecting = Client::builder()
            .address(address.socket())
            .client_id(address.client_id)
            // The supervisor connects again, with a new client each time.
            .max_reconnect_attempts(0)
            .rate_limiter(RateLimiter::per_second(config.messages_per_second.max(1)))
            .one_shot_timeout(config.request_timeout)
            .startup_callback(move |message| match message {
                StartupMessage::OpenOrder(order) => early.on_open_order(&order),
                StartupMessage::OrderStatus(status) => early.on_status(&status),
                _ => {}
            })
            .connect_with_notice_stream();
        let (client, notices) = tokio::time::timeout(config.connect_timeout, connecting)
            .await
            .map_err(|_| Failure::timed_out(address, config.connect_timeout.as_secs_f64(), was_up))?
            .map_err(|error| Failure::of(&error, address, was_up))?;
        book.connected(address.client_id, client.time_zone());

        let session = Arc::new(Self {
            client,
            address: address.clone(),
            config,
            book,
            pacing: Arc::clone(&inner.data.pacing),
            turns: Turns::default(),
            contracts: Cache::default(),
            codes: Overrides::from(inner.config.codes.clone()),
            farms: Farms::default(),
            pulse: Arc::clone(&inner.data.pulse),
            counts: Arc::clone(&inner.counts),
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            link: Link::new(Arc::clone(&inner.notices)),
        });
        session.watch(notices);
        Ok(session)
    }

    /// What a new connection needs before its orders can be reconciled, and
    /// before anyone may use it.
    pub(crate) async fn begin(self: &Arc<Self>) -> std::result::Result<(), ibapi::Error> {
        let updates = self.client.order_update_stream().await?;
        let (session, book) = (Arc::clone(self), Arc::clone(&self.book));
        self.until_closing(async move { book.follow(&session.client, updates).await });
        if self.config.delayed_quotes {
            self.client
                .switch_market_data_type(MarketDataType::Delayed)
                .await?;
        }
        Ok(())
    }

    /// Works in the background until the session closes.
    pub(crate) fn until_closing(&self, work: impl Future<Output = ()> + Send + 'static) {
        let closing = self.closing.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Runs a request in a task of its own, to its end or until `limit`: a
    /// caller that goes away leaves neither half a message on the socket nor
    /// answers that the next request would take for its own.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        what: &str,
        limit: Duration,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (closing, lost) = (self.closing.clone(), self.link.lost_token());
        let name = what.to_owned();
        let work = async move {
            tokio::select! {
                () = lost.cancelled() => {
                    Err(codes::client_error(&ibapi::Error::ConnectionReset, &name))
                }
                () = closing.cancelled() => {
                    Err(codes::client_error(&ibapi::Error::Shutdown, &name))
                }
                outcome = tokio::time::timeout(limit, work) => {
                    outcome.unwrap_or_else(|_| Err(codes::timed_out(&name)))
                }
            }
        };
        let asking = tracing::debug_span!("tws.request", otel.kind = "client");
        // Where nobody wants spans, what is logged still says of which call.
        let task = self.tasks.spawn(work.instrument(asking).in_current_span());
        let outcome = task.await.unwrap_or_else(|_| {
            Err(Error::Other(
                "The request ended by a defect of the host. See its log.".to_owned(),
            ))
        });
        self.counts.request(outcome.as_ref().err());
        match &outcome {
            Err(Error::TimedOut(_) | Error::NotConnected(_) | Error::Pacing(_)) => {}
            Err(Error::Cancelled(_) | Error::InvalidRequest(_) | Error::Other(_)) => {}
            // TWS has answered.
            _ => self.heard(),
        }
        outcome
    }

    /// As [`run`](Self::run), for a request for data: it waits until it may be
    /// sent, in turn with the others, and only then the limit begins. One that
    /// an order waits for does not wait for the others.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (pacing, name) = (Arc::clone(&self.pacing), what.to_owned());
        let limit = self.config.request_timeout;
        let is_urgent = pacing::is_urgent();
        let paced = async move {
            let turn = pacing.request_or_order(is_urgent);
            if tokio::time::timeout(limit, turn).await.is_err() {
                return Err(Error::Pacing(format!(
                    "So many requests wait to be sent to TWS that it was not asked for {name}. Ask \
                     for less at a time, and try again."
                )));
            }
            let answer = tokio::time::timeout(limit, work).await;
            answer.unwrap_or_else(|_| Err(codes::timed_out(&name)))
        };
        // Once for the wait, and once for the answer.
        self.run(what, limit.saturating_mul(2), paced).await
    }

    /// Ends every subscription, and then the connection, so that TWS sees both.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        if tokio::time::timeout(GOODBYE, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("Some subscriptions did not end in time; closing the socket anyway");
        }
        if tokio::time::timeout(GOODBYE, self.client.disconnect())
            .await
            .is_err()
        {
            tracing::warn!("The socket to TWS did not close in time; it is left to the system");
        }
        self.book.settled().await;
    }
}
