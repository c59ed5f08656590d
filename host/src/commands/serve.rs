//! `sandpit serve`: the host, on the TWS that the configuration names.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::Context;
use sandpit_front::{Front, FrontConfig};
use sandpit_gateway::{Gateway, GatewayConfig, model};
use sandpit_sandbox::{Sandbox, SandboxConfig};
use sandpit_tools::{Tools, ToolsConfig};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::cli::ServeArgs;
use crate::config::Config;
use crate::{logging, shutdown};

/// Serves until the process is asked to stop.
pub async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let mut overrides = args.host.overrides();
    overrides.set("gateway.host", args.tws_host);
    overrides.set("gateway.port", args.tws_port);
    overrides.set("gateway.client_id", args.tws_client_id);
    overrides.set("gateway.connect_on_start", args.connect.then_some(true));
    let config = Config::read(args.host.config.as_deref(), &overrides)?;
    logging::start(&config.log)?;
    let stop = shutdown::on_signal()?;
    let host = Host::start(&config).await?;
    let count = host.tools.list().len();
    let line = format!(
        "Sandpit serves {count} tools at http://{}/api/v1\n",
        host.address()?
    );
    // Standard output may be closed; the host serves all the same.
    let _ = std::io::stdout().write_all(line.as_bytes());
    host.serve(stop).await
}

/// The rooms, wired to each other and bound to a port.
pub struct Host {
    /// The live set of tools.
    pub tools: Tools,
    front: Front,
    listener: TcpListener,
}

impl Host {
    /// Builds the rooms from the bottom up, and opens the port last.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        let gateway = Gateway::new(gateway_config(config));
        let sandbox = Sandbox::new(sandbox_config(config)?, gateway.clone())
            .context("cannot start the sandbox")?;
        let tools = Tools::open(tools_config(config), sandbox)
            .await
            .context("cannot open the tool folder")?;
        let address = SocketAddr::new(config.server.listen, config.server.port);
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("cannot listen on {address}; set another port with --port or PORT")
        })?;
        if config.gateway.connect_on_start {
            // The host serves without TWS too: a failure is told, not fatal.
            if let Err(error) = gateway.connect(model::Endpoint::default()).await {
                warn!("not connected to TWS at start: {error}");
            }
        }
        let front = Front::new(tools.clone(), front_config(config))?;
        Ok(Self {
            tools,
            front,
            listener,
        })
    }

    /// Where the host listens.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        self.listener
            .local_addr()
            .context("the listening port has no address")
    }

    /// Serves until `stop`, then closes streams, sessions and the TWS socket.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let served = self.front.serve(self.listener, stop).await;
        info!("stopping");
        self.tools.shutdown().await;
        served.context("the HTTP server failed")
    }
}

fn gateway_config(config: &Config) -> GatewayConfig {
    GatewayConfig {
        host: config.gateway.host.clone(),
        port: config.gateway.port,
        client_id: config.gateway.client_id,
        connect_timeout: config.gateway.connect_timeout(),
        request_timeout: config.gateway.request_timeout(),
        order_timeout: config.gateway.order_timeout(),
        ..GatewayConfig::default()
    }
}

fn sandbox_config(config: &Config) -> anyhow::Result<SandboxConfig> {
    Ok(SandboxConfig {
        cache_dir: config.sandbox.cache_folder.clone().or_else(default_cache),
        memory_limit: config.sandbox.memory_mib << 20,
        max_instances: config.sandbox.max_calls,
        ..SandboxConfig::default()
    })
}

/// `$XDG_CACHE_HOME/sandpit` or `~/.cache/sandpit`; none without a home.
fn default_cache() -> Option<std::path::PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(std::path::PathBuf::from)
        .or_else(|| Some(std::path::PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    base.is_absolute().then(|| base.join("sandpit"))
}

fn tools_config(config: &Config) -> ToolsConfig {
    ToolsConfig {
        call_deadline: config.tools.call_deadline(),
        stream_deadline: config.tools.stream_deadline(),
        ..ToolsConfig::new(&config.tools.folder)
    }
}

fn front_config(config: &Config) -> FrontConfig {
    FrontConfig {
        allowed_origins: config.server.allowed_origins.clone(),
        allowed_hosts: config.server.allowed_hosts.clone(),
        max_body_bytes: config.server.max_body_bytes,
        max_sessions: config.server.max_sessions,
        max_connections: config.server.max_connections,
        session_keep_alive: config.server.session_idle(),
        ..FrontConfig::default()
    }
}
