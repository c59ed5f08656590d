//! MCP sessions that nobody wants.

use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Fortress;
use crate::support::PATIENCE;

/// Opens a session.
async fn initialize(client: &Client, fortress: &Fortress) -> Response {
    let message = json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": { "name": "attacker", "version": "1" },
        },
    });
    post(client, fortress, None, &message).await
}

async fn post(
    client: &Client,
    fortress: &Fortress,
    session: Option<&str>,
    message: &Value,
) -> Response {
    let mut request = client
        .post(format!("{}/mcp", fortress.host.base))
        .header("accept", "application/json, text/event-stream")
        .json(message);
    if let Some(session) = session {
        request = request.header("mcp-session-id", session);
    }
    let response = timeout(PATIENCE, request.send()).await;
    response.expect("an answer").unwrap()
}

fn id_of(response: &Response) -> String {
    let id = response.headers().get("mcp-session-id").unwrap();
    id.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn whoever_opens_sessions_without_end_closes_its_own() {
    let fortress = Fortress::with(&[
        ("SERVER__MAX_SESSIONS_PER_CALLER", "20"),
        ("SERVER__REQUEST_TIMEOUT_SECONDS", "2"),
    ])
    .await;
    let client = Client::new();
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });

    // One that is in use stays.
    let used = id_of(&initialize(&client, &fortress).await);
    let listening = client
        .get(format!("{}/mcp", fortress.host.base))
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &used);
    let listening = timeout(PATIENCE, listening.send()).await;
    let listening = listening.expect("a stream").unwrap();
    assert_eq!(listening.status(), 200);

    let mut opened = Vec::new();
    for _ in 0..500 {
        let response = initialize(&client, &fortress).await;
        assert_eq!(response.status(), 200);
        opened.push(id_of(&response));
    }
    let mut open = 0;
    for session in &opened {
        let status = post(&client, &fortress, Some(session), &ping)
            .await
            .status();
        assert!(matches!(status.as_u16(), 200 | 404), "{status}");
        open += usize::from(status == 200);
    }
    assert_eq!(open, 19);
    let response = post(&client, &fortress, Some(&used), &ping).await;
    assert_eq!(response.status(), 200);

    drop((listening, client));
    fortress.stands().await;
}

#[tokio::test]
async fn ids_that_were_guessed_are_no_sessions() {
    let fortress = Fortress::impatient().await;
    let client = Client::new();
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let known = id_of(&initialize(&client, &fortress).await);
    for guess in [
        "0",
        "00000000-0000-0000-0000-000000000000",
        &known[1..],
        &known.to_uppercase().replace('-', ""),
        &"x".repeat(20_000),
        "../../etc/passwd",
    ] {
        let response = post(&client, &fortress, Some(guess), &ping).await;
        assert_eq!(response.status(), 404, "{guess:.60}");
    }
    drop(client);
    fortress.stands().await;
}
