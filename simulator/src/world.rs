//! Everything the simulator is, behind one lock that no task holds while it waits.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rust_decimal::Decimal;
use time::macros::time;
use time::{OffsetDateTime, Time};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::chaos::pacing::Pace;
use crate::chaos::{Farm, Trouble};
use crate::clock;
use crate::config::MarketDataPermission;
use crate::error::ControlError;
use crate::exchange::Event;
use crate::exchange::Exchange;
use crate::exchange::trigger::Auction;
use crate::inspect::{ConnectionInfo, ConnectionTotals};
use crate::session::connection::QUEUE;
use crate::session::received::Received;
use crate::session::{Client, Feeds, Flow, NO_REQUEST, Outgoing};
use crate::wire::dialect::RequestError;
use crate::wire::message::{Request, WireMessage};

/// How many requests the record keeps.
const RECORD: usize = 100_000;
/// Account values are sent every so many steps, quotes and profit on each.
const STEPS_PER_ACCOUNT_UPDATE: u64 = 4;

/// The exchange and the clients connected to it.
pub(crate) struct World {
    pub(crate) exchange: Exchange,
    pub(crate) clients: BTreeMap<u64, Client>,
    pub(crate) trouble: Trouble,
    received: VecDeque<Received>,
    permission: MarketDataPermission,
    totals: ConnectionTotals,
    next_connection: u64,
    pub(crate) steps: u64,
    last_step: OffsetDateTime,
    pub(crate) is_frozen: bool,
    is_silent: bool,
    pub(crate) refuses_connections: bool,
}

/// Locks the world. Nothing leaves it half-changed, so a panic elsewhere is no reason to stop.
pub(crate) fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(exchange: Exchange, permission: MarketDataPermission) -> Self {
        Self {
            exchange,
            clients: BTreeMap::new(),
            trouble: Trouble::none(),
            received: VecDeque::new(),
            permission,
            totals: ConnectionTotals::default(),
            next_connection: 1,
            steps: 0,
            last_step: OffsetDateTime::now_utc(),
            is_frozen: false,
            is_silent: false,
            refuses_connections: false,
        }
    }

    /// Counts a connection that is closed as soon as it was made.
    pub(crate) fn refused(&mut self) {
        self.totals.refused += 1;
    }

    /// Registers a new connection: its id, and the end of the queue to write from.
    pub(crate) fn connect(
        &mut self,
        peer: SocketAddr,
        closing: CancellationToken,
    ) -> (u64, mpsc::Receiver<Outgoing>) {
        let id = self.next_connection;
        self.next_connection += 1;
        self.totals.seen += 1;
        self.totals.open += 1;
        let (sender, receiver) = mpsc::channel(QUEUE);
        let mut client = Client::new(id, peer, sender, closing);
        client.is_muted = self.is_silent;
        self.clients.insert(id, client);
        tracing::debug!(connection = id, %peer, "connected");
        (id, receiver)
    }

    /// The handshake has settled on a version.
    pub(crate) fn agree(&mut self, connection: u64, version: i32) {
        if let Some(client) = self.clients.get_mut(&connection) {
            client.version = version;
        }
    }

    /// Forgets a connection and everything it subscribed to.
    pub(crate) fn disconnect(&mut self, connection: u64, reason: &str) {
        self.trouble.pacing.forget(connection);
        if let Some(client) = self.clients.remove(&connection) {
            self.totals.open -= 1;
            self.totals.closed += 1;
            tracing::info!(connection, client_id = client.client_id, peer = %client.peer, reason, "connection ended");
        }
    }

    /// Records and answers a request.
    pub(crate) fn request(&mut self, connection: u64, request: Request) -> Flow {
        let Some(client) = self.clients.get_mut(&connection) else {
            return Flow::Close(String::from("the connection is not known"));
        };
        *client.received.entry(request.name()).or_default() += 1;
        let record = Received::new(connection, client.client_id, &request);
        let id = record.id.unwrap_or(NO_REQUEST);
        keep(&mut self.received, record);
        if self.is_silent {
            return Flow::Continue;
        }
        let now = OffsetDateTime::now_utc();
        match self.trouble.pacing.message(connection, now) {
            Pace::Kept => {}
            Pace::Refused(refusal) => {
                client.refuse(NO_REQUEST, refusal);
                return Flow::Continue;
            }
            Pace::Ended(refusal) => {
                let reason = refusal.text.clone();
                client.refuse(NO_REQUEST, refusal);
                return Flow::Close(reason);
            }
        }
        let allowed = self
            .trouble
            .writing(&request)
            .and_then(|()| self.trouble.history(&request, now));
        if let Err(refusal) = allowed {
            client.refuse(id, refusal);
            return Flow::Continue;
        }
        if let Request::StartApiRequest(start) = &request
            && client.client_id.is_none()
        {
            return self.start(connection, start.client_id.unwrap_or_default());
        }
        let dropped = self.trouble.drop_on(&request);
        if dropped.is_some() {
            // From here on the client hears nothing.
            client.is_muted = true;
        }
        let flow = match dropped {
            Some(false) => Flow::Continue,
            Some(true) | None => client.answer(&mut self.exchange, self.permission, request, now),
        };
        self.announce(now);
        match dropped {
            Some(_) => Flow::Close(String::from("it was dropped with an order")),
            None => flow,
        }
    }

    fn start(&mut self, connection: u64, client_id: i32) -> Flow {
        let is_taken = self.trouble.taken_ids.contains(&client_id)
            || self
                .sessions()
                .any(|other| other.client_id == Some(client_id));
        let Some(client) = self.clients.get_mut(&connection) else {
            return Flow::Close(String::from("the connection is not known"));
        };
        if is_taken {
            let text = "Unable to connect as the client id is already in use. Retry with a unique client id.";
            client.notice(NO_REQUEST, 326, text);
            return Flow::Close(format!("client id {client_id} is already in use"));
        }
        client.start(&self.exchange, client_id);
        tracing::info!(connection, client_id, version = client.version, peer = %client.peer, "session started");
        Flow::Continue
    }

    /// Answers a frame that is not a request with an answer: an error message, or the end.
    pub(crate) fn bad_request(&mut self, connection: u64, error: RequestError) -> Flow {
        tracing::warn!(connection, %error, "request");
        let Some(client) = self.clients.get_mut(&connection) else {
            return Flow::Close(String::from("the connection is not known"));
        };
        match &error {
            RequestError::Unoffered { what, request } => {
                if client.client_id.is_none() {
                    return Flow::Close(format!("{} before the session was started", what.name));
                }
                *client.received.entry(what.name).or_default() += 1;
                let record = Received::unoffered(connection, client.client_id, what.name, *request);
                keep(&mut self.received, record);
                if let Some((code, text)) = what.error {
                    client.notice(request.unwrap_or(NO_REQUEST), code, text);
                }
            }
            RequestError::UnknownId(_) => {
                let text = format!("Fatal Error: Unknown message id: {error}");
                client.notice(NO_REQUEST, 505, text);
            }
            RequestError::Unreadable(..) => {
                client.notice(NO_REQUEST, 320, format!("Error reading request: {error}"));
            }
            RequestError::NoId | RequestError::NotProtobuf(_) | RequestError::Malformed(..) => {
                return Flow::Close(error.to_string());
            }
        }
        Flow::Continue
    }

    /// Sends what the exchange has to say. A fill also brings the account values up to date.
    fn announce(&mut self, now: OffsetDateTime) {
        let events = self.exchange.take_events();
        let effects = std::mem::take(&mut self.exchange.faults.effects);
        self.trouble.note_effects(effects, self.steps, now);
        let events: Vec<Event> = events
            .into_iter()
            .flat_map(|event| self.trouble.orders.pass(event, self.steps, now))
            .collect();
        let effects = std::mem::take(&mut self.trouble.orders.effects);
        self.trouble.note_effects(effects, self.steps, now);
        if self.trouble.awaits_clock() {
            self.trouble.alarm.notify_one();
        }
        self.tell(events, now);
    }

    /// Sends what happened to the clients that it concerns, once the link to it is there.
    pub(crate) fn tell(&mut self, events: Vec<Event>, now: OffsetDateTime) {
        if self.trouble.is_link_lost {
            self.trouble.untold.extend(events);
            return;
        }
        let has_fill = events
            .iter()
            .any(|event| matches!(event, Event::PositionChanged { .. }));
        for event in &events {
            for client in self.clients.values() {
                client.hear(&self.exchange, event);
            }
        }
        if has_fill {
            self.feed(true, now);
        }
    }

    /// Sends what has changed, as far as the links to it hold.
    fn feed(&mut self, accounts: bool, now: OffsetDateTime) {
        if self.trouble.is_link_lost {
            return;
        }
        let feeds = Feeds {
            quotes: !self.trouble.broken.contains(&Farm::MarketData),
            bars: !self.trouble.broken.contains(&Farm::Historical),
            accounts,
        };
        for client in self.clients.values_mut() {
            client.publish(&self.exchange, feeds, now);
        }
    }

    /// The connections with a session.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = &Client> {
        self.clients
            .values()
            .filter(|client| client.client_id.is_some())
    }

    /// Tells everyone everything that changed.
    fn publish(&mut self, with_accounts: bool, now: OffsetDateTime) {
        self.announce(now);
        self.feed(with_accounts, now);
    }

    /// A step in real time, unless the market is frozen; auctions come when the clock says so.
    pub(crate) fn tick(&mut self) {
        let now = OffsetDateTime::now_utc();
        if self.is_frozen {
            return;
        }
        for (auction, hour) in [(Auction::Open, time!(9:30)), (Auction::Close, time!(16:00))] {
            if passes(self.last_step, now, hour) {
                self.exchange.auction(auction, now);
            }
        }
        self.step_at(now, false);
    }

    /// One step at the caller's wish; every subscription hears of it.
    pub(crate) fn step(&mut self) {
        self.step_at(OffsetDateTime::now_utc(), true);
    }

    fn step_at(&mut self, now: OffsetDateTime, with_accounts: bool) {
        self.last_step = now;
        self.steps += 1;
        self.release_held(now);
        self.run_due(now);
        self.exchange.step(now);
        self.publish(
            with_accounts || self.steps.is_multiple_of(STEPS_PER_ACCOUNT_UPDATE),
            now,
        );
    }

    /// Holds an auction now.
    pub(crate) fn auction(&mut self, auction: Auction) {
        let now = OffsetDateTime::now_utc();
        self.exchange.auction(auction, now);
        self.publish(true, now);
    }

    /// Sets the price of the instrument with this local symbol.
    pub(crate) fn set_price_of(
        &mut self,
        local_symbol: &str,
        price: Decimal,
    ) -> Result<(), ControlError> {
        if price <= Decimal::ZERO || price > Decimal::from(10_000_000) {
            return Err(ControlError::BadPrice(price));
        }
        let con_id = self.con_id(local_symbol)?;
        self.set_price(con_id, price);
        Ok(())
    }

    /// The contract id of the instrument with this local symbol.
    pub(crate) fn con_id(&self, local_symbol: &str) -> Result<i32, ControlError> {
        self.exchange
            .market
            .by_local_symbol(local_symbol)
            .map(|instrument| instrument.con_id)
            .ok_or_else(|| ControlError::UnknownInstrument(local_symbol.to_owned()))
    }

    /// Sets an instrument's price.
    fn set_price(&mut self, con_id: i32, price: Decimal) {
        let now = OffsetDateTime::now_utc();
        self.exchange.set_price(con_id, price, now);
        self.publish(true, now);
    }

    /// Stops or resumes fills; what could have filled meanwhile does so then.
    pub(crate) fn pause_fills(&mut self, paused: bool) {
        let now = OffsetDateTime::now_utc();
        self.exchange.fills_paused = paused;
        self.exchange.work(now);
        self.publish(true, now);
    }

    /// Stops or resumes sending. Requests made meanwhile are recorded and never answered.
    pub(crate) fn silence(&mut self, is_silent: bool) {
        self.is_silent = is_silent;
        for client in self.clients.values_mut() {
            client.is_muted = is_silent;
        }
    }

    /// Sends a notice to every client with a session.
    pub(crate) fn notify(&self, code: i32, text: &str) {
        for client in self.sessions() {
            client.notice(NO_REQUEST, code, text);
        }
    }

    /// Ends every connection.
    pub(crate) fn drop_connections(&self) {
        for client in self.clients.values() {
            client.close();
        }
    }

    /// The connections there are.
    pub(crate) fn connections(&self) -> Vec<ConnectionInfo> {
        self.clients.values().map(ConnectionInfo::of).collect()
    }

    /// How many connections there have been.
    pub(crate) fn totals(&self) -> ConnectionTotals {
        self.totals
    }

    /// The record of requests, oldest first.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.iter().cloned().collect()
    }
}

/// Adds to the record of requests, which keeps the newest.
fn keep(received: &mut VecDeque<Received>, record: Received) {
    if received.len() == RECORD {
        received.pop_front();
    }
    received.push_back(record);
}

/// Whether New York's clock passes an hour of a trading day between two instants.
fn passes(from: OffsetDateTime, to: OffsetDateTime, hour: Time) -> bool {
    let (from, to) = (clock::eastern(from), clock::eastern(to));
    clock::is_trading_day(to.date())
        && from.date() == to.date()
        && from.time() < hour
        && hour <= to.time()
}
