//! What can be set of the tools.

use std::path::PathBuf;
use std::time::Duration;

use sandpit_sandbox::{CallLimits, Grants};

/// How the set of tools is set up.
#[derive(Debug, Clone)]
pub struct ToolsConfig {
    /// The folder whose `*.wasm` files are the tools.
    pub folder: PathBuf,
    /// How long a call may take.
    pub call_deadline: Duration,
    /// How long a call of a streaming tool may take.
    pub stream_deadline: Duration,
    /// The other bounds of a call; its deadline is one of the two above.
    pub limits: CallLimits,
    /// Which capabilities tools may use.
    pub grants: Grants,
}

impl ToolsConfig {
    /// The usual bounds, for the tools in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            call_deadline: Duration::from_secs(30),
            stream_deadline: Duration::from_secs(24 * 60 * 60),
            limits: CallLimits::default(),
            grants: Grants::all(),
        }
    }
}
