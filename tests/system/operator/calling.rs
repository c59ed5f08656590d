//! Tools are called from the command line.

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::{Desk, FIXTURE};
use crate::support::host::{plugins, test_components};
use crate::support::{Host, simulator};

#[tokio::test]
async fn tools_are_called() {
    let folder = TempDir::new().unwrap();
    let components = test_components();
    let config = "[policy.\"*\"]\ngrants = [\"account\", \"contracts\", \"market-data\", \
                  \"connection\"]\n";
    let first_party = plugins();
    let mut desk = Desk::new(
        &folder,
        config,
        &[
            (&components, FIXTURE),
            (&first_party, "ibkr_stream_market_data"),
            (&first_party, "ibkr_get_positions"),
        ],
    );
    let simulator = simulator().await;
    let port = simulator.address().port().to_string();
    let mut serve = desk.command();
    serve.args(["serve", "--connect", "--port", "0", "--tws-port", &port]);
    let host = Host::start_in(serve, folder).await;
    desk.url = Some(host.base.clone());

    let answer = desk
        .ask(&["call", FIXTURE, "{\"mode\": \"structured\"}"])
        .await
        .ok();
    assert_eq!(answer, "{\"mode\":\"structured\"}\n");
    let positions = desk.ask(&["call", "get_positions"]).await.json();
    assert!(positions.is_object(), "{positions}");
    let error = desk
        .ask(&["call", FIXTURE, "{\"mode\": 7}"])
        .await
        .failed(1);
    assert!(
        error.starts_with("sandpit: The arguments do not fit"),
        "{error}"
    );
    assert!(
        desk.ask(&["call", FIXTURE, "[]"])
            .await
            .failed(1)
            .contains("JSON object")
    );
    assert!(
        desk.ask(&["call", "no_such_tool"])
            .await
            .failed(1)
            .contains("no_such_tool")
    );

    let mut piped = desk.command();
    piped
        .args(["call", FIXTURE, "-", "--url", &host.base])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut input, b"{\"mode\": \"structured\"}")
        .await
        .unwrap();
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.stdout, b"{\"mode\":\"structured\"}\n");

    let limited = "{\"symbol\": \"SPY\", \"duration_seconds\": 1}";
    let events = desk
        .ask(&["call", "stream_market_data", limited])
        .await
        .ok();
    let last: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "summary");
    assert!(last["data"]["updates_count"].is_number(), "{last}");
    let error = desk
        .ask(&["call", "stream_market_data", "{\"symbol\": \"NOSUCH\"}"])
        .await
        .failed(1);
    assert!(error.contains("NOSUCH"), "{error}");

    // An open stream ends with Ctrl-C, and that is no failure.
    let mut open = desk.command();
    open.args([
        "call",
        "stream_market_data",
        "{\"symbol\": \"SPY\"}",
        "--url",
        &host.base,
    ])
    .stdout(std::process::Stdio::piped());
    let mut child = open.spawn().unwrap();
    let mut lines =
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stdout.take().unwrap()));
    let first: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    assert!(first["event"].is_string(), "{first}");
    let pid = child.id().unwrap().to_string();
    Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .await
        .unwrap();
    assert!(child.wait().await.unwrap().success());
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_demo_call_needs_no_host() {
    let folder = TempDir::new().unwrap();
    let config = "[policy.ibkr_get_positions]\ngrants = [\"account\", \"contracts\"]\n";
    let first_party = plugins();
    let desk = Desk::new(&folder, config, &[(&first_party, "ibkr_get_positions")]);
    let done = desk.run(&["call", "ibkr_get_positions", "--demo"]).await;
    assert_eq!(done.err, "");
    assert!(done.json().is_object());
    let error = desk
        .run(&["call", "ibkr_place_order", "--demo"])
        .await
        .failed(1);
    assert!(error.contains("ibkr_place_order"), "{error}");
}
