//! MCP over standard input and output, for a client that starts the host.

use std::process::ExitStatus;
use std::sync::{Arc, Mutex};

use sandpit_simulator::Simulator;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::support::host::{JOURNAL, command, plugins, shipped, test_components};
use crate::support::mcp::Person;
use crate::support::{Era, McpClient, PATIENCE, eventually, simulator};

/// How many first-party tools there are.
const FIRST_PARTY: usize = 23;

/// A host that was started for one client.
struct Started {
    child: Child,
    /// What it wrote to standard error so far.
    log: Arc<Mutex<String>>,
    folder: TempDir,
}

impl Started {
    /// `sandpit serve --stdio` on `simulator`, with this configuration.
    fn on(simulator: &Simulator, config: &str, flags: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("sandpit.toml");
        std::fs::write(&file, config).unwrap();
        let mut command = command();
        command
            .env("SANDPIT_CONFIG", file)
            .args(["serve", "--stdio", "--connect", "--tws-host", "127.0.0.1"])
            .args(["--tws-port", &simulator.address().port().to_string()])
            .args(flags);
        if !flags.contains(&"--tools") {
            command.arg("--tools").arg(plugins());
        }
        Self::start(command, folder)
    }

    fn start(mut command: Command, folder: TempDir) -> Self {
        let mut child = command
            .env(JOURNAL, folder.path().join("journal.db"))
            .current_dir(folder.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let log = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let sink = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut sink = sink.lock().unwrap();
                sink.push_str(&line);
                sink.push('\n');
            }
        });
        Self { child, log, folder }
    }

    /// Its ends of the pipes, once.
    fn pipes(&mut self) -> (ChildStdout, ChildStdin) {
        let output = self.child.stdout.take().unwrap();
        (output, self.child.stdin.take().unwrap())
    }

    async fn client(&mut self, era: Era, person: Person) -> McpClient {
        let client = McpClient::over(self.pipes(), era, person).await;
        client.unwrap_or_else(|error| panic!("{era:?}: {error}\n{}", self.log()))
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it has ended by itself.
    async fn ended(&mut self) -> ExitStatus {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        ended.expect("the host ends").unwrap()
    }
}

fn subscriptions(simulator: &Simulator) -> usize {
    let connections = simulator.connections();
    let open = connections.iter().map(|one| one.subscriptions.len());
    open.sum()
}

#[tokio::test]
async fn the_client_that_started_the_host_has_all_tools() {
    for era in Era::ALL {
        let simulator = simulator().await;
        let confirming = shipped().replace("confirmation = \"live\"", "confirmation = \"all\"");
        let mut host = Started::on(&simulator, &confirming, &[]);
        let yes = Person::Accepts(json!({"confirm": true}));
        let client = host.client(era, yes).await;
        assert_eq!(client.tools().await.len(), FIRST_PARTY, "{era:?}");

        let positions = client.call("ibkr_get_positions", json!({})).await;
        assert!(positions["positions"][0]["position"].is_number(), "{era:?}");

        let stream = json!({"symbol": "SPY", "duration_seconds": 2});
        let summary = client
            .call_listening("ibkr_stream_market_data", stream)
            .await;
        assert!(
            summary["updates_count"].as_u64() > Some(0),
            "{era:?}: {summary}"
        );
        let told = client
            .heard()
            .logs
            .iter()
            .any(|data| data["event"] == "quote");
        assert!(told && !client.heard().progress.is_empty(), "{era:?}");

        let order = json!({"symbol": "AAPL", "action": "BUY", "quantity": 7,
                           "orderType": "LMT", "limitPrice": 1.25});
        client.call("ibkr_place_order", order).await;
        assert_eq!(client.heard().questions.len(), 1, "{era:?}");
        assert_eq!(simulator.books().orders.len(), 1, "{era:?}");

        // The log says who it was, and that it came without HTTP.
        eventually("the log names the caller", async || {
            host.log().contains("client=\"stdio mcp ")
        })
        .await;
        assert!(!host.log().contains("http://"), "{}", host.log());

        // It leaves while a stream runs.
        let endless = client.try_call("ibkr_stream_market_data", json!({"symbol": "SPY"}));
        tokio::select! {
            result = endless => panic!("{era:?}: it ended by itself: {result:?}"),
            () = eventually("it runs", async || subscriptions(&simulator) == 1) => {}
        }
        client.service.cancel().await.unwrap();
        assert!(host.ended().await.success(), "{era:?}: {}", host.log());
        eventually("TWS is let go of", async || {
            simulator.connections().is_empty()
        })
        .await;
    }
}

#[tokio::test]
async fn standard_output_is_for_the_protocol_alone() {
    let simulator = simulator().await;
    let mut host = Started::on(&simulator, &shipped(), &[]);
    let (mut output, mut input) = host.pipes();
    let call = |id: u32, tool: &str, arguments: Value| {
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
               "params": {"name": tool, "arguments": arguments}})
    };
    let messages = [
        // Before anything was asked, and no answer is due.
        json!({"jsonrpc": "2.0", "method": "notifications/nonsense"}),
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "pipes", "version": "1"}}}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        call(2, "ibkr_get_positions", json!({})),
        call(3, "no_such_tool", json!({})),
        json!("neither request nor notification"),
        call(4, "ibkr_stream_market_data", json!({"symbol": "SPY"})),
        call(5, "ibkr_get_status", json!({})),
    ];
    let text: String = messages.map(|message| format!("{message}\n")).concat();
    input.write_all(text.as_bytes()).await.unwrap();
    input.write_all(b"not JSON\n").await.unwrap();
    // All was said. What is under way is answered all the same.
    drop(input);
    let mut said = String::new();
    timeout(PATIENCE, output.read_to_string(&mut said))
        .await
        .unwrap()
        .unwrap();
    assert!(host.ended().await.success(), "{}", host.log());

    let said: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    assert!(
        said.iter().all(|message| message["jsonrpc"] == "2.0"),
        "{said:#?}"
    );
    let answer = |id: u32| {
        let answer = said.iter().find(|message| message["id"] == id);
        answer.unwrap_or_else(|| panic!("no answer to {id}: {said:#?}"))
    };
    assert_eq!(answer(1)["result"]["serverInfo"]["name"], "sandpit");
    assert_eq!(answer(2)["result"]["isError"], false);
    assert_eq!(answer(3)["error"]["code"], -32602);
    assert!(
        answer(4)["result"].is_object(),
        "the stream ends with its client"
    );
    assert_eq!(answer(5)["result"]["isError"], false);
}

#[tokio::test]
async fn whoever_starts_the_host_needs_no_token_even_where_trading_is_live() {
    let simulator = simulator().await;
    let live = shipped().replace("mode = \"paper\"", "mode = \"live\"");
    assert!(live.contains("mode = \"live\""));
    let mut host = Started::on(&simulator, &live, &["--port", "0"]);
    let client = host.client(Era::Modern, Person::Absent).await;
    client.call("ibkr_get_positions", json!({})).await;

    // With --port there is HTTP too, where a token is needed.
    let base = host.log().lines().find_map(|line| {
        let (_, base) = line.split_once(" at http://")?;
        Some(format!("http://{}", base.trim()))
    });
    let url = format!("{}/get_positions", base.expect("it says where"));
    let answer = reqwest::get(&url).await.unwrap();
    assert_eq!(answer.status(), 401);

    client.service.cancel().await.unwrap();
    assert!(host.ended().await.success(), "{}", host.log());
    reqwest::get(&url)
        .await
        .expect_err("HTTP ends with its client");
}

#[tokio::test]
async fn the_client_is_told_of_new_tools() {
    let components = test_components().join("fixture_tool.wasm");
    for era in Era::ALL {
        let simulator = simulator().await;
        let tools = TempDir::new().unwrap();
        let config = "[policy]\nfixture_tool = { grants = [] }\n";
        let folder = tools.path().to_str().unwrap();
        let mut host = Started::on(&simulator, config, &["--tools", folder]);
        let client = host.client(era, Person::Absent).await;
        assert!(client.tools().await.is_empty(), "{era:?}");
        std::fs::copy(&components, tools.path().join("fixture_tool.wasm")).unwrap();
        eventually("it is told", async || client.heard().list_changed > 0).await;
        let names: Vec<_> = client
            .tools()
            .await
            .into_iter()
            .map(|tool| tool.name)
            .collect();
        assert_eq!(names, ["fixture_tool"], "{era:?}");
    }
}

#[tokio::test]
async fn a_demo_may_be_started_by_each_client() {
    let start = || {
        let folder = TempDir::new().unwrap();
        let mut demo = command();
        demo.args(["demo", "--stdio", "--tools"]).arg(plugins());
        Started::start(demo, folder)
    };
    let (mut first, mut second) = (start(), start());
    for host in [&mut first, &mut second] {
        let client = host.client(Era::Legacy, Person::Absent).await;
        let status = client.call("ibkr_get_status", json!({})).await;
        assert_eq!(status["accountKind"], "paper", "{status}");
    }
}

#[tokio::test]
async fn a_client_that_says_nothing_ends_the_host_by_leaving() {
    let simulator = simulator().await;
    let mut host = Started::on(&simulator, &shipped(), &[]);
    let (_output, input) = host.pipes();
    drop(input);
    assert!(host.ended().await.success(), "{}", host.log());
    eventually("TWS is let go of", async || {
        simulator.connections().is_empty()
    })
    .await;
    assert!(host.folder.path().join("journal.db").exists());
}
