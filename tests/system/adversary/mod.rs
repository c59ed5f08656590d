//! Whoever attacks the host over HTTP: the real binary, and bytes that no honest
//! client would send. After each attack the host answers as before, and has let
//! go of what the attacker held.

mod crowds;
mod forged;
mod framing;
mod http2;
mod messages;
mod origins;
mod paths;
mod sessions;
mod slowness;
mod tls;
mod tokens;

use std::net::{Ipv4Addr, SocketAddr};

use sandpit_simulator::Simulator;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::host::{command, plugins};
use crate::support::{Host, PATIENCE, eventually, simulator};

/// A host under attack, connected to a TWS.
struct Fortress {
    simulator: Simulator,
    host: Host,
    /// How many file descriptors it had in peace.
    descriptors: usize,
    /// How much memory, in KiB.
    memory: usize,
}

impl Fortress {
    /// With these settings, as variables name them: `SERVER__MAX_SESSIONS`.
    async fn with(settings: &[(&str, &str)]) -> Self {
        let simulator = simulator().await;
        let mut command = command();
        command
            .args([
                "serve",
                "--port",
                "0",
                "--connect",
                "--tws-host",
                "127.0.0.1",
            ])
            .args(["--tws-port", &simulator.address().port().to_string()])
            .arg("--tools")
            .arg(plugins());
        // It is not by their number that these requests shall be refused.
        command.env("SANDPIT_AUTH__REQUESTS_PER_MINUTE", "0");
        for (name, value) in settings {
            command.env(format!("SANDPIT_{name}"), value);
        }
        let host = Host::start(command).await;
        // What every host has after its first calls.
        for _ in 0..3 {
            host.get("get_positions").await.ok();
        }
        let mut fortress = Self {
            simulator,
            host,
            descriptors: 0,
            memory: 0,
        };
        fortress.descriptors = fortress.count_descriptors();
        fortress.memory = fortress.resident();
        fortress
    }

    /// With a certificate, `certificate.pem` and `key.pem` of this folder.
    async fn over_tls(folder: &std::path::Path) -> Self {
        let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| folder.join(name));
        let simulator = simulator().await;
        let mut command = command();
        command
            .args(["serve", "--port", "0", "--tws-port", "1", "--tools"])
            .arg(plugins())
            .env("SANDPIT_SERVER__TLS__CERTIFICATE", certificate)
            .env("SANDPIT_SERVER__TLS__KEY", key)
            .env("SANDPIT_SERVER__REQUEST_TIMEOUT_SECONDS", "2");
        Self {
            simulator,
            host: Host::start(command).await,
            descriptors: 0,
            memory: 0,
        }
    }

    /// With connections that are not kept long.
    async fn impatient() -> Self {
        Self::with(&[("SERVER__REQUEST_TIMEOUT_SECONDS", "2")]).await
    }

    /// Sends these bytes and takes all that comes until the connection ends.
    async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.host.address()).await.unwrap();
        // A host that has enough does not take the rest.
        let _ = timeout(PATIENCE, stream.write_all(bytes.as_ref())).await;
        until_closed(stream).await
    }

    fn count_descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.host.pid());
        std::fs::read_dir(folder).unwrap().count()
    }

    /// Resident memory in KiB.
    fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.host.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.unwrap().parse().unwrap()
    }

    /// The host is as it was: it answers, and has nothing left of the attack.
    async fn stands(self) {
        // What an allocator keeps is not much; what an attack keeps would be.
        let most = self.memory + (96 << 10);
        eventually("its memory is back", async || self.resident() < most).await;
        self.stands_but_for_memory().await;
    }

    /// The same, where the memory was looked at already: an allocator need not
    /// give it back.
    async fn stands_but_for_memory(self) {
        let health = self.exchange(request("GET", "/healthz", "")).await;
        assert!(health.starts_with("HTTP/1.1 200 "), "{health}");
        self.host.get("get_positions").await.ok();
        let before = self.descriptors;
        eventually("its descriptors are back", async || {
            self.count_descriptors() <= before
        })
        .await;
        self.end().await;
    }

    /// It did not panic, and stops in good order.
    async fn end(mut self) {
        let log = self.host.log();
        assert!(!log.contains("panicked"), "{log}");
        assert!(self.host.stop().await.success());
        self.simulator.shutdown().await;
    }
}

/// A request without a body, after which the connection is to be closed.
fn request(method: &str, path: &str, headers: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
}

/// All that comes until the connection ends, however it does.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut text)).await;
    let _ = read.expect("the connection ends");
    String::from_utf8_lossy(&text).into_owned()
}

/// How many answers are in what came.
fn answers(text: &str) -> usize {
    text.matches("HTTP/1.1 ").count()
}

/// The status of the first answer; none if there is none.
fn status(text: &str) -> Option<u16> {
    text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

/// A connection from another address of this machine.
async fn connect_from(from: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    timeout(PATIENCE, socket.connect(to))
        .await
        .expect("a connection or a refusal")
}
