//! A host with hostile tools beside first-party ones, and what it uses.

use std::path::{Path, PathBuf};

use sandpit_simulator::Simulator;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::support::guest::Guest;
use crate::support::host::{built, command, plugins, test_components};
use crate::support::{Host, eventually};

/// The tools beside the hostile ones.
const NEIGHBOURS: [&str; 3] = [
    "ibkr_get_positions",
    "ibkr_get_status",
    "ibkr_stream_market_data",
];

/// What every tool is granted, unless a test says otherwise.
const EVERYTHING: &str = r#"
    [policy."*"]
    grants = [
        "connection", "contracts", "market-data", "history", "account", "order-book", "trading",
    ]
"#;

/// The operator's token.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A hostile component, as it was built.
pub fn attack(name: &str) -> Vec<u8> {
    let folder = built("../target/hostile-components", "just test-components");
    std::fs::read(folder.join(format!("{name}.wasm"))).expect("the component is built")
}

/// A host in the making.
pub struct Siege {
    folder: TempDir,
    config: String,
}

impl Siege {
    /// A host with these attacks beside the neighbours.
    pub fn new(attacks: &[&str]) -> Self {
        let siege = Self {
            folder: TempDir::new().unwrap(),
            config: String::new(),
        };
        std::fs::create_dir(siege.tools()).unwrap();
        for name in NEIGHBOURS {
            siege.copy(&plugins(), name);
        }
        siege.copy(&test_components(), "fixture_tool");
        for name in attacks {
            siege.add(name, &attack(name));
        }
        siege
    }

    /// Adds an attack that was written by hand.
    pub fn with(self, name: &str, guest: Guest) -> Self {
        self.add(name, &guest.build());
        self
    }

    /// Adds to `sandpit.toml`.
    pub fn config(mut self, text: &str) -> Self {
        self.config.push_str(text);
        self
    }

    /// The tool folder.
    pub fn tools(&self) -> PathBuf {
        self.folder.path().join("tools")
    }

    fn copy(&self, from: &Path, name: &str) {
        let bytes = std::fs::read(from.join(format!("{name}.wasm"))).unwrap();
        self.add(name, &bytes);
    }

    fn add(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.tools().join(format!("{name}.wasm")), bytes).unwrap();
    }

    /// Starts the host, connected to this TWS. Every tool has every grant.
    pub async fn begin(self, simulator: &Simulator) -> Host {
        self.config(EVERYTHING).begin_as_configured(simulator).await
    }

    /// Starts the host, connected to this TWS, with no more grants than were
    /// configured.
    pub async fn begin_as_configured(self, simulator: &Simulator) -> Host {
        let config = self.folder.path().join("sandpit.toml");
        std::fs::write(&config, &self.config).unwrap();
        let mut command = command();
        command
            .env("SANDPIT_OPERATOR__TOKEN", TOKEN)
            .arg("serve")
            .args(["--port", "0", "--tws-host", "127.0.0.1"])
            .args(["--tws-port", &simulator.address().port().to_string()])
            .arg("--connect")
            .arg("--config")
            .arg(config)
            .arg("--tools")
            .arg(self.tools());
        Host::start_in(command, self.folder).await
    }
}

/// What the operator sees.
pub async fn status(host: &Host) -> Value {
    let url = format!("http://{}/operator/status", host.address());
    let request = reqwest::Client::new().get(url).bearer_auth(TOKEN);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

/// The operator's row about a file.
pub async fn row(host: &Host, name: &str) -> Value {
    let status = status(host).await;
    let file = format!("{name}.wasm");
    let rows = status["tools"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["file"] == file.as_str());
    row.unwrap_or_else(|| panic!("no {file} in {status}"))
        .clone()
}

/// Calls a tool that may never answer. Aborting the task is leaving the host.
pub fn besiege(host: &Host, tool: &str, arguments: &Value) -> JoinHandle<Value> {
    let url = format!("{}/{tool}", host.base);
    let request = reqwest::Client::new().post(url).json(arguments);
    tokio::spawn(async move { request.send().await.unwrap().json().await.unwrap() })
}

/// Waits until this many instances run.
pub async fn running(host: &Host, count: u64) {
    let what = format!("{count} instances run");
    eventually(&what, async || status(host).await["running"] == count).await;
}

/// What the host's process uses.
#[derive(Debug, Clone, Copy)]
pub struct Footprint {
    /// Resident memory, in KiB.
    resident: u64,
    /// Open files and sockets.
    handles: usize,
    /// Threads.
    threads: u64,
}

impl Footprint {
    /// What it uses now.
    pub fn of(host: &Host) -> Self {
        let process = PathBuf::from(format!("/proc/{}", host.pid()));
        let status = std::fs::read_to_string(process.join("status")).unwrap();
        let number = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.unwrap().split_whitespace().next().unwrap();
            number.parse().unwrap()
        };
        Self {
            resident: number("VmRSS:"),
            handles: std::fs::read_dir(process.join("fd")).unwrap().count(),
            threads: number("Threads:"),
        }
    }

    /// Waits until nothing runs any more and the host is back where it was,
    /// give or take this many mebibytes that the allocator keeps.
    pub async fn comes_back(self, host: &Host, mebibytes: u64) {
        running(host, 0).await;
        let back = async || {
            let now = Self::of(host);
            now.resident <= self.resident + (mebibytes << 10)
                && now.handles <= self.handles
                // What looks at files now and then takes turns on a few threads.
                && now.threads <= self.threads + 8
        };
        let deadline = tokio::time::Instant::now() + crate::support::PATIENCE;
        while !back().await {
            assert!(
                tokio::time::Instant::now() < deadline,
                "the host had {self:?} and has {:?}",
                Self::of(host)
            );
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}
