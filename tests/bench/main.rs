//! `just bench`: what the host costs, each figure against a baseline that is
//! measured in the same run.
//!
//! It starts the real `sandpit` binary, a bare rmcp echo in a process of its
//! own, and a simulated TWS, and prints one table. The numbers depend on the
//! machine; the ratios much less so.

#![expect(
    clippy::expect_used,
    reason = "a measurement that cannot go on should say so and stop"
)]

mod echo;
mod front;
#[path = "../../host/sandbox/tests/all/guest.rs"]
#[expect(
    clippy::unwrap_used,
    dead_code,
    reason = "it is shared with tests, which use more of it"
)]
mod guest;
mod kept;
mod load;
mod loading;
mod neighbours;
mod process;
mod sandbox;
mod table;

use sandpit_simulator::{Simulator, SimulatorConfig};
use table::Table;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    // The echo is this same program, started with this one word.
    if std::env::args().any(|argument| argument == echo::ARGUMENT) {
        return runtime.block_on(echo::serve());
    }
    runtime.block_on(measure());
}

async fn measure() {
    let simulator = Simulator::start(SimulatorConfig {
        listen: "127.0.0.1:0".parse().expect("an address"),
        ..SimulatorConfig::default()
    })
    .await
    .expect("the simulator starts");
    let mut table = Table::default();
    sandbox::measure(&simulator, &mut table).await;
    neighbours::measure(&mut table).await;
    loading::measure(&mut table).await;
    front::measure(&simulator, &mut table).await;
    println!("{table}");
    simulator.shutdown().await;
}
