//! `just bench`: what the host costs, each figure against a baseline that is
//! measured in the same run.
//!
//! `just bench fanout` measures only that: the words are sandbox, neighbours,
//! loading, calls, memory, fanout and gate. It starts the real `sandpit` binary, a bare
//! rmcp echo in a process of its own, and a simulated TWS, and prints one table.
//! The numbers depend on the machine; the ratios much less so.

#![expect(
    clippy::expect_used,
    reason = "a measurement that cannot go on should say so and stop"
)]

mod calls;
mod echo;
mod fanout;
mod gate;
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
mod memory;
mod neighbours;
mod placing;
mod process;
mod sandbox;
mod table;

use sandpit_simulator::{Simulator, SimulatorConfig};
use table::Table;

/// What can be measured by itself.
const PARTS: [&str; 7] = [
    "sandbox",
    "neighbours",
    "loading",
    "calls",
    "memory",
    "fanout",
    "gate",
];

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    // The echo is this same program, started with this one word.
    if std::env::args().any(|argument| argument == echo::ARGUMENT) {
        return runtime.block_on(echo::serve());
    }
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    if let Some(unknown) = wanted.iter().find(|word| !PARTS.contains(&word.as_str())) {
        eprintln!(
            "there is no part {unknown}; the parts are {}",
            PARTS.join(", ")
        );
        std::process::exit(2);
    }
    runtime.block_on(measure(&|part| {
        wanted.is_empty() || wanted.iter().any(|word| word == part)
    }));
}

async fn measure(is_wanted: &dyn Fn(&str) -> bool) {
    let simulator = Simulator::start(SimulatorConfig {
        listen: "127.0.0.1:0".parse().expect("an address"),
        ..SimulatorConfig::default()
    })
    .await
    .expect("the simulator starts");
    let mut table = Table::default();
    if is_wanted("sandbox") {
        sandbox::measure(&simulator, &mut table).await;
    }
    if is_wanted("neighbours") {
        neighbours::measure(&mut table).await;
    }
    if is_wanted("loading") {
        loading::measure(&mut table).await;
    }
    if is_wanted("calls") {
        calls::measure(&simulator, &mut table).await;
    }
    if is_wanted("memory") {
        memory::measure(&simulator, &mut table).await;
    }
    if is_wanted("fanout") {
        fanout::measure(&mut table).await;
    }
    if is_wanted("gate") {
        gate::measure(&mut table).await;
    }
    println!("{table}");
    simulator.shutdown().await;
}
