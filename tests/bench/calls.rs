//! A call of `ibkr_get_positions` from end to end: client, front, sandbox and
//! the positions that the gateway keeps, over MCP in both eras and over REST,
//! against a bare rmcp echo that answers with the same bytes.

use std::env;

use sandpit_simulator::Simulator;
use serde_json::Value;
use tokio::process::Command;

use crate::echo;
use crate::load::{Style, Target};
use crate::process::{Home, Server, plugins};
use crate::table::Table;

/// Requests in each measurement.
const REQUESTS: usize = 10_000;
/// How many connections call at once.
const CONNECTIONS: [usize; 3] = [1, 16, 256];
/// The tool.
const TOOL: &str = "ibkr_get_positions";
/// The ways to call it, each with the way in which the echo is called. The echo
/// has no REST: its quickest answer is what REST is held against.
const STYLES: [(&str, Style, &str, Style); 5] = [
    (
        "MCP 2026-07-28, JSON",
        Style::ModernJson,
        "/",
        Style::ModernJson,
    ),
    (
        "MCP 2026-07-28, event stream",
        Style::ModernStream,
        "/stream",
        Style::ModernStream,
    ),
    (
        "MCP 2025-11-25, JSON, no session",
        Style::LegacyJson,
        "/",
        Style::LegacyJson,
    ),
    (
        "MCP 2025-11-25, event stream, session",
        Style::LegacyStream,
        "/stream",
        Style::LegacyStream,
    ),
    ("REST", Style::Rest, "/", Style::ModernJson),
];

/// What so many callers from one address need beyond the defaults.
const ROOM: &str = "server.max_sessions = 1024\nserver.max_sessions_per_caller = 1024\n";

/// Fills in the rows of the calls.
pub async fn measure(simulator: &Simulator, table: &mut Table) {
    let home = Home::with(&plugins(), ROOM);
    let host = Server::start(home.serve(simulator.address())).await;
    let target = |style| Target {
        address: host.address,
        path: if style == Style::Rest {
            "/api/v1/get_positions"
        } else {
            "/api/v1/mcp"
        },
        tool: TOOL,
        style,
    };
    let answer = target(Style::ModernJson).connect().await.call().await;
    let answer: Value = serde_json::from_slice(&answer).expect("JSON");
    let answer = answer
        .pointer("/result/structuredContent")
        .expect("a structured answer");
    let echo = echo(answer).await;

    for (what, style, path, echo_style) in STYLES {
        let ours = target(style);
        let theirs = Target {
            address: echo.address,
            path,
            tool: echo::TOOL,
            style: echo_style,
        };
        table.section(&format!(
            "{TOOL}, {what}, against a bare rmcp echo of its {} bytes",
            answer.to_string().len()
        ));
        for connections in CONNECTIONS {
            for target in [&ours, &theirs] {
                target
                    .load(connections, 200_usize.div_ceil(connections))
                    .await;
            }
            let calls = REQUESTS / connections;
            let ours = ours.load(connections, calls).await;
            let theirs = theirs.load(connections, calls).await;
            table.rates(
                &format!("{connections} connections: rate"),
                ours.rate(),
                theirs.rate(),
            );
            for (quantile, share) in [("p50", 0.5), ("p99", 0.99)] {
                table.times(
                    &format!("{connections} connections: {quantile}"),
                    ours.quantile(share),
                    theirs.quantile(share),
                );
            }
        }
    }
}

/// A bare rmcp echo in a process of its own, which answers with `answer`.
pub async fn echo(answer: &Value) -> Server {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.arg(echo::ARGUMENT).arg(answer.to_string());
    Server::start(command).await
}
