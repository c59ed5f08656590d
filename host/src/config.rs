//! The configuration: what can be set. [`sources`] says where it comes from,
//! [`watch()`] follows its file while the host runs.

mod auth;
mod gateway;
mod server;
mod sources;
mod telemetry;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use sandpit_gateway::GateConfig;
use sandpit_tools::policy::Policy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operator::Secret;

pub use auth::AuthSection;
pub use gateway::GatewaySection;
pub use server::{ServerSection, TlsSection};
pub use sources::{Overrides, Read, Sources};
pub use telemetry::{MetricsSection, TelemetrySection};
pub use watch::watch;

/// The configuration of Sandpit, a native host for Interactive Brokers trading
/// tools.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "sandpit.toml")]
pub struct Config {
    /// The TWS or IB Gateway behind the host. It is named `default`.
    pub gateway: GatewaySection,
    /// Several of them, each with a name of its own, instead of `[gateway]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub gateways: BTreeMap<String, GatewaySection>,
    /// What may be traded at all, whichever tool asks. It comes from this file
    /// only, and is applied as soon as the file changes.
    pub gate: GateConfig,
    /// The journal of all orders.
    pub journal: JournalSection,
    /// The HTTP server.
    pub server: ServerSection,
    /// Resources, and telling subscribers that they have changed.
    pub resources: ResourcesSection,
    /// The tools and their calls.
    pub tools: ToolsSection,
    /// The sandbox that the tools run in.
    pub sandbox: SandboxSection,
    /// The log.
    pub log: LogSection,
    /// The metrics, for Prometheus.
    pub metrics: MetricsSection,
    /// The traces, for a collector of OpenTelemetry.
    pub telemetry: TelemetrySection,
    /// Who may call tools.
    pub auth: AuthSection,
    /// Who may ask a running host for its status.
    pub operator: OperatorSection,
    /// What each tool may do. It comes from this file only, and is applied as
    /// soon as the file changes.
    pub policy: Policy,
}

/// `[resources]`: how resources are watched for those who subscribe to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResourcesSection {
    /// How many milliseconds there are at least between two notifications
    /// about one resource.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub interval_milliseconds: u64,
    /// After how many seconds a watched resource is read again though nothing
    /// was heard of it.
    #[schemars(range(min = 1, max = 86_400))]
    pub poll_seconds: u64,
    /// How many resources one MCP session may subscribe to.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_subscriptions: usize,
    /// How many resources may be watched at once, by all together.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_watched: usize,
}

impl Default for ResourcesSection {
    fn default() -> Self {
        Self {
            interval_milliseconds: 1_000,
            poll_seconds: 5,
            max_subscriptions: 64,
            max_watched: 256,
        }
    }
}

/// `[tools]`: where tools come from and how long their calls may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ToolsSection {
    /// The folder of components; every `*.wasm` in it is a tool.
    pub folder: PathBuf,
    /// How long a call may take, in seconds.
    #[schemars(range(min = 1, max = 604_800))]
    pub call_deadline_seconds: u64,
    /// How long a call of a streaming tool may take, in seconds.
    #[schemars(range(min = 1, max = 604_800))]
    pub stream_deadline_seconds: u64,
}

impl Default for ToolsSection {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("tools"),
            call_deadline_seconds: 60,
            stream_deadline_seconds: 24 * 60 * 60,
        }
    }
}

/// `[sandbox]`: bounds of the WebAssembly side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxSection {
    /// Where compiled components are kept. It is trusted: nobody who can write
    /// to the tool folder should be able to write here. Default: the user's
    /// cache folder.
    pub cache_folder: Option<PathBuf>,
    /// How much memory one call may use, in MiB.
    #[schemars(range(min = 1, max = 1_024))]
    pub memory_mib: usize,
    /// How many calls may run at the same time; further ones queue.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_calls: u32,
}

impl Default for SandboxSection {
    fn default() -> Self {
        Self {
            cache_folder: None,
            memory_mib: 64,
            max_calls: 256,
        }
    }
}

/// `[log]`: what is written to standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogSection {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as
    /// `info,sandpit_gateway=debug`.
    pub level: String,
    /// Lines for people or for machines.
    pub format: LogFormat,
}

impl Default for LogSection {
    fn default() -> Self {
        Self {
            level: "info,ibapi=warn,ibapi::transport=off,ibapi::messages=off".to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// `[operator]`: the token for `GET /operator/status`, which `sandpit tools`
/// asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OperatorSection {
    /// Where the token is kept. The host makes the file, readable for its
    /// owner alone, if there is none. Relative to this file. Default:
    /// `sandpit/operator.token` in the user's state folder.
    pub token_file: Option<PathBuf>,
    /// The token itself, instead of a file with it. Better set as the variable
    /// `SANDPIT_OPERATOR__TOKEN`.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>", length(min = 16))]
    pub token: Option<Secret>,
}

/// `[journal]`: where everything that happens to an order is written down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JournalSection {
    /// The file. The host makes it, readable for its owner alone, if there is
    /// none. Relative to this file. Default: `journal.db` beside this file.
    pub file: Option<PathBuf>,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Readable text.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// What types cannot say.
    fn validate(&self) -> anyhow::Result<()> {
        self.validate_gateways()?;
        self.validate_auth()?;
        self.server.validate()?;
        self.validate_telemetry()?;
        for (key, value) in [
            (
                "tools.call_deadline_seconds",
                self.tools.call_deadline_seconds,
            ),
            (
                "tools.stream_deadline_seconds",
                self.tools.stream_deadline_seconds,
            ),
        ] {
            seconds(key, value)?;
        }
        for (key, value, most) in [
            ("sandbox.memory_mib", self.sandbox.memory_mib, 1024),
            ("sandbox.max_calls", self.sandbox.max_calls as usize, 10_000),
            (
                "resources.max_subscriptions",
                self.resources.max_subscriptions,
                10_000,
            ),
            ("resources.max_watched", self.resources.max_watched, 100_000),
        ] {
            if !(1..=most).contains(&value) {
                bail!("{key} is {value}; it must be a number from 1 to {most}");
            }
        }
        self.resources.validate()?;
        self.policy.check().context("the policy is wrong")
    }
}

/// Whether a setting is a length of time that makes sense.
fn seconds(key: &str, value: u64) -> anyhow::Result<()> {
    if !(1..=604_800).contains(&value) {
        bail!("{key} is {value}; it must be a number of seconds from 1 to 604800 (a week)");
    }
    Ok(())
}

impl ResourcesSection {
    fn validate(&self) -> anyhow::Result<()> {
        let interval = self.interval_milliseconds;
        if !(100..=3_600_000).contains(&interval) {
            bail!(
                "resources.interval_milliseconds is {interval}; it must be a number from 100 to \
                 3600000 (an hour)"
            );
        }
        let poll = self.poll_seconds;
        if !(1..=86_400).contains(&poll) {
            bail!(
                "resources.poll_seconds is {poll}; it must be a number of seconds from 1 to 86400 \
                 (a day)"
            );
        }
        Ok(())
    }

    /// `interval_milliseconds`.
    pub const fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_milliseconds)
    }

    /// `poll_seconds`.
    pub const fn poll(&self) -> Duration {
        Duration::from_secs(self.poll_seconds)
    }
}

impl ToolsSection {
    /// `call_deadline_seconds`.
    pub const fn call_deadline(&self) -> Duration {
        Duration::from_secs(self.call_deadline_seconds)
    }

    /// `stream_deadline_seconds`.
    pub const fn stream_deadline(&self) -> Duration {
        Duration::from_secs(self.stream_deadline_seconds)
    }
}
