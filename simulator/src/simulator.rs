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
use crate::session::connection::Connection;
use crate::session::received::Received;
use crate::world::{World, lock};

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
                        let (id, outbox) = {
                            let mut world = lock(&world);
                            if world.refuses_connections {
                                continue;
                            }
                            world.connect(peer, closing.clone())
                        };
                        let connection = Connection {
                            id,
                            outbox,
                            closing,
                            world: world.clone(),
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
