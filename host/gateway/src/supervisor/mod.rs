//! The supervisor: the one task of a gateway that opens the socket, notices
//! its death, and opens it again, for as long as a connection is wished.
//!
//! A wish begins with a connect that succeeded, or at the start of the host,
//! and ends with a disconnect. Between two attempts there is a pause, which
//! grows; there is no last attempt. Each attempt has a client of its own, so
//! nothing of a dead connection lives on in the next.

mod condition;
mod failure;
mod pauses;

use std::collections::VecDeque;
use std::sync::Arc;

use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::condition::Outage;
use self::pauses::Pauses;
use crate::config::Address;
use crate::connection::Inner;
use crate::model::{ConnectionState, Error, Result};
use crate::session::Session;

pub(crate) use self::condition::Condition;
pub(crate) use self::failure::Failure;

/// What a gateway asks of its supervisor.
#[derive(Debug)]
pub(crate) enum Command {
    /// Connect, and keep the connection if that succeeds. Answers whether it
    /// stood already.
    Connect(Asked),
    /// Connect, and keep trying even if that fails.
    Keep(Asked),
    /// Close the connection and keep none. Answers whether one was open.
    Disconnect(oneshot::Sender<bool>),
}

/// Somebody who waits for a connection. Who no longer waits is no matter.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) address: Address,
    pub(crate) answer: oneshot::Sender<Result<bool>>,
}

/// What ends an attempt, a pause or a session from outside.
enum Interruption {
    /// Somebody wants no connection any more.
    Disconnect(oneshot::Sender<bool>),
    /// There is no gateway any more.
    Gone,
}

/// The task's own state. Everybody else sees it through `inner`.
pub(crate) struct Supervisor {
    inner: Arc<Inner>,
    commands: mpsc::UnboundedReceiver<Command>,
    /// What is kept connected.
    wish: Option<Address>,
    /// Who waits for an attempt that has not begun.
    queue: VecDeque<Asked>,
    /// The latest TWS that gave a session.
    was_up: Option<Address>,
    pauses: Pauses,
    outage: Option<Outage>,
    /// When the wish is tried again.
    next_attempt: Instant,
}

impl Supervisor {
    /// A supervisor that obeys `commands`, until there is nobody left to send
    /// one.
    pub(crate) fn new(inner: Arc<Inner>, commands: mpsc::UnboundedReceiver<Command>) -> Self {
        Self {
            inner,
            commands,
            wish: None,
            queue: VecDeque::new(),
            was_up: None,
            pauses: Pauses::default(),
            outage: None,
            next_attempt: Instant::now(),
        }
    }

    /// Works until the gateway is gone.
    pub(crate) async fn run(mut self) {
        loop {
            let interruption = match self.next_target().await {
                Ok(address) => self.connect(address).await,
                Err(interruption) => Err(interruption),
            };
            match interruption {
                Ok(()) => {}
                Err(Interruption::Disconnect(answer)) => {
                    self.forget_wish();
                    // Who asked may have gone.
                    let _ = answer.send(false);
                }
                Err(Interruption::Gone) => return,
            }
        }
    }

    /// Waits until there is somebody to connect for, or until it is time for
    /// the next attempt.
    async fn next_target(&mut self) -> std::result::Result<Address, Interruption> {
        loop {
            if let Some(asked) = self.queue.front() {
                return Ok(asked.address.clone());
            }
            let command = match &self.wish {
                None => self.commands.recv().await,
                Some(address) => tokio::select! {
                    command = self.commands.recv() => command,
                    () = tokio::time::sleep_until(self.next_attempt) => return Ok(address.clone()),
                },
            };
            self.take(command)?;
        }
    }

    /// Notes a command for later, or says that it ends what is going on.
    fn take(&mut self, command: Option<Command>) -> std::result::Result<(), Interruption> {
        match command {
            Some(Command::Connect(asked)) => self.queue.push_back(asked),
            Some(Command::Keep(asked)) => {
                self.wish = Some(asked.address.clone());
                self.queue.push_back(asked);
            }
            Some(Command::Disconnect(answer)) => return Err(Interruption::Disconnect(answer)),
            None => return Err(Interruption::Gone),
        }
        Ok(())
    }

    /// One attempt, and if it succeeds the whole life of the session.
    async fn connect(&mut self, address: Address) -> std::result::Result<(), Interruption> {
        // Who asks from now on waits for the next attempt if this one fails.
        let asked = self.take_asking(&address);
        match self.attempt(&address).await {
            Ok(Ok(session)) => {
                let mut asked = asked;
                asked.extend(self.take_asking(&address));
                self.watch_over(session, asked).await
            }
            Ok(Err(failure)) => {
                self.failed(&address, &failure, !asked.is_empty());
                for asked in asked {
                    let _ = asked
                        .answer
                        .send(Err(Error::NotConnected(failure.sentence())));
                }
                Ok(())
            }
            Err(interruption) => {
                for asked in asked {
                    let _ = asked.answer.send(Err(closed_meanwhile()));
                }
                Err(interruption)
            }
        }
    }

    /// Takes those who wait for this address.
    fn take_asking(&mut self, address: &Address) -> Vec<Asked> {
        let (these, others) = std::mem::take(&mut self.queue)
            .into_iter()
            .partition(|asked: &Asked| asked.address.is_same(address));
        self.queue = others;
        Vec::from_iter::<VecDeque<_>>(these)
    }

    /// Opens a session and learns how its orders stand. Commands that come
    /// meanwhile are noted; a disconnect ends it.
    async fn attempt(
        &mut self,
        address: &Address,
    ) -> std::result::Result<std::result::Result<Arc<Session>, Failure>, Interruption> {
        if self.outage.is_none() {
            let opening = Condition::opening(address, OffsetDateTime::now_utc());
            self.inner.set_condition(opening);
        }
        let was_up = self
            .was_up
            .as_ref()
            .is_some_and(|known| known.is_same(address));
        let stop = CancellationToken::new();
        let opening = open(
            Arc::clone(&self.inner),
            address.clone(),
            was_up,
            stop.clone(),
        );
        let mut opening = std::pin::pin!(opening);
        let interruption = loop {
            tokio::select! {
                outcome = &mut opening => return Ok(outcome),
                command = self.commands.recv() => {
                    if let Err(interruption) = self.take(command) {
                        break interruption;
                    }
                }
            }
        };
        stop.cancel();
        // Whatever was opened is closed again.
        if let Ok(session) = opening.await {
            session.close().await;
        }
        Err(interruption)
    }

    /// Notes a failed attempt, and when there is another one.
    fn failed(&mut self, address: &Address, failure: &Failure, asked: bool) {
        self.inner.counts.failed();
        let now = OffsetDateTime::now_utc();
        let config = &self.inner.config;
        let kept = self.wish.as_ref().is_some_and(|wish| wish.is_same(address));
        if self.wish.is_some() && !kept {
            // Somebody tried another TWS in vain. What is wished is as it was.
            tracing::warn!("Connecting to TWS failed: {}", failure.sentence());
            return;
        }
        let outage = self.outage.get_or_insert_with(|| Outage::new(now));
        let condition = outage.condition(config, address, failure, kept, now);
        let is_news = outage.is_news(condition.state);
        match condition.state {
            ConnectionState::Restarting if is_news => tracing::info!("{}", condition.reason),
            _ if is_news || asked => tracing::warn!("{}", condition.reason),
            _ => tracing::debug!("{}", condition.reason),
        }
        self.inner.set_condition(condition);
        if kept {
            self.next_attempt = Instant::now() + self.pauses.next(config, failure.state);
        } else {
            // The next connect is a beginning, not the end of an outage.
            self.outage = None;
        }
    }

    /// Publishes a session, tells those who asked for it, and answers what else
    /// is asked until it ends.
    async fn watch_over(
        &mut self,
        session: Arc<Session>,
        asked: Vec<Asked>,
    ) -> std::result::Result<(), Interruption> {
        let address = session.address.clone();
        let opened = Instant::now();
        self.wish = Some(address.clone());
        self.was_up = Some(address.clone());
        let socket = address.socket();
        self.inner.counts.connected(self.outage.is_some());
        match self.outage.take() {
            Some(outage) => {
                let length = (OffsetDateTime::now_utc() - outage.since).whole_seconds();
                tracing::info!("Connected to TWS at {socket} again, after {length} s");
            }
            None => tracing::info!("Connected to TWS at {socket}"),
        }
        // Valid from the moment in which the session breaks.
        self.inner.set_condition(Condition::just_broke(&address));
        self.inner.sessions.send_replace(Some(Arc::clone(&session)));
        for (number, asked) in asked.into_iter().enumerate() {
            // Who asked may have gone.
            let _ = asked.answer.send(Ok(number > 0));
        }
        let ended = self.until_it_ends(&session).await;
        if ended.is_ok() {
            self.broke(&session, opened);
        } else {
            self.forget_wish();
        }
        // Nobody finds it any more; now it can end.
        self.inner.sessions.send_replace(None);
        if ended.is_err() {
            self.inner.data.end();
        }
        session.close().await;
        match ended {
            Ok(()) => Ok(()),
            Err(Interruption::Disconnect(answer)) => {
                tracing::info!("Disconnected from TWS at {socket}");
                // Who asked may have gone.
                let _ = answer.send(true);
                Ok(())
            }
            Err(Interruption::Gone) => Err(Interruption::Gone),
        }
    }

    /// Answers what is asked while a session stands. `Ok` when it broke.
    async fn until_it_ends(&mut self, session: &Session) -> std::result::Result<(), Interruption> {
        loop {
            // Who asked for another address before is answered as who asks now.
            while let Some(asked) = self.queue.pop_front() {
                let answer = if asked.address.is_same(&session.address) {
                    Ok(true)
                } else {
                    Err(elsewhere(&session.address, &asked.address))
                };
                // Who asked may have gone.
                let _ = asked.answer.send(answer);
            }
            tokio::select! {
                biased;
                () = session.lost() => return Ok(()),
                command = self.commands.recv() => match command {
                    Some(Command::Connect(asked) | Command::Keep(asked)) => {
                        self.queue.push_back(asked);
                    }
                    Some(Command::Disconnect(answer)) => {
                        return Err(Interruption::Disconnect(answer));
                    }
                    None => return Err(Interruption::Gone),
                },
            }
            if session.is_lost() {
                // Who asked in this moment wants a new one.
                return Ok(());
            }
        }
    }

    /// A session ended by itself.
    fn broke(&mut self, session: &Session, opened: Instant) {
        self.inner.counts.broke();
        let now = OffsetDateTime::now_utc();
        let config = &self.inner.config;
        let mut outage = Outage::new(now);
        let condition = outage.broke(config, &session.address, &session.why_lost(), now);
        // The attempts tell what they find.
        outage.is_news(ConnectionState::Connecting);
        if condition.state == ConnectionState::Restarting {
            outage.is_news(ConnectionState::Restarting);
            tracing::info!("{}", condition.reason);
        } else {
            tracing::warn!("{}", condition.reason);
        }
        self.inner.set_condition(condition);
        self.outage = Some(outage);
        self.pauses.held(config, opened.elapsed());
        let pause = self.pauses.next(config, ConnectionState::Connecting);
        self.next_attempt = Instant::now() + pause;
    }

    /// No connection is wished any more.
    fn forget_wish(&mut self) {
        self.wish = None;
        self.outage = None;
        self.pauses = Pauses::default();
        self.inner.data.end();
        for asked in self.queue.drain(..) {
            // Who asked may have gone.
            let _ = asked.answer.send(Err(closed_meanwhile()));
        }
        let closed = Condition::closed(OffsetDateTime::now_utc());
        self.inner.set_condition(closed);
    }
}

/// Opens a session that is ready for use, or nothing at all.
async fn open(
    inner: Arc<Inner>,
    address: Address,
    was_up: bool,
    stop: CancellationToken,
) -> std::result::Result<Arc<Session>, Failure> {
    let stopped = || Failure::of(&ibapi::Error::Shutdown, &address, was_up);
    let session = tokio::select! {
        () = stop.cancelled() => return Err(stopped()),
        session = Session::open(&inner, &address, was_up) => session?,
    };
    let broke = |error: &ibapi::Error| Failure::of(error, &address, was_up);
    let readying = async {
        session.begin().await.map_err(|error| broke(&error))?;
        session
            .reconcile()
            .await
            .map_err(|error| Failure::unreconciled(&address, &error, session.is_link_down()))
    };
    let outcome = tokio::select! {
        () = stop.cancelled() => Err(stopped()),
        () = session.lost() => Err(broke(&ibapi::Error::ConnectionReset)),
        outcome = readying => outcome,
    };
    match outcome {
        Ok(()) => Ok(session),
        Err(failure) => {
            session.close().await;
            Err(failure)
        }
    }
}

fn closed_meanwhile() -> Error {
    Error::NotConnected(
        "The connection was closed on request before it stood. Call ibkr_connect to open it."
            .to_owned(),
    )
}

/// Somebody wants another address than the one that is connected.
fn elsewhere(connected: &Address, wanted: &Address) -> Error {
    Error::invalid(format!(
        "Sandpit is connected to TWS at {} as client {}, and all its users share that \
         connection. Call ibkr_disconnect first to connect to {} as client {}.",
        connected.socket(),
        connected.client_id,
        wanted.socket(),
        wanted.client_id
    ))
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // A session that nobody can use any more keeps nothing alive.
        self.inner.sessions.send_replace(None);
    }
}
