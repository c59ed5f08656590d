//! The set of tools from outside, on the real rooms below it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed unwrap or a panic fails the test"
)]

mod calls;
mod first_party;
mod folder;
#[expect(dead_code, reason = "the tests of the sandbox use the rest")]
#[path = "../../../sandbox/tests/all/guest.rs"]
mod guest;
mod limits;
mod live;
mod log;
mod many;
mod policy;
mod trading;
mod watching;

use std::path::Path;
use std::time::Duration;

use guest::Guest;
use sandpit_gateway::journal::Options;
use sandpit_gateway::{Gateway, GatewayConfig, Gateways, Journal};
use sandpit_simulator::Simulator;
use sandpit_tools::{
    CallRequest, Capability, Failure, Outcome, Policy, PolicyEntry, Sandbox, SandboxConfig,
    Structured, Tools, ToolsConfig,
};
use serde_json::{Map, Value};
use tempfile::TempDir;

/// A tool folder with these files.
fn folder(files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// A policy that grants everything to every tool.
fn everything() -> Policy {
    Policy::from_iter([("*", PolicyEntry::granting(Capability::ALL))])
}

/// The usual bounds, with everything granted to every tool.
fn config(folder: &Path) -> ToolsConfig {
    ToolsConfig {
        policy: everything(),
        ..ToolsConfig::new(folder)
    }
}

/// The tools of a folder, on a gateway that is connected to nothing.
async fn open(folder: &Path) -> Tools {
    open_with(config(folder)).await
}

async fn open_with(config: ToolsConfig) -> Tools {
    Tools::open(config, sandbox(GatewayConfig::default()))
        .await
        .unwrap()
}

/// The tools of a folder, on a gateway that connects to this simulator.
async fn open_on(folder: &Path, simulator: &Simulator) -> Tools {
    let gateway = GatewayConfig {
        host: simulator.address().ip().to_string(),
        port: simulator.address().port(),
        ..GatewayConfig::default()
    };
    Tools::open(config(folder), sandbox(gateway)).await.unwrap()
}

/// A gateway that may trade, with a journal among what the build leaves behind.
fn gateway(config: GatewayConfig) -> Gateway {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let journal = Journal::open(folder.keep().join("journal.db"), Options::default());
    Gateway::with_journal(config, journal.unwrap())
}

fn sandbox(gateway: GatewayConfig) -> Sandbox {
    let config = SandboxConfig {
        // Compiling all the tools takes seconds.
        cache_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("components")),
        grace: Duration::from_millis(500),
        ..SandboxConfig::default()
    };
    Sandbox::new(config, Gateways::one(self::gateway(gateway))).unwrap()
}

/// The one tool that this guest becomes.
async fn only(guest: Guest) -> (Tools, TempDir) {
    let folder = folder([("tool.wasm", guest.build())]);
    let tools = open(folder.path()).await;
    assert!(tools.refused().is_empty(), "{:?}", tools.refused());
    (tools, folder)
}

fn request(arguments: Value) -> CallRequest {
    let Value::Object(arguments) = arguments else {
        panic!("arguments are an object")
    };
    CallRequest::new(arguments, "test", "call-1")
}

fn no_arguments() -> CallRequest {
    CallRequest::new(Map::new(), "test", "call-1")
}

fn structured(outcome: Outcome) -> Structured {
    match outcome {
        Outcome::Answer(answer) => answer.structured.unwrap(),
        other => panic!("not an answer: {other:?}"),
    }
}

fn failure(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Failure(failure) => failure,
        other => panic!("not a failure: {other:?}"),
    }
}
