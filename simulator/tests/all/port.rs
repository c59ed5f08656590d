//! The control port, over HTTP.

use std::net::SocketAddr;

use sandpit_simulator::Simulator;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Raw, Trader, connect, still, stock};

struct Port(SocketAddr);

impl Port {
    async fn of(simulator: &Simulator) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self(simulator.serve_control(any).await.unwrap())
    }

    /// The status and the body of the answer.
    async fn ask(&self, method: &str, path: &str, kind: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.0).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, "", "").await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask("POST", path, "application/json", &body.to_string())
            .await
    }
}

#[tokio::test]
async fn the_state_and_the_books_are_there_to_see() {
    let simulator = still().await;
    let port = Port::of(&simulator).await;
    let mut trader = Trader::new(&simulator, 3).await;
    trader
        .place(
            1,
            &stock("VTI"),
            &ibapi::orders::order_builder::market_order(ibapi::orders::Action::Buy, 10.0),
        )
        .await;
    trader.hears_until("commission").await;
    let state = port.get("/state").await;
    assert_eq!(state["address"], simulator.address().to_string());
    assert_eq!(state["connections"][0]["clientId"], 3);
    let books = port.get("/books").await;
    assert_eq!(books["addUp"], true);
    assert_eq!(books["books"]["orders"][0]["status"], "Filled");
    assert_eq!(books["books"]["orders"][0]["totalQuantity"], "10");
    let received = port.get("/received").await;
    let count = received.as_array().unwrap().len();
    let last = &port.get(&format!("/received?after={}", count - 1)).await[0];
    assert_eq!(last["name"], "PlaceOrderRequest");
    assert_eq!(last["fields"]["symbol"], "VTI");
    let changes = port.get("/changes?after=1").await;
    assert_eq!(changes[0]["order"]["status"], "Filled");
    assert!(port.get("/").await["requests"].is_array());
    simulator.shutdown().await;
}

#[tokio::test]
async fn everything_can_be_done_from_outside() {
    let simulator = still().await;
    let port = Port::of(&simulator).await;
    let price = json!({"do": "setPrice", "symbol": "VTI", "price": "301.25"});
    assert_eq!(port.post("/do", price).await, (200, json!({"done": 1})));
    let quote = port.get("/price?symbol=VTI").await;
    assert_eq!(quote["price"], "301.25");
    assert_eq!(quote["conId"], simulator.control().con_id("VTI").unwrap());
    let mut raw = Raw::started(&simulator, 1).await;
    let both = json!([{"do": "linkLost"}, {"do": "dropConnections"}]);
    assert_eq!(port.post("/do", both).await, (200, json!({"done": 2})));
    while raw.read().await.is_some() {}
    let steps = port.post("/step", json!({"steps": 3})).await;
    assert_eq!(steps, (200, json!({"steps": 3})));
    let script = json!({"events": [{"at": {"steps": 1}, "do": "heal"}]});
    assert_eq!(
        port.post("/script", script).await,
        (200, json!({"planned": 1}))
    );
    simulator.control().step(1);
    let happened = port.get("/happened?after=3").await;
    assert_eq!(happened[0]["fault"]["do"], "heal");
    assert_eq!(happened[0]["step"], 4);
    let chaos = json!({"seed": 7, "profile": "everything", "steps": 500});
    let (status, script) = port.post("/chaos", chaos).await;
    assert_eq!((status, &script["seed"]), (200, &json!(7)));
    assert_eq!(port.ask("DELETE", "/script", "", "").await.0, 200);
    let before = simulator.control().happened().len();
    simulator.control().step(500);
    assert_eq!(simulator.control().happened().len(), before);
    connect(&simulator, 1).await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said() {
    let simulator = still().await;
    let port = Port::of(&simulator).await;
    for (method, path, kind, body, status, part) in [
        ("GET", "/nowhere", "", "", 404, "no GET /nowhere"),
        ("PUT", "/do", "", "", 405, "PUT"),
        ("POST", "/do", "text/plain", "{}", 415, "application/json"),
        (
            "POST",
            "/do",
            "application/json",
            "{",
            400,
            "not what was expected",
        ),
        (
            "POST",
            "/do",
            "application/json",
            r#"{"do": "x"}"#,
            400,
            "x",
        ),
        (
            "POST",
            "/do",
            "application/json",
            r#"{"do": "setPrice", "symbol": "NOPE", "price": 1}"#,
            400,
            "NOPE",
        ),
        (
            "POST",
            "/step",
            "application/json",
            r#"{"steps": 100001}"#,
            400,
            "100000",
        ),
        (
            "POST",
            "/chaos",
            "application/json",
            r#"{"seed": 1, "profile": "x", "steps": 1}"#,
            400,
            "everything",
        ),
        ("GET", "/price?symbol=NOPE", "", "", 400, "NOPE"),
        ("GET", "/price", "", "", 400, "symbol"),
        ("GET", "/received?after=x", "", "", 400, "after=x"),
    ] {
        let (found, answer) = port.ask(method, path, kind, body).await;
        let text = answer["error"].as_str().unwrap();
        assert!(
            found == status && text.contains(part),
            "{method} {path}: {found} {text}"
        );
    }
    // Nothing of a list is done when a part of it cannot be read.
    let list = json!([{"do": "freeze"}, {"do": "explode"}]);
    assert_eq!(port.post("/do", list).await.0, 400);
    assert!(
        simulator
            .control()
            .happened()
            .iter()
            .all(|one| !one.to_string().contains("freeze"))
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn the_port_closes_with_the_simulator() {
    let simulator = still().await;
    let port = Port::of(&simulator).await;
    let idle = TcpStream::connect(port.0).await.unwrap();
    simulator.shutdown().await;
    assert!(TcpStream::connect(port.0).await.is_err());
    drop(idle);
}
