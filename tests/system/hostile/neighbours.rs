//! What the other tools notice of a hostile one: nothing but that the machine
//! is busy.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::json;

use super::sentences::{endless, quick, siege};
use super::siege::{Footprint, Siege, besiege, running};
use crate::support::{Era, Host, McpClient, simulator};

/// How many calls each neighbour answers while an attack goes on.
const CALLS: usize = 25;

/// Calls the neighbours over REST and both eras of MCP.
async fn neighbours_answer(host: &Host) {
    let clients = [
        McpClient::connect(host, Era::Legacy).await,
        McpClient::connect(host, Era::Modern).await,
    ];
    for number in 0..CALLS {
        host.get("get_positions").await.ok();
        let echo = json!({"mode": "structured", "message": number.to_string()});
        let answer = host.post("fixture_tool", echo.clone()).await.ok();
        assert_eq!(answer["message"], number.to_string());
        for client in &clients {
            let answer = client.call("ibkr_get_status", json!({})).await;
            assert_eq!(answer["connected"], true);
            let answer = client.call("fixture_tool", echo.clone()).await;
            assert_eq!(answer["message"], number.to_string());
        }
    }
}

#[tokio::test]
async fn neighbours_go_on_beside_what_never_ends() {
    let simulator = simulator().await;
    // Three of each, at the same time, and nobody ends them meanwhile.
    let host = siege(&endless()).config("[policy.\"*\".limits]\ndeadline_seconds = 600\n");
    let host = host.begin(&simulator).await;
    neighbours_answer(&host).await;
    let before = Footprint::of(&host);
    let calls: Vec<_> = [endless(), endless(), endless()]
        .iter()
        .flatten()
        .map(|attack| besiege(&host, attack.tool, &attack.arguments))
        .collect();
    running(&host, calls.len() as u64).await;
    neighbours_answer(&host).await;
    for call in &calls {
        assert!(!call.is_finished(), "an attack ended before its neighbours");
        call.abort();
    }
    before.comes_back(&host, 32).await;
    neighbours_answer(&host).await;
}

#[tokio::test]
async fn neighbours_go_on_beside_what_fails_again_and_again() {
    let simulator = simulator().await;
    let host = Arc::new(siege(&quick()).begin(&simulator).await);
    let attackers: Vec<_> = quick()
        .into_iter()
        .map(|attack| {
            let host = Arc::clone(&host);
            tokio::spawn(async move {
                loop {
                    let answer = host.post(attack.tool, attack.arguments.clone()).await;
                    // Some of it may be too much at once.
                    assert!(
                        answer.status == attack.status || answer.status == 429,
                        "{}: {}",
                        attack.tool,
                        answer.json
                    );
                }
            })
        })
        .collect();
    neighbours_answer(&host).await;
    for attacker in &attackers {
        assert!(!attacker.is_finished(), "an attacker gave up");
        attacker.abort();
    }
    running(&host, 0).await;
    neighbours_answer(&host).await;
}

#[tokio::test]
async fn a_stream_that_nobody_reads_fills_nothing() {
    let simulator = simulator().await;
    let host = Siege::new(&["endless_stream"]).begin(&simulator).await;
    let ignored = async || {
        let unread = join_all((0..8).map(|_| host.events("endless_stream"))).await;
        running(&host, 8).await;
        neighbours_answer(&host).await;
        drop(unread);
        running(&host, 0).await;
    };
    // The first time fills what is kept for later.
    ignored().await;
    let before = Footprint::of(&host);
    for _ in 0..3 {
        ignored().await;
    }
    before.comes_back(&host, 16).await;
}
