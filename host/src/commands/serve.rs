//! `sandpit serve`: the host, on the TWS that the configuration names.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sandpit_front::{
    AuthConfig, Front, FrontConfig, LoopbackAccess, OperatorAccess, OperatorConfig, OperatorToken,
    ResourcesConfig, TokenFile, serve_stdio,
};
use sandpit_sandbox::{Sandbox, SandboxConfig};
use sandpit_tools::{ToolState, Tools, ToolsConfig};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::broker::Broker;
use crate::cli::{ServeArgs, Ways};
use crate::config::{self, Config, Read, Sources, TlsSection};
use crate::telemetry::Telemetry;
use crate::{descriptors, logging, metrics, operator, shutdown};

/// After how long it is told that tools are compiled.
const LONG: Duration = Duration::from_secs(1);

/// Serves until the process is asked to stop.
pub async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let ways = args.host.ways();
    let mut overrides = args.host.overrides();
    overrides.set("gateway.host", args.tws_host);
    overrides.set("gateway.port", args.tws_port);
    overrides.set("gateway.client_id", args.tws_client_id);
    overrides.set("gateway.connect_on_start", args.connect.then_some(true));
    let read = Sources::new(args.host.config, overrides).open()?;
    let config = read.config.clone();
    let telemetry = Telemetry::start(&config.telemetry)?;
    logging::start(&config.log, telemetry.as_ref())?;
    let stop = shutdown::on_signal()?;
    let journal = read.sources.journal_file(&config);
    let host = Host::start(&config, ways, journal, Some(read)).await?;
    if ways.stdio {
        host.log_start(config.server.scheme());
    } else {
        let count = host.tools.list().len();
        let text = format!(
            "Sandpit serves {count} tools at {}://{}/api/v1\n{}",
            config.server.scheme(),
            host.address()?,
            host.not_served()
        );
        if let Some(hint) = first_token(&config) {
            warn!("{hint}");
        }
        // Standard output may be closed; the host serves all the same.
        let _ = std::io::stdout().write_all(text.as_bytes());
    }
    let served = host.serve(stop).await;
    if let Some(telemetry) = telemetry {
        telemetry.shutdown().await;
    }
    served
}

/// The rooms, wired to each other, and how they are reached.
pub struct Host {
    /// The live set of tools.
    pub tools: Tools,
    front: Front,
    /// The port, if there is HTTP.
    listener: Option<TcpListener>,
    /// How the client is served that started the host, if one did.
    stdio: Option<FrontConfig>,
    broker: Broker,
    /// The configuration file that is followed, if one is.
    followed: Option<Read>,
}

impl Host {
    /// Builds the rooms from the bottom up, and opens the port last. Orders are
    /// written to the journal in this file. The configuration file that was read
    /// is followed from then on.
    pub async fn start(
        config: &Config,
        ways: Ways,
        journal: PathBuf,
        followed: Option<Read>,
    ) -> anyhow::Result<Self> {
        descriptors::allow(config.server.max_connections);
        let broker = Broker::open(config, journal).await?;
        let sandbox = Sandbox::new(sandbox_config(config), broker.gateways.clone())
            .context("cannot start the sandbox")?;
        let tools = open_tools(config, sandbox.clone()).await?;
        let listener = if ways.http {
            Some(listen(config).await?)
        } else {
            None
        };
        broker.connect(config).await;
        let mut front_config = front_config(config);
        let stdio = ways.stdio.then(|| front_config.clone());
        front_config.auth = auth_config(config, followed.as_ref());
        front_config.operator = operator_config(config, followed.as_ref(), &broker);
        front_config.metrics = metrics::gather(config, &broker, &sandbox, &tools)?;
        let front = Front::new(tools.clone(), front_config)?;
        Ok(Self {
            tools,
            front,
            listener,
            stdio,
            broker,
            followed,
        })
    }

    /// Where the host listens for HTTP.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        self.listener
            .as_ref()
            .context("the host does not listen for HTTP")?
            .local_addr()
            .context("the listening port has no address")
    }

    /// Says in the log what is served: standard output is the client's.
    pub fn log_start(&self, scheme: &str) {
        let count = self.tools.list().len();
        info!("Sandpit serves {count} tools on standard input and output");
        if let Ok(address) = self.address() {
            info!("and at {scheme}://{address}/api/v1");
        }
        let not_served = self.not_served();
        if !not_served.is_empty() {
            warn!("{}", not_served.trim_end());
        }
    }

    /// A line about the files that are not served; empty if all are.
    pub fn not_served(&self) -> String {
        let status = self.tools.status();
        let count = |state| {
            status
                .tools
                .iter()
                .filter(|tool| tool.state == state)
                .count()
        };
        let counts: Vec<_> = [
            ToolState::Quarantined,
            ToolState::Refused,
            ToolState::Waiting,
        ]
        .into_iter()
        .map(|state| (state, count(state)))
        .filter(|(_, count)| *count > 0)
        .collect();
        let all = match counts.iter().map(|(_, count)| count).sum::<usize>() {
            0 => return String::new(),
            1 => "1 file of the tool folder is not served".to_owned(),
            many => format!("{many} files of the tool folder are not served"),
        };
        let counts: Vec<_> = counts
            .iter()
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        format!("{all} ({}); sandpit tools says why.\n", counts.join(", "))
    }

    /// Serves until `stop`, or until the client leaves that started the host,
    /// then closes streams, sessions and the TWS socket. Meanwhile it follows the
    /// tool folder and the configuration file.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let watching = CancellationToken::new();
        let mut watches = JoinSet::new();
        let (tools, token) = (self.tools.clone(), watching.clone());
        watches.spawn(async move { tools.watch(token).await });
        if let Some(read) = self.followed {
            let gateways = self.broker.gateways.clone();
            let loopback = self.front.loopback();
            let (tools, token) = (self.tools.clone(), watching.clone());
            watches.spawn(config::watch(read, tools, gateways, loopback, token));
        }
        let tools = self.tools.clone();
        let http = async {
            match self.listener {
                Some(listener) => self.front.serve(listener, stop.clone()).await,
                None => {
                    stop.cancelled().await;
                    Ok(())
                }
            }
        };
        let stdio = async {
            let Some(config) = self.stdio else {
                return Ok(());
            };
            let served = serve_stdio(tools, &config, stop.clone()).await;
            stop.cancel();
            served
        };
        let (http, stdio) = tokio::join!(http, stdio);
        info!("stopping");
        watching.cancel();
        while watches.join_next().await.is_some() {}
        self.tools.shutdown().await;
        self.broker.close().await;
        http.context("the HTTP server failed")?;
        Ok(stdio?)
    }
}

/// Opens the port for HTTP.
async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(config.server.listen, config.server.port);
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; set another port with --port or PORT")
    })
}

/// Opens the tool folder. Compiling takes seconds for each tool and happens
/// once; whoever waits for it is told.
async fn open_tools(config: &Config, sandbox: Sandbox) -> anyhow::Result<Tools> {
    let mut opening = std::pin::pin!(Tools::open(tools_config(config), sandbox));
    let opened = match tokio::time::timeout(LONG, &mut opening).await {
        Ok(opened) => opened,
        Err(_) => {
            let count = components(&config.tools.folder);
            info!("compiling {count} tools, once: the next start takes them from the cache");
            opening.await
        }
    };
    opened.context("cannot open the tool folder")
}

/// How many components are in a folder.
fn components(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().extension().is_some_and(|of| of == "wasm"))
        .count()
}

/// Who is let in as the operator. Without a token the host serves all the same.
/// A host that follows no file serves one command, and has no operator.
fn operator_config(config: &Config, followed: Option<&Read>, broker: &Broker) -> OperatorConfig {
    let Some(read) = followed else {
        return OperatorConfig::default();
    };
    let access = match operator::open(&config.operator) {
        Ok(token) => OperatorAccess::Token(OperatorToken::new(token.reveal())),
        Err(error) => {
            let reason = format!("{error:#}");
            warn!(reason, "sandpit tools cannot ask this host");
            OperatorAccess::Closed(reason)
        }
    };
    let file = read.sources.file();
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    OperatorConfig {
        access,
        config_file: Some(file),
        trading: Some(Arc::new(broker.clone())),
    }
}

/// Who may call. A host that follows no file serves one command, which is the
/// only program that knows of it.
fn auth_config(config: &Config, followed: Option<&Read>) -> AuthConfig {
    if followed.is_none() {
        return AuthConfig::default();
    }
    let tokens = operator::tokens_file(config);
    if let Err(error) = &tokens {
        warn!("no token that sandpit token makes counts here: {error:#}");
    }
    AuthConfig {
        loopback: config.loopback(),
        tokens: tokens.ok(),
        oauth: config.auth.oauth.as_ref().map(|oauth| oauth.for_front()),
        requests_per_minute: config.auth.requests_per_minute,
    }
}

/// What to do where nobody can call, because all need a token and there is none.
fn first_token(config: &Config) -> Option<&'static str> {
    let closed = config.loopback() != LoopbackAccess::Open && config.auth.oauth.is_none();
    let tokens = || {
        TokenFile::new(operator::tokens_file(config).ok()?)
            .list()
            .ok()
    };
    (closed && tokens().is_some_and(|tokens| tokens.is_empty())).then_some(
        "nobody can call yet: callers need a token, and there is none. Make one, which counts \
         within seconds: sandpit token new --name me --tools '*'",
    )
}

/// The sandbox of this configuration.
pub fn sandbox_config(config: &Config) -> SandboxConfig {
    SandboxConfig {
        cache_dir: config.sandbox.cache_folder.clone().or_else(default_cache),
        memory_limit: config.sandbox.memory_mib << 20,
        max_instances: config.sandbox.max_calls,
        ..SandboxConfig::default()
    }
}

/// `$XDG_CACHE_HOME/sandpit` or `~/.cache/sandpit`; none without a home.
fn default_cache() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    base.is_absolute().then(|| base.join("sandpit"))
}

/// The tools of this configuration.
pub fn tools_config(config: &Config) -> ToolsConfig {
    ToolsConfig {
        call_deadline: config.tools.call_deadline(),
        stream_deadline: config.tools.stream_deadline(),
        policy: config.policy.clone(),
        ..ToolsConfig::new(&config.tools.folder)
    }
}

fn front_config(config: &Config) -> FrontConfig {
    FrontConfig {
        allowed_origins: config.server.allowed_origins.clone(),
        allowed_hosts: config.server.allowed_hosts.clone(),
        tls: config.server.tls.as_ref().map(TlsSection::for_front),
        limits: config.server.limits(),
        resources: ResourcesConfig {
            interval: config.resources.interval(),
            poll: config.resources.poll(),
            max_subscriptions: config.resources.max_subscriptions,
            max_watched: config.resources.max_watched,
        },
        ..FrontConfig::default()
    }
}
