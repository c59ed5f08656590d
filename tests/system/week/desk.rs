//! The host of the week: its configuration, its journal, and its deaths.

use std::net::SocketAddr;
use std::path::PathBuf;

use sandpit_gateway::journal::Reader;
use sandpit_simulator::Simulator;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::rules;
use crate::support::host::{JOURNAL, command, plugins};
use crate::support::{Host, PATIENCE};

/// The API client id of the host.
pub const CLIENT_ID: i32 = 1;

/// A folder with a configuration, and the host that runs in it, one after the
/// other.
pub struct Desk {
    folder: TempDir,
    tws: SocketAddr,
    /// Where every one of the hosts serves: `http://127.0.0.1:PORT/api/v1`.
    pub base: String,
    host: Mutex<Host>,
}

impl Desk {
    /// Starts the first host on `simulator`.
    pub async fn open(simulator: &Simulator) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("sandpit.toml"), config()).unwrap();
        let tws = simulator.address();
        let host = Host::start(serve(&folder, tws, 0)).await;
        Self {
            folder,
            tws,
            base: host.base.clone(),
            host: Mutex::new(host),
        }
    }

    /// Ends the host as a power cut does, and starts the next one.
    pub async fn kill(&self) {
        let mut host = self.host.lock().await;
        check_log(&host);
        let port = host.address().port();
        host.kill().await;
        *host = Host::start(serve(&self.folder, self.tws, port)).await;
    }

    /// Asks the host to stop, waits until it has, and opens its journal, which
    /// is in the folder beside it.
    pub async fn close(self) -> (Reader, TempDir) {
        let mut host = self.host.into_inner();
        let status = host.stop().await;
        assert!(status.success(), "{status:?}\n{}", host.log());
        check_log(&host);
        let journal = Reader::open(journal(&self.folder)).unwrap();
        (journal, self.folder)
    }

    /// A tool's answer, which must be a good one in the end: TWS may still be
    /// on its way back.
    pub async fn ask(&self, tool: &str) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let answer = self.host.lock().await.get(tool).await;
            if answer.status == 200 {
                return answer.json;
            }
            let now = tokio::time::Instant::now();
            assert!(now < deadline, "{tool}: {}", answer.json);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
}

/// Where the journal is.
fn journal(folder: &TempDir) -> PathBuf {
    folder.path().join("journal.db")
}

/// No input may panic the host.
fn check_log(host: &Host) {
    let log = host.log();
    assert!(!log.contains("panicked"), "{log}");
}

fn config() -> String {
    format!(
        r#"
        [gateway]
        client_id = {CLIENT_ID}
        connect_on_start = true
        connect_timeout_seconds = 2
        request_timeout_seconds = 3
        order_timeout_seconds = 2
        heartbeat_seconds = 1
        heartbeat_timeout_seconds = 1
        reconnect_pause_longest_seconds = 1
        idle_seconds = 1

        [log]
        level = "info,ibapi=warn"

        {}

        [policy."*"]
        grants = [
            "connection", "contracts", "market-data", "history", "account", "order-book",
            "trading",
        ]
        "#,
        rules::config()
    )
}

fn serve(folder: &TempDir, tws: SocketAddr, port: u16) -> Command {
    let mut command = command();
    command
        .env(JOURNAL, journal(folder))
        .arg("serve")
        .args(["--port", &port.to_string()])
        .args(["--tws-host", "127.0.0.1"])
        .args(["--tws-port", &tws.port().to_string()])
        .arg("--config")
        .arg(folder.path().join("sandpit.toml"))
        .arg("--tools")
        .arg(plugins());
    command
}
