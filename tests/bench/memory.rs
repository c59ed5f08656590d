//! What the process costs when nothing happens, how soon it serves, and what a
//! session costs that nobody uses.

use std::time::Duration;

use sandpit_simulator::Simulator;
use serde_json::json;
use tempfile::TempDir;

use crate::calls::echo;
use crate::echo;
use crate::load::{Style, Target};
use crate::process::{Home, Server, plugins};
use crate::table::{Table, millis};

/// How many sessions stand idle.
const SESSIONS: usize = 1_000;
/// How many calls go before memory is looked at once more.
const CALLS: usize = 20_000;

/// What so many sessions need beyond the defaults.
const ROOM: &str = "server.max_sessions = 2048\nserver.max_sessions_per_caller = 2048\n\
    server.max_connections = 4096\nserver.max_connections_per_address = 4096\n";

/// Fills in the rows of the process.
pub async fn measure(simulator: &Simulator, table: &mut Table) {
    // TWS frees the client id once it has seen the socket close.
    let client_id_is_free = || tokio::time::sleep(Duration::from_millis(500));
    let settled = || tokio::time::sleep(Duration::from_secs(1));
    let empty = TempDir::new().expect("a folder");
    let bare = Server::start(Home::new(empty.path()).serve(simulator.address())).await;
    settled().await;
    let without_tools = bare.resident_kib();
    drop(bare);
    client_id_is_free().await;

    let home = Home::with(&plugins(), ROOM);
    let cold = Server::start(home.serve(simulator.address())).await;
    let cold_start = cold.start_up;
    settled().await;
    let after_compiling = cold.resident_kib();
    drop(cold);
    client_id_is_free().await;
    let host = Server::start(home.serve(simulator.address())).await;
    let baseline = echo(&json!({"connected": true})).await;
    settled().await;
    let idle = (host.resident_kib(), baseline.resident_kib());
    let tools = std::fs::read_dir(plugins()).map_or(1, Iterator::count);

    table.section("The process, against the same echo");
    let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
    let mut against = |what: &str, ours: u64, theirs: u64| {
        table.row(what, mib(ours), mib(theirs), ours as f64 / theirs as f64);
    };
    against("idle memory", idle.0, idle.1);
    against("idle memory after compiling", after_compiling, idle.1);
    against("idle memory without a tool", without_tools, idle.1);
    let ratio = |ours: Duration| ours.as_secs_f64() / baseline.start_up.as_secs_f64();
    for (what, ours) in [
        ("start-up, all tools to compile", cold_start),
        ("start-up, all tools in the cache", host.start_up),
    ] {
        table.row(what, millis(ours), millis(baseline.start_up), ratio(ours));
    }
    let each = idle.0.saturating_sub(without_tools) / tools as u64;
    table.alone("idle memory for each tool", format!("{each} KiB"));

    let targets = [
        ("ibkr_get_status", "/api/v1/mcp", host.address),
        (echo::TOOL, "/stream", baseline.address),
    ];
    let targets = targets.map(|(tool, path, address)| Target {
        address,
        path,
        tool,
        style: Style::LegacyStream,
    });
    for target in &targets {
        target.load(16, CALLS / 16).await;
    }
    let loaded = (host.resident_kib(), baseline.resident_kib());
    table.row(
        "after the load",
        mib(loaded.0),
        mib(loaded.1),
        loaded.0 as f64 / loaded.1 as f64,
    );

    let mut sessions = Vec::with_capacity(2 * SESSIONS);
    for target in &targets {
        for _ in 0..SESSIONS {
            sessions.push(target.connect().await);
        }
    }
    settled().await;
    let each = |server: &Server, before: u64| {
        server.resident_kib().saturating_sub(before) as f64 / SESSIONS as f64
    };
    let (ours, theirs) = (each(&host, loaded.0), each(&baseline, loaded.1));
    table.row(
        &format!("each of {SESSIONS} idle sessions with their connections"),
        format!("{ours:.1} KiB"),
        format!("{theirs:.1} KiB"),
        ours / theirs,
    );
}
