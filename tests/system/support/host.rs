//! The real `sandpit` binary as a child process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sandpit_simulator::Simulator;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::PATIENCE;

/// The configuration that is shipped, with the policy of the first-party tools.
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sandpit.toml");

/// The variable that says where the journal is.
pub const JOURNAL: &str = "SANDPIT_JOURNAL__FILE";

/// A running host. Dropping it kills it and waits until it is gone: whoever
/// starts the next one finds the client id free.
pub struct Host {
    child: Child,
    /// `http://127.0.0.1:PORT/api/v1`, with a certificate `https://…`.
    pub base: String,
    /// What it wrote to standard error so far.
    log: Arc<Mutex<String>>,
    /// The folder it runs in.
    _folder: TempDir,
}

/// What that configuration says, for a test that changes a part of it.
pub fn shipped() -> String {
    std::fs::read_to_string(SHIPPED).unwrap()
}

/// The twenty-three first-party components.
pub fn plugins() -> PathBuf {
    built("../target/plugins", "just plugins")
}

/// The test-only components.
pub fn test_components() -> PathBuf {
    built("../target/test-components", "just test-components")
}

pub fn built(folder: &str, recipe: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    assert!(path.is_dir(), "{folder} is missing: run `{recipe}` first");
    path
}

impl Host {
    /// A host on `simulator` that is already connected, with the first-party
    /// tools.
    pub async fn connected(simulator: &Simulator) -> Self {
        Self::on(simulator, &["--connect"]).await
    }

    /// A host that would connect to `simulator`, but has not.
    pub async fn idle(simulator: &Simulator) -> Self {
        Self::on(simulator, &[]).await
    }

    /// A host on `simulator` with further flags.
    pub async fn on(simulator: &Simulator, flags: &[&str]) -> Self {
        let address = simulator.address();
        let mut command = command();
        command
            .arg("serve")
            .args(["--port", "0", "--tws-host", "127.0.0.1"])
            .args(["--tws-port", &address.port().to_string()])
            .arg("--tools")
            .arg(plugins())
            .args(flags);
        Self::start(command).await
    }

    /// A host with the test-only components on no TWS.
    pub async fn with_test_components() -> Self {
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("sandpit.toml");
        std::fs::write(&config, "[policy]\nfixture_tool = { grants = [] }\n").unwrap();
        let mut command = command();
        command.env("SANDPIT_CONFIG", config);
        command
            .args(["serve", "--port", "0", "--tws-port", "1"])
            .arg("--tools")
            .arg(test_components());
        Self::start_in(command, folder).await
    }

    /// Starts what `command` says and waits until it serves.
    pub async fn start(command: Command) -> Self {
        Self::start_in(command, TempDir::new().unwrap()).await
    }

    /// The same, in a folder of the caller's.
    pub async fn start_in(mut command: Command, folder: TempDir) -> Self {
        // A host has its journal to itself. Who starts one twice on the same
        // journal says which.
        let named = |name: &str| command.as_std().get_envs().any(|(set, _)| set == name);
        if !named(JOURNAL) {
            command.env(JOURNAL, folder.path().join("journal.db"));
        }
        let mut child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let log = Arc::new(Mutex::new(String::new()));
        let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
        let sink = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = errors.next_line().await {
                let mut sink = sink.lock().unwrap();
                sink.push_str(&line);
                sink.push('\n');
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base = timeout(PATIENCE, async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some((_, base)) = line.split_once(" at http") {
                    return Some(format!("http{base}"));
                }
            }
            None
        })
        .await
        .expect("the host says where it serves")
        .unwrap_or_else(|| panic!("the host ended:\n{}", log.lock().unwrap()));
        // Whoever prints must not be blocked by a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            child,
            base,
            log,
            _folder: folder,
        }
    }

    /// Where the host listens.
    pub fn address(&self) -> SocketAddr {
        let (_, rest) = self.base.split_once("://").unwrap();
        rest.split('/').next().unwrap().parse().unwrap()
    }

    /// What the host has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the host runs")
    }

    /// Asks it to stop, as a supervisor does, and waits until it has.
    pub async fn stop(&mut self) -> std::process::ExitStatus {
        let pid = self.pid().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().await;
        assert!(killed.unwrap().success());
        timeout(PATIENCE, self.child.wait())
            .await
            .expect("the host stops when asked")
            .unwrap()
    }

    /// Ends it at once, as a power cut does.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The binary with an environment of its own: nothing of the caller's
/// settings, the configuration that is shipped with its policy, open to this
/// machine without a limit, and a compile cache and an operator's token that all
/// tests share.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sandpit"));
    for (name, _) in std::env::vars() {
        if name.starts_with("TWS_") || name.starts_with("SANDPIT_") || name == "PORT" {
            command.env_remove(name);
        }
    }
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR"));
    command
        .env("SANDPIT_CONFIG", SHIPPED)
        .env("SANDPIT_AUTH__LOOPBACK", "open")
        .env("SANDPIT_AUTH__REQUESTS_PER_MINUTE", "0")
        .env(
            "SANDPIT_SANDBOX__CACHE_FOLDER",
            shared.join("component-cache"),
        )
        .env(
            "SANDPIT_OPERATOR__TOKEN_FILE",
            shared.join("operator.token"),
        );
    command
}
