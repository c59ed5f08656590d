//! The host as a component file meets it.

use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use sandpit_gateway::{Gateway, GatewayConfig, Gateways};
use sandpit_tools::{Policy, Sandbox, SandboxConfig, ToolState, ToolsConfig};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The longest sentence about a file, in bytes. It quotes the file, so it must
/// be bounded like everything else.
const REASON: usize = 8 << 10;
/// How long looking at one file may take in all. It is far beyond what the
/// bounds of the host allow, so that a slow machine is no finding.
const PATIENCE: Duration = Duration::from_secs(60);

/// The last panic, on whichever thread it was: no input may cause one.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// A sandbox that is not connected to anything, with bounds so small that
/// running into them costs little.
pub struct Host {
    runtime: Runtime,
    sandbox: Sandbox,
    folder: TempDir,
    config: ToolsConfig,
}

impl Host {
    /// Sets it up.
    ///
    /// # Errors
    ///
    /// If this machine cannot run the sandbox.
    pub fn new() -> anyhow::Result<Self> {
        watch_for_panics();
        let config = SandboxConfig {
            cache_dir: None,
            max_component_bytes: 1 << 20,
            memory_limit: 8 << 20,
            max_instances: 4,
            describe_deadline: Duration::from_millis(50),
            grace: Duration::from_millis(10),
            ..SandboxConfig::default()
        };
        let runtime = Runtime::new()?;
        let sandbox = {
            let _runtime = runtime.enter();
            Sandbox::new(
                config,
                Gateways::one(Gateway::new(GatewayConfig::default())),
            )?
        };
        let folder = TempDir::new()?;
        let mut config = ToolsConfig::new(folder.path().join("tools"));
        config.policy = all()?;
        Ok(Self {
            runtime,
            sandbox,
            folder,
            config,
        })
    }

    /// Lets the host look at a file with this content, as if it lay in the tool
    /// folder, and answers whether it would be served.
    ///
    /// # Errors
    ///
    /// If the host did not keep what it promises of every file.
    pub fn look_at(&self, content: &[u8]) -> anyhow::Result<bool> {
        let file = self.folder.path().join("tool.wasm");
        std::fs::write(&file, content)?;
        let look = sandpit_tools::foresee(&file, &self.config, &self.sandbox);
        let status = self
            .runtime
            .block_on(async { tokio::time::timeout(PATIENCE, look).await })
            .context("the host did not come to an end with the file")??;

        // Most threads of the host outlive a panic, and nobody would notice.
        let panic = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
        ensure!(panic.is_none(), "the host panicked: {panic:?}");
        let running = self.sandbox.instances();
        ensure!(running == 0, "{running} instances were left behind");
        if status.state == ToolState::Served {
            return Ok(true);
        }
        ensure!(
            status.state == ToolState::Refused,
            "everything is granted, and the file is neither served nor refused: {status:?}"
        );
        let reason = status.reason.unwrap_or_default();
        ensure!(!reason.is_empty(), "a refusal without a reason");
        ensure!(reason.len() <= REASON, "an endless reason: {reason:?}");
        ensure!(
            !reason.chars().any(|c| c.is_control() && c != '\n'),
            "the reason could steer a terminal: {reason:?}"
        );
        Ok(false)
    }
}

fn watch_for_panics() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let said = Some(panic.to_string());
            *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = said;
            usual(panic);
        }));
    });
}

/// A policy that grants every tool everything.
fn all() -> anyhow::Result<Policy> {
    let grants: Vec<_> = sandpit_sandbox::Capability::ALL
        .into_iter()
        .map(sandpit_sandbox::Capability::name)
        .collect();
    let policy = serde_json::json!({ "*": { "grants": grants } });
    Ok(serde_json::from_value(policy)?)
}
