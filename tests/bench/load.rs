//! Load: many calls, and how long they took.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HeaderValue;
use hyper::http::request::Builder;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
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

/// How a tool is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// MCP 2026-07-28, answered by a JSON body.
    ModernJson,
    /// MCP 2026-07-28, answered by an event stream.
    ModernStream,
    /// MCP 2025-11-25 without a session, answered by a JSON body.
    LegacyJson,
    /// MCP 2025-11-25 in a session, answered by an event stream.
    LegacyStream,
    /// The tool's REST route.
    Rest,
}

/// Which tool of which server to call, and how.
#[derive(Clone)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// Path of its MCP endpoint, or of the REST route.
    pub path: &'static str,
    /// A tool that needs no arguments.
    pub tool: &'static str,
    /// How it is called.
    pub style: Style,
}

/// A connection, and the session that was opened on it.
pub struct Caller {
    target: Target,
    sender: SendRequest<Full<Bytes>>,
    session: Option<HeaderValue>,
}

impl Target {
    /// A connection of its own, with a session where the style has sessions.
    pub async fn connect(&self) -> Caller {
        let socket = TcpStream::connect(self.address)
            .await
            .expect("a connection");
        socket.set_nodelay(true).expect("no delay");
        let (sender, connection) = handshake(TokioIo::new(socket)).await.expect("HTTP");
        tokio::spawn(connection);
        let mut caller = Caller {
            target: self.clone(),
            sender,
            session: None,
        };
        if self.style == Style::LegacyStream {
            caller.open_session().await;
        }
        caller
    }

    /// `calls` calls over each of `connections` connections at once.
    pub async fn load(&self, connections: usize, calls: usize) -> Timings {
        let mut callers = Vec::with_capacity(connections);
        for _ in 0..connections {
            callers.push(self.connect().await);
        }
        let start = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for mut caller in callers {
            tasks.spawn(async move {
                let mut each = Vec::with_capacity(calls);
                for _ in 0..calls {
                    let call = Instant::now();
                    caller.call().await;
                    each.push(call.elapsed());
                }
                (caller, each)
            });
        }
        let ended = tasks.join_all().await;
        let whole = start.elapsed();
        let mut each = Vec::with_capacity(connections * calls);
        for (caller, of_caller) in ended {
            each.extend(of_caller);
            caller.close().await;
        }
        Timings::new(each, whole)
    }
}

impl Caller {
    /// One call, for the bytes of its answer.
    pub async fn call(&mut self) -> Bytes {
        let name = self.target.tool;
        let request = match self.target.style {
            Style::Rest => Request::get(self.target.path)
                .header("host", self.target.address.to_string())
                .body(Full::default())
                .expect("a request"),
            Style::ModernJson | Style::ModernStream => {
                let meta = json!({
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "0"},
                    "io.modelcontextprotocol/clientCapabilities": {},
                });
                let params = json!({"name": name, "arguments": {}, "_meta": meta});
                self.post("2026-07-28", "tools/call", params)
            }
            Style::LegacyJson | Style::LegacyStream => {
                let params = json!({"name": name, "arguments": {}});
                self.post("2025-11-25", "tools/call", params)
            }
        };
        let (status, body) = self.send(request).await;
        let good = status == StatusCode::OK
            && !contains(&body, b"\"error\"")
            && !contains(&body, b"\"isError\":true");
        assert!(good, "{status} {}", String::from_utf8_lossy(&body));
        body
    }

    /// Ends the session, if there is one.
    pub async fn close(mut self) {
        if let Some(session) = self.session.take() {
            let request = Request::delete(self.target.path)
                .header("host", self.target.address.to_string())
                .header("mcp-session-id", session)
                .body(Full::default())
                .expect("a request");
            self.send(request).await;
        }
    }

    async fn open_session(&mut self) {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "clientInfo": {"name": "bench", "version": "0"},
            "capabilities": {},
        });
        let request = self.post("2025-11-25", "initialize", params);
        self.sender.ready().await.expect("a connection");
        let response = self.sender.send_request(request).await.expect("an answer");
        let session = response.headers().get("mcp-session-id").cloned();
        self.session = Some(session.expect("a session"));
        response.into_body().collect().await.expect("a body");
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let request = self
            .head("2025-11-25")
            .body(Full::from(initialized.to_string()));
        self.send(request.expect("a request")).await;
    }

    fn post(&self, version: &str, method: &str, params: Value) -> Request<Full<Bytes>> {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut request = self.head(version);
        if version == "2026-07-28" {
            request = request
                .header("mcp-method", method)
                .header("mcp-name", self.target.tool);
        }
        request
            .body(Full::from(message.to_string()))
            .expect("a request")
    }

    fn head(&self, version: &str) -> Builder {
        let accept = match self.target.style {
            Style::ModernStream => "text/event-stream, application/json;q=0.5",
            _ => "application/json, text/event-stream",
        };
        let mut request = Request::post(self.target.path)
            .header("host", self.target.address.to_string())
            .header("content-type", "application/json")
            .header("accept", accept)
            .header("mcp-protocol-version", version);
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        request
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> (StatusCode, Bytes) {
        self.sender.ready().await.expect("a connection");
        let response = self.sender.send_request(request).await.expect("an answer");
        let status = response.status();
        let body = response.into_body().collect().await.expect("a body");
        (status, body.to_bytes())
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
