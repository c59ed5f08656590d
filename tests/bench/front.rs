//! The front: `tools/call` over HTTP, against a bare rmcp echo; and what the
//! process costs when nothing happens.

use std::env;
use std::time::Duration;

use sandpit_simulator::Simulator;
use tempfile::TempDir;
use tokio::process::Command;

use crate::echo;
use crate::load::Target;
use crate::process::{Server, sandpit};
use crate::table::{Table, millis};

/// Requests in each measurement.
const REQUESTS: usize = 20_000;

/// Fills in the rows of the front.
pub async fn measure(simulator: &Simulator, table: &mut Table) {
    let cache = TempDir::new().expect("a folder");
    let cold = Server::start(sandpit(simulator.address(), cache.path())).await;
    let cold_start = cold.start_up;
    drop(cold);
    // TWS frees the client id once it has seen the socket close.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let host = Server::start(sandpit(simulator.address(), cache.path())).await;
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
    let after = (host.resident_kib(), baseline.resident_kib());
    table.row(
        "after the load",
        mib(after.0),
        mib(after.1),
        after.0 as f64 / after.1 as f64,
    );
    let ratio = |ours: Duration| ours.as_secs_f64() / baseline.start_up.as_secs_f64();
    for (what, ours) in [
        ("start-up, sixteen tools to compile", cold_start),
        ("start-up, sixteen tools in the cache", host.start_up),
    ] {
        table.row(what, millis(ours), millis(baseline.start_up), ratio(ours));
    }
}
