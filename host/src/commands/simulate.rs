//! `sandpit simulate`: the simulated TWS alone.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::Context;
use sandpit_simulator::{Chaos, Script, Simulator, SimulatorConfig, Start};

use crate::cli::{SimulateArgs, StartArgs};
use crate::config::LogSection;
use crate::{logging, shutdown};

/// Simulates until the process is asked to stop.
pub async fn run(args: SimulateArgs) -> anyhow::Result<()> {
    logging::start(
        &LogSection {
            level: args.log.clone(),
            ..LogSection::default()
        },
        None,
    )?;
    let stop = shutdown::on_signal()?;
    let script = script(&args)?;
    let simulator = start(args.listen, &args.start).await?;
    let mut text = format!("A simulated TWS listens on {}\n", simulator.address());
    if let Some(address) = args.control {
        let address = simulator.serve_control(address).await?;
        text.push_str(&format!("It is controlled at http://{address}\n"));
    }
    if let Some(script) = script {
        text.push_str(&format!(
            "Trouble to come: {} events\n",
            script.events.len()
        ));
        simulator.control().play(script);
    }
    // Standard output may be closed; the simulator runs all the same.
    let _ = std::io::stdout().write_all(text.as_bytes());
    stop.cancelled().await;
    simulator.shutdown().await;
    Ok(())
}

/// The trouble that is wanted, from a file or from a seed.
fn script(args: &SimulateArgs) -> anyhow::Result<Option<Script>> {
    if let Some(file) = &args.script {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("the script {} cannot be read", file.display()))?;
        let script = Script::from_json(&text)
            .with_context(|| format!("{} is not a script", file.display()))?;
        return Ok(Some(script));
    }
    let chaos = args.chaos.as_ref();
    Ok(chaos.map(|chaos| Chaos::seeded(chaos.seed, &chaos.profile)))
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
