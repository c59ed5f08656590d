//! Child processes: the host, and the bare echo.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use sandpit_sandbox::Capability;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running child. Dropping it kills it.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start until it said where it listens.
    pub start_up: Duration,
}

impl Server {
    /// Starts `command`, which says `… http://ADDRESS…` when it serves.
    pub async fn start(mut command: Command) -> Self {
        let started = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the process starts");
        let stdout = child.stdout.take().expect("its output");
        let mut lines = BufReader::new(stdout).lines();
        loop {
            let line = lines
                .next_line()
                .await
                .expect("its output")
                .expect("an address");
            if let Some((_, rest)) = line.split_once("http://") {
                let address = rest.split(['/', ' ']).next().unwrap_or_default();
                let start_up = started.elapsed();
                let address = address.parse().expect("an address");
                return Self {
                    child,
                    address,
                    start_up,
                };
            }
        }
    }

    /// Processor time that it has used so far, its own and the kernel's for it
    /// (`utime` and `stime` of `/proc/PID/stat`).
    pub fn processor_time(&self) -> Duration {
        let id = self.child.id().expect("it runs");
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("its times");
        // The name in brackets may have spaces; the third field follows it.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|field| field.parse::<u64>().expect("a number"))
            .sum();
        // Linux counts them in hundredths of a second for every program.
        Duration::from_millis(ticks * 10)
    }

    /// Resident memory in KiB (`VmRSS` of `/proc/PID/status`).
    pub fn resident_kib(&self) -> u64 {
        let id = self.child.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("its status");
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|number| number.parse().ok())
            .expect("VmRSS")
    }
}

/// A folder for one host: its configuration, its cache, its operator's token.
pub struct Home(TempDir);

impl Home {
    /// A host that serves the components of the folder `tools`, and grants them
    /// everything.
    pub fn new(tools: &Path) -> Self {
        Self::with(tools, "")
    }

    /// The same with further settings.
    pub fn with(tools: &Path, settings: &str) -> Self {
        let home = TempDir::new().expect("a folder");
        let grants: Vec<_> = Capability::ALL.map(Capability::name).into();
        let config = format!(
            "tools.folder = {tools:?}\nsandbox.cache_folder = {:?}\n\
             operator.token_file = {:?}\nauth.loopback = \"open\"\n\
             auth.requests_per_minute = 0\npolicy.\"*\".grants = {grants:?}\n{settings}",
            home.path().join("cache"),
            home.path().join("operator.token"),
        );
        std::fs::write(home.path().join("sandpit.toml"), config).expect("a file");
        Self(home)
    }

    /// `sandpit serve`, connected to the TWS on `tws`.
    pub fn serve(&self, tws: SocketAddr) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sandpit"));
        command
            .args(["serve", "--port", "0", "--connect", "--log", "error"])
            .args(["--tws-host", &tws.ip().to_string()])
            .args(["--tws-port", &tws.port().to_string()])
            .arg("--config")
            .arg(self.0.path().join("sandpit.toml"));
        command
    }
}

/// The first-party components.
pub fn plugins() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins");
    assert!(
        folder.is_dir(),
        "target/plugins is missing: run `just plugins` first"
    );
    folder
}
