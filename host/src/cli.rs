//! The command line.

mod chaos;
pub mod journal;
mod moment;
pub mod operator;
pub mod tape;
pub mod token;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use chaos::SeededChaos;
use clap::{Args, Parser, Subcommand};
use journal::JournalArgs;
pub use moment::when;
use operator::{
    CallArgs, CheckArgs, GrantArgs, HaltArgs, InspectArgs, PinArgs, ResumeArgs, RevokeArgs,
    StatusArgs, SwitchArgs, ToolsArgs,
};
use tape::{RecordArgs, ReplayArgs};
use token::TokenArgs;

use crate::config::Overrides;

/// A native host for Interactive Brokers trading tools: MCP and REST in front,
/// WebAssembly components inside, one TWS connection behind.
#[derive(Debug, Parser)]
#[command(name = "sandpit", version, arg_required_else_help = true)]
#[command(
    after_help = "Settings come from, each stronger than the one before: the defaults, \
    sandpit.toml, .env, the environment (TWS_HOST, TWS_PORT, TWS_CLIENT_ID, PORT, and \
    SANDPIT_SECTION__KEY for all others), the command line. The policy, what each tool may do, \
    comes from sandpit.toml alone; grant, revoke, enable, disable and pin edit it, and a running \
    host follows at once."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What a person can ask for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the tools, on a real TWS or IB Gateway.
    Serve(ServeArgs),
    /// Serve the tools on a simulated TWS that runs inside, already connected.
    Demo(DemoArgs),
    /// Run the simulated TWS alone, for any TWS client.
    Simulate(SimulateArgs),
    /// Write down what goes between a client and a real TWS, as a tape.
    Record(RecordArgs),
    /// Play the part of TWS from a tape.
    Replay(ReplayArgs),
    /// Ask a running host whether it is well; exits with 1 if it is not.
    Health(HealthArgs),
    /// List what a running host serves, and what it does not and why.
    Tools(ToolsArgs),
    /// Show how the gateways of a running host and its journal stand.
    Status(StatusArgs),
    /// Show what a component says of itself and what it asks for.
    Inspect(InspectArgs),
    /// Say what would become of a component in the tool folder.
    Check(CheckArgs),
    /// Let a tool use capabilities, beside those it may use already.
    Grant(GrantArgs),
    /// Take capabilities away from a tool.
    Revoke(RevokeArgs),
    /// Serve a tool again that was disabled.
    Enable(SwitchArgs),
    /// Serve a tool no longer.
    Disable(SwitchArgs),
    /// Accept one file for a tool and no other, by its SHA-256.
    Pin(PinArgs),
    /// Call a tool.
    Call(CallArgs),
    /// Make, list and revoke the tokens that callers need.
    Token(TokenArgs),
    /// Stop trading: no new orders, until an operator resumes it.
    Halt(HaltArgs),
    /// Let orders through again.
    Resume(ResumeArgs),
    /// Read, check and export the journal of orders.
    Journal(JournalArgs),
    /// Print the JSON Schema of sandpit.toml.
    Schema,
}

/// Settings that `serve` and `demo` share.
#[derive(Debug, Args)]
pub struct HostArgs {
    /// The configuration file [default: sandpit.toml, if there is one].
    #[arg(long, value_name = "FILE", env = "SANDPIT_CONFIG")]
    pub config: Option<PathBuf>,
    /// The address to listen on for HTTP [default: 127.0.0.1].
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<IpAddr>,
    /// The port to listen on for HTTP; 0 takes a free one [default: 8000].
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// The folder of tools.
    #[arg(long, value_name = "FOLDER")]
    pub tools: Option<PathBuf>,
    /// What to log: error, warn, info, debug, trace, or a filter.
    #[arg(long, value_name = "LEVEL")]
    pub log: Option<String>,
    /// Speak MCP on standard input and output, for a client that starts this
    /// command, until it closes the input. There is HTTP only with --port or
    /// --listen.
    #[arg(long)]
    pub stdio: bool,
}

impl HostArgs {
    /// How the host is reached.
    pub fn ways(&self) -> Ways {
        Ways {
            http: !self.stdio || self.port.is_some() || self.listen.is_some(),
            stdio: self.stdio,
        }
    }

    /// What these say about the configuration.
    pub fn overrides(&self) -> Overrides {
        let mut overrides = Overrides::default();
        overrides.set("server.listen", self.listen.map(|ip| ip.to_string()));
        overrides.set("server.port", self.port);
        let tools = self.tools.as_ref().map(|path| path.display().to_string());
        overrides.set("tools.folder", tools);
        overrides.set("log.level", self.log.clone());
        overrides
    }
}

/// How a host is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// Over HTTP.
    pub http: bool,
    /// Over standard input and output, by the client that started it.
    pub stdio: bool,
}

impl Ways {
    /// Over HTTP alone.
    pub const HTTP: Self = Self {
        http: true,
        stdio: false,
    };
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Settings of the host.
    #[command(flatten)]
    pub host: HostArgs,
    /// Host of TWS or IB Gateway [default: 127.0.0.1].
    #[arg(long, value_name = "HOST")]
    pub tws_host: Option<String>,
    /// API port: 7497 TWS paper, 7496 TWS live, 4002 Gateway paper, 4001
    /// Gateway live [default: 7497].
    #[arg(long, value_name = "PORT")]
    pub tws_port: Option<u16>,
    /// API client id [default: 1].
    #[arg(long, value_name = "ID")]
    pub tws_client_id: Option<i32>,
    /// Connect now, not only when `ibkr_connect` is called.
    #[arg(long)]
    pub connect: bool,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Settings of the host.
    #[command(flatten)]
    pub host: HostArgs,
    /// Where the simulated gateway listens [default: 127.0.0.1:4002; a free
    /// port with --stdio].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub gateway: Option<SocketAddr>,
    /// What the market and the account start from.
    #[command(flatten)]
    pub start: StartArgs,
}

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Where the simulated gateway listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4002")]
    pub listen: SocketAddr,
    /// Serve its levers over HTTP there too: whoever reaches it can do anything
    /// to the simulated TWS; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub control: Option<SocketAddr>,
    /// Trouble from a seed, for an hour; the profile is everything (the
    /// default), trading or nights.
    #[arg(long, value_name = "SEED[:PROFILE]", conflicts_with = "script")]
    pub chaos: Option<SeededChaos>,
    /// Trouble from a file: {"events": [{"at": {"steps": 10}, "do": "linkLost"}]}.
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    /// What the market and the account start from.
    #[command(flatten)]
    pub start: StartArgs,
    /// What to log: error, warn, info, debug, trace, or a filter.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log: String,
}

/// What a simulation starts from.
#[derive(Debug, Args)]
pub struct StartArgs {
    /// Seed of the prices: the same seed gives the same market.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// A JSON file with the cash, positions, prices and history to start from.
    #[arg(long, value_name = "FILE")]
    pub fixture: Option<PathBuf>,
}

/// Arguments of `health`.
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// What to ask [default: /healthz at the configured address and port].
    #[arg(long, value_name = "URL")]
    pub url: Option<http::Uri>,
    /// The configuration file [default: sandpit.toml, if there is one].
    #[arg(long, value_name = "FILE", env = "SANDPIT_CONFIG")]
    pub config: Option<PathBuf>,
}
