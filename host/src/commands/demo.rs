//! `sandpit demo`: the host with a simulated TWS inside, already connected.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Context;
use sandpit_front::LoopbackAccess;

use super::serve::Host;
use super::simulate;
use crate::cli::DemoArgs;
use crate::config::{Config, Sources};
use crate::telemetry::Telemetry;
use crate::{logging, operator, shutdown};

/// Where people who try another TWS client look for the simulated gateway.
const GATEWAY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4002);

/// Serves until the process is asked to stop.
pub async fn run(args: DemoArgs) -> anyhow::Result<()> {
    let overrides = args.host.overrides();
    let ways = args.host.ways();
    let sources = Sources::new(args.host.config, overrides).for_demo();
    let read = sources.open()?;
    let mut config = read.config.clone();
    let telemetry = Telemetry::start(&config.telemetry)?;
    logging::start(&config.log, telemetry.as_ref())?;
    let stop = shutdown::on_signal()?;
    // Several clients may each start a demo of their own.
    let usual = if ways.stdio { 0 } else { GATEWAY.port() };
    let gateway = args.gateway.unwrap_or(SocketAddr::new(GATEWAY.ip(), usual));
    let simulator = simulate::start(gateway, &args.start).await?;
    // The demo never touches a real TWS, whatever the configuration says.
    config.gateway.host = simulator.address().ip().to_string();
    config.gateway.port = simulator.address().port();
    config.gateway.connect_on_start = true;
    // Unless another is wanted, its journal ends with it.
    let folder = tempfile::tempdir().context("there is no place for the demo's journal")?;
    let journal = config.journal.file.clone();
    let journal = journal.unwrap_or_else(|| folder.path().join("journal.db"));
    let host = Host::start(&config, ways, journal, Some(read)).await?;
    if ways.stdio {
        host.log_start(config.server.scheme());
    } else {
        let address = format!("{}://{}", config.server.scheme(), host.address()?);
        let text = welcome(&address, simulator.address(), &config, &host);
        // Standard output may be closed; the demo serves all the same.
        let _ = std::io::stdout().write_all(text.as_bytes());
    }
    let served = host.serve(stop).await;
    simulator.shutdown().await;
    if let Some(telemetry) = telemetry {
        telemetry.shutdown().await;
    }
    served
}

/// What the demo says when it is ready.
fn welcome(address: &str, gateway: SocketAddr, config: &Config, host: &Host) -> String {
    let callers = match config.loopback() {
        LoopbackAccess::Open => {
            "So programs of this machine may call it without a token; `sandpit serve` wants one."
        }
        LoopbackAccess::Closed(_) => {
            "Callers need a token: sandpit token new --name me --tools '*'"
        }
    };
    let token = operator::place(&config.operator);
    let base = format!("{address}/api/v1");
    let tools = host.tools.list();
    let mut text = format!(
        "\nSandpit serves {} tools at {base}\n\
         A simulated IB Gateway listens on {gateway} and is connected. No real money is near.\n\
         {callers}\n\n",
        tools.len()
    );
    for tool in tools.iter() {
        let descriptor = tool.descriptor();
        text.push_str(&format!("  {:<30} {}\n", descriptor.name, descriptor.title));
    }
    let not_served = host.not_served();
    if !not_served.is_empty() {
        text.push_str(&format!("\n{not_served}"));
    }
    text.push_str(&format!(
        "\nTry it:\n\n  \
         curl {base}/get_positions\n\n  \
         npx @modelcontextprotocol/inspector --cli {base}/mcp --transport http --method tools/list\n\n  \
         Client configuration (most MCP clients):\n  \
         {{ \"mcpServers\": {{ \"sandpit\": {{ \"type\": \"http\", \"url\": \"{base}/mcp\" }} }} }}\n\n\
         Watch it at {address}/console, with the operator's token{}.\n\n\
         Ctrl-C ends it.\n",
        token.map_or_else(String::new, |file| format!(" of {}", file.display()))
    ));
    text
}
