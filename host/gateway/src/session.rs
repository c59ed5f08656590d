//! One connection to TWS: the client library, what watches over it, and what
//! all its users share.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use ibapi::market_data::MarketDataType;
use ibapi::subscriptions::NoticeStream;
use ibapi::{Client, Notice, RateLimiter, StartupMessage};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account_stream::AccountHub;
use crate::codes;
use crate::config::{Address, GatewayConfig};
use crate::contracts::Cache;
use crate::model::{Error, Result};
use crate::orders::{Book, reconcile::after_connect};
use crate::pacing::Pacing;

/// How many messages of TWS about its links are kept for the status.
const KEPT_NOTICES: usize = 8;

/// How long closing waits for subscriptions to say goodbye to TWS.
const GOODBYE: Duration = Duration::from_secs(2);

/// An order id that no order has. A stream on it carries nothing but the news
/// that the connection broke.
const NO_ORDER: i32 = 0;

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
    pub(crate) accounts: AccountHub,
    /// Fires when the session closes: every subscription cancels itself.
    pub(crate) closing: CancellationToken,
    /// Everything that works for this session.
    pub(crate) tasks: TaskTracker,
    health: Mutex<Health>,
}

/// Requests that TWS answers without a request id, so that two at once would
/// see each other's answers: they take turns.
#[derive(Default)]
pub(crate) struct Turns {
    pub(crate) accounts: tokio::sync::Mutex<()>,
    pub(crate) summary: tokio::sync::Mutex<()>,
    pub(crate) positions: tokio::sync::Mutex<()>,
    pub(crate) open_orders: tokio::sync::Mutex<()>,
    pub(crate) completed_orders: tokio::sync::Mutex<()>,
    pub(crate) order_ids: tokio::sync::Mutex<()>,
    /// New orders: TWS takes their ids only in rising order.
    pub(crate) sending: tokio::sync::Mutex<()>,
}

/// How a connection fares.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    /// Since when it has been connected or disconnected.
    pub(crate) since: OffsetDateTime,
    /// What is wrong with it.
    pub(crate) reason: Option<String>,
    /// The latest messages of TWS about its links.
    pub(crate) notices: VecDeque<String>,
}

impl Session {
    /// Connects, and sets to work what watches over the connection.
    pub(crate) async fn open(
        address: Address,
        config: GatewayConfig,
        book: Arc<Book>,
        pacing: Arc<Pacing>,
    ) -> Result<Arc<Self>> {
        book.connected(address.client_id, None);
        let early = Arc::clone(&book);
        let connecting = Client::builder()
            .address(address.socket())
            .client_id(address.client_id)
            .max_reconnect_attempts(config.reconnect_attempts)
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
            .map_err(|_| codes::connect_timed_out(&address, config.connect_timeout.as_secs_f64()))?
            .map_err(|error| codes::connect_error(&error, &address))?;
        book.connected(address.client_id, client.time_zone());

        let session = Arc::new(Self {
            client,
            address,
            config,
            book,
            pacing,
            turns: Turns::default(),
            contracts: Cache::default(),
            accounts: AccountHub::default(),
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            health: Mutex::new(Health {
                since: OffsetDateTime::now_utc(),
                reason: None,
                notices: VecDeque::new(),
            }),
        });
        session.watch(notices);
        let begun = async {
            session.begin().await?;
            after_connect(&session).await
        };
        if let Err(error) = begun.await {
            session.close().await;
            return Err(error);
        }
        Ok(session)
    }

    /// What every new connection needs before anyone may use it.
    async fn begin(self: &Arc<Self>) -> Result<()> {
        let failed = |error: ibapi::Error| codes::connect_error(&error, &self.address);
        let updates = self.client.order_update_stream().await.map_err(failed)?;
        let (session, book) = (Arc::clone(self), Arc::clone(&self.book));
        self.watch_until_closing(async move { book.follow(&session.client, updates).await });
        if self.config.delayed_quotes {
            self.client
                .switch_market_data_type(MarketDataType::Delayed)
                .await
                .map_err(failed)?;
        }
        Ok(())
    }

    fn watch(self: &Arc<Self>, mut notices: NoticeStream) {
        let session = Arc::clone(self);
        self.watch_until_closing(async move {
            while let Some(notice) = notices.next().await {
                session.on_notice(&notice);
            }
        });
        let session = Arc::clone(self);
        self.watch_until_closing(async move { session.watch_link().await });
    }

    fn watch_until_closing(&self, work: impl Future<Output = ()> + Send + 'static) {
        let closing = self.closing.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                () = work => {}
            }
        });
    }

    fn health_mut(&self) -> MutexGuard<'_, Health> {
        // Nothing that holds the lock leaves it half changed.
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the connection fares.
    pub(crate) fn health(&self) -> Health {
        self.health_mut().clone()
    }

    fn on_notice(&self, notice: &Notice) {
        let Notice { code, message, .. } = notice;
        match codes::level(*code, message) {
            tracing::Level::ERROR => tracing::error!(code, "TWS: {message}"),
            tracing::Level::WARN => tracing::warn!(code, "TWS: {message}"),
            _ => tracing::info!(code, "TWS: {message}"),
        }
        if !codes::is_about_links(*code) {
            return;
        }
        let mut health = self.health_mut();
        if health.notices.len() == KEPT_NOTICES {
            health.notices.pop_front();
        }
        health.notices.push_back(format!("{message} (code {code})"));
        match code {
            1100 => {
                health.reason = Some(
                    "TWS has lost its connection to IBKR. Quotes and orders stand still until it \
                     is back; TWS restores it by itself."
                        .to_owned(),
                );
            }
            1101 | 1102 => health.reason = None,
            1300 => {
                health.reason = Some(format!(
                    "TWS has moved its API to another port: {message} Call ibkr_disconnect, and \
                     ibkr_connect with that port."
                ));
            }
            _ => {}
        }
    }

    /// Notes when the connection breaks, comes back or is given up.
    async fn watch_link(self: Arc<Self>) {
        let socket = self.address.socket();
        loop {
            let Ok(mut link) = self.client.order_status_stream(NO_ORDER).await else {
                return;
            };
            // It may have broken before the stream was there to tell.
            if self.client.is_connected() {
                while let Some(Ok(_)) = link.next().await {}
            }
            drop(link);
            self.note(Some(format!(
                "The connection to TWS at {socket} broke. It is being restored; call ibkr_connect \
                 to try at once."
            )));
            tracing::warn!("Lost the connection to TWS at {socket}; trying to restore it");
            self.contracts.clear();
            self.book.disconnected();
            match self.client.wait_connected().await {
                Ok(()) => {
                    self.note(None);
                    tracing::info!("Connected to TWS at {socket} again");
                    let session = Arc::clone(&self);
                    let work = async move { after_connect(&session).await };
                    let limit = self.config.request_timeout;
                    if let Err(error) = self.run("the orders after the outage", limit, work).await {
                        tracing::warn!("What became of the orders is not known yet: {error}");
                    }
                }
                Err(_) => {
                    self.note(Some(format!(
                        "The connection to TWS at {socket} broke and could not be restored in {} \
                         attempts. Check TWS and call ibkr_connect.",
                        self.config.reconnect_attempts
                    )));
                    tracing::error!("Gave up on TWS at {socket}");
                    return;
                }
            }
        }
    }

    fn note(&self, reason: Option<String>) {
        let mut health = self.health_mut();
        health.since = OffsetDateTime::now_utc();
        health.reason = reason;
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
        let (closing, what) = (self.closing.clone(), what.to_owned());
        let task = self.tasks.spawn(async move {
            tokio::select! {
                () = closing.cancelled() => {
                    Err(codes::client_error(&ibapi::Error::Shutdown, &what))
                }
                outcome = tokio::time::timeout(limit, work) => {
                    outcome.unwrap_or_else(|_| Err(codes::timed_out(&what)))
                }
            }
        });
        task.await.unwrap_or_else(|_| {
            Err(Error::Other(
                "The request ended by a defect of the host. See its log.".to_owned(),
            ))
        })
    }

    /// As [`run`](Self::run), for a request for data: it waits until it may be
    /// sent, in turn with the others, and only then the limit begins.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (pacing, name) = (Arc::clone(&self.pacing), what.to_owned());
        let limit = self.config.request_timeout;
        let paced = async move {
            if tokio::time::timeout(limit, pacing.request()).await.is_err() {
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
        self.client.disconnect().await;
        self.book.settled().await;
    }
}
