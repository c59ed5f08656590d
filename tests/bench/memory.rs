//! The front: `tools/call` over HTTP, against a bare rmcp echo; and what the
//! process costs when nothing happens.

use std::env;
use std::time::Duration;

use sandpit_simulator::Simulator;
use tempfile::TempDir;
use tokio::process::Command;

use crate::echo;
use crate::load::Target;
use crate::process::{Home, Server, plugins};
use crate::table::{Table, millis};

/// Requests in each measurement.
const REQUESTS: usize = 20_000;

/// Fills in the rows of the front.
pub async fn measure(simulator: &Simulator, table: &mut Table) {
    // TWS frees the client id once it has seen the socket close.
    let client_id_is_free = || tokio::time::sleep(Duration::from_millis(500));
    let empty = TempDir::new().expect("a folder");
    let bare = Server::start(Home::new(empty.path()).serve(simulator.address())).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let without_tools = bare.resident_kib();
    drop(bare);
    client_id_is_free().await;

    let home = Home::new(&plugins());
    let cold = Server::start(home.serve(simulator.address())).await;
    let cold_start = cold.start_up;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after_compiling = cold.resident_kib();
    drop(cold);
    client_id_is_free().await;
    let host = Server::start(home.serve(simulator.address())).await;
    let mut baseline = Command::new(env::current_exe().expect("this program"));
    baseline.arg(echo::ARGUMENT);
    let baseline = Server::start(baseline).await;

    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = (host.resident_kib(), baseline.resident_kib());

    table.section("tools/call over HTTP (MCP 2026-07-28, JSON), against a bare rmcp echo");
    for connections in [1, 16] {
        let host_target = Target {
            address: host.address,
            path: "/api/v1/mcp",
            tool: "ibkr_get_status",
        };
        let baseline_target = Target {
            address: baseline.address,
            path: "/",
            tool: echo::TOOL,
        };
        for target in [&host_target, &baseline_target] {
            target.load(connections, 200).await;
        }
        let ours = host_target.load(connections, REQUESTS / connections).await;
        let theirs = baseline_target
            .load(connections, REQUESTS / connections)
            .await;
        table.rates(
            &format!("{connections} connections: rate"),
            ours.rate(),
            theirs.rate(),
        );
        table.times(
            &format!("{connections} connections: p50"),
            ours.quantile(0.5),
            theirs.quantile(0.5),
        );
        table.times(
            &format!("{connections} connections: p99"),
            ours.quantile(0.99),
            theirs.quantile(0.99),
        );
    }

    table.section("The process, against the same echo");
    let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
    table.row(
        "idle memory",
        mib(idle.0),
        mib(idle.1),
        idle.0 as f64 / idle.1 as f64,
    );
    table.row(
        "idle memory after compiling the twenty-two tools",
        mib(after_compiling),
        mib(idle.1),
        after_compiling as f64 / idle.1 as f64,
    );
    table.row(
        "idle memory without a tool",
        mib(without_tools),
        mib(idle.1),
        without_tools as f64 / idle.1 as f64,
    );
    table.alone(
        "idle memory for each tool",
        mib(idle.0.saturating_sub(without_tools) / 16),
    );
    let after = (host.resident_kib(), baseline.resident_kib());
    table.row(
        "after the load",
        mib(after.0),
        mib(after.1),
        after.0 as f64 / after.1 as f64,
    );
    let ratio = |ours: Duration| ours.as_secs_f64() / baseline.start_up.as_secs_f64();
    for (what, ours) in [
        ("start-up, twenty-two tools to compile", cold_start),
        ("start-up, twenty-two tools in the cache", host.start_up),
    ] {
        table.row(what, millis(ours), millis(baseline.start_up), ratio(ours));
    }
}
