//! The text protocol, driven by `ib_async`: a client that we did not write, in Python.

use std::path::Path;
use std::process::{Command, Output};

use sandpit_simulator::{Simulator, SimulatorConfig};

/// Runs a program to its end without stopping the simulator.
async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn ib_async_trades_on_the_simulator_unchanged() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ib_async");
    let is_there = Command::new("python3").arg("--version").output().is_ok();
    if !is_there && std::env::var_os("CI").is_none() {
        eprintln!("skipped: there is no python3 to run ib_async with; CI runs it");
        return;
    }
    let python = run(Command::new(folder.join("python"))).await;
    assert!(
        python.status.success(),
        "ib_async cannot be had: {}",
        said(&python)
    );
    let python = String::from_utf8(python.stdout).unwrap();

    let simulator = Simulator::start(SimulatorConfig {
        tick_interval: Some(std::time::Duration::from_millis(50)),
        ..SimulatorConfig::default()
    })
    .await
    .unwrap();
    let mut script = Command::new(python.trim());
    script
        .arg(folder.join("trade.py"))
        .arg(simulator.address().ip().to_string())
        .arg(simulator.address().port().to_string());
    let output = run(script).await;
    assert!(output.status.success(), "{}", said(&output));

    simulator.books().check().unwrap();
    // The client subscribed to nothing that it left behind.
    assert!(simulator.connections().is_empty());
    simulator.shutdown().await;
}
