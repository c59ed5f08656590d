//! Streams carry updates as they come, end when they should, and leave no
//! subscription behind.

use std::time::Duration;

use sandpit_simulator::Simulator;
use serde_json::json;

use crate::support::{Era, Host, McpClient, eventually, simulator};

/// Live market-data and account subscriptions at the simulated TWS.
fn subscriptions(simulator: &Simulator) -> usize {
    let connections = simulator.connections();
    connections
        .iter()
        .map(|connection| connection.subscriptions.len())
        .sum()
}

async fn nothing_is_left(simulator: &Simulator) {
    eventually("the subscription ends", async || {
        subscriptions(simulator) == 0
    })
    .await;
}

#[tokio::test]
async fn a_rest_stream_stays_open_until_the_client_leaves() {
    let simulator = simulator().await;
    let host = Host::connected(&simulator).await;
    let mut events = host
        .events("stream_market_data?symbol=SPY&secType=STK")
        .await;
    for _ in 0..3 {
        let quote = events.next_named("quote").await.expect("a quote");
        assert!(
            quote.data["bid"].is_number() || quote.data["last"].is_number(),
            "{quote:?}"
        );
    }
    assert_eq!(subscriptions(&simulator), 1);
    drop(events);
    nothing_is_left(&simulator).await;
}

#[tokio::test]
async fn a_rest_stream_with_a_duration_ends_with_a_summary() {
    let simulator = simulator().await;
    let host = Host::connected(&simulator).await;
    for path in [
        "stream_market_data?symbol=SPY&duration_seconds=2",
        "stream_account_updates?duration_seconds=2",
    ] {
        let mut events = host.events(path).await;
        let summary = events.next_named("summary").await.expect("a summary");
        assert!(
            summary.data["updates_count"].as_u64() > Some(0),
            "{path}: {summary:?}"
        );
        assert!(summary.data["latest"].is_object(), "{path}: {summary:?}");
        assert!(events.next().await.is_none(), "{path}: the stream ends");
        nothing_is_left(&simulator).await;
    }
}

#[tokio::test]
async fn an_mcp_stream_tells_as_it_goes_and_then_answers() {
    let simulator = simulator().await;
    let host = Host::connected(&simulator).await;
    for era in Era::ALL {
        let client = McpClient::connect(&host, era).await;
        let summary = client
            .call_listening(
                "ibkr_stream_market_data",
                json!({"symbol": "SPY", "duration_seconds": 2}),
            )
            .await;
        assert!(
            summary["updates_count"].as_u64() > Some(0),
            "{era:?}: {summary}"
        );
        {
            let heard = client.heard();
            assert!(!heard.progress.is_empty(), "{era:?}");
            let quoted = heard.logs.iter().any(|data| data["event"] == "quote");
            assert!(quoted, "{era:?}: {:?}", heard.logs);
        }
        nothing_is_left(&simulator).await;
    }
}

#[tokio::test]
async fn a_client_that_loses_interest_ends_its_stream() {
    let simulator = simulator().await;
    let host = Host::connected(&simulator).await;
    for era in Era::ALL {
        let client = McpClient::connect(&host, era).await;
        let call = client.try_call(
            "ibkr_stream_market_data",
            json!({"symbol": "SPY", "duration_seconds": 600}),
        );
        // The call is dropped once it runs: rmcp's client then cancels it, each
        // era in its own way.
        tokio::select! {
            result = call => panic!("{era:?}: it ended by itself: {result:?}"),
            () = eventually("it runs", async || subscriptions(&simulator) == 1) => {}
        }
        nothing_is_left(&simulator).await;
    }
}

#[tokio::test]
async fn two_of_everything_at_once() {
    let simulator = simulator().await;
    let host = Host::connected(&simulator).await;
    let path = "stream_account_updates?duration_seconds=2";
    let (mut first, mut second) = (host.events(path).await, host.events(path).await);
    let mut quotes = host
        .events("stream_market_data?symbol=SPY&duration_seconds=2")
        .await;
    let mut more = host
        .events("stream_market_data?symbol=SPY&duration_seconds=2")
        .await;
    for events in [&mut first, &mut second, &mut quotes, &mut more] {
        let summary = events.next_named("summary").await.expect("a summary");
        assert!(
            summary.data["updates_count"].as_u64() > Some(0),
            "{summary:?}"
        );
    }
    nothing_is_left(&simulator).await;
}

#[tokio::test]
async fn a_stream_outlives_tws_and_ends_with_a_disconnect() {
    let simulator = simulator().await;
    let host = Host::connected(&simulator).await;
    let mut events = host.events("stream_market_data?symbol=SPY").await;
    events.next_named("quote").await.expect("a quote");
    simulator.shutdown().await;
    let stale = events.next_named("stale").await.expect("it is told");
    assert_eq!(stale.data["stale"], true, "{stale:?}");
    eventually("the status says so", async || {
        host.get("get_status").await.ok()["connected"] == false
    })
    .await;
    host.post("disconnect", json!({})).await.ok();
    let error = events.next_named("error").await.expect("an error");
    assert_eq!(error.data["status"], 503, "{error:?}");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_reader_that_never_reads_holds_nobody_up() {
    let simulator = simulator().await;
    let host = Host::connected(&simulator).await;
    let lazy = host.events("stream_market_data?symbol=SPY").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut keen = host.events("stream_market_data?symbol=SPY").await;
    keen.next_named("quote").await.expect("a quote");
    host.get("get_positions").await.ok();
    drop((lazy, keen));
    nothing_is_left(&simulator).await;
}

#[tokio::test]
async fn a_broken_connection_is_a_gap_of_the_stream_and_not_its_end() {
    let simulator = simulator().await;
    let host = Host::connected(&simulator).await;
    let mut events = host
        .events("stream_market_data?symbol=SPY&secType=STK")
        .await;
    events.next_named("quote").await.expect("a quote");
    simulator.control().drop_connections();
    let stale = events.next_named("stale").await.expect("it is told");
    assert_eq!(stale.data["stale"], true, "{stale:?}");
    let gap = events.next_named("gap").await.expect("it comes back");
    assert!(
        gap.data["since"].is_string() && gap.data["until"].is_string(),
        "{gap:?}"
    );
    let quote = events.next_named("quote").await.expect("a quote");
    assert_eq!(quote.data["stale"], false, "{quote:?}");
    assert_eq!(subscriptions(&simulator), 1);
}
