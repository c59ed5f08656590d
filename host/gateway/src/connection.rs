//! The gateway itself: opening, closing and describing the connection that
//! all callers share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use time::OffsetDateTime;
use tokio::sync::watch;

use crate::config::{Address, GatewayConfig};
use crate::data::Data;
use crate::journal::Journal;
use crate::model::{AccountKind, ConnectResult, ConnectionState, Endpoint, Error, Result, Status};
use crate::orders::{self, Book, Trade, conclude_never_sent};
use crate::session::Session;

/// The one owner of the socket to TWS. Clones are the same gateway.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    config: GatewayConfig,
    /// What is shared of data. It outlives sessions.
    data: Data,
    /// What the orders of all connections share.
    trade: Arc<Trade>,
    /// The session that can be used.
    sessions: watch::Sender<Option<Arc<Session>>>,
    /// Held while a connection is opened or closed: one at a time.
    changing: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    session: Option<Arc<Session>>,
    /// The orders of the latest address. They outlive a lost connection.
    book: Option<(Address, Arc<Book>)>,
    /// When and why the latest session ended, or could not be opened.
    ended: Option<(OffsetDateTime, String)>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = &state.session {
            // Lets go of the tasks; the client library then closes the socket.
            session.closing.cancel();
        }
    }
}

/// A gateway that lives only as long as somebody else uses it.
pub(crate) struct WeakGateway(Weak<Inner>);

impl WeakGateway {
    /// The gateway, if somebody still uses it.
    pub(crate) fn upgrade(&self) -> Option<Gateway> {
        self.0.upgrade().map(|inner| Gateway { inner })
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// A gateway that is not connected yet. Without a journal it does not trade.
    pub fn new(config: GatewayConfig) -> Self {
        Self::build(config, None)
    }

    /// A gateway that writes every order to `journal` before it sends it.
    /// What an earlier host had asked for and not sent is concluded in the
    /// journal first: it reads the journal, which blocks for a moment.
    pub fn with_journal(config: GatewayConfig, journal: Journal) -> Self {
        conclude_never_sent(&journal, &config.name);
        Self::build(config, Some(journal))
    }

    fn build(config: GatewayConfig, journal: Option<Journal>) -> Self {
        let trade = Arc::new(Trade::new(&config.name, config.gate.clone(), journal));
        let gateway = Self {
            inner: Arc::new(Inner {
                data: Data::new(&config),
                config,
                trade,
                sessions: watch::Sender::new(None),
                changing: tokio::sync::Mutex::default(),
                state: Mutex::default(),
            }),
        };
        // Without a runtime there is nobody who could trade either.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(orders::watch(gateway.downgrade()));
        }
        gateway
    }

    /// The same gateway, for who must not keep it alive.
    fn downgrade(&self) -> WeakGateway {
        WeakGateway(Arc::downgrade(&self.inner))
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.inner.config.name
    }

    /// What is shared of data.
    pub(crate) fn data(&self) -> &Data {
        &self.inner.data
    }

    /// What the orders of all its connections share.
    pub(crate) fn trade(&self) -> &Arc<Trade> {
        &self.inner.trade
    }

    /// Follows the session that can be used: `None` while there is none. A
    /// session is one life of the socket, so what has to outlive it, such as a
    /// subscription, begins anew with each.
    #[expect(dead_code, reason = "shared subscriptions are the first to use it")]
    pub(crate) fn sessions(&self) -> watch::Receiver<Option<Arc<Session>>> {
        self.inner.sessions.subscribe()
    }

    /// Opens the connection (TWS `startApi`). What the endpoint leaves out
    /// comes from the configuration. Asking for the endpoint that is already
    /// connected changes nothing. While a connection is being restored, this
    /// opens a new one at once.
    ///
    /// # Errors
    /// `InvalidRequest` for an endpoint that cannot be, or for another one
    /// while connected; `NotConnected` with the reason if it does not succeed.
    pub async fn connect(&self, endpoint: Endpoint) -> Result<ConnectResult> {
        let address = self.inner.config.resolve(endpoint)?;
        let gateway = self.clone();
        // In a task of its own: a caller that goes away leaves nothing half open.
        let task = tokio::spawn(async move { gateway.connect_to(address).await });
        task.await.unwrap_or_else(|_| {
            Err(Error::Other(
                "Connecting ended by a defect of the host. See its log.".to_owned(),
            ))
        })
    }

    async fn connect_to(self, address: Address) -> Result<ConnectResult> {
        let _turn = self.inner.changing.lock().await;
        let previous = self.state().session.clone();
        if let Some(session) = previous {
            if session.client.is_connected() {
                if session.address.is_same(&address) {
                    return Ok(self.connect_result(true));
                }
                return Err(Error::invalid(format!(
                    "Sandpit is connected to TWS at {} as client {}, and all its users share that \
                     connection. Call ibkr_disconnect first to connect to {} as client {}.",
                    session.address.socket(),
                    session.address.client_id,
                    address.socket(),
                    address.client_id
                )));
            }
            self.state().session = None;
            self.inner.sessions.send_replace(None);
            session.close().await;
        }
        let book = self.book_for(&address);
        let pacing = Arc::clone(&self.data().pacing);
        match Session::open(address, self.inner.config.clone(), book, pacing).await {
            Ok(session) => {
                let Address { host, port, .. } = &session.address;
                tracing::info!("Connected to TWS at {host}:{port}");
                self.inner.sessions.send_replace(Some(Arc::clone(&session)));
                let mut state = self.state();
                state.session = Some(session);
                state.ended = None;
                drop(state);
                Ok(self.connect_result(false))
            }
            Err(error) => {
                tracing::warn!("Connecting to TWS failed: {error}");
                self.state().ended = Some((OffsetDateTime::now_utc(), error.to_string()));
                Err(error)
            }
        }
    }

    fn connect_result(&self, already_connected: bool) -> ConnectResult {
        ConnectResult {
            already_connected,
            status: self.status(),
        }
    }

    /// The orders known of an address: kept while it stays the same.
    fn book_for(&self, address: &Address) -> Arc<Book> {
        let mut state = self.state();
        match &state.book {
            Some((known, book)) if known.is_same(address) => Arc::clone(book),
            _ => {
                let book = Arc::new(Book::new(
                    &self.inner.config.name,
                    self.inner.trade.journal().cloned(),
                ));
                state.book = Some((address.clone(), Arc::clone(&book)));
                book
            }
        }
    }

    /// Closes the connection, and with it every stream. Answers whether one
    /// was open.
    ///
    /// # Errors
    /// `Other` only for a defect of the host.
    pub async fn disconnect(&self) -> Result<bool> {
        let gateway = self.clone();
        let task = tokio::spawn(async move {
            let _turn = gateway.inner.changing.lock().await;
            let Some(session) = gateway.state().session.take() else {
                return false;
            };
            gateway.inner.sessions.send_replace(None);
            gateway.state().ended = Some((
                OffsetDateTime::now_utc(),
                "The connection to TWS was closed on request. Call ibkr_connect to open it."
                    .to_owned(),
            ));
            let was_open = session.client.is_connected();
            session.close().await;
            tracing::info!("Disconnected from TWS at {}", session.address.socket());
            was_open
        });
        task.await.map_err(|_| {
            Error::Other("Disconnecting ended by a defect of the host. See its log.".to_owned())
        })
    }

    /// Cancels every subscription and closes the connection, so that TWS sees
    /// both. Call it before the program ends.
    pub async fn shutdown(&self) {
        if let Err(error) = self.disconnect().await {
            tracing::error!("Shutting down: {error}");
        }
        self.inner.trade.settle().await;
    }

    /// What is known of the connection. Never asks TWS and never fails.
    pub fn status(&self) -> Status {
        let state = self.state();
        let (session, ended) = (state.session.clone(), state.ended.clone());
        drop(state);
        match session {
            Some(session) => status_of(self.name(), &session),
            None => {
                let Address {
                    host,
                    port,
                    client_id,
                } = self.inner.config.address();
                let (since, reason) = match ended {
                    Some((since, reason)) => (Some(since), reason),
                    None => (
                        None,
                        "Not connected yet. Call ibkr_connect to connect.".to_owned(),
                    ),
                };
                Status {
                    gateway: self.name().to_owned(),
                    connected: false,
                    state: ConnectionState::Closed,
                    read_only: false,
                    host,
                    port,
                    client_id,
                    server_version: None,
                    accounts: Vec::new(),
                    account_kind: AccountKind::Unknown,
                    since,
                    time_zone: None,
                    reason: Some(reason),
                    notices: Vec::new(),
                }
            }
        }
    }

    /// The connection, if TWS can be asked right now.
    pub(crate) fn session(&self) -> Result<Arc<Session>> {
        let session = self.state().session.clone();
        match session {
            Some(session) if session.client.is_connected() => Ok(session),
            Some(session) => Err(Error::NotConnected(session.health().reason.unwrap_or_else(
                || "The connection to TWS just broke. Call ibkr_get_status.".to_owned(),
            ))),
            None => Err(Error::NotConnected(
                "Not connected to TWS. Call ibkr_connect first (POST /api/v1/connect in REST)."
                    .to_owned(),
            )),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock leaves it half changed.
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn status_of(gateway: &str, session: &Session) -> Status {
    let connected = session.client.is_connected();
    let health = session.health();
    let accounts = if connected {
        session.client.handshake_managed_accounts().to_vec()
    } else {
        Vec::new()
    };
    Status {
        gateway: gateway.to_owned(),
        connected,
        state: match (connected, &health.reason) {
            (false, _) => ConnectionState::Connecting,
            (true, Some(_)) => ConnectionState::LinkDown,
            (true, None) => ConnectionState::Connected,
        },
        read_only: false,
        host: session.address.host.clone(),
        port: session.address.port,
        client_id: session.address.client_id,
        server_version: connected.then(|| session.client.server_version()),
        account_kind: account_kind(&accounts),
        accounts,
        since: Some(health.since),
        time_zone: session
            .client
            .time_zone()
            .filter(|_| connected)
            .map(|zone| time_tz::TimeZone::name(zone).to_owned()),
        reason: health.reason,
        notices: health.notices.into(),
    }
}

/// Judged by the ids, as IBKR gives them: paper accounts begin with D.
fn account_kind(accounts: &[String]) -> AccountKind {
    match accounts {
        [] => AccountKind::Unknown,
        all if all.iter().all(|account| account.starts_with('D')) => AccountKind::Paper,
        _ => AccountKind::Live,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_live_account_among_paper_ones_is_live() {
        let of =
            |ids: &[&str]| account_kind(&ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&[]), AccountKind::Unknown);
        assert_eq!(of(&["DU1", "DF2"]), AccountKind::Paper);
        assert_eq!(of(&["DU1", "U2"]), AccountKind::Live);
    }

    #[test]
    fn before_the_first_connect_the_status_says_so() {
        let status = Gateway::new(GatewayConfig::default()).status();
        assert!(!status.connected);
        assert_eq!((status.port, status.since), (7497, None));
        assert!(
            status
                .reason
                .is_some_and(|reason| reason.contains("ibkr_connect"))
        );
    }
}
