//! Load: many calls, and how long they took.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long each of many calls took, and how long all of them.
#[derive(Clone)]
pub struct Timings {
    sorted: Vec<Duration>,
    whole: Duration,
}

impl Timings {
    /// `each` in any order; `whole` is the time from first to last.
    pub fn new(mut each: Vec<Duration>, whole: Duration) -> Self {
        each.sort_unstable();
        Self {
            sorted: each,
            whole,
        }
    }

    /// The time that this share (0 to 1) of the calls did not exceed.
    pub fn quantile(&self, share: f64) -> Duration {
        let last = self.sorted.len().saturating_sub(1);
        let index = (last as f64 * share).round() as usize;
        self.sorted.get(index).copied().unwrap_or_default()
    }

    /// Calls a second.
    pub fn rate(&self) -> f64 {
        self.sorted.len() as f64 / self.whole.as_secs_f64()
    }
}

/// Which MCP server to call, and which tool.
#[derive(Clone)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// Path of its MCP endpoint.
    pub path: &'static str,
    /// A tool without arguments.
    pub tool: &'static str,
}

impl Target {
    /// A `tools/call` of the modern era: nothing precedes it.
    fn request(&self) -> Request<Full<Bytes>> {
        let body = serde_json::json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {
                "name": self.tool,
                "arguments": {},
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "0"},
                    "io.modelcontextprotocol/clientCapabilities": {},
                },
            },
        });
        Request::post(self.path)
            .header("host", self.address.to_string())
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", self.tool)
            .body(Full::from(body.to_string()))
            .expect("a request")
    }

    /// A connection of its own.
    async fn connect(&self) -> SendRequest<Full<Bytes>> {
        let socket = TcpStream::connect(self.address)
            .await
            .expect("a connection");
        socket.set_nodelay(true).expect("no delay");
        let (sender, connection) = handshake(TokioIo::new(socket)).await.expect("HTTP");
        tokio::spawn(connection);
        sender
    }

    /// `calls` calls over each of `connections` connections at once.
    pub async fn load(&self, connections: usize, calls: usize) -> Timings {
        let start = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..connections {
            let target = self.clone();
            tasks.spawn(async move {
                let mut sender = target.connect().await;
                let mut each = Vec::with_capacity(calls);
                for _ in 0..calls {
                    let call = Instant::now();
                    let response = sender
                        .send_request(target.request())
                        .await
                        .expect("an answer");
                    let status = response.status();
                    let body = response
                        .into_body()
                        .collect()
                        .await
                        .expect("a body")
                        .to_bytes();
                    each.push(call.elapsed());
                    let good = status == StatusCode::OK && !contains(&body, b"\"error\"");
                    assert!(good, "{status} {}", String::from_utf8_lossy(&body));
                }
                each
            });
        }
        let each = tasks.join_all().await.concat();
        Timings::new(each, start.elapsed())
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
