//! Arguments of the operator's commands.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use http::Uri;

use crate::config::{Overrides, Sources};
use crate::operator::Secret;

/// Which configuration a command reads, or edits.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The configuration file [default: sandpit.toml, if there is one].
    #[arg(long, value_name = "FILE", env = "SANDPIT_CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
}

impl ConfigArgs {
    /// Where that configuration comes from.
    pub fn sources(&self) -> Sources {
        Sources::new(self.config.clone(), Overrides::default())
    }
}

/// Which configuration a command reads or edits, and which host it asks.
#[derive(Debug, Args)]
pub struct RemoteArgs {
    /// The configuration file.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The host to ask [default: the configured address and port].
    #[arg(long, value_name = "URL")]
    pub url: Option<Uri>,
}

/// Which configuration a command reads, and which tool folder goes with it.
#[derive(Debug, Args)]
pub struct FolderArgs {
    /// The configuration file.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The folder of tools [default: the configured one].
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub tools: Option<PathBuf>,
}

impl FolderArgs {
    /// Where that configuration comes from.
    pub fn sources(&self) -> Sources {
        with_folder(&self.config, self.tools.as_deref())
    }
}

impl PinArgs {
    /// Where that configuration comes from.
    pub fn sources(&self) -> Sources {
        with_folder(&self.host.config, self.tools.as_deref())
    }
}

fn with_folder(config: &ConfigArgs, tools: Option<&Path>) -> Sources {
    let mut overrides = Overrides::default();
    overrides.set("tools.folder", tools.map(|path| path.display().to_string()));
    Sources::new(config.config.clone(), overrides)
}

/// Arguments of `halt`.
#[derive(Debug, Args)]
#[command(
    after_help = "A halt holds until sandpit resume, over restarts too; cancels still pass. Where \
    no host runs, the next one starts halted. Exit code: 0 it is halted and what was to be \
    cancelled is; 1 not all of it."
)]
pub struct HaltArgs {
    /// Why, for whoever wants to trade and for the journal.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Only this gateway [default: all].
    #[arg(long, value_name = "NAME")]
    pub gateway: Option<String>,
    /// Cancel all open orders of the host too.
    #[arg(long)]
    pub cancel_orders: bool,
    /// The host.
    #[command(flatten)]
    pub host: RemoteArgs,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// Only this gateway [default: all].
    #[arg(long, value_name = "NAME")]
    pub gateway: Option<String>,
    /// The host.
    #[command(flatten)]
    pub host: RemoteArgs,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The host.
    #[command(flatten)]
    pub host: RemoteArgs,
    /// The host's whole status as JSON, for scripts.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tools`.
#[derive(Debug, Args)]
pub struct ToolsArgs {
    /// The host.
    #[command(flatten)]
    pub host: RemoteArgs,
    /// The host's whole status as JSON, for scripts.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The component.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The configuration file.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Everything as JSON, with the schemas.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code: 0 it would be served; 1 it cannot be a tool; 2 wrong usage; \
    3 it is a tool, and the policy does not let it be served."
)]
pub struct CheckArgs {
    /// The component.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The configuration with the policy, and the tool folder.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// The verdict as JSON, for scripts.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `grant`.
#[derive(Debug, Args)]
pub struct GrantArgs {
    /// The tool's name.
    pub tool: String,
    /// What it may use: connection, contracts, market-data, history, account,
    /// order-book, trading. None lets it run and reach nothing.
    #[arg(value_name = "CAPABILITY")]
    pub capabilities: Vec<String>,
    /// The file that is edited, and the host that follows it.
    #[command(flatten)]
    pub host: RemoteArgs,
}

/// Arguments of `revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The tool's name.
    pub tool: String,
    /// What it may no longer use.
    #[arg(value_name = "CAPABILITY", required = true)]
    pub capabilities: Vec<String>,
    /// The file that is edited, and the host that follows it.
    #[command(flatten)]
    pub host: RemoteArgs,
}

/// Arguments of `enable` and `disable`.
#[derive(Debug, Args)]
pub struct SwitchArgs {
    /// The tool's name.
    pub tool: String,
    /// The file that is edited, and the host that follows it.
    #[command(flatten)]
    pub host: RemoteArgs,
}

/// Arguments of `pin`.
#[derive(Debug, Args)]
pub struct PinArgs {
    /// The tool's name.
    pub tool: String,
    /// Accept the file with this SHA-256 (64 hexadecimal digits) and no other.
    #[arg(long, value_name = "HEX", conflicts_with_all = ["file", "remove"])]
    pub digest: Option<String>,
    /// Accept this very file and no other [default: the one in the tool folder
    /// that calls itself so].
    #[arg(long, value_name = "FILE", conflicts_with = "remove", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Accept any file again.
    #[arg(long)]
    pub remove: bool,
    /// The folder of tools [default: the configured one].
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub tools: Option<PathBuf>,
    /// The file that is edited, and the host that follows it.
    #[command(flatten)]
    pub host: RemoteArgs,
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

/// Arguments of `call`.
#[derive(Debug, Args)]
#[command(
    after_help = "The answer is printed as JSON. A tool that streams prints one event a \
    line, {\"event\": …, \"data\": …}, until it ends or Ctrl-C does. A failure is a sentence on \
    standard error and exit code 1."
)]
pub struct CallArgs {
    /// The tool's name, with or without ibkr_.
    pub tool: String,
    /// The arguments as a JSON object; - reads them from standard input
    /// [default: {}].
    #[arg(value_name = "JSON")]
    pub arguments: Option<String>,
    /// The host to ask [default: the configured address and port].
    #[arg(long, value_name = "URL", conflicts_with = "demo")]
    pub url: Option<Uri>,
    /// The token to call with, if the host wants one. Better set as the
    /// variable.
    #[arg(long, value_name = "TOKEN", env = "SANDPIT_TOKEN", hide_env_values = true, value_parser = secret)]
    pub token: Option<Secret>,
    /// Start a host of its own for this call, on a simulated TWS.
    #[arg(long)]
    pub demo: bool,
    /// The configuration, and with --demo the tool folder.
    #[command(flatten)]
    pub folder: FolderArgs,
}
