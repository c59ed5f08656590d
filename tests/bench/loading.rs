//! Loading: how long a component takes, compiled and from the cache, and how
//! long it takes from the moment that a file lies in the tool folder until its
//! tool is served.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sandpit_gateway::{Gateway, GatewayConfig, Gateways};
use sandpit_sandbox::{Capability, Sandbox, SandboxConfig};
use sandpit_tools::{Policy, Tools, ToolsConfig};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::load::Timings;
use crate::process::plugins;
use crate::sandbox::load;
use crate::table::{Table, millis};

/// How often each thing is done.
const TIMES: usize = 9;
/// The tool that is loaded and dropped: of middling size.
const FILE: &str = "ibkr_get_positions.wasm";

/// Fills in the rows of loading.
pub async fn measure(table: &mut Table) {
    let bytes = fs::read(plugins().join(FILE)).expect("the component");
    let cache = TempDir::new().expect("a folder");

    table.section("Loading ibkr_get_positions, from the cache against compiling it");
    let mut compiled = Vec::new();
    let mut cached = Vec::new();
    for _ in 0..TIMES {
        let fresh = TempDir::new().expect("a folder");
        compiled.push(loaded(fresh.path(), &bytes).await);
        // The first time fills the cache.
        loaded(cache.path(), &bytes).await;
        cached.push(loaded(cache.path(), &bytes).await);
    }
    let (compiled, cached) = (median(compiled), median(cached));
    table.row(
        "until it can be called",
        millis(cached),
        millis(compiled),
        cached.as_secs_f64() / compiled.as_secs_f64(),
    );

    let mut compiled = Vec::new();
    let mut cached = Vec::new();
    for _ in 0..TIMES {
        let fresh = TempDir::new().expect("a folder");
        compiled.push(dropped(fresh.path(), &bytes).await);
        cached.push(dropped(cache.path(), &bytes).await);
    }
    let (compiled, cached) = (median(compiled), median(cached));
    table.row(
        "from the file's drop until it is served",
        millis(cached),
        millis(compiled),
        cached.as_secs_f64() / compiled.as_secs_f64(),
    );
}

/// How long a new sandbox takes to load the component.
async fn loaded(cache: &Path, bytes: &[u8]) -> Duration {
    let sandbox = sandbox(cache);
    let start = Instant::now();
    load(&sandbox, bytes.to_vec()).await;
    start.elapsed()
}

/// How long it takes from a file's drop until the tool is served, with this
/// cache. The file is written elsewhere and moved in, as a file should be.
async fn dropped(cache: &Path, bytes: &[u8]) -> Duration {
    let folder = TempDir::new().expect("a folder");
    let mut config = ToolsConfig::new(folder.path());
    config.policy = everything();
    let tools = Tools::open(config, sandbox(cache)).await.expect("tools");
    let stop = CancellationToken::new();
    let watch = tokio::spawn(tools.watch(stop.clone()));
    // The watch has to have begun.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut changes = tools.changes();

    let elsewhere = folder.path().join("positions.part");
    fs::write(&elsewhere, bytes).expect("a file");
    let start = Instant::now();
    fs::rename(elsewhere, folder.path().join(FILE)).expect("it moves");
    while tools.list().is_empty() {
        changes.changed().await.expect("the tools");
    }
    let time = start.elapsed();

    stop.cancel();
    watch.await.expect("the watch ends");
    tools.shutdown().await;
    time
}

fn sandbox(cache: &Path) -> Sandbox {
    let config = SandboxConfig {
        cache_dir: Some(cache.to_owned()),
        ..SandboxConfig::default()
    };
    Sandbox::new(
        config,
        Gateways::one(Gateway::new(GatewayConfig::default())),
    )
    .expect("a sandbox")
}

/// A policy that grants every tool everything.
fn everything() -> Policy {
    let grants = Capability::ALL.map(Capability::name);
    serde_json::from_value(serde_json::json!({"*": {"grants": grants}})).expect("a policy")
}

fn median(times: Vec<Duration>) -> Duration {
    let whole = times.iter().sum();
    Timings::new(times, whole).quantile(0.5)
}
