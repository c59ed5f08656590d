//! What a caller may not do although it is known: use what it is not granted,
//! and ask without end.

use sandpit_front::TokenTerms;
use sandpit_tools::{Capability, Right};
use serde_json::json;

use super::auth::{ask, guarded};
use super::modern::Request;
use super::{Reply, nothing, send};

#[tokio::test]
async fn a_token_without_a_grant_has_no_tool_that_uses_it() {
    let guarded = guarded();
    let token = |name: &str, capabilities: &[Capability]| {
        let right = Right {
            tools: vec!["*".parse().unwrap()],
            grants: Some(capabilities.iter().copied().collect()),
        };
        let terms = TokenTerms::default();
        guarded.tokens.add(name, right, &terms).unwrap()
    };
    let trader = token("trader", &[Capability::Trading]);
    let reader = token("reader", &[Capability::Account]);
    let server = guarded.serve().await;
    let names = |reply: Reply| {
        let tools = reply.json()["tools"].as_array().unwrap().clone();
        let names = tools.iter().map(|tool| tool["name"].as_str().unwrap());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let (fixture, report) = ("fixture_tool", "portfolio_report");
    assert_eq!(names(ask(&server, &reader).await), [fixture, report]);
    assert_eq!(names(ask(&server, &trader).await), [fixture]);

    let route = "/api/v1/portfolio_report";
    let call = |token: &str| {
        let request = server.post(route, &json!({}));
        send(request.bearer_auth(token))
    };
    assert_eq!(call(&trader).await.status, 404);
    // It has the capability, and TWS is not there.
    assert_eq!(call(&reader).await.status, 503);
    let documents = send(server.get("/api/v1/openapi.json").bearer_auth(&trader)).await;
    assert!(!documents.text.contains(report), "{}", documents.text);

    let call = Request::new("tools/call", json!({ "name": report, "arguments": {} }));
    let reply = send(call.to(&server).bearer_auth(&trader)).await;
    assert_eq!(reply.json()["error"]["code"], -32602, "{}", reply.text);
    server.end().await;
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_when_to_come_back() {
    let mut guarded = guarded();
    guarded.config.auth.requests_per_minute = 3;
    let often = guarded.token("often", "*");
    let other = guarded.token("other", "*");
    let freely = TokenTerms {
        requests_per_minute: Some(0),
        ..TokenTerms::default()
    };
    let all = Right::to(vec!["*".parse().unwrap()]);
    let free = guarded.tokens.add("free", all, &freely).unwrap();
    let server = nothing(guarded.config.clone()).await;
    let list = || Request::new("tools/list", json!({})).to(&server);
    // Requests of every kind count.
    assert_eq!(ask(&server, &often).await.status, 200);
    assert_eq!(send(list().bearer_auth(&often)).await.status, 200);
    let nowhere = send(server.get("/api/v1/nothing").bearer_auth(&often)).await;
    assert_eq!(nowhere.status, 404);

    let seconds = |reply: &Reply| reply.header("retry-after").parse::<u64>().unwrap();
    let reply = ask(&server, &often).await;
    let problem = reply.problem(429, "too-many-requests");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("3 requests a minute"), "{detail}");
    assert!((1..=60).contains(&seconds(&reply)), "{}", seconds(&reply));

    let reply = send(list().bearer_auth(&often)).await;
    assert_eq!(reply.status, 429, "{}", reply.text);
    let error = reply.json();
    assert_eq!(
        (&error["jsonrpc"], &error["id"]),
        (&json!("2.0"), &json!(1))
    );
    assert_eq!(error["error"]["code"], -32029);
    assert_eq!(error["error"]["data"]["retryAfterSeconds"], seconds(&reply));

    for _ in 0..3 {
        assert_eq!(ask(&server, &other).await.status, 200);
    }
    for _ in 0..10 {
        assert_eq!(ask(&server, &free).await.status, 200);
    }
    assert_eq!(send(server.get("/healthz")).await.status, 200);
    server.end().await;
}
