//! `kill -9` of the host, some hundreds of times, at instants that a seed says:
//! while it starts, while it holds its orders against TWS, and in the middle of
//! orders that three callers place, change and cancel. In the end the journal
//! knows every order, fill and commission of the simulated TWS once, and no
//! order was sent twice.
//!
//! A failure prints the seed; `SANDPIT_SEED` takes it again.

mod caller;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sandpit_gateway::journal::{Kind, Reader, RequestKind};
use sandpit_simulator::{Books, Simulator, SimulatorConfig};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::host::{JOURNAL, command, plugins};
use crate::support::{Host, eventually};
use crate::week::audit;
use crate::week::seed;
use caller::Caller;

/// How often the host is killed.
const KILLS: usize = 200;
/// How many call it.
const CALLERS: usize = 3;

const CONFIG: &str = r#"
    [gateway]
    client_id = 1
    connect_on_start = true
    connect_timeout_seconds = 2
    request_timeout_seconds = 3
    order_timeout_seconds = 2

    [gate]
    mode = "paper"
    confirmation = "never"

    [log]
    level = "info,ibapi=warn"

    [policy."*"]
    grants = ["connection", "contracts", "market-data", "account", "order-book", "trading"]
"#;

/// The hosts that run in one folder, one after the other.
struct Hosts {
    folder: TempDir,
    simulator: Simulator,
    seed: u64,
    port: u16,
}

impl Hosts {
    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// What starts a host.
    fn command(&self) -> Command {
        serve(self.folder.path(), &self.simulator, self.port)
    }

    /// Starts a host, and does not wait for it.
    fn start(&self) -> Child {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.file("log"))
            .unwrap();
        let mut command = self.command();
        command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        command.spawn().unwrap()
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.file("log")).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            for line in lines.iter().skip(lines.len().saturating_sub(80)) {
                eprintln!("{line}");
            }
            eprintln!("to repeat the instants: SANDPIT_SEED={}", self.seed);
        }
    }
}

fn serve(folder: &Path, simulator: &Simulator, port: u16) -> Command {
    let mut command = command();
    command
        .env(JOURNAL, folder.join("journal.db"))
        .arg("serve")
        .args(["--port", &port.to_string()])
        .args(["--tws-host", "127.0.0.1"])
        .args(["--tws-port", &simulator.address().port().to_string()])
        .arg("--config")
        .arg(folder.join("sandpit.toml"))
        .arg("--tools")
        .arg(plugins());
    command
}

/// How long the next host lives: now and then it does not even come to serve.
fn life(random: &mut StdRng) -> Duration {
    let micros = match random.random_range(0..40) {
        // Long enough to be certain that an order never arrived.
        0 => 5_000_000,
        1..=10 => random.random_range(1_000..150_000),
        _ => random.random_range(150_000..500_000),
    };
    Duration::from_micros(micros)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_sent_twice_however_often_the_host_is_killed() {
    let seed = seed();
    let simulator = Simulator::start(SimulatorConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        tick_interval: Some(Duration::from_millis(50)),
        ..SimulatorConfig::default()
    })
    .await
    .expect("the simulator starts");
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("sandpit.toml"), CONFIG).unwrap();
    // The first one compiles the tools, and finds a port for all.
    let mut first = Host::start(serve(folder.path(), &simulator, 0)).await;
    let (base, port) = (first.base.clone(), first.address().port());
    first.kill().await;
    let hosts = Hosts {
        folder,
        simulator,
        seed,
        port,
    };

    let stop = CancellationToken::new();
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let caller = Caller::new(&base, number, seed, hosts.simulator.control());
        callers.spawn(caller.call(stop.clone()));
    }
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..KILLS {
        let mut host = hosts.start();
        tokio::time::sleep(life(&mut random)).await;
        // On Unix it is SIGKILL.
        host.kill().await.unwrap();
    }

    let mut last = Host::start(hosts.command()).await;
    stop.cancel();
    let traded = callers.join_all().await;
    end_all(&last, &hosts).await;
    let status = last.stop().await;
    assert!(status.success(), "{status:?}\n{}", last.log());
    let log = std::fs::read_to_string(hosts.file("log")).unwrap() + &last.log();
    assert!(!log.contains("panicked"), "{log}");

    let reader = Reader::open(hosts.file("journal.db")).unwrap();
    let books = hosts.simulator.books();
    books.check().unwrap();
    audit::journal(&reader, &books, &traded).unwrap_or_else(|error| panic!("{error}"));
    once_each(&reader, &books);
    let counts = reader.counts(&Default::default()).unwrap();
    let placed = counts.sent(RequestKind::Place);
    assert!(placed > KILLS as u64, "too little went on: {counts:?}");
    assert!(counts.of(Kind::Fill) > 0, "{counts:?}");
    assert_eq!(counts.of(Kind::Commission), books.executions.len() as u64);
    assert!(counts.of(Kind::Reconciled) > 0, "{counts:?}");
}

/// Cancels what is open, and waits until the journal has no open question.
async fn end_all(host: &Host, hosts: &Hosts) {
    eventually("no order is open", async || {
        let mut ended = true;
        for order in hosts.simulator.books().orders {
            let open = ["Staged", "PreSubmitted", "Submitted"];
            if open.contains(&order.status.as_str()) {
                let body = serde_json::json!({"orderId": order.order_id});
                host.post("ibkr_cancel_order", body).await;
                ended = false;
            }
        }
        ended
    })
    .await;
    eventually("the journal has no open question", async || {
        let reader = Reader::open(hosts.file("journal.db")).unwrap();
        reader.unfinished().unwrap().is_empty()
    })
    .await;
}

/// No idempotency key brought two orders into the world.
fn once_each(reader: &Reader, books: &Books) {
    let mut orders = BTreeMap::new();
    for order in &books.orders {
        let key = reader.key_of(Some("default"), order.client_id, order.order_id);
        let standing = reader.order(&key.unwrap().unwrap()).unwrap().unwrap();
        let mut requests = standing.requests.iter();
        let placed = requests.find(|request| request.kind == RequestKind::Place);
        let key = placed.unwrap().idempotency_key.clone().unwrap();
        let before = orders.insert(key.as_str().to_owned(), order);
        assert!(before.is_none(), "{key:?}: {before:?} and {order:?}");
    }
}
