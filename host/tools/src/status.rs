//! What the operator sees of the tools.

use sandpit_sandbox::Descriptor;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The tools and everything that is not served, as the operator sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// One for each file of the tool folder: those with a name first, by name.
    pub tools: Vec<ToolStatus>,
    /// Why the policy file was not taken over when it changed last. The policy
    /// before it stays in force.
    pub policy_fault: Option<String>,
    /// Why the tool folder cannot be read. What served goes on serving.
    pub folder_fault: Option<String>,
    /// How many instances of tools run now.
    pub running: u32,
    /// How many instances may run at the same time.
    pub max_running: u32,
}

/// One file of the tool folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolStatus {
    /// The tool's name; none if it could not say it.
    pub name: Option<String>,
    /// The file's name in the tool folder.
    pub file: String,
    /// Whether it is a tool or a prompt, if that is known.
    pub kind: Option<Kind>,
    /// Whether it is served.
    pub state: ToolState,
    /// Why it is not served, and what would change that; of a tool that is
    /// served, why the newer content of its file is not.
    pub reason: Option<String>,
    /// The version of what serves, or of what would.
    pub version: Option<String>,
    /// Its name for people.
    pub title: Option<String>,
    /// Its SHA-256 in hexadecimal digits.
    pub digest: Option<String>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// The capabilities that it asks for.
    pub asks: Vec<String>,
    /// The capabilities that the policy grants it; none if it says nothing.
    pub grants: Option<Vec<String>>,
    /// Whether it is left out of the lists that clients see.
    pub hidden: bool,
    /// The digest that the policy accepts, if only one.
    pub pin: Option<String>,
    /// How much it may use, if the policy says anything of it.
    pub limits: Option<ToolLimits>,
    /// How the tool of this name was used since the host started.
    pub usage: Usage,
}

/// How much a tool may use, by the policy or where that is silent by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolLimits {
    /// How many calls run at a time.
    pub concurrent_calls: usize,
    /// How many calls may wait.
    pub queued_calls: usize,
    /// How many calls may begin within any 60 seconds; none if as many as come.
    pub calls_per_minute: Option<usize>,
    /// How long a call may take in seconds; none if `[tools]` says it.
    pub deadline_seconds: Option<u64>,
    /// Memory of one call in MiB; none if `[sandbox]` says it.
    pub memory_mib: Option<u64>,
    /// How many market-data lines all calls may hold together.
    pub market_data_lines: u32,
}

/// What a component is to MCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A tool: the model calls it.
    Tool,
    /// A prompt: a person begins a conversation with it.
    Prompt,
}

impl Kind {
    /// The kind of what describes itself so.
    pub fn of(descriptor: &Descriptor) -> Self {
        if descriptor.prompt.is_some() {
            Self::Prompt
        } else {
            Self::Tool
        }
    }

    /// The kind in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.name())
    }
}

/// Whether a file of the tool folder is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolState {
    /// It can be called.
    Served,
    /// The policy disables it.
    Disabled,
    /// It waits for the operator's word: a grant, or another pin.
    Quarantined,
    /// It cannot be a tool, or not under this name.
    Refused,
    /// It is being looked at, or may still be being copied.
    Waiting,
}

impl ToolState {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Served,
        Self::Disabled,
        Self::Quarantined,
        Self::Refused,
        Self::Waiting,
    ];

    /// The state in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Disabled => "disabled",
            Self::Quarantined => "quarantined",
            Self::Refused => "refused",
            Self::Waiting => "waiting",
        }
    }
}

impl std::fmt::Display for ToolState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.name())
    }
}

/// How a tool was used since the host started. It belongs to the tool's name
/// and goes on when its file is replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// How often it was called.
    pub calls: u64,
    /// How many of these calls ended in a failure, or were left by the caller.
    pub failures: u64,
    /// How many of the failures were refusals: arguments that do not fit, a
    /// limit that was reached, or something that the policy, the risk gate or
    /// TWS does not let the caller do.
    #[serde(default)]
    pub refusals: u64,
    /// How many calls run now.
    pub running: u64,
    /// How many calls wait for a place now.
    pub queued: u64,
    /// How many market-data lines its calls hold now.
    pub market_data_lines: u32,
    /// When it was called last (UTC).
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_called: Option<OffsetDateTime>,
    /// When a call of it failed last (UTC).
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_failed: Option<OffsetDateTime>,
}

/// A call that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveCall {
    /// The call's id, as the log and the journal have it.
    pub id: String,
    /// The tool's name.
    pub tool: String,
    /// Who calls, as the log and the journal have it.
    pub client: String,
    /// When it began (UTC).
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// Whether it waits or runs.
    pub state: CallState,
    /// Whether it is a stream, which lasts until its caller leaves.
    pub stream: bool,
}

/// Whether a call waits or runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CallState {
    /// It waits for its turn.
    Waiting,
    /// The tool works on it.
    Running,
}
