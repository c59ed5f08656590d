//! The front from outside, over a real socket, on the real rooms below it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what fails here fails the test"
)]

mod auth;
#[expect(
    dead_code,
    reason = "it is shared with the system tests, which use more of it"
)]
mod auth_issuer;
mod auth_limits;
mod auth_oauth;
mod http;
mod legacy;
mod limits;
mod modern;
mod openapi;
mod operator;
mod policy;
mod prompts;
mod resources;
mod rest;
mod stream;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use sandpit_front::{Front, FrontConfig, Limits, Loopback};
use sandpit_gateway::journal::Options;
use sandpit_gateway::{Gateway, GatewayConfig, Gateways, Journal};
use sandpit_simulator::{Simulator, SimulatorConfig};
use sandpit_tools::{Capability, Policy, PolicyEntry, Sandbox, SandboxConfig, Tools, ToolsConfig};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A front that serves.
struct Server {
    address: SocketAddr,
    client: Client,
    tools: Tools,
    stop: CancellationToken,
    serving: JoinHandle<io::Result<()>>,
}

/// The components that a recipe has built.
fn built(folder: &str, recipe: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target")
        .join(folder);
    assert!(path.is_dir(), "{folder} is missing: run `just {recipe}`");
    path
}

/// A front over the test-only tool.
async fn fixture() -> Server {
    serve(
        &built("test-components", "test-components"),
        GatewayConfig::default(),
        FrontConfig::default(),
    )
    .await
}

/// A front over the first-party tools, on a TWS that is not there.
async fn first_party() -> Server {
    let folder = built("plugins", "plugins");
    serve(&folder, GatewayConfig::default(), FrontConfig::default()).await
}

/// A TWS.
async fn simulator() -> Simulator {
    Simulator::start(SimulatorConfig::default()).await.unwrap()
}

/// A front over the first-party tools, connected to this TWS.
async fn connected(simulator: &Simulator) -> Server {
    connected_with(simulator, FrontConfig::default()).await
}

/// The same, which serves in some way.
async fn connected_with(simulator: &Simulator, config: FrontConfig) -> Server {
    let gateway = GatewayConfig {
        host: simulator.address().ip().to_string(),
        port: simulator.address().port(),
        ..GatewayConfig::default()
    };
    let folder = built("plugins", "plugins");
    let server = serve(&folder, gateway, config).await;
    let reply = send(server.post("/api/v1/connect_tws", &json!({}))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    server
}

/// Waits until this TWS has so many subscriptions.
async fn subscribed(simulator: &Simulator, count: usize) {
    let reached = async {
        loop {
            let connections = simulator.connections();
            let lists = connections
                .iter()
                .map(|connection| &connection.subscriptions);
            if lists.map(Vec::len).sum::<usize>() == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, reached).await;
    reached.expect("the subscriptions change");
}

/// A front over no tools.
async fn nothing(config: FrontConfig) -> Server {
    let folder = tempfile::tempdir().unwrap();
    serve(folder.path(), GatewayConfig::default(), config).await
}

/// A gateway that may trade, with a journal among what the build leaves behind.
fn gateway(config: GatewayConfig) -> Gateway {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let journal = Journal::open(folder.keep().join("journal.db"), Options::default());
    Gateway::with_journal(config, journal.unwrap())
}

async fn serve(folder: &Path, gateway: GatewayConfig, config: FrontConfig) -> Server {
    let policy = Policy::from_iter([("*", PolicyEntry::granting(Capability::ALL))]);
    serve_with(folder, gateway, config, policy).await
}

/// A front over no tools, and what programs of this machine may do.
async fn serve_to_close(folder: &Path) -> (Server, Loopback) {
    let policy = Policy::default();
    serve_all(
        folder,
        GatewayConfig::default(),
        FrontConfig::default(),
        policy,
    )
    .await
}

async fn serve_with(
    folder: &Path,
    gateway: GatewayConfig,
    config: FrontConfig,
    policy: Policy,
) -> Server {
    serve_all(folder, gateway, config, policy).await.0
}

async fn serve_all(
    folder: &Path,
    gateway: GatewayConfig,
    config: FrontConfig,
    policy: Policy,
) -> (Server, Loopback) {
    let config_of_sandbox = SandboxConfig {
        cache_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("components")),
        ..SandboxConfig::default()
    };
    let sandbox = Sandbox::new(config_of_sandbox, Gateways::one(self::gateway(gateway))).unwrap();
    let config_of_tools = ToolsConfig {
        policy,
        ..ToolsConfig::new(folder)
    };
    let tools = Tools::open(config_of_tools, sandbox).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let front = Front::new(tools.clone(), config).unwrap();
    let loopback = front.loopback();
    let serving = tokio::spawn(front.serve(listener, stop.clone()));
    let server = Server {
        address,
        client: Client::new(),
        tools,
        stop,
        serving,
    };
    (server, loopback)
}

impl Server {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.post(self.url(path)).json(body)
    }

    /// An MCP message, with the headers that every client sends.
    fn message(&self, message: &Value) -> RequestBuilder {
        self.post("/api/v1/mcp", message)
            .header("accept", "application/json, text/event-stream")
    }

    /// Stops the front, and waits until it has.
    async fn end(self) {
        self.stop.cancel();
        let served = tokio::time::timeout(PATIENCE, self.serving).await;
        served.expect("it stops").unwrap().unwrap();
        self.tools.shutdown().await;
    }
}

/// What came back.
struct Reply {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The problem, which must have this status and this type.
    fn problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("/problems/{kind}"), "{problem}");
        assert_eq!(problem["status"], status);
        let id = self.header("sandpit-call-id");
        assert_eq!(problem["instance"], format!("urn:uuid:{id}"));
        problem
    }

    /// The messages of an event stream.
    fn messages(&self) -> Vec<Value> {
        messages(&self.text)
    }
}

/// The messages in the text of an event stream.
fn messages(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

async fn send(request: RequestBuilder) -> Reply {
    let response = tokio::time::timeout(PATIENCE, request.send())
        .await
        .expect("an answer")
        .unwrap();
    Reply {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

/// Reads an open response until its text has `words`.
async fn read_until(response: &mut reqwest::Response, words: &str) -> String {
    let mut text = String::new();
    while !text.contains(words) {
        let chunk = tokio::time::timeout(PATIENCE, response.chunk()).await;
        let chunk = chunk.expect("more to read").unwrap();
        let chunk = chunk.unwrap_or_else(|| unreachable!("it ended without {words:?}: {text}"));
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    text
}

/// A `tools/call` of the test-only tool.
fn fixture_call(id: u64, mode: &str) -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": id,
        "method": "tools/call",
        "params": { "name": "fixture_tool", "arguments": { "mode": mode } },
    })
}
