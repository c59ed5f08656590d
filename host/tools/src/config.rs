//! What can be set of the tools.

use std::path::PathBuf;
use std::time::Duration;

use sandpit_sandbox::CallLimits;

use crate::policy::Policy;

/// How the set of tools is set up.
#[derive(Debug, Clone)]
pub struct ToolsConfig {
    /// The folder whose `*.wasm` files are the tools.
    pub folder: PathBuf,
    /// How long a call may take. A call of a streaming tool may wait for its
    /// turn as long.
    pub call_deadline: Duration,
    /// How long a call of a streaming tool may take.
    pub stream_deadline: Duration,
    /// The other bounds of a call; its deadline is one of the two above. The
    /// policy of a tool may say otherwise.
    pub limits: CallLimits,
    /// What each tool may do.
    pub policy: Policy,
}

impl ToolsConfig {
    /// The usual bounds, for the tools in this folder, with a policy that
    /// grants nothing to anybody.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            call_deadline: Duration::from_secs(30),
            stream_deadline: Duration::from_secs(24 * 60 * 60),
            limits: CallLimits::default(),
            policy: Policy::default(),
        }
    }
}
