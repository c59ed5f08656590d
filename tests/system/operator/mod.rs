//! The operator's command line, the real binary against a real running host.

mod callers;
mod calling;
mod files;
mod policy;
mod status;

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::Host;
use crate::support::host::command;
use crate::support::process::Done;

const FIXTURE: &str = "fixture_tool";
const REPORT: &str = "portfolio_report";

/// A folder as an operator has it: a configuration file, a tool folder, and a
/// state folder for the token.
struct Desk {
    folder: PathBuf,
    /// Where the host answers, once there is one.
    url: Option<String>,
    /// Whether programs of this machine need no token, whatever the
    /// configuration says.
    open: bool,
}

impl Desk {
    /// A desk with this configuration and these components in its tool folder.
    fn new(folder: &TempDir, config: &str, tools: &[(&Path, &str)]) -> Self {
        let desk = Self {
            folder: folder.path().to_owned(),
            url: None,
            open: true,
        };
        std::fs::create_dir(desk.folder.join("tools")).unwrap();
        std::fs::write(desk.config(), config).unwrap();
        for (from, name) in tools {
            std::fs::copy(from.join(format!("{name}.wasm")), desk.tool(name)).unwrap();
        }
        desk
    }

    fn config(&self) -> PathBuf {
        self.folder.join("sandpit.toml")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.config()).unwrap()
    }

    fn tool(&self, name: &str) -> PathBuf {
        self.folder.join("tools").join(format!("{name}.wasm"))
    }

    fn command(&self) -> Command {
        let mut command = command();
        command
            .current_dir(&self.folder)
            .env("XDG_STATE_HOME", self.folder.join("state"))
            .env_remove("SANDPIT_CONFIG")
            .env_remove("SANDPIT_OPERATOR__TOKEN_FILE");
        if !self.open {
            command.env_remove("SANDPIT_AUTH__LOOPBACK");
        }
        command
    }

    /// Starts a host that is on no TWS.
    async fn host(&mut self, folder: TempDir) -> Host {
        let mut serve = self.command();
        serve.args(["serve", "--port", "0", "--tws-port", "1"]);
        let host = Host::start_in(serve, folder).await;
        self.url = Some(host.base.clone());
        host
    }

    /// Runs a command that asks no host.
    async fn run(&self, args: &[&str]) -> Done {
        Done::of(self.command().args(args)).await
    }

    /// Runs a command that asks the host.
    async fn ask(&self, args: &[&str]) -> Done {
        let mut args = args.to_vec();
        args.extend(["--url", self.url.as_deref().unwrap()]);
        self.run(&args).await
    }

    /// The line of the status about a tool.
    async fn status(&self, tool: &str) -> Value {
        let status = self.ask(&["tools", "--json"]).await.json();
        let tools = status["tools"].as_array().unwrap();
        let row = tools.iter().find(|row| row["name"] == tool);
        row.cloned().unwrap_or_default()
    }
}
