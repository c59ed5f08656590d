//! What every test needs: a simulated TWS, a host on it, and clients.

#[expect(dead_code, reason = "the tests of the sandbox use the rest")]
#[path = "../../../host/sandbox/tests/all/guest.rs"]
pub mod guest;
pub mod host;
pub mod mcp;
pub mod process;
pub mod rest;

use std::time::Duration;

use sandpit_simulator::{Fixture, Simulator, SimulatorConfig, Start};

pub use host::Host;
pub use mcp::{Era, McpClient};

/// How long anything may take before a test gives up. It bounds a hang; it
/// measures nothing.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A simulated TWS on a free port, with its default account and market.
pub async fn simulator() -> Simulator {
    Simulator::start(SimulatorConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        ..SimulatorConfig::default()
    })
    .await
    .expect("the simulator starts")
}

/// The same with these accounts, of which the first has positions.
pub async fn simulator_of(accounts: &[&str]) -> Simulator {
    Simulator::start(SimulatorConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        accounts: accounts.iter().map(|id| (*id).to_owned()).collect(),
        ..SimulatorConfig::default()
    })
    .await
    .expect("the simulator starts")
}

/// A market that stands still, with prices, positions and history that are
/// written down: two of them are alike at any time.
pub async fn still_simulator() -> Simulator {
    Simulator::start(SimulatorConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        tick_interval: None,
        start: Start::Fixture(Fixture::from_json(include_str!("still.json")).unwrap()),
        ..SimulatorConfig::default()
    })
    .await
    .expect("the simulator starts")
}

/// Waits until `condition` holds, and fails with `what` if it never does.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
