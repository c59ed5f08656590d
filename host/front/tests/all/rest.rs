//! Calls over plain HTTP.

use serde_json::json;

use super::{first_party, fixture, send};

#[tokio::test]
async fn a_call_by_get_and_by_post() {
    let server = fixture().await;
    let by_get = send(server.get("/api/v1/fixture_tool?mode=structured&message=7")).await;
    assert_eq!(by_get.status, 200, "{}", by_get.text);
    assert_eq!(by_get.header("content-type"), "application/json");
    assert_eq!(by_get.header("sandpit-call-id").len(), 36);
    let arguments = json!({"mode": "structured", "message": "7"});
    let by_post = send(server.post("/api/v1/fixture_tool/", &arguments)).await;
    assert_eq!(by_get.json(), by_post.json());
    assert_eq!(by_get.json(), json!({"mode": "structured", "message": "7"}));
    server.end().await;
}

#[tokio::test]
async fn texts_become_what_the_schema_says() {
    let server = fixture().await;
    let reply = send(server.get("/api/v1/fixture_tool?mode=large&count=5")).await;
    assert_eq!(reply.json()["message"], "xxxxx", "{}", reply.text);
    let reply = send(server.get("/api/v1/fixture_tool?mode=large&count=five")).await;
    let problem = reply.problem(400, "invalid-arguments");
    assert_eq!(problem["parameter"], "count");
    let reply = send(server.get("/api/v1/fixture_tool?mode=text&mode=text")).await;
    assert_eq!(reply.problem(400, "invalid-arguments")["parameter"], "mode");
    let arguments = json!({"mode": "text"});
    let reply = send(server.post("/api/v1/fixture_tool?mode=text", &arguments)).await;
    reply.problem(400, "invalid-arguments");
    server.end().await;
}

#[tokio::test]
async fn every_failure_has_its_status() {
    let server = fixture().await;
    for (kind, status) in [
        ("invalid-arguments", 400),
        ("not-found", 404),
        ("no-permission", 403),
        ("not-connected", 503),
        ("no-data", 404),
        ("pacing", 429),
        ("timed-out", 504),
        ("rejected", 422),
        ("uncertain", 502),
        ("cancelled", 499),
        ("internal", 500),
    ] {
        let arguments = json!({"mode": "fail", "kind": kind, "message": "It failed."});
        let reply = send(server.post("/api/v1/fixture_tool", &arguments)).await;
        let problem = reply.problem(status, kind);
        assert_eq!(problem["detail"], "It failed.");
        let code = (kind == "rejected").then_some(201);
        assert_eq!(
            problem.get("twsCode"),
            code.map(|code| json!(code)).as_ref()
        );
    }
    server.end().await;
}

#[tokio::test]
async fn a_question_has_nobody_to_answer_it() {
    let server = fixture().await;
    let reply = send(server.post("/api/v1/fixture_tool", &json!({"mode": "ask"}))).await;
    let problem = reply.problem(422, "input-required");
    let question = &problem["questions"]["question"]["params"];
    assert_eq!(question["message"], "Which colour?");
    assert_eq!(question["requestedSchema"]["required"], json!(["colour"]));
    server.end().await;
}

#[tokio::test]
async fn bodies_that_are_no_arguments() {
    let server = fixture().await;
    let post = |content_type: &'static str, body: &'static str| {
        let url = server.url("/api/v1/fixture_tool");
        let request = server.client.post(url).body(body);
        send(request.header("content-type", content_type))
    };
    // What `curl -d` sends unless told otherwise.
    let reply = post("application/x-www-form-urlencoded", "{}").await;
    let problem = reply.problem(415, "unsupported-media-type");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("application/json")
    );
    let reply = post("application/json", "{\"mode\":\n\"text\",}").await;
    assert_eq!(reply.problem(400, "invalid-body")["line"], 2);
    post("application/json", "[]")
        .await
        .problem(400, "invalid-body");
    // No body is no arguments; that they are missing is for the schema to say.
    let reply = post("text/plain", "").await;
    reply.problem(400, "invalid-arguments");
    server.end().await;
}

#[tokio::test]
async fn routes_and_methods() {
    let server = first_party().await;
    for path in ["get_positions", "ibkr_get_positions"] {
        let reply = send(server.get(&format!("/api/v1/{path}"))).await;
        reply.problem(503, "not-connected");
    }
    let delete = |path: &str| send(server.client.delete(server.url(path)));
    let reply = delete("/api/v1/cancel_order/12345").await;
    reply.problem(503, "not-connected");
    let reply = delete("/api/v1/cancel_order/x").await;
    assert_eq!(
        reply.problem(400, "invalid-arguments")["parameter"],
        "orderId"
    );
    let reply = delete("/api/v1/cancel_order/1?orderId=1").await;
    reply.problem(400, "invalid-arguments");
    let reply = send(server.get("/api/v1/place_order")).await;
    reply.problem(405, "method-not-allowed");
    assert_eq!(reply.header("allow"), "OPTIONS, POST");
    for path in [
        "/",
        "/api",
        "/api/v2/get_positions",
        "/api/v1/a//b",
        "/api/v1/%ff",
    ] {
        send(server.get(path)).await.problem(404, "unknown-route");
    }
    let status = send(server.get("/api/v1/get_connection_status")).await;
    assert_eq!(status.json()["connected"], false, "{}", status.text);
    server.end().await;
}

#[tokio::test]
async fn the_list_has_every_tool_with_its_routes() {
    let server = first_party().await;
    let list = send(server.get("/api/v1/tools")).await.json();
    let tools = list["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 23);
    let cancel = tools
        .iter()
        .find(|tool| tool["name"] == "ibkr_cancel_order")
        .unwrap();
    let route = json!({"method": "DELETE", "path": "/api/v1/cancel_order/{orderId}"});
    assert!(cancel["routes"].as_array().unwrap().contains(&route));
    assert_eq!(cancel["annotations"]["readOnlyHint"], false);
    server.end().await;
}
