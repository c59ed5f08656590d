//! Looking at component files without a host: no TWS behind, nothing served.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use sandpit_gateway::{Gateway, GatewayConfig, Gateways};
use sandpit_sandbox::{Inspected, LoadError, Sandbox};
use sandpit_tools::component_files;

use crate::commands::serve::sandbox_config;
use crate::config::Config;

/// After how long a person is told what takes so long.
const LONG: Duration = Duration::from_secs(1);

/// A sandbox with no broker behind it.
pub fn sandbox(config: &Config) -> anyhow::Result<Sandbox> {
    // A gateway connects when it is asked to, and nobody asks this one.
    let gateway = Gateway::new(GatewayConfig::default());
    Sandbox::new(sandbox_config(config), Gateways::one(gateway)).context("cannot start the sandbox")
}

/// Looks at one file.
///
/// # Errors
///
/// A sentence that names the file and says why it cannot be a tool.
pub async fn inspect(file: &Path, sandbox: &Sandbox) -> anyhow::Result<Inspected> {
    let bytes = read(file, sandbox.max_component_bytes())?;
    let inspected = while_waiting(
        || format!("compiling {}, once", file.display()),
        sandbox.inspect(bytes),
    )
    .await;
    inspected.with_context(|| format!("{} cannot be a tool", file.display()))
}

/// The files in `folder` that call themselves `tool`, in their order.
pub async fn named(
    tool: &str,
    folder: &Path,
    sandbox: &Sandbox,
) -> anyhow::Result<Vec<(PathBuf, Inspected)>> {
    let unreadable = || format!("the tool folder {} cannot be read", folder.display());
    let files = component_files(folder).with_context(unreadable)?;
    let mut found = Vec::new();
    let look = async {
        for file in files {
            let Ok(bytes) = read(&file, sandbox.max_component_bytes()) else {
                continue;
            };
            // One that cannot be a tool is not this tool.
            if let Ok(inspected) = sandbox.inspect(bytes).await
                && inspected.descriptor().name == tool
            {
                found.push((file, inspected));
            }
        }
    };
    let folder = folder.display();
    while_waiting(|| format!("compiling the tools in {folder}, once"), look).await;
    Ok(found)
}

/// Reads a file, unless it is larger than a component may be.
fn read(path: &Path, limit: usize) -> anyhow::Result<Vec<u8>> {
    let unreadable = || format!("{} cannot be read", path.display());
    let file = std::fs::File::open(path).with_context(unreadable)?;
    if !file.metadata().with_context(unreadable)?.is_file() {
        bail!("{} is not a file", path.display());
    }
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let size = file
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .with_context(unreadable)?;
    if size > limit {
        let size = usize::try_from(std::fs::metadata(path).with_context(unreadable)?.len());
        let size = size.unwrap_or(usize::MAX);
        return Err(LoadError::TooLarge { size, limit })
            .with_context(|| format!("{} cannot be a tool", path.display()));
    }
    Ok(bytes)
}

/// Tells a person at a terminal what takes long, once it does.
pub async fn while_waiting<T>(what: impl FnOnce() -> String, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    match tokio::time::timeout(LONG, &mut work).await {
        Ok(done) => done,
        Err(_) => {
            if std::io::stderr().is_terminal() {
                eprintln!("{} …", what());
            }
            work.await
        }
    }
}
