//! What all tests share.

use std::time::Duration;

use rust_decimal::Decimal;
use sandpit_gateway::journal::Options;
use sandpit_gateway::model::{Action, Caller, Contract, Endpoint, Error, Order, OrderType};
use sandpit_gateway::{Gateway, GatewayConfig, Journal};
use sandpit_simulator::{Simulator, SimulatorConfig};
use tempfile::TempDir;

/// A simulator whose market moves only by its levers, and a gateway on it.
pub struct Setup {
    pub simulator: Simulator,
    pub gateway: Gateway,
    /// Where the journals are.
    pub folder: TempDir,
}

/// How long anything may take that happens soon.
pub const SOON: Duration = Duration::from_secs(10);

impl Setup {
    pub async fn new() -> Self {
        Self::with(SimulatorConfig::default(), |_| {}).await
    }

    pub async fn with(config: SimulatorConfig, tune: impl FnOnce(&mut GatewayConfig)) -> Self {
        let config = SimulatorConfig {
            tick_interval: None,
            ..config
        };
        let simulator = Simulator::start(config).await.unwrap();
        let mut gateway = config_for(&simulator);
        tune(&mut gateway);
        let folder = tempfile::tempdir().unwrap();
        let journal = journal_in(&folder, "journal");
        let gateway = Gateway::with_journal(gateway, journal);
        gateway.connect(Endpoint::default()).await.unwrap();
        Self {
            simulator,
            gateway,
            folder,
        }
    }

    /// Another gateway on the same simulator.
    pub async fn neighbour(&self, client_id: i32) -> Gateway {
        let config = GatewayConfig {
            client_id,
            ..config_for(&self.simulator)
        };
        let journal = journal_in(&self.folder, &format!("client-{client_id}"));
        let gateway = Gateway::with_journal(config, journal);
        gateway.connect(Endpoint::default()).await.unwrap();
        gateway
    }

    /// How many requests of this name the simulator has received.
    pub fn received(&self, name: &str) -> usize {
        let received = self.simulator.received();
        received
            .iter()
            .filter(|request| request.name == name)
            .count()
    }

    /// How many subscriptions of all clients are alive.
    pub fn subscriptions(&self) -> usize {
        let connections = self.simulator.connections();
        connections.iter().map(|one| one.subscriptions.len()).sum()
    }

    pub async fn stock(&self, symbol: &str) -> Contract {
        self.gateway
            .qualify(&Contract::us_stock(symbol))
            .await
            .unwrap()
    }

    pub async fn end(self) {
        self.gateway.shutdown().await;
        self.simulator.shutdown().await;
    }
}

/// A journal in a folder of its own.
pub fn journal_in(folder: &TempDir, name: &str) -> Journal {
    let path = folder.path().join(format!("{name}.db"));
    Journal::open(path, Options::default()).unwrap()
}

pub fn config_for(simulator: &Simulator) -> GatewayConfig {
    GatewayConfig {
        host: simulator.address().ip().to_string(),
        port: simulator.address().port(),
        reconnect_pause: Duration::from_millis(20),
        reconnect_pause_longest: Duration::from_millis(200),
        client_id_pause: Duration::from_millis(100),
        idle_time: Duration::from_millis(50),
        ..GatewayConfig::default()
    }
}

/// Waits until something is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let patience = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(SOON, patience).await.is_err() {
        panic!("in vain: {what}");
    }
}

pub fn caller() -> Caller {
    Caller {
        tool: "test".into(),
        digest: "sha256:0".into(),
        client: "test".into(),
        call_id: "1".into(),
    }
}

pub fn n(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn buy(quantity: i64, order_type: OrderType) -> Order {
    Order::new(Action::Buy, Decimal::from(quantity), order_type)
}

pub fn sell(quantity: i64, order_type: OrderType) -> Order {
    Order::new(Action::Sell, Decimal::from(quantity), order_type)
}

/// The kind of an error, by the name of its case.
pub fn kind<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (&'static str, String) {
    let error = outcome.expect_err("it should have failed");
    let kind = match &error {
        Error::NotConnected(_) => "not-connected",
        Error::NotFound(_) => "not-found",
        Error::NoPermission(_) => "no-permission",
        Error::NoData(_) => "no-data",
        Error::Pacing(_) => "pacing",
        Error::TimedOut(_) => "timed-out",
        Error::InvalidRequest(_) => "invalid-request",
        Error::Rejected(_) => "rejected",
        Error::Uncertain(_) => "uncertain",
        Error::ConfirmationNeeded(_) => "confirmation-needed",
        Error::Cancelled(_) => "cancelled",
        Error::Other(_) => "other",
    };
    (kind, error.to_string())
}
