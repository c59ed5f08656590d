//! Who may call: programs of this machine, and tokens that the operator gives
//! out.

use sandpit_front::{AuthConfig, LoopbackAccess, TokenFile, TokenTerms};
use sandpit_tools::Right;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::legacy::Session;
use super::modern::Request;
use super::{
    FrontConfig, GatewayConfig, PATIENCE, Reply, Server, built, fixture_call, nothing, read_until,
    send, serve,
};

/// A host whose every caller needs a token, and the file with them.
pub(super) struct Guarded {
    _folder: TempDir,
    pub(super) tokens: TokenFile,
    pub(super) config: FrontConfig,
}

pub(super) fn guarded() -> Guarded {
    let folder = tempfile::tempdir().unwrap();
    let tokens = TokenFile::new(folder.path().join("tokens.json"));
    let auth = AuthConfig {
        loopback: LoopbackAccess::Closed("a test says so".to_owned()),
        tokens: Some(tokens.path().to_owned()),
        ..AuthConfig::default()
    };
    Guarded {
        _folder: folder,
        tokens,
        config: FrontConfig {
            auth,
            ..FrontConfig::default()
        },
    }
}

impl Guarded {
    pub(super) fn token(&self, name: &str, tools: &str) -> String {
        let right = Right::to(vec![tools.parse().unwrap()]);
        let terms = TokenTerms::default();
        self.tokens.add(name, right, &terms).unwrap()
    }

    pub(super) async fn serve(&self) -> Server {
        let folder = built("test-components", "test-components");
        serve(&folder, GatewayConfig::default(), self.config.clone()).await
    }
}

pub(super) async fn ask(server: &Server, token: &str) -> Reply {
    send(server.get("/api/v1/tools").bearer_auth(token)).await
}

/// Asks until the answer has this status.
async fn becomes(server: &Server, token: &str, status: u16) -> Reply {
    let asking = async {
        loop {
            let reply = ask(server, token).await;
            if reply.status == status {
                return reply;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .expect("it changes")
}

/// A problem without what differs between two of a kind.
fn without_instance(reply: &Reply) -> (Value, String) {
    let mut problem = reply.json();
    problem["instance"] = Value::Null;
    (problem, reply.header("www-authenticate").to_owned())
}

#[tokio::test]
async fn without_a_token_nothing_of_the_tools_is_seen() {
    let guarded = guarded();
    let server = guarded.serve().await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    for request in [
        server.get("/api/v1/tools"),
        server.get("/api/v1/openapi.json"),
        server.get("/api/v1/fixture_tool?mode=text"),
        server.get("/api/v1/nothing"),
        server.message(&ping),
        server.message(&fixture_call(1, "text")),
        server.client.delete(server.url("/api/v1/mcp")),
        server
            .get("/api/v1/mcp")
            .header("accept", "text/event-stream"),
        Request::call("text").to(&server),
    ] {
        let reply = send(request).await;
        let problem = reply.problem(401, "token-needed");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("sandpit token new"), "{detail}");
        assert!(detail.contains("because a test says so."), "{detail}");
        assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"sandpit\"");
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(send(server.get(path)).await.status, 200, "{path}");
    }
    server.end().await;
}

#[tokio::test]
async fn a_token_shows_and_allows_its_tools_and_no_others() {
    let guarded = guarded();
    let token = guarded.token("research", "fixture_*");
    let none = guarded.token("none", "ibkr_get_*");
    let server = guarded.serve().await;
    let all = send(server.get("/api/v1/openapi.json").bearer_auth(&token)).await;
    assert!(
        all.text.contains("fixture_tool") && !all.text.contains("portfolio"),
        "{}",
        all.text
    );
    for (token, expected) in [(&token, vec!["fixture_tool"]), (&none, Vec::new())] {
        let list = Request::new("tools/list", json!({})).to(&server);
        let modern = send(list.bearer_auth(token)).await.json()["result"]["tools"].clone();
        let session = Session::open_as(&server, token).await;
        let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        let legacy = send(session.message(&list)).await.messages()[0]["result"]["tools"].clone();
        let rest = ask(&server, token).await.json()["tools"].clone();
        for tools in [modern, legacy, rest] {
            let tools = tools.as_array().unwrap().clone();
            let names: Vec<_> = tools
                .iter()
                .map(|tool| tool["name"].as_str().unwrap())
                .collect();
            assert_eq!(names, expected);
        }
    }
    let rest = |token: &str| {
        server
            .post("/api/v1/fixture_tool", &json!({"mode": "text"}))
            .bearer_auth(token)
    };
    assert_eq!(send(rest(&token)).await.status, 200);
    send(rest(&none)).await.problem(404, "unknown-route");
    // What is not there for it does not exist for it, in the same words.
    let mut words = Vec::new();
    for name in ["fixture_tool", "nothing_tool"] {
        let mut call = fixture_call(1, "text");
        call["params"]["name"] = name.into();
        let legacy = send(server.message(&call).bearer_auth(&none)).await;
        let session = Session::open_as(&server, &none).await;
        let in_session = send(session.message(&call)).await.messages()[0].clone();
        for reply in [legacy.json(), in_session] {
            let error = &reply["error"];
            assert_eq!(error["code"], -32602, "{reply}");
            words.push(error["message"].as_str().unwrap().replace(name, "NAME"));
        }
    }
    words.dedup();
    assert_eq!(words.len(), 1, "{words:?}");
    server.end().await;
}

#[tokio::test]
async fn tokens_that_do_not_count_are_answered_alike() {
    let guarded = guarded();
    let all = Right::to(vec!["*".parse().unwrap()]);
    let past = TokenTerms {
        expires: Some(OffsetDateTime::now_utc() - Duration::days(1)),
        ..TokenTerms::default()
    };
    let expired = guarded.tokens.add("expired", all, &past).unwrap();
    let revoked = guarded.token("revoked", "*");
    let good = guarded.token("good", "*");
    let server = nothing(guarded.config.clone()).await;
    assert_eq!(ask(&server, &revoked).await.status, 200);
    guarded.tokens.revoke("revoked").unwrap();
    let revoked = without_instance(&becomes(&server, &revoked, 401).await);
    assert_eq!(revoked.0["type"], "/problems/invalid-token");
    assert_eq!(
        revoked.1,
        "Bearer realm=\"sandpit\", error=\"invalid_token\""
    );
    let prefix = &good[..good.len() - 1];
    for wrong in [
        expired.as_str(),
        "sandpit_",
        "x",
        prefix,
        &format!("{good}x"),
        &good.to_lowercase(),
        &"x".repeat(good.len()),
        "eyJhbGciOiJub25lIn0.e30.",
    ] {
        assert_eq!(
            without_instance(&ask(&server, wrong).await),
            revoked,
            "{wrong}"
        );
    }
    assert_eq!(ask(&server, &good).await.status, 200);
    server.end().await;
}

#[tokio::test]
async fn tokens_come_and_go_while_the_host_runs() {
    let guarded = guarded();
    let server = guarded.serve().await;
    let token = guarded.token("late", "*");
    becomes(&server, &token, 200).await;
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let listen = Request::new("subscriptions/listen", filter).to(&server);
    let mut stream = listen.bearer_auth(&token).send().await.unwrap();
    read_until(&mut stream, "\n\n").await;
    guarded.tokens.revoke("late").unwrap();
    let rest = async { while stream.chunk().await.is_ok_and(|chunk| chunk.is_some()) {} };
    tokio::time::timeout(PATIENCE, rest)
        .await
        .expect("its streams end");
    becomes(&server, &token, 401).await;
    server.end().await;
}

#[tokio::test]
async fn a_token_is_said_once_and_in_its_place() {
    let guarded = guarded();
    let (token, other) = (guarded.token("a", "*"), guarded.token("b", "*"));
    let server = nothing(guarded.config.clone()).await;
    let twice = |first: &str, second: &str| {
        let request = server.get("/api/v1/tools");
        request
            .header("authorization", format!("Bearer {first}"))
            .header("authorization", format!("Bearer {second}"))
    };
    for (first, second) in [
        (&token, &token),
        (&token, &other),
        (&token, &"x".to_owned()),
    ] {
        send(twice(first, second))
            .await
            .problem(400, "invalid-authorization");
    }
    for value in [
        format!("Bearer {token}, Bearer {other}"),
        format!("Bearer {token} {other}"),
        format!("Basic {token}"),
        token.clone(),
        "Bearer".to_owned(),
        String::new(),
    ] {
        let request = server.get("/api/v1/tools").header("authorization", &value);
        send(request).await.problem(401, "token-needed");
    }
    for path in [
        format!("/api/v1/tools?access_token={token}"),
        format!("/api/v1/tools?token={token}&authorization=Bearer%20{token}"),
    ] {
        send(server.get(&path)).await.problem(401, "token-needed");
    }
    for header in [
        "x-authorization",
        "proxy-authorization",
        "cookie",
        "x-forwarded-authorization",
    ] {
        let request = server
            .get("/api/v1/tools")
            .header(header, format!("Bearer {token}"));
        send(request).await.problem(401, "token-needed");
    }
    server.end().await;
}

#[tokio::test]
async fn a_folded_header_is_no_token() {
    let guarded = guarded();
    let token = guarded.token("a", "*");
    let server = nothing(guarded.config.clone()).await;
    for smuggled in [
        format!("Authorization: Bearer\r\n {token}\r\n"),
        format!("Authorization : Bearer {token}\r\n"),
        format!("X: y\nAuthorization: Bearer {token}\0\r\n"),
        format!("Authorization: Bearer {token}\r\nauthorization: Bearer {token}\r\n"),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = format!(
            "GET /api/v1/tools HTTP/1.1\r\nHost: localhost\r\n{smuggled}Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut text)).await;
        read.expect("it is closed").unwrap();
        assert!(text.starts_with("HTTP/1.1 4"), "{smuggled:?}: {text}");
    }
    server.end().await;
}

#[tokio::test]
async fn this_machine_needs_no_token_unless_the_operator_says_so() {
    let guarded = guarded();
    let token = guarded.token("a", "ibkr_*");
    let open = FrontConfig {
        auth: AuthConfig {
            loopback: LoopbackAccess::Open,
            ..guarded.config.auth.clone()
        },
        allowed_hosts: vec!["sandpit.example.com".to_owned()],
        ..FrontConfig::default()
    };
    let folder = built("test-components", "test-components");
    let server = serve(&folder, GatewayConfig::default(), open).await;
    let tools = |reply: &Reply| reply.json()["tools"].as_array().map(Vec::len);
    let all = send(server.get("/api/v1/tools")).await;
    assert_eq!(tools(&all), Some(2));
    // A token counts where none is needed, and a bad one does not become none.
    assert_eq!(tools(&ask(&server, &token).await), Some(0));
    ask(&server, "wrong").await.problem(401, "invalid-token");
    // What a proxy passes on is not from this machine.
    for (name, value) in [
        ("x-forwarded-for", "192.0.2.1"),
        ("forwarded", "for=192.0.2.1"),
        ("via", "1.1 proxy"),
        ("host", "sandpit.example.com"),
    ] {
        let request = server.get("/api/v1/tools").header(name, value);
        send(request).await.problem(401, "token-needed");
    }
    server.end().await;
}

#[tokio::test]
async fn loopback_can_be_closed_while_the_host_serves() {
    let folder = tempfile::tempdir().unwrap();
    let (server, loopback) = super::serve_to_close(folder.path()).await;
    assert_eq!(send(server.get("/api/v1/tools")).await.status, 200);
    loopback.set(LoopbackAccess::Closed("a gateway is live".to_owned()));
    let reply = send(server.get("/api/v1/tools")).await;
    let problem = reply.problem(401, "token-needed");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("a gateway is live")
    );
    loopback.set(LoopbackAccess::Open);
    assert_eq!(send(server.get("/api/v1/tools")).await.status, 200);
    server.end().await;
}
