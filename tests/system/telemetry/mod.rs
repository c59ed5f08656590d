//! What an operator's monitoring sees of the real host: metrics and traces,
//! and the dashboard and alert rules that are shipped for them.

mod collector;
mod logs;
mod metrics;
mod monitoring;
mod traces;

use std::path::Path;

use sandpit_simulator::Simulator;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Host;
use crate::support::host::{command, plugins};

/// A connected host on `simulator`, in this folder, with further settings.
async fn host(simulator: &Simulator, folder: TempDir, settings: &[(&str, &str)]) -> Host {
    let port = simulator.address().port().to_string();
    let mut command = command();
    command
        .args(["serve", "--connect", "--port", "0"])
        .args(["--tws-host", "127.0.0.1", "--tws-port", &port])
        .arg("--tools")
        .arg(plugins())
        .envs(settings.iter().copied());
    Host::start_in(command, folder).await
}

/// The operator's token of the hosts of these tests, once one has run.
fn operators_token() -> String {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("operator.token");
    std::fs::read_to_string(file).unwrap().trim().to_owned()
}

/// An order of SPY that waits far below the market.
fn order(quantity: u32) -> Value {
    json!({
        "symbol": "SPY",
        "action": "BUY",
        "quantity": quantity,
        "orderType": "LMT",
        "limitPrice": 10,
    })
}
