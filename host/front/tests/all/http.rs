//! What all requests share: the gate, CORS, routes, bodies, health, the end.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{FrontConfig, Limits, PATIENCE, first_party, fixture, nothing, send};

#[tokio::test]
async fn health_and_readiness() {
    let server = nothing(FrontConfig::default()).await;
    let health = send(server.get("/healthz")).await;
    assert_eq!(
        (health.status, health.json()),
        (200, json!({"status": "ok"}))
    );
    let ready = send(server.get("/readyz")).await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["tools"], 0);
    let wrong = send(server.post("/healthz", &json!({}))).await;
    wrong.problem(405, "method-not-allowed");
    assert_eq!(wrong.header("allow"), "GET, HEAD, OPTIONS");
    server.end().await;

    let server = first_party().await;
    let ready = send(server.get("/readyz")).await;
    assert_eq!(ready.status, 200);
    assert_eq!(
        ready.json(),
        json!({"ready": true, "tools": 23, "refused": 0, "tws": {"connected": false}})
    );
    server.end().await;
}

#[tokio::test]
async fn strangers_are_refused_on_every_route() {
    let server = fixture().await;
    for path in [
        "/healthz",
        "/api/v1/tools",
        "/api/v1/fixture_tool?mode=text",
    ] {
        let request = server.get(path).header("origin", "https://evil.example");
        let reply = send(request).await;
        reply.problem(403, "forbidden");
        assert_eq!(reply.header("access-control-allow-origin"), "");
        let request = server.get(path).header("host", "evil.example");
        send(request).await.problem(403, "forbidden");
    }
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let request = server.message(&ping).header("origin", "null");
    send(request).await.problem(403, "forbidden");
    server.end().await;
}

#[tokio::test]
async fn pages_of_this_machine_may_call() {
    let server = fixture().await;
    let origin = "http://localhost:5173";
    let preflight = server
        .client
        .request(reqwest::Method::OPTIONS, server.url("/api/v1/mcp"))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "mcp-param-symbol");
    let preflight = send(preflight).await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), origin);
    for method in ["GET", "POST", "DELETE", "OPTIONS"] {
        let methods = preflight.header("access-control-allow-methods");
        assert!(methods.contains(method), "{methods}");
    }
    let headers = preflight.header("access-control-allow-headers");
    for header in ["Content-Type", "Mcp-Session-Id", "mcp-param-symbol"] {
        assert!(headers.contains(header), "{headers}");
    }
    // The page may read failures, too.
    let missing = send(server.get("/api/v1/nothing").header("origin", origin)).await;
    missing.problem(404, "unknown-route");
    assert_eq!(missing.header("access-control-allow-origin"), origin);
    let exposed = missing.header("access-control-expose-headers");
    assert!(exposed.contains("Mcp-Session-Id"), "{exposed}");
    server.end().await;
}

#[tokio::test]
async fn a_body_has_a_limit_on_both_sides() {
    let config = FrontConfig {
        limits: Limits {
            body_bytes: 1000,
            ..Limits::default()
        },
        ..FrontConfig::default()
    };
    let server = nothing(config).await;
    let large = json!({"jsonrpc": "2.0", "id": 1, "method": "x".repeat(100_000)});
    let problem = send(server.message(&large))
        .await
        .problem(413, "body-too-large");
    assert!(problem["detail"].as_str().unwrap().contains("1000"));
    server.end().await;
}

#[tokio::test]
async fn one_failed_request_leaves_its_connection_alone() {
    let server = fixture().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let mut requests = String::new();
    for path in ["/nothing", "/api/v1/fixture_tool?mode=panic", "/healthz"] {
        let end = if path == "/healthz" {
            "close"
        } else {
            "keep-alive"
        };
        requests.push_str(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: {end}\r\n\r\n"
        ));
    }
    stream.write_all(requests.as_bytes()).await.unwrap();
    let mut text = String::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut text)).await;
    read.expect("it is closed").unwrap();
    for line in ["HTTP/1.1 404", "HTTP/1.1 500", "HTTP/1.1 200"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    server.end().await;
}

#[tokio::test]
async fn http2_is_spoken_too() {
    let server = first_party().await;
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .http2_only(true)
        .build_http::<http_body_util::Empty<bytes::Bytes>>();
    let url = server.url("/api/v1/get_status").parse().unwrap();
    let response = tokio::time::timeout(PATIENCE, client.get(url)).await;
    let response = response.expect("an answer").unwrap();
    assert_eq!(response.version(), ::http::Version::HTTP_2);
    assert_eq!(response.status(), 200);
    drop((response, client));
    server.end().await;
}
