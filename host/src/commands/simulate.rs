//! `sandpit simulate`: the simulated TWS alone.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::Context;
use sandpit_simulator::{Simulator, SimulatorConfig, Start};

use crate::cli::{SimulateArgs, StartArgs};
use crate::config::LogSection;
use crate::{logging, shutdown};

/// Simulates until the process is asked to stop.
pub async fn run(args: SimulateArgs) -> anyhow::Result<()> {
    logging::start(&LogSection {
        level: args.log,
        ..LogSection::default()
    })?;
    let stop = shutdown::on_signal()?;
    let simulator = start(args.listen, &args.start).await?;
    let line = format!("A simulated TWS listens on {}\n", simulator.address());
    // Standard output may be closed; the simulator runs all the same.
    let _ = std::io::stdout().write_all(line.as_bytes());
    stop.cancelled().await;
    simulator.shutdown().await;
    Ok(())
}

/// Starts a simulator on `listen`.
pub async fn start(listen: SocketAddr, args: &StartArgs) -> anyhow::Result<Simulator> {
    let start = match &args.fixture {
        None => Start::BuiltIn,
        Some(file) => Start::File(file.clone()),
    };
    let config = SimulatorConfig {
        listen,
        seed: args.seed,
        start,
        ..SimulatorConfig::default()
    };
    Simulator::start(config).await.with_context(|| {
        format!("cannot start the simulated TWS on {listen}; name another address with a flag (see --help)")
    })
}
