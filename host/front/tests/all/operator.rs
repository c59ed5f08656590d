//! The paths below `/operator`: for whoever has the token, and for nobody else.

use reqwest::RequestBuilder;
use sandpit_front::{OperatorAccess, OperatorConfig, OperatorToken};
use serde_json::json;

use super::{FrontConfig, GatewayConfig, Server, built, fixture_call, nothing, send, serve};

const TOKEN: &str = "the-token-of-the-operator";

fn config() -> FrontConfig {
    FrontConfig {
        operator: OperatorConfig {
            access: OperatorAccess::Token(OperatorToken::new(TOKEN)),
            config_file: Some("/etc/sandpit.toml".into()),
            ..OperatorConfig::default()
        },
        ..FrontConfig::default()
    }
}

fn status(server: &Server) -> RequestBuilder {
    server.get("/operator/status")
}

fn as_operator(server: &Server) -> RequestBuilder {
    status(server).bearer_auth(TOKEN)
}

#[tokio::test]
async fn the_operator_sees_everything() {
    let folder = built("test-components", "test-components");
    let server = serve(&folder, GatewayConfig::default(), config()).await;
    send(server.message(&fixture_call(1, "structured"))).await;
    let reply = send(as_operator(&server)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("cache-control"), "no-store");
    let status = reply.json();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert!(status["started"].as_str().unwrap().ends_with('Z'));
    assert_eq!(status["configFile"], "/etc/sandpit.toml");
    assert_eq!(status["tws"], json!({"connected": false}));
    assert_eq!(status["sessions"], 0);
    assert_eq!(status["policyFault"], json!(null));
    assert_eq!(status["running"], 0);
    let tools = status["tools"].as_array().unwrap();
    let tool = tools
        .iter()
        .find(|tool| tool["name"] == "fixture_tool")
        .unwrap();
    assert_eq!(tool["state"], "served");
    assert_eq!(tool["usage"]["calls"], 1);
    assert_eq!(tool["digest"].as_str().unwrap().len(), 64);
    server.tools.policy_fault(Some("It is wrong.".to_owned()));
    let status = send(as_operator(&server)).await.json();
    assert_eq!(status["policyFault"], "It is wrong.");
    server.end().await;
}

#[tokio::test]
async fn nobody_else_does() {
    let server = nothing(config()).await;
    let same_length = "x".repeat(TOKEN.len());
    let prefix = &TOKEN[..TOKEN.len() - 1];
    let longer = format!("{TOKEN}x");
    for token in [
        None,
        Some(""),
        Some(&same_length),
        Some(prefix),
        Some(&longer),
    ] {
        let request = match token {
            None => status(&server),
            Some(token) => status(&server).bearer_auth(token),
        };
        let reply = send(request).await;
        reply.problem(401, "unauthorized");
        assert!(reply.header("www-authenticate").starts_with("Bearer "));
        assert!(!reply.text.contains(TOKEN));
    }
    let basic = status(&server).basic_auth("operator", Some(TOKEN));
    send(basic).await.problem(401, "unauthorized");
    let query = server.get(&format!("/operator/status?token={TOKEN}"));
    send(query).await.problem(401, "unauthorized");
    // What is there is told only to the operator.
    send(server.get("/operator/nothing"))
        .await
        .problem(401, "unauthorized");
    let missing = server.get("/operator/nothing").bearer_auth(TOKEN);
    send(missing).await.problem(404, "unknown-route");
    let post = server
        .post("/operator/status", &json!({}))
        .bearer_auth(TOKEN);
    send(post).await.problem(405, "method-not-allowed");
    let post = server.post("/operator/halt", &json!({}));
    send(post).await.problem(401, "unauthorized");
    let get = server.get("/operator/halt").bearer_auth(TOKEN);
    let reply = send(get).await;
    assert_eq!(reply.header("allow"), "POST");
    reply.problem(405, "method-not-allowed");
    // Here nobody has wired gateways to the front.
    let post = server
        .post("/operator/resume", &json!({}))
        .bearer_auth(TOKEN);
    send(post).await.problem(409, "conflict");
    server.end().await;
}

#[tokio::test]
async fn web_pages_never_do() {
    let allowed = "https://app.example.com";
    let config = FrontConfig {
        allowed_origins: vec![allowed.to_owned()],
        ..config()
    };
    let server = nothing(config).await;
    for (header, value) in [("origin", "https://evil.example"), ("host", "evil.example")] {
        let reply = send(as_operator(&server).header(header, value)).await;
        reply.problem(403, "forbidden");
    }
    // A page that may call tools may not read this answer.
    for origin in [allowed, "http://localhost:5173"] {
        let reply = send(as_operator(&server).header("origin", origin)).await;
        assert_eq!(reply.header("access-control-allow-origin"), "");
        let preflight = server
            .client
            .request(reqwest::Method::OPTIONS, server.url("/operator/status"))
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization");
        let reply = send(preflight).await;
        assert_eq!(reply.status, 401, "{}", reply.text);
        for header in ["origin", "methods", "headers"] {
            assert_eq!(reply.header(&format!("access-control-allow-{header}")), "");
        }
    }
    server.end().await;
}

#[tokio::test]
async fn without_a_token_it_says_why() {
    let server = nothing(FrontConfig {
        operator: OperatorConfig {
            access: OperatorAccess::Closed("the disk is full".to_owned()),
            ..OperatorConfig::default()
        },
        ..FrontConfig::default()
    })
    .await;
    let problem = send(as_operator(&server)).await;
    let problem = problem.problem(503, "operator-unavailable");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("the disk is full")
    );
    assert_eq!(send(server.get("/healthz")).await.status, 200);
    server.end().await;
}

#[tokio::test]
async fn calls_and_orders_are_told_to_the_operator_alone() {
    let server = nothing(config()).await;
    for path in ["/operator/calls", "/operator/orders"] {
        let reply = send(server.get(path)).await;
        reply.problem(401, "unauthorized");
    }
    let calls = send(server.get("/operator/calls").bearer_auth(TOKEN)).await;
    assert_eq!((calls.status, calls.json()), (200, json!({"calls": []})));
    assert_eq!(calls.header("cache-control"), "no-store");
    let tag = calls.header("etag");
    let again = server.get("/operator/calls").bearer_auth(TOKEN);
    let again = send(again.header("if-none-match", tag)).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    let orders = |query: &str| {
        let path = format!("/operator/orders{query}");
        server.get(&path).bearer_auth(TOKEN)
    };
    send(orders("")).await.problem(409, "conflict");
    send(orders("?limit=0"))
        .await
        .problem(400, "invalid-arguments");
    server.end().await;
}

#[tokio::test]
async fn the_page_is_for_everybody_and_holds_nothing() {
    let server = nothing(config()).await;
    let page = send(server.get("/console")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    assert!(!page.text.contains(TOKEN) && !page.text.contains("sandpit.toml"));
    let foreign = server.get("/console").header("host", "evil.example");
    send(foreign).await.problem(403, "forbidden");
    server.end().await;
}
