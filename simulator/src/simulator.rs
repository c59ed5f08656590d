//! The running simulator.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::books::Books;
use crate::config::{SimulatorConfig, Start};
use crate::control::Control;
use crate::error::SimulatorError;
use crate::fixture::Fixture;
use crate::inspect::{ConnectionInfo, ConnectionTotals};
use crate::port::Port;
use crate::session::connection::Connection;
use crate::session::received::Received;
use crate::world::{World, lock};

/// How exact the clock of scripts is.
const CLOCK: Duration = Duration::from_millis(2);

/// A paper TWS that listens on a TCP port. It stops when it is shut down or dropped.
pub struct Simulator {
    address: SocketAddr,
    world: Arc<Mutex<World>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Simulator {
    /// Starts a simulator. It must be called from within a tokio runtime, which its tasks run on.
    ///
    /// # Errors
    ///
    /// [`SimulatorError`] when the address is taken, or the fixture or the configuration is
    /// not valid.
    pub async fn start(config: SimulatorConfig) -> Result<Self, SimulatorError> {
        let SimulatorConfig {
            listen,
            accounts,
            seed,
            tick_interval,
            start,
            market_data,
        } = config;
        if accounts.is_empty() || accounts.iter().any(String::is_empty) {
            return Err(SimulatorError::Config(String::from(
                "accounts need at least one, each with a name such as DU1234567",
            )));
        }
        if tick_interval.is_some_and(|interval| interval.is_zero()) {
            return Err(SimulatorError::Config(String::from(
                "the tick interval is zero; leave it out to step by hand",
            )));
        }
        let fixture = match start {
            Start::BuiltIn => Fixture::built_in(&accounts),
            Start::Fixture(fixture) => fixture,
            Start::File(path) => Fixture::from_file(path)?,
        };
        let exchange = fixture.build(&accounts, seed, OffsetDateTime::now_utc())?;
        let unavailable = |source| SimulatorError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        let world = Arc::new(Mutex::new(World::new(exchange, market_data)));
        let simulator = Self {
            address,
            world,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        simulator.spawn_acceptor(listener);
        simulator.spawn_clock();
        if let Some(interval) = tick_interval {
            simulator.spawn_ticker(interval);
        }
        tracing::info!(%address, "the simulated TWS listens");
        Ok(simulator)
    }

    fn spawn_acceptor(&self, listener: TcpListener) {
        let (world, stop, tasks) = (self.world.clone(), self.stop.clone(), self.tasks.clone());
        self.tasks.spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = stop.cancelled() => return,
                };
                match accepted {
                    Ok((stream, peer)) => {
                        let closing = stop.child_token();
                        let (id, outbox, slow, is_half_open) = {
                            let mut world = lock(&world);
                            if world.refuses_connections {
                                world.refused();
                                continue;
                            }
                            let (id, outbox) = world.connect(peer, closing.clone());
                            let slow = world.trouble.slow.clone();
                            (id, outbox, slow, world.trouble.is_half_open)
                        };
                        let connection = Connection {
                            id,
                            outbox,
                            closing,
                            world: world.clone(),
                            slow,
                            is_half_open,
                        };
                        tasks.spawn(connection.run(stream));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        // Usually too many open files, which passes.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        });
    }

    /// Does what scripts have planned by the clock, when its time has come.
    fn spawn_clock(&self) {
        let (world, stop) = (self.world.clone(), self.stop.clone());
        let alarm = lock(&world).trouble.alarm.clone();
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = alarm.notified() => {}
                    () = stop.cancelled() => return,
                }
                while lock(&world).trouble.awaits_clock() {
                    tokio::select! {
                        () = tokio::time::sleep(CLOCK) => {}
                        () = stop.cancelled() => return,
                    }
                    lock(&world).run_due(OffsetDateTime::now_utc());
                }
            }
        });
    }

    fn spawn_ticker(&self, interval: Duration) {
        let (world, stop) = (self.world.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let mut ticks = tokio::time::interval(interval);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            // The first tick is immediate; clients see the starting prices first.
            ticks.tick().await;
            loop {
                tokio::select! {
                    _ = ticks.tick() => lock(&world).tick(),
                    () = stop.cancelled() => return,
                }
            }
        });
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The books as they stand.
    pub fn books(&self) -> Books {
        lock(&self.world).exchange.books()
    }

    /// The connections there are, oldest first.
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        lock(&self.world).connections()
    }

    /// How many connections there have been.
    pub fn connection_totals(&self) -> ConnectionTotals {
        lock(&self.world).totals()
    }

    /// What clients asked, oldest first: the last 100,000 requests.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.world).received()
    }

    /// The levers for tests.
    pub fn control(&self) -> Control {
        Control::new(self.world.clone())
    }

    /// Serves the levers of [`Control`] and the books over HTTP on another port, and returns
    /// where, until the simulator stops. Port 0 takes a free one.
    ///
    /// | Request | What it does |
    /// |---|---|
    /// | `GET /` | names these requests |
    /// | `GET /state` | address, steps, connections |
    /// | `GET /books` | the [`Books`], and whether they add up |
    /// | `GET /received` | what clients asked, oldest first; `?after=N` leaves out the first N |
    /// | `GET /changes` | what became of orders, change by change; `?after=N` likewise |
    /// | `GET /happened` | what was done and what came of it; `?after=N` likewise |
    /// | `GET /price?symbol=VTI` | an instrument's price and contract id |
    /// | `POST /do` | does one thing, or each of a list: see [`Fault`](crate::Fault) |
    /// | `POST /step` | moves the market: `{"steps": 3}` |
    /// | `POST /script` | plays a [`Script`](crate::Script) |
    /// | `POST /chaos` | plays a script made from a seed, and answers it: `{"seed": 7, "profile": "everything", "steps": 1000}`; the profiles are `everything`, `trading` and `nights` |
    /// | `DELETE /script` | plays no script any further |
    ///
    /// An error is answered with a status of 4xx and `{"error": "..."}`. A `POST` needs the
    /// content type `application/json`, which no web page can send here unasked. There is no
    /// other protection: whoever can reach the port can do anything to the simulator, so it
    /// belongs on the loopback address.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::Listen`] when the address is taken.
    pub async fn serve_control(&self, listen: SocketAddr) -> Result<SocketAddr, SimulatorError> {
        let unavailable = |source| SimulatorError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        let port = Port {
            control: self.control(),
            simulator: self.address,
            stop: self.stop.child_token(),
        };
        self.tasks.spawn(port.serve(listener, self.tasks.clone()));
        tracing::info!(%address, "the control port listens");
        Ok(address)
    }

    /// Closes every connection and the port, and returns when all is quiet.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Simulator")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
