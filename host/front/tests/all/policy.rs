//! What clients see when the operator changes the policy.

use serde_json::{Value, json};

use super::legacy::Session;
use super::modern::{Request, result};
use super::{
    Capability, FrontConfig, GatewayConfig, Policy, PolicyEntry, Server, built, fixture,
    fixture_call, messages, read_until, send, serve_with,
};

const CHANGED: &str = "notifications/tools/list_changed";

fn entry(change: impl FnOnce(&mut PolicyEntry)) -> Policy {
    let mut entry = PolicyEntry::granting(Capability::ALL);
    change(&mut entry);
    Policy::from_iter([("fixture_tool", entry)])
}

async fn under(policy: Policy) -> Server {
    let folder = built("test-components", "test-components");
    serve_with(
        &folder,
        GatewayConfig::default(),
        FrontConfig::default(),
        policy,
    )
    .await
}

/// The names of the tools, over MCP without a session.
async fn listed(server: &Server) -> Vec<String> {
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let reply = send(server.message(&list)).await.json();
    let tools = reply["result"]["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_hidden_tool_is_called_and_not_seen() {
    let server = under(entry(|entry| entry.hidden = Some(true))).await;
    let list = Request::new("tools/list", json!({}));
    assert_eq!(result(&server, list).await["tools"], json!([]));
    assert!(listed(&server).await.is_empty());
    assert_eq!(
        send(server.get("/api/v1/tools")).await.json(),
        json!({"tools": []})
    );
    let openapi = send(server.get("/api/v1/openapi.json")).await;
    assert!(!openapi.text.contains("fixture_tool"), "{}", openapi.text);

    let expected = json!({"mode": "structured"});
    let by_rest = send(server.get("/api/v1/fixture_tool?mode=structured")).await;
    assert_eq!(by_rest.json(), expected);
    let modern = result(&server, Request::call("structured")).await;
    assert_eq!(modern["structuredContent"], expected);
    let older = send(server.message(&fixture_call(1, "structured")))
        .await
        .json();
    assert_eq!(older["result"]["structuredContent"], expected);
    server.end().await;
}

#[tokio::test]
async fn a_tool_that_is_not_served_is_unknown_and_says_why() {
    for (policy, word) in [
        (Policy::default(), "not allowed"),
        (entry(|entry| entry.enabled = Some(false)), "disabled"),
    ] {
        let server = under(policy).await;
        assert!(listed(&server).await.is_empty());
        let request = server.post("/api/v1/fixture_tool", &json!({"mode": "text"}));
        let problem = send(request).await.problem(404, "unknown-tool");
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("fixture_tool") && detail.contains(word),
            "{detail}"
        );
        send(server.get("/api/v1/other_tool"))
            .await
            .problem(404, "unknown-route");
        for reply in [
            send(server.message(&fixture_call(1, "text"))).await,
            send(Request::call("text").to(&server)).await,
        ] {
            let error = &reply.json()["error"];
            assert_eq!(error["code"], -32602, "{error}");
            assert!(error["message"].as_str().unwrap().contains(word), "{error}");
        }
        server.end().await;
    }
}

#[tokio::test]
async fn clients_of_both_eras_hear_of_a_change() {
    let server = under(entry(|_| {})).await;
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let listen = Request::new("subscriptions/listen", filter);
    let mut modern = listen.to(&server).send().await.unwrap();
    read_until(&mut modern, "\n\n").await;
    let session = Session::open(&server).await;
    let mut legacy = session.listen().await;

    // A policy under which clients see the same is no news.
    let changes = server.tools.changes();
    let same = entry(|entry| entry.hidden = Some(false));
    server.tools.set_policy(same).await.unwrap();
    assert!(!changes.has_changed().unwrap());
    for policy in [
        entry(|entry| entry.hidden = Some(true)),
        entry(|entry| entry.description = Some("Words of the operator.".to_owned())),
        Policy::default(),
    ] {
        let expected = described(&policy);
        server.tools.set_policy(policy).await.unwrap();
        for stream in [&mut modern, &mut legacy] {
            let text = read_until(stream, CHANGED).await;
            assert_eq!(text.matches(CHANGED).count(), 1, "{text}");
            let heard = messages(&text);
            // A session is told of the resources too: tools have them.
            let resources = "notifications/resources/list_changed";
            let known = [CHANGED, resources];
            assert!(
                heard
                    .iter()
                    .all(|message| known.iter().any(|known| message["method"] == *known)),
                "{text}"
            );
        }
        let list = result(&server, Request::new("tools/list", json!({}))).await;
        let descriptions: Vec<_> = list["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| {
                tool["description"]
                    .as_str()
                    .unwrap()
                    .contains("the operator")
            })
            .collect();
        assert_eq!(descriptions, expected);
    }
    server.end().await;
}

/// For each tool that is seen under a policy, whether it has the operator's
/// words.
fn described(policy: &Policy) -> Vec<bool> {
    let entry = policy.entries.get("fixture_tool");
    entry
        .filter(|entry| entry.hidden != Some(true))
        .map(|entry| entry.description.is_some())
        .into_iter()
        .collect()
}

#[tokio::test]
async fn routes_follow_the_policy() {
    let server = fixture().await;
    let openapi = |text: String| -> Value { serde_json::from_str(&text).unwrap() };
    let before = openapi(send(server.get("/api/v1/openapi.json")).await.text);
    assert!(
        before["paths"]
            .as_object()
            .unwrap()
            .keys()
            .any(|path| path.contains("fixture_tool"))
    );
    server.tools.set_policy(Policy::default()).await.unwrap();
    let after = openapi(send(server.get("/api/v1/openapi.json")).await.text);
    assert!(
        !after["paths"]
            .as_object()
            .unwrap()
            .keys()
            .any(|path| path.contains("fixture_tool"))
    );
    let gone = send(server.get("/api/v1/fixture_tool?mode=text")).await;
    gone.problem(404, "unknown-tool");
    server.end().await;
}
