//! MCP up to 2025-11-25: with a session, and without.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{
    FrontConfig, Limits, Server, connected_with, fixture, fixture_call, messages, nothing,
    read_until, send, simulator, subscribed,
};

fn initialize() -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": 0,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": { "elicitation": {} },
            "clientInfo": { "name": "test", "version": "1" },
        },
    })
}

fn authorized(request: RequestBuilder, token: Option<&str>) -> RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

/// An open session.
pub(super) struct Session<'a> {
    server: &'a Server,
    id: String,
    token: Option<String>,
}

impl<'a> Session<'a> {
    pub(super) async fn open(server: &'a Server) -> Self {
        Self::open_with(server, None).await
    }

    /// With a token, in every request.
    pub(super) async fn open_as(server: &'a Server, token: &str) -> Self {
        Self::open_with(server, Some(token.to_owned())).await
    }

    async fn open_with(server: &'a Server, token: Option<String>) -> Self {
        let request = authorized(server.message(&initialize()), token.as_deref());
        let reply = send(request).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let result = &reply.messages()[0]["result"];
        assert_eq!(result["protocolVersion"], "2025-11-25");
        let session = Self {
            server,
            id: reply.header("mcp-session-id").to_owned(),
            token,
        };
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(send(session.message(&initialized)).await.status, 202);
        session
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn message(&self, message: &Value) -> RequestBuilder {
        authorized(self.server.message(message), self.token.as_deref())
            .header("mcp-session-id", &self.id)
            .header("mcp-protocol-version", "2025-11-25")
    }

    /// The stream of the session.
    pub(super) async fn listen(&self) -> reqwest::Response {
        let request = self
            .server
            .get("/api/v1/mcp")
            .header("accept", "text/event-stream")
            .header("mcp-session-id", &self.id);
        request.send().await.unwrap()
    }

    async fn close(self) {
        let url = self.server.url("/api/v1/mcp");
        let request = self.server.client.delete(url);
        let reply = send(request.header("mcp-session-id", &self.id)).await;
        assert_eq!(reply.status, 204);
    }
}

#[tokio::test]
async fn a_session_from_its_beginning_to_its_end() {
    let server = fixture().await;
    let session = Session::open(&server).await;
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let listed = send(session.message(&list)).await.messages();
    assert_eq!(listed[0]["result"]["tools"][0]["name"], "fixture_tool");
    let answer = send(session.message(&fixture_call(2, "structured"))).await;
    let answer = &answer.messages()[0]["result"];
    assert_eq!(answer["structuredContent"], json!({"mode": "structured"}));
    let id = session.id.clone();
    session.close().await;
    let late = server.message(&list).header("mcp-session-id", id);
    assert_eq!(send(late).await.status, 404);
    server.end().await;
}

#[tokio::test]
async fn calls_without_a_session() {
    let server = fixture().await;
    let reply = send(server.message(&fixture_call(1, "structured"))).await;
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(
        reply.json()["result"]["structuredContent"],
        json!({"mode": "structured"})
    );
    let mut call = fixture_call(1, "progress");
    call["params"]["_meta"] = json!({"progressToken": 5});
    let messages = send(server.message(&call)).await.messages();
    assert_eq!(messages.len(), 4, "{messages:?}");
    server.end().await;
}

#[tokio::test]
async fn log_lines_follow_the_level_of_the_session() {
    let server = fixture().await;
    let session = Session::open(&server).await;
    let mut stream = session.listen().await;
    send(session.message(&fixture_call(1, "log"))).await;
    let text = read_until(&mut stream, "\"error\"").await;
    assert!(
        text.contains("\"info\"") && !text.contains("\"debug\""),
        "{text}"
    );

    let level = json!({
        "jsonrpc": "2.0", "id": 2, "method": "logging/setLevel", "params": {"level": "error"},
    });
    let set = send(session.message(&level)).await.messages();
    assert_eq!(set[0]["result"], json!({}));
    send(session.message(&fixture_call(3, "log"))).await;
    let text = read_until(&mut stream, "\"error\"").await;
    assert!(!text.contains("\"warning\""), "{text}");
    drop(stream);
    server.end().await;
}

#[tokio::test]
async fn a_question_is_asked_within_the_call() {
    let server = fixture().await;
    let session = Session::open(&server).await;
    for (response, expected) in [
        (
            json!({"action": "accept", "content": {"colour": "red"}}),
            "accept",
        ),
        (json!({"action": "decline"}), "decline"),
        (json!({"action": "cancel"}), "cancel"),
    ] {
        let request = session.message(&fixture_call(7, "ask"));
        let mut call = request.send().await.unwrap();
        let text = read_until(&mut call, "elicitation/create").await;
        let asked = messages(&text);
        let question = asked.last().unwrap();
        assert_eq!(question["params"]["message"], "Which colour?");
        let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": response});
        assert_eq!(send(session.message(&answer)).await.status, 202);
        let text = read_until(&mut call, "\"result\"").await;
        let result = messages(&text).pop().unwrap();
        let content = &result["result"]["structuredContent"];
        assert_eq!(content["response"], expected, "{result}");
    }
    server.end().await;
}

#[tokio::test]
async fn a_cancelled_call_ends() {
    let server = fixture().await;
    let session = Session::open(&server).await;
    let mut call = session
        .message(&fixture_call(4, "sleep"))
        .send()
        .await
        .unwrap();
    read_until(&mut call, "retry:").await;
    let cancel = json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 4},
    });
    assert_eq!(send(session.message(&cancel)).await.status, 202);
    // Its stream ends, without a result.
    let rest = tokio::time::timeout(super::PATIENCE, call.text()).await;
    let rest = rest.expect("the stream ends").unwrap();
    assert!(!rest.contains("result"), "{rest}");
    server.end().await;
}

#[tokio::test]
async fn sessions_have_a_limit() {
    let config = FrontConfig {
        limits: Limits {
            sessions: 2,
            ..Limits::default()
        },
        ..FrontConfig::default()
    };
    let server = nothing(config).await;
    let first = Session::open(&server).await;
    let second = Session::open(&server).await;
    let streams = (first.listen().await, second.listen().await);
    let refused = send(server.message(&initialize())).await;
    refused.problem(503, "too-many-sessions");
    assert_eq!(refused.header("retry-after"), "60");
    // Whoever needs no session is not concerned.
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    assert_eq!(send(server.message(&ping)).await.status, 200);
    drop(streams);
    first.close().await;
    Session::open(&server).await.close().await;
    second.close().await;
    server.end().await;
}

#[tokio::test]
async fn a_caller_makes_room_with_its_own_sessions() {
    let config = FrontConfig {
        limits: Limits {
            sessions_per_caller: 2,
            ..Limits::default()
        },
        ..FrontConfig::default()
    };
    let server = nothing(config).await;
    let first = Session::open(&server).await;
    let stream = first.listen().await;
    let forgotten = Session::open(&server).await;
    let third = Session::open(&server).await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    assert_eq!(send(forgotten.message(&ping)).await.status, 404);
    assert_eq!(send(first.message(&ping)).await.status, 200);
    let second_stream = third.listen().await;
    let refused = send(server.message(&initialize())).await;
    refused.problem(429, "too-many-sessions-of-caller");
    drop((stream, second_stream));
    server.end().await;
}

#[tokio::test]
async fn calls_of_a_client_that_left_are_cancelled() {
    let config = FrontConfig {
        limits: Limits {
            session_left: std::time::Duration::from_millis(100),
            ..Limits::default()
        },
        ..FrontConfig::default()
    };
    let simulator = simulator().await;
    let server = connected_with(&simulator, config).await;
    let session = Session::open(&server).await;
    let call = json!({
        "jsonrpc": "2.0", "id": 4, "method": "tools/call",
        "params": {
            "name": "ibkr_stream_market_data",
            "arguments": { "symbol": "SPY", "duration_seconds": 300 },
            "_meta": { "progressToken": "p" },
        },
    });
    let mut response = session.message(&call).send().await.unwrap();
    assert_eq!(response.status(), 200);
    subscribed(&simulator, 1).await;
    response.chunk().await.unwrap();
    drop(response);
    subscribed(&simulator, 0).await;
    // The session itself is still there.
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    assert_eq!(send(session.message(&ping)).await.status, 200);
    server.end().await;
}

#[tokio::test]
async fn the_stream_of_a_session_ends_with_the_front() {
    let server = fixture().await;
    let session = Session::open(&server).await;
    let stream = session.listen().await;
    assert_eq!(stream.status(), 200);
    server.stop.cancel();
    let ended = tokio::time::timeout(super::PATIENCE, stream.text()).await;
    ended.expect("the stream ends").unwrap();
    server.end().await;
}
