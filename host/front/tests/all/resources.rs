//! Resources: listed, read, watched and completed, in both eras and over REST.

use std::time::Duration;

use sandpit_front::{FrontConfig, ResourcesConfig};
use serde_json::{Value, json};

use super::legacy::Session;
use super::modern::{Request, result};
use super::{Server, connected, connected_with, first_party, read_until, send, simulator};

const FIXED: [&str; 5] = [
    "ibkr://account/summary",
    "ibkr://executions",
    "ibkr://orders/open",
    "ibkr://positions",
    "ibkr://status",
];

fn asked(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

async fn answered(session: &Session<'_>, method: &str, params: Value) -> Value {
    let reply = send(session.message(&asked(method, params))).await;
    reply.messages()[0].clone()
}

fn uris(resources: &Value) -> Vec<&str> {
    let resources = resources.as_array().unwrap().iter();
    resources.map(|of| of["uri"].as_str().unwrap()).collect()
}

async fn place(server: &Server) {
    let order = json!({"symbol": "AAPL", "action": "BUY", "quantity": 1, "orderType": "LMT",
        "limitPrice": 1.5});
    let reply = send(server.post("/api/v1/place_order", &order)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

/// A front that does not look by itself.
fn patient() -> FrontConfig {
    FrontConfig {
        resources: ResourcesConfig {
            poll: Duration::from_secs(3_600),
            interval: Duration::from_millis(100),
            ..ResourcesConfig::default()
        },
        ..FrontConfig::default()
    }
}

#[tokio::test]
async fn they_are_the_same_in_both_eras_and_over_rest() {
    let simulator = simulator().await;
    let server = connected(&simulator).await;
    let session = Session::open(&server).await;
    let listed = answered(&session, "resources/list", json!({})).await;
    assert_eq!(uris(&listed["result"]["resources"]), FIXED);
    let modern = result(&server, Request::new("resources/list", json!({}))).await;
    assert_eq!(listed["result"]["resources"], modern["resources"]);
    assert!(modern["ttlMs"].is_number(), "{modern}");
    let templates = answered(&session, "resources/templates/list", json!({})).await;
    let template = &templates["result"]["resourceTemplates"][0];
    assert_eq!(template["uriTemplate"], "ibkr://quotes/{symbol}");
    assert_eq!(template["mimeType"], "application/json");
    let document = send(server.get("/api/v1/resources")).await.json();
    assert_eq!(uris(&document["resources"]), FIXED);

    for uri in FIXED.iter().chain(&["ibkr://quotes/SPY"]) {
        let read = answered(&session, "resources/read", json!({"uri": uri})).await;
        let content = &read["result"]["contents"][0];
        assert_eq!(content["uri"], *uri, "{read}");
        assert_eq!(content["mimeType"], "application/json", "{uri}");
        let text = content["text"].as_str().unwrap();
        assert!(serde_json::from_str::<Value>(text).unwrap().is_object());
        let path = format!("/api/v1/resources/read?uri={uri}");
        let reply = send(server.get(&path)).await;
        assert_eq!(reply.status, 200, "{uri}: {}", reply.text);
        assert!(reply.json().is_object());
    }
    server.end().await;
}

#[tokio::test]
async fn what_cannot_be_read_says_why() {
    let server = first_party().await;
    let session = Session::open(&server).await;
    let missing = json!({"uri": "ibkr://nothing"});
    let unknown = answered(&session, "resources/read", missing.clone()).await;
    assert_eq!(unknown["error"]["code"], -32002, "{unknown}");
    let request = Request::new("resources/read", missing);
    let unknown = send(request.to(&server)).await.json();
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    let away = answered(
        &session,
        "resources/read",
        json!({"uri": "ibkr://positions"}),
    )
    .await;
    assert_eq!(away["error"]["data"]["kind"], "not-connected", "{away}");
    let sentence = away["error"]["message"].as_str().unwrap();
    assert!(sentence.contains("Not connected"), "{sentence}");
    let path = "/api/v1/resources/read?uri=ibkr://positions";
    send(server.get(path)).await.problem(503, "not-connected");
    let path = "/api/v1/resources/read?uri=ibkr://nothing";
    send(server.get(path)).await.problem(404, "not-found");
    // Nothing is suggested while TWS is away, and that is no fault.
    let argument = json!({"name": "symbol", "value": "AA"});
    let reference = json!({"type": "ref/resource", "uri": "ibkr://quotes/{symbol}"});
    let params = json!({"ref": reference, "argument": argument});
    let empty = answered(&session, "completion/complete", params).await;
    assert_eq!(
        empty["result"]["completion"]["values"],
        json!([]),
        "{empty}"
    );
    server.end().await;
}

#[tokio::test]
async fn symbols_are_completed() {
    let simulator = simulator().await;
    let server = connected(&simulator).await;
    let session = Session::open(&server).await;
    let reference = json!({"type": "ref/resource", "uri": "ibkr://quotes/{symbol}"});
    let argument = json!({"name": "symbol", "value": "aap"});
    let params = json!({"ref": reference, "argument": argument});
    let completed = answered(&session, "completion/complete", params).await;
    let values = completed["result"]["completion"]["values"].as_array();
    assert!(values.unwrap().contains(&json!("AAPL")), "{completed}");
    let argument = json!({"name": "colour", "value": ""});
    let params = json!({"ref": reference, "argument": argument});
    let wrong = answered(&session, "completion/complete", params).await;
    assert_eq!(wrong["error"]["code"], -32602, "{wrong}");
    server.end().await;
}

#[tokio::test]
async fn a_session_is_told_of_changes_until_it_unsubscribes() {
    let simulator = simulator().await;
    let server = connected_with(&simulator, patient()).await;
    let session = Session::open(&server).await;
    let mut stream = session.listen().await;
    let uri = json!({"uri": "ibkr://orders/open"});
    let subscribed = answered(&session, "resources/subscribe", uri.clone()).await;
    assert!(subscribed["result"].is_object(), "{subscribed}");
    place(&server).await;
    let text = read_until(&mut stream, "notifications/resources/updated").await;
    assert!(text.contains("ibkr://orders/open"), "{text}");
    let done = answered(&session, "resources/unsubscribe", uri).await;
    assert!(done["result"].is_object(), "{done}");
    let unknown = json!({"uri": "ibkr://nothing"});
    let refused = answered(&session, "resources/subscribe", unknown).await;
    assert_eq!(refused["error"]["code"], -32002, "{refused}");
    server.end().await;
}

#[tokio::test]
async fn a_stream_is_told_of_changes() {
    let simulator = simulator().await;
    let server = connected_with(&simulator, patient()).await;
    let filter = json!({"resourceSubscriptions": ["ibkr://orders/open", "ibkr://nothing"]});
    let listen = Request::new("subscriptions/listen", json!({"notifications": filter}));
    let mut stream = listen.to(&server).send().await.unwrap();
    read_until(&mut stream, "acknowledged").await;
    place(&server).await;
    let text = read_until(&mut stream, "notifications/resources/updated").await;
    assert!(text.contains("ibkr://orders/open"), "{text}");
    server.end().await;
}
