//! The gateway itself: the connection that all callers share, and the way to
//! the supervisor that opens and keeps it.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tokio::sync::{mpsc, oneshot, watch};

use crate::config::{Address, GatewayConfig};
use crate::data::Data;
use crate::journal::Journal;
use crate::link::Notices;
use crate::metrics::Counts;
use crate::model::{AccountKind, ConnectResult, ConnectionState, Endpoint, Error, Result, Status};
use crate::orders::{self, Book, Trade, conclude_never_sent};
use crate::session::Session;
use crate::supervisor::{Asked, Command, Condition, Supervisor};

/// The one owner of the socket to TWS. Clones are the same gateway.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
    /// The way to the supervisor, which ends with the last gateway.
    commands: Arc<OnceLock<mpsc::UnboundedSender<Command>>>,
}

/// What the users of a gateway share with its supervisor. It outlives sessions.
pub(crate) struct Inner {
    pub(crate) config: GatewayConfig,
    /// What is shared of data.
    pub(crate) data: Data,
    /// What the orders of all connections share.
    pub(crate) trade: Arc<Trade>,
    /// The session that can be used.
    pub(crate) sessions: watch::Sender<Option<Arc<Session>>>,
    /// How often what has happened, for the operator's monitoring.
    pub(crate) counts: Arc<Counts>,
    /// The latest messages of TWS about its links.
    pub(crate) notices: Arc<Notices>,
    /// How it stands while there is no session.
    condition: Mutex<Condition>,
    /// The orders of the latest address.
    book: Mutex<Option<(Address, Arc<Book>)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds a lock leaves it half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// Says how it stands while there is no session.
    pub(crate) fn set_condition(&self, condition: Condition) {
        *lock(&self.condition) = condition;
    }

    /// The orders known of an address: kept while it stays the same.
    pub(crate) fn book_for(&self, address: &Address) -> Arc<Book> {
        let mut book = lock(&self.book);
        match &*book {
            Some((known, book)) if known.is_same(address) => Arc::clone(book),
            _ => {
                let new = Arc::new(Book::new(&self.config, self.trade.journal().cloned()));
                *book = Some((address.clone(), Arc::clone(&new)));
                new
            }
        }
    }
}

/// A gateway that lives only as long as somebody else uses it.
pub(crate) struct WeakGateway {
    inner: Weak<Inner>,
    commands: Weak<OnceLock<mpsc::UnboundedSender<Command>>>,
}

impl WeakGateway {
    /// The gateway, if somebody still uses it.
    pub(crate) fn upgrade(&self) -> Option<Gateway> {
        Some(Gateway {
            inner: self.inner.upgrade()?,
            // The supervisor keeps `inner` alive, but only users keep these.
            commands: self.commands.upgrade()?,
        })
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
        let reason = "This gateway has no order journal. An operator can give it one by [journal] \
                      in sandpit.toml.";
        Self::without_journal(config, reason)
    }

    /// A gateway that does not trade, because its journal cannot be used. Orders
    /// are refused with the reason, one or more whole sentences.
    pub fn without_journal(config: GatewayConfig, reason: impl Into<String>) -> Self {
        Self::build(config, Err(reason.into()))
    }

    /// A gateway that writes every order to `journal` before it sends it.
    /// What an earlier host had asked for and not sent is concluded in the
    /// journal first: it reads the journal, which blocks for a moment.
    pub fn with_journal(config: GatewayConfig, journal: Journal) -> Self {
        conclude_never_sent(&journal, &config.name);
        Self::build(config, Ok(journal))
    }

    fn build(config: GatewayConfig, journal: std::result::Result<Journal, String>) -> Self {
        let trade = Arc::new(Trade::new(&config.name, config.gate.clone(), journal));
        let gateway = Self {
            inner: Arc::new(Inner {
                data: Data::new(&config),
                config,
                trade,
                sessions: watch::Sender::new(None),
                counts: Arc::default(),
                notices: Arc::default(),
                condition: Mutex::new(Condition::new()),
                book: Mutex::default(),
            }),
            commands: Arc::default(),
        };
        // Without a runtime there is nobody who could trade either.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(orders::watch(gateway.downgrade()));
        }
        gateway
    }

    /// The same gateway, for who must not keep it alive.
    fn downgrade(&self) -> WeakGateway {
        WeakGateway {
            inner: Arc::downgrade(&self.inner),
            commands: Arc::downgrade(&self.commands),
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.inner.config.name
    }

    /// How often what has happened.
    pub(crate) fn counts(&self) -> &Counts {
        &self.inner.counts
    }

    /// How many instruments may be watched at once.
    pub(crate) fn max_lines(&self) -> u32 {
        self.inner.config.market_data_lines
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
    pub(crate) fn sessions(&self) -> watch::Receiver<Option<Arc<Session>>> {
        self.inner.sessions.subscribe()
    }

    /// Opens the connection (TWS `startApi`), and keeps it from then on: when it
    /// breaks it is restored, until somebody disconnects. What the endpoint
    /// leaves out comes from the configuration. Asking for the endpoint that is
    /// already connected changes nothing. While a connection is being restored,
    /// this tries at once.
    ///
    /// # Errors
    /// `InvalidRequest` for an endpoint that cannot be, or for another one
    /// while connected; `NotConnected` with the reason if it does not succeed.
    #[tracing::instrument(level = "debug", name = "gateway.connect", skip_all, fields(gateway = self.name()))]
    pub async fn connect(&self, endpoint: Endpoint) -> Result<ConnectResult> {
        let address = self.inner.config.resolve(endpoint)?;
        self.ask_for(address, Command::Connect).await
    }

    /// Connects to the configured TWS, and keeps trying without end even if the
    /// first attempt fails. Answers how that one went.
    ///
    /// # Errors
    /// As [`connect`](Self::connect). After `InvalidRequest` nothing is tried;
    /// after `NotConnected` it goes on.
    pub async fn keep_connected(&self) -> Result<ConnectResult> {
        let address = self.inner.config.resolve(Endpoint::default())?;
        self.ask_for(address, Command::Keep).await
    }

    async fn ask_for(
        &self,
        address: Address,
        command: impl FnOnce(Asked) -> Command,
    ) -> Result<ConnectResult> {
        let (answer, answered) = oneshot::channel();
        // Fails only with the supervisor, and then there is no answer either.
        let _ = self.supervisor().send(command(Asked { address, answer }));
        let already_connected = answered.await.unwrap_or_else(|_| {
            Err(Error::Other(
                "Connecting ended by a defect of the host. See its log.".to_owned(),
            ))
        })?;
        Ok(ConnectResult {
            already_connected,
            status: self.status(),
        })
    }

    /// The way to the supervisor, which begins to work with the first command.
    fn supervisor(&self) -> &mpsc::UnboundedSender<Command> {
        self.commands.get_or_init(|| {
            let (sender, commands) = mpsc::unbounded_channel();
            let supervisor = Supervisor::new(Arc::clone(&self.inner), commands);
            tokio::spawn(supervisor.run());
            sender
        })
    }

    /// Closes the connection, and with it every stream, and keeps none from
    /// then on. Answers whether one was open.
    ///
    /// # Errors
    /// `Other` only for a defect of the host.
    #[tracing::instrument(level = "debug", name = "gateway.disconnect", skip_all, fields(gateway = self.name()))]
    pub async fn disconnect(&self) -> Result<bool> {
        let Some(supervisor) = self.commands.get() else {
            return Ok(false);
        };
        let (answer, answered) = oneshot::channel();
        // Fails only with the supervisor, and then there is no answer either.
        let _ = supervisor.send(Command::Disconnect(answer));
        answered.await.map_err(|_| {
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
        match self.session() {
            Ok(session) => self.connected(&session),
            Err(_) => self.not_connected(),
        }
    }

    fn connected(&self, session: &Session) -> Status {
        let Session {
            client, address, ..
        } = session;
        let accounts = client.handshake_managed_accounts().to_vec();
        Status {
            gateway: self.name().to_owned(),
            connected: true,
            state: if session.is_link_down() {
                ConnectionState::LinkDown
            } else {
                ConnectionState::Connected
            },
            read_only: session.read_only(),
            host: address.host.clone(),
            port: address.port,
            client_id: address.client_id,
            server_version: Some(client.server_version()),
            account_kind: account_kind(&accounts),
            accounts,
            since: Some(session.since()),
            time_zone: client
                .time_zone()
                .map(|zone| time_tz::TimeZone::name(zone).to_owned()),
            reason: session.trouble(),
            notices: self.inner.notices.all(),
        }
    }

    fn not_connected(&self) -> Status {
        let Condition {
            state,
            address,
            since,
            reason,
        } = lock(&self.inner.condition).clone();
        let Address {
            host,
            port,
            client_id,
        } = address.unwrap_or_else(|| self.inner.config.address());
        Status {
            gateway: self.name().to_owned(),
            connected: false,
            state,
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
            notices: self.inner.notices.all(),
        }
    }

    /// The connection, if TWS can be asked right now.
    pub(crate) fn session(&self) -> Result<Arc<Session>> {
        let session = self.inner.sessions.borrow().clone();
        match session {
            Some(session) if !session.is_lost() && session.client.is_connected() => Ok(session),
            _ => Err(Error::NotConnected(
                lock(&self.inner.condition).reason.clone(),
            )),
        }
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
