//! The bounds of connections and requests: what goes beyond one is refused, and
//! the rest goes on.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{
    FrontConfig, Limits, PATIENCE, Server, connected_with, first_party, nothing, send, simulator,
};

/// Soon enough for a test, and late enough for a slow machine.
const SOON: Duration = Duration::from_millis(300);

fn config(limits: Limits) -> FrontConfig {
    FrontConfig {
        limits,
        ..FrontConfig::default()
    }
}

/// A connection that has sent this.
async fn sent(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// All that comes until the connection is closed.
async fn rest(mut stream: TcpStream) -> String {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    // A connection that is cut need not end politely.
    let _ = read.expect("it is closed");
    String::from_utf8_lossy(&rest).into_owned()
}

/// Waits until there is a place for a connection.
async fn has_room(server: &Server) {
    let client = reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    let reached = async {
        loop {
            let asked = client.get(server.url("/healthz")).send().await;
            if asked.is_ok_and(|response| response.status() == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, reached).await;
    reached.expect("there is a place again");
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let server = nothing(config(Limits {
        request_time: SOON,
        ..Limits::default()
    }))
    .await;
    for start in [
        "",
        "P",
        "GET / HTTP/1.1\r\nHost:",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        rest(sent(&server, start.as_bytes()).await).await;
    }
    server.end().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = first_party_with(Limits {
        request_time: SOON,
        ..Limits::default()
    })
    .await;
    for path in ["/api/v1/mcp", "/api/v1/get_positions"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: 100\r\n\r\n{{"
        );
        let text = rest(sent(&server, head.as_bytes()).await).await;
        assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
        assert!(text.contains("/problems/request-timeout"), "{text}");
    }
    server.end().await;
}

async fn first_party_with(limits: Limits) -> Server {
    let folder = super::built("plugins", "plugins");
    super::serve(&folder, super::GatewayConfig::default(), config(limits)).await
}

#[tokio::test]
async fn heads_have_a_size_and_a_number_of_headers() {
    let server = first_party().await;
    let many: String = (0..101).map(|n| format!("X-{n}: 1\r\n")).collect();
    let large = format!("X: {}\r\n", "x".repeat(40_000));
    let query = "a=1&".repeat(250_000);
    for (path, headers, status) in [
        ("/healthz", many.as_str(), "431"),
        ("/healthz", &large, "431"),
        (&format!("/healthz?{query}"), "", "431"),
    ] {
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // It may be closed before all of it was taken.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut line = [0; 12];
        let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut line)).await;
        // The answer is lost when the connection was closed on unread bytes.
        if read.expect("an answer or an end").is_ok() {
            assert_eq!(&line, format!("HTTP/1.1 {status}").as_bytes());
        }
    }
    assert_eq!(send(server.get("/healthz")).await.status, 200);
    server.end().await;
}

#[tokio::test]
async fn json_has_a_depth() {
    let server = first_party().await;
    for (depth, deep) in [(60, false), (70, true), (100_000, true)] {
        let nested = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let body = format!("{{\"x\": {nested}}}");
        let request = server.client.post(server.url("/api/v1/get_positions"));
        let request = request
            .header("content-type", "application/json")
            .body(body);
        let problem = send(request).await.json();
        assert_eq!(problem["status"], 400);
        let detail = problem["detail"].as_str().unwrap();
        assert_eq!(detail.contains("64 levels deep"), deep, "{detail}");

        let message =
            format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":{nested}}}");
        let request = server.client.post(server.url("/api/v1/mcp"));
        let request = request
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(message);
        let reply = send(request).await;
        assert_eq!(
            reply.text.contains("64 levels deep"),
            deep,
            "{}",
            reply.text
        );
        assert_eq!(reply.status == 400, deep, "{}", reply.text);
    }
    server.end().await;
}

#[tokio::test]
async fn whoever_finds_no_place_is_told() {
    for (limits, status, kind) in [
        (
            Limits {
                connections: 1,
                ..Limits::default()
            },
            "503",
            "too-many-connections",
        ),
        (
            Limits {
                connections_per_address: 1,
                ..Limits::default()
            },
            "429",
            "too-many-from-address",
        ),
    ] {
        let server = nothing(config(limits)).await;
        let mut first = sent(&server, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let mut line = [0; 12];
        first.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, b"HTTP/1.1 200");
        let refused = sent(&server, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let text = rest(refused).await;
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
        assert!(text.contains("\r\nConnection: close\r\n"), "{text}");
        assert!(text.contains(kind), "{text}");
        drop(first);
        has_room(&server).await;
        server.end().await;
    }
}

#[tokio::test]
async fn a_client_that_takes_no_answer_loses_its_connection() {
    let server = first_party_with(Limits {
        connections: 1,
        write_time: SOON,
        ..Limits::default()
    })
    .await;
    let request = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    // Far more answers than the sockets between them hold.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let asking = async {
        loop {
            if stream.write_all(request.as_bytes()).await.is_err() {
                return;
            }
        }
    };
    let asked = tokio::time::timeout(PATIENCE, asking).await;
    asked.expect("it is cut");
    has_room(&server).await;
    server.end().await;
}

#[tokio::test]
async fn a_reader_of_events_that_never_reads_frees_what_it_held() {
    let simulator = simulator().await;
    let server = connected_with(
        &simulator,
        config(Limits {
            write_time: SOON,
            ..Limits::default()
        }),
    )
    .await;
    // Over HTTP/2 with a window of nothing: TCP takes all, the stream nothing.
    let socket = TcpStream::connect(server.address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(socket);
    let builder = {
        let mut builder =
            hyper::client::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
        builder.initial_stream_window_size(0);
        builder
    };
    let (mut sender, connection) = builder
        .handshake::<_, http_body_util::Empty<bytes::Bytes>>(io)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let url = server.url("/api/v1/stream_market_data?symbol=SPY");
    let request = ::http::Request::get(url).body(http_body_util::Empty::new());
    let response = sender.send_request(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    super::subscribed(&simulator, 1).await;
    super::subscribed(&simulator, 0).await;
    drop(response);
    connection.abort();
    server.end().await;
}

#[tokio::test]
async fn a_session_needs_no_connection() {
    // What a session keeps is not a connection's: it lives on between them.
    let server = nothing(FrontConfig::default()).await;
    let session = super::legacy::Session::open(&server).await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    for _ in 0..3 {
        let id = session.id();
        let client = reqwest::Client::new();
        let request = client.post(server.url("/api/v1/mcp")).json(&ping);
        let request = request
            .header("accept", "application/json, text/event-stream")
            .header("mcp-session-id", id);
        assert_eq!(send(request).await.status, 200);
    }
    server.end().await;
}
