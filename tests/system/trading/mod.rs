//! What an operator has in hand while tools trade: the gate's rules, the halt,
//! the journal, several gateways, and tapes.

mod gate;
mod gateways;
mod halt;
mod journal;
mod once;
mod previews;
mod tapes;

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::Host;
use crate::support::host::{JOURNAL, command, plugins};
use crate::support::process::Done;

/// All first-party tools may do what they ask for.
const POLICY: &str = "[policy.\"*\"]\ngrants = [\"connection\", \"contracts\", \"market-data\", \
                      \"history\", \"account\", \"order-book\", \"trading\"]\n";

/// A buy of SPY that waits far below the market.
fn buy(quantity: u32) -> Value {
    json!({
        "symbol": "SPY",
        "action": "BUY",
        "quantity": quantity,
        "orderType": "LMT",
        "limitPrice": 10,
    })
}

/// Places such an order, for its id.
async fn place(host: &Host, quantity: u32) -> i64 {
    let placed = host.post("place_order", buy(quantity)).await.ok();
    placed["orderId"].as_i64().expect("an order id")
}

/// Why such an order is refused, if it is.
async fn refusal(host: &Host, quantity: u32) -> Option<String> {
    let answer = host.post("place_order", buy(quantity)).await;
    match answer.status {
        200 => None,
        _ => Some(answer.problem(403)),
    }
}

/// A folder with a configuration file and a journal, for one host after the
/// other.
struct Floor {
    folder: TempDir,
}

impl Floor {
    /// A floor with these rules, and a policy that keeps nothing back.
    fn new(rules: &str) -> Self {
        let floor = Self {
            folder: TempDir::new().unwrap(),
        };
        floor.set(rules);
        floor
    }

    /// Writes other rules into the configuration file.
    fn set(&self, rules: &str) {
        std::fs::write(self.path("sandpit.toml"), format!("{rules}\n{POLICY}")).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn journal(&self) -> PathBuf {
        self.path("journal.db")
    }

    fn command(&self) -> Command {
        let mut command = command();
        command
            .current_dir(self.folder.path())
            .env("SANDPIT_CONFIG", self.path("sandpit.toml"))
            .env(JOURNAL, self.journal());
        command
    }

    /// Starts a host that connects to a TWS at this address.
    async fn host(&self, tws: std::net::SocketAddr) -> Host {
        let mut command = self.command();
        command
            .args(["serve", "--port", "0", "--connect"])
            .args(["--tws-host", &tws.ip().to_string()])
            .args(["--tws-port", &tws.port().to_string()])
            .arg("--tools")
            .arg(plugins());
        Host::start(command).await
    }

    /// Runs a command.
    async fn run(&self, args: &[&str]) -> Done {
        Done::of(self.command().args(args)).await
    }

    /// Runs a command that asks this host.
    async fn ask(&self, host: &Host, args: &[&str]) -> Done {
        let mut args = args.to_vec();
        args.extend(["--url", &host.base]);
        self.run(&args).await
    }
}
