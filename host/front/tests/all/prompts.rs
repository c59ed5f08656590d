//! Prompts over MCP, in both eras, and over REST.

use sandpit_tools::{Capability, Policy, PolicyEntry};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::modern::{Request, result};
use super::{FrontConfig, GatewayConfig, Server, built, send, serve, serve_with, simulator};

const CHECK: &str = "ibkr_pre_trade_check";

/// A folder with the three prompts and no tools.
fn prompts() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ibkr_daily_review", CHECK, "ibkr_rebalance"] {
        let file = format!("{name}.wasm");
        let from = built("plugins", "plugins").join(&file);
        std::fs::copy(from, folder.path().join(file)).unwrap();
    }
    folder
}

/// A front over the prompts and the tool that connects, connected to a TWS.
async fn connected(folder: &TempDir, simulator: &sandpit_simulator::Simulator) -> Server {
    let file = "ibkr_connect.wasm";
    let from = built("plugins", "plugins").join(file);
    std::fs::copy(from, folder.path().join(file)).unwrap();
    let gateway = GatewayConfig {
        host: simulator.address().ip().to_string(),
        port: simulator.address().port(),
        ..GatewayConfig::default()
    };
    let server = serve(folder.path(), gateway, FrontConfig::default()).await;
    let reply = send(server.post("/api/v1/connect_tws", &json!({}))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    server
}

fn get(arguments: Value) -> Request {
    Request::new(
        "prompts/get",
        json!({"name": CHECK, "arguments": arguments}),
    )
}

#[tokio::test]
async fn prompts_are_listed_and_are_no_tools() {
    let folder = prompts();
    let server = serve(
        folder.path(),
        GatewayConfig::default(),
        FrontConfig::default(),
    )
    .await;
    let discovered = result(&server, Request::new("server/discover", json!({}))).await;
    assert_eq!(
        discovered["capabilities"]["prompts"],
        json!({"listChanged": true})
    );
    let tools = result(&server, Request::new("tools/list", json!({}))).await;
    assert_eq!(tools["tools"], json!([]));
    let listed = result(&server, Request::new("prompts/list", json!({}))).await;
    let names: Vec<_> = listed["prompts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|prompt| prompt["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["ibkr_daily_review", CHECK, "ibkr_rebalance"]);
    let arguments = &listed["prompts"][1]["arguments"];
    assert_eq!(arguments[0]["name"], "symbol");
    assert_eq!(
        (&arguments[0]["required"], &arguments[3]["required"]),
        (&json!(true), &json!(false))
    );
    let rest = send(server.get("/api/v1/prompts")).await.json();
    assert_eq!(rest["prompts"], listed["prompts"]);
    let openapi = send(server.get("/api/v1/openapi.json")).await.json();
    assert!(openapi["paths"][format!("/api/v1/prompts/{CHECK}")]["post"].is_object());
    server.end().await;
}

#[tokio::test]
async fn a_prompt_writes_messages_with_facts() {
    let simulator = simulator().await;
    let folder = prompts();
    let server = connected(&folder, &simulator).await;
    let arguments = json!({"symbol": "spy", "side": "BUY", "quantity": "10"});
    let got = result(&server, get(arguments.clone())).await;
    let messages = got["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2, "{got}");
    assert_eq!(messages[0]["role"], "user");
    let text = messages[0]["content"]["text"].as_str().unwrap();
    assert!(
        text.contains("BUY 10 SPY") && text.contains("ibkr_preview_order"),
        "{text}"
    );
    let facts = messages[1]["content"]["resource"]["text"].as_str().unwrap();
    let facts: Value = serde_json::from_str(facts).unwrap();
    assert!(
        facts["asOf"].is_string() && facts["summary"][0]["account"].is_string(),
        "{facts}"
    );

    let rest = send(server.post(&format!("/api/v1/prompts/{CHECK}"), &arguments)).await;
    assert_eq!(rest.status, 200, "{}", rest.text);
    assert_eq!(rest.json()["messages"][0]["role"], "user");
    for (name, arguments) in [
        ("ibkr_rebalance", json!({"targets": "VTI=60 TLT=40"})),
        ("ibkr_daily_review", json!({})),
    ] {
        let reply = send(server.post(&format!("/api/v1/prompts/{name}"), &arguments)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }

    let complete = json!({
        "ref": {"type": "ref/prompt", "name": CHECK},
        "argument": {"name": "side", "value": "B"},
    });
    let completed = result(&server, Request::new("completion/complete", complete)).await;
    assert_eq!(completed["completion"]["values"], json!(["BUY"]));
    server.end().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn wrong_arguments_are_errors_with_a_sentence() {
    let folder = prompts();
    let server = serve(
        folder.path(),
        GatewayConfig::default(),
        FrontConfig::default(),
    )
    .await;
    for (arguments, words) in [
        (
            json!({"symbol": "SPY", "side": "BUY"}),
            "quantity is missing",
        ),
        (
            json!({"symbol": "SPY", "side": "BUY", "quantity": "1", "x": "1"}),
            "x is unknown",
        ),
        (
            json!({"symbol": "SPY", "side": "HOLD", "quantity": "1"}),
            "neither BUY nor SELL",
        ),
    ] {
        let reply = send(get(arguments.clone()).to(&server)).await.json();
        assert_eq!(reply["error"]["code"], -32602, "{reply}");
        let message = reply["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
        let rest = send(server.post(&format!("/api/v1/prompts/{CHECK}"), &arguments)).await;
        rest.problem(400, "invalid-arguments");
    }
    let unknown = Request::new("prompts/get", json!({"name": "nothing"}));
    let reply = send(unknown.to(&server)).await.json();
    assert_eq!(reply["error"]["code"], -32602, "{reply}");
    let rest = send(server.post("/api/v1/prompts/nothing", &json!({}))).await;
    rest.problem(404, "unknown-prompt");
    server.end().await;
}

#[tokio::test]
async fn the_policy_holds_for_prompts() {
    let folder = prompts();
    let policy = Policy::from_iter([
        (CHECK, PolicyEntry::granting([Capability::Contracts])),
        (
            "ibkr_rebalance",
            PolicyEntry::granting([Capability::Account]),
        ),
    ]);
    let gateway = GatewayConfig::default();
    let server = serve_with(folder.path(), gateway, FrontConfig::default(), policy).await;
    let listed = send(server.get("/api/v1/prompts")).await.json();
    assert_eq!(listed["prompts"].as_array().unwrap().len(), 1);
    assert_eq!(listed["prompts"][0]["name"], "ibkr_rebalance");
    let quarantined = send(server.post(&format!("/api/v1/prompts/{CHECK}"), &json!({}))).await;
    let problem = quarantined.problem(404, "unknown-prompt");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("is not served"), "{detail}");
    server.end().await;
}
