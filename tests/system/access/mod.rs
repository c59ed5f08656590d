//! Who may call, with the real binary: tokens of the operator and of an
//! authorization server, on a simulated TWS.

mod journal;
mod oauth;
mod secrets;

use std::path::PathBuf;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::Host;
use crate::support::host::{JOURNAL, command, plugins};
use crate::support::process::Done;

/// All first-party tools may do what they ask for.
const POLICY: &str = "[policy.\"*\"]\ngrants = [\"connection\", \"contracts\", \"market-data\", \
                      \"history\", \"account\", \"order-book\", \"trading\"]\n";

/// A folder with all that a host keeps, whose every caller needs a token.
struct House {
    folder: TempDir,
}

impl House {
    /// A house with these settings, and a policy that keeps nothing back.
    fn new(settings: &str) -> Self {
        let house = Self {
            folder: TempDir::new().unwrap(),
        };
        std::fs::write(house.path("sandpit.toml"), format!("{settings}\n{POLICY}")).unwrap();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = command();
        command
            .current_dir(self.folder.path())
            .env("SANDPIT_CONFIG", self.path("sandpit.toml"))
            .env("SANDPIT_OPERATOR__TOKEN_FILE", self.path("operator.token"))
            .env(JOURNAL, self.path("journal.db"))
            .env_remove("SANDPIT_AUTH__LOOPBACK");
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

    /// Makes a token for these tools. A host that starts later knows it.
    async fn token(&self, name: &str, tools: &str) -> String {
        let new = ["token", "new", "--name", name, "--tools", tools];
        self.run(&new).await.ok().trim().to_owned()
    }
}

/// A request below `/api/v1/`: a call if there are arguments.
fn request(host: &Host, path: &str, arguments: Option<&Value>) -> RequestBuilder {
    let url = format!("{}/{path}", host.base);
    match arguments {
        None => Client::new().get(url),
        Some(arguments) => Client::new().post(url).json(arguments),
    }
}

/// Its answer to the bearer of this token.
async fn ask(host: &Host, path: &str, arguments: Option<&Value>, token: &str) -> Response {
    let request = request(host, path, arguments).bearer_auth(token);
    request.send().await.unwrap()
}
