//! The operator's command line, the real binary against a real running host.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::host::{command, plugins, test_components};
use crate::support::{Host, eventually, simulator};

const FIXTURE: &str = "fixture_tool";
const REPORT: &str = "portfolio_report";

/// A folder as an operator has it: a configuration file, a tool folder, and a
/// state folder for the token.
struct Desk {
    folder: PathBuf,
    /// Where the host answers, once there is one.
    url: Option<String>,
}

/// What a command did.
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Done {
    fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self.out
    }

    fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        format!("{}{}", self.out, self.err)
    }

    fn json(self) -> Value {
        serde_json::from_str(&self.out).expect("JSON")
    }
}

impl Desk {
    /// A desk with this configuration and these components in its tool folder.
    fn new(folder: &TempDir, config: &str, tools: &[(&Path, &str)]) -> Self {
        let desk = Self {
            folder: folder.path().to_owned(),
            url: None,
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
        let output = self.command().args(args).output().await.unwrap();
        Done {
            code: output.status.code().expect("it was not killed"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
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

#[tokio::test]
async fn grants_come_and_go_while_the_host_runs() {
    let folder = TempDir::new().unwrap();
    let components = test_components();
    let config = "# Mine.\n[log] # loud\nlevel = \"info\"\n";
    let mut desk = Desk::new(
        &folder,
        config,
        &[(&components, FIXTURE), (&components, REPORT)],
    );
    let host = desk.host(folder).await;

    let table = desk.ask(&["tools"]).await.ok();
    assert!(
        table.contains("sandpit grant portfolio_report account"),
        "{table}"
    );
    assert!(
        desk.ask(&["call", REPORT])
            .await
            .failed(1)
            .contains("not served")
    );

    // A word that is none is answered with all there are.
    let error = desk.ask(&["grant", REPORT, "acount"]).await.failed(1);
    assert!(
        error.contains("acount") && error.contains("Place, change and cancel"),
        "{error}"
    );
    assert_eq!(desk.text(), config);

    let done = desk
        .ask(&["grant", REPORT, "account", "contracts"])
        .await
        .ok();
    assert!(
        done.contains("portfolio_report is served now, with contracts, account."),
        "{done}"
    );
    assert!(desk.text().starts_with(config), "{}", desk.text());
    assert_eq!(desk.status(REPORT).await["state"], "served");

    let done = desk.ask(&["revoke", REPORT, "account"]).await.ok();
    assert!(
        done.contains("is quarantined now") && done.contains("account"),
        "{done}"
    );
    let done = desk.ask(&["grant", REPORT, "account"]).await.ok();
    assert!(done.contains("served now"), "{done}");
    let again = desk.text();
    assert!(
        desk.ask(&["grant", REPORT, "account"])
            .await
            .ok()
            .contains("already in")
    );
    assert_eq!(desk.text(), again);

    let done = desk.ask(&["disable", REPORT]).await.ok();
    assert!(done.contains("portfolio_report is disabled now."), "{done}");
    assert!(
        desk.ask(&["enable", REPORT])
            .await
            .ok()
            .contains("served now")
    );

    // One that asks for nothing needs a word all the same.
    let done = desk.ask(&["grant", FIXTURE]).await.ok();
    assert!(
        done.contains("fixture_tool is served now, with no capability."),
        "{done}"
    );
    let log = host.log();
    assert!(log.contains("what is served changed"), "{log}");
    assert!(!log.contains("restart"), "{log}");
}

#[tokio::test]
async fn a_pin_holds_the_file() {
    let folder = TempDir::new().unwrap();
    let components = test_components();
    let config = "[policy.\"*\"]\ngrants = [\"account\"]\n";
    let mut desk = Desk::new(&folder, config, &[(&components, REPORT)]);
    let _host = desk.host(folder).await;
    let digest = desk.status(REPORT).await["digest"]
        .as_str()
        .unwrap()
        .to_owned();

    let error = desk
        .ask(&["pin", REPORT, "--digest", "abc"])
        .await
        .failed(1);
    assert!(error.contains("64 hexadecimal digits"), "{error}");
    let other = components.join("fixture_tool.wasm");
    let error = desk
        .ask(&["pin", REPORT, "--file", other.to_str().unwrap()])
        .await
        .failed(1);
    assert!(error.contains("calls itself fixture_tool"), "{error}");
    let error = desk.ask(&["pin", "nothing_like_it"]).await.failed(1);
    assert!(error.contains("no file in"), "{error}");

    let done = desk.ask(&["pin", REPORT]).await.ok();
    assert!(
        done.contains(&digest) && done.contains("served now"),
        "{done}"
    );
    assert!(
        desk.text().contains(&format!("pin = \"{digest}\"")),
        "{}",
        desk.text()
    );
    let wrong = "0".repeat(64);
    desk.ask(&["pin", REPORT, "--digest", &wrong]).await.ok();
    let row = desk.status(REPORT).await;
    assert_eq!(row["state"], "quarantined");
    assert!(
        row["reason"]
            .as_str()
            .unwrap()
            .contains(&format!("--digest {digest}")),
        "{row}"
    );
    let done = desk.ask(&["pin", REPORT, "--remove"]).await.ok();
    assert!(done.contains("served now"), "{done}");
    assert!(!desk.text().contains("pin"), "{}", desk.text());
}

#[tokio::test]
async fn the_table_and_the_document_say_the_same() {
    let folder = TempDir::new().unwrap();
    let components = test_components();
    let config = "[policy.fixture_tool]\ngrants = []\nhidden = true\n";
    let mut desk = Desk::new(
        &folder,
        config,
        &[(&components, FIXTURE), (&components, REPORT)],
    );
    std::fs::write(desk.folder.join("tools/broken.wasm"), "not a component").unwrap();
    let _host = desk.host(folder).await;
    eventually("the broken file is given up", async || {
        let status = desk.ask(&["tools", "--json"]).await.json();
        let tools = status["tools"].as_array().unwrap().clone();
        tools
            .iter()
            .any(|row| row["file"] == "broken.wasm" && row["state"] == "refused")
    })
    .await;
    desk.ask(&["call", FIXTURE, "{\"mode\": \"structured\"}"])
        .await
        .ok();
    desk.ask(&["call", FIXTURE, "{\"mode\": \"panic\"}"])
        .await
        .failed(1);

    let status = desk.ask(&["tools", "--json"]).await.json();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    let file = Path::new(status["configFile"].as_str().unwrap());
    assert!(
        file.is_absolute() && file.ends_with("sandpit.toml"),
        "{file:?}"
    );
    let table = desk.ask(&["tools"]).await.ok();
    let line = |name: &str| -> Vec<String> {
        let line = table.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{name} is not in:\n{table}"));
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(
        line("NAME"),
        [
            "NAME", "STATE", "VERSION", "DIGEST", "GRANTS", "CALLS", "FAILURES"
        ]
    );
    let row = desk.status(FIXTURE).await;
    let digest = &row["digest"].as_str().unwrap()[..12];
    let version = row["version"].as_str().unwrap();
    assert_eq!(
        line(FIXTURE),
        [
            FIXTURE, "served,", "hidden", version, digest, "nothing", "2", "1"
        ]
    );
    assert_eq!(line(REPORT)[1], "quarantined");
    assert_eq!(line("(broken.wasm)")[1], "refused");
    assert!(
        table.contains("\nbroken.wasm: This is not a WebAssembly component."),
        "{table}"
    );
}

#[tokio::test]
async fn only_the_operator_may_ask() {
    let folder = TempDir::new().unwrap();
    let mut desk = Desk::new(&folder, "", &[]);
    // Without a host there is neither a token nor an answer.
    let error = desk
        .run(&["tools", "--url", "http://127.0.0.1:1"])
        .await
        .failed(1);
    assert!(
        error.contains("no host answers") && error.contains("sandpit serve"),
        "{error}"
    );
    let _host = desk.host(folder).await;
    desk.ask(&["tools"]).await.ok();
    let token = desk.folder.join("state/sandpit/operator.token");
    let mode = {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(&token).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode, 0o600);
    std::fs::remove_file(&token).unwrap();
    let error = desk.ask(&["tools"]).await.failed(1);
    assert!(error.contains("operator.token"), "{error}");
    std::fs::write(&token, "another-token-altogether").unwrap();
    {
        use std::os::unix::fs::PermissionsExt;
        let others = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&token, others).unwrap();
        let error = desk.ask(&["tools"]).await.failed(1);
        assert!(error.contains("chmod 600"), "{error}");
        let mine = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&token, mine).unwrap();
    }
    let error = desk.ask(&["tools"]).await.failed(1);
    assert!(
        error.contains("does not take the operator's token"),
        "{error}"
    );
    assert!(!error.contains("another-token"), "{error}");
}

#[tokio::test]
async fn a_host_that_cannot_keep_a_token_serves_on() {
    let folder = TempDir::new().unwrap();
    let config = "[operator]\ntoken_file = \"sandpit.toml/token\"\n";
    let mut desk = Desk::new(&folder, config, &[]);
    let host = desk.host(folder).await;
    let client = reqwest::Client::new();
    let url = format!("http://{}/operator/status", host.address());
    let response = client.get(url).bearer_auth("x").send().await.unwrap();
    assert_eq!(response.status(), 503);
    let text = response.text().await.unwrap();
    assert!(text.contains("operator-unavailable"), "{text}");
    assert!(
        host.log().contains("cannot ask this host"),
        "{}",
        host.log()
    );
    let healthy = client.get(format!("http://{}/healthz", host.address()));
    assert_eq!(healthy.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_broken_edit_keeps_the_policy_and_is_told() {
    let folder = TempDir::new().unwrap();
    let components = test_components();
    let good = "[policy.fixture_tool]\ngrants = []\n";
    let mut desk = Desk::new(&folder, good, &[(&components, FIXTURE)]);
    let host = desk.host(folder).await;
    let fault = async || {
        let status = desk.ask(&["tools", "--json"]).await.json();
        status["policyFault"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    for (broken, word) in [
        ("[policy.fixture_tool\n", "sandpit.toml"),
        (
            "[policy.fixture_tool]\ngrants = [\"everything\"]\n",
            "everything",
        ),
        ("[server]\nprot = 1\n", "prot"),
    ] {
        std::fs::write(desk.config(), broken).unwrap();
        eventually("the fault is shown", async || fault().await.contains(word)).await;
        assert_eq!(desk.status(FIXTURE).await["state"], "served");
        let table = desk.ask(&["tools"]).await.ok();
        assert!(table.contains(word), "{table}");
        // The command line does not touch what it cannot understand.
        let error = desk.ask(&["disable", FIXTURE]).await.failed(1);
        assert!(error.contains(word), "{error}");
        assert_eq!(desk.text(), broken);
    }
    std::fs::remove_file(desk.config()).unwrap();
    eventually("it is told", async || fault().await.contains("is gone")).await;
    assert_eq!(desk.status(FIXTURE).await["state"], "served");
    // Right again, and with a setting that counts later.
    std::fs::write(
        desk.config(),
        format!("{good}hidden = true\n[server]\nmax_sessions = 7\n"),
    )
    .unwrap();
    eventually("the policy is applied", async || {
        fault().await.is_empty() && desk.status(FIXTURE).await["hidden"] == true
    })
    .await;
    let log = host.log();
    assert!(
        log.contains("server.max_sessions") && log.contains("next start"),
        "{log}"
    );
}

#[tokio::test]
async fn edits_without_a_host_count_later() {
    let folder = TempDir::new().unwrap();
    let components = test_components();
    let desk = Desk::new(&folder, "", &[(&components, REPORT)]);
    std::fs::remove_file(desk.config()).unwrap();
    let nobody = ["--url", "http://127.0.0.1:1"];
    let run = async |args: &[&str]| desk.run(&[args, &nobody].concat()).await;
    let done = run(&["grant", REPORT, "account"]).await.ok();
    assert!(
        done.contains("No host runs at http://127.0.0.1:1"),
        "{done}"
    );
    assert_eq!(
        desk.text(),
        "[policy.portfolio_report]\ngrants = [\"account\"]\n"
    );
    let error = run(&["grant", "Portfolio Report", "account"])
        .await
        .failed(1);
    assert!(error.contains("not the name of a tool"), "{error}");
    let error = run(&["revoke", "other_tool", "account"]).await.failed(1);
    assert!(error.contains("nothing to revoke"), "{error}");
    run(&["pin", REPORT]).await.ok();
    let text = desk.text();
    assert!(text.contains("pin = \""), "{text}");
    let usage = run(&["revoke", REPORT]).await.failed(2);
    assert!(usage.contains("CAPABILITY"), "{usage}");
}

#[tokio::test]
async fn a_file_is_inspected_and_checked() {
    let folder = TempDir::new().unwrap();
    let components = test_components();
    let config = "# Nothing is granted yet.\n";
    let desk = Desk::new(&folder, config, &[(&components, FIXTURE)]);
    let report = components.join("portfolio_report.wasm");
    let report = report.to_str().unwrap();

    let shown = desk.run(&["inspect", report]).await.ok();
    for words in [
        "portfolio_report",
        "0.1.0",
        "balances",
        "SHA-256",
        "GET /api/v1/portfolio_report",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains("cancel orders"), "{shown}");
    let document = desk.run(&["inspect", report, "--json"]).await.json();
    assert_eq!(document["name"], REPORT);
    assert_eq!(document["capabilities"][0]["name"], "account");
    assert_eq!(document["inputSchema"]["type"], "object");
    assert_eq!(document["outputSchema"]["type"], "object");
    let size = std::fs::metadata(report).unwrap().len();
    assert_eq!(document["size"], size);

    let check = async |file: &str| desk.run(&["check", file]).await;
    let verdict = check(report).await.failed(3);
    assert!(
        verdict.contains("quarantined") && verdict.contains("sandpit grant"),
        "{verdict}"
    );
    std::fs::write(desk.config(), "[policy.\"*\"]\ngrants = [\"account\"]\n").unwrap();
    assert!(check(report).await.ok().contains("would be served"));
    std::fs::write(
        desk.config(),
        "[policy.\"*\"]\ngrants = [\"account\"]\n[policy.portfolio_report]\nenabled = false\n",
    )
    .unwrap();
    assert!(check(report).await.failed(3).contains("disabled"));
    let verdict = desk.run(&["check", report, "--json"]).await;
    assert_eq!(verdict.code, 3);
    assert_eq!(verdict.json()["state"], "disabled");

    // A name that another file has; the same file under its own name.
    let taken = desk.folder.join("other.wasm");
    std::fs::copy(components.join("fixture_tool.wasm"), &taken).unwrap();
    let verdict = check(taken.to_str().unwrap()).await.failed(1);
    assert!(
        verdict.contains("fixture_tool.wasm") && verdict.contains("other.wasm"),
        "{verdict}"
    );
    let own = components.join("fixture_tool.wasm");
    assert!(
        check(own.to_str().unwrap())
            .await
            .ok()
            .contains("would be served")
    );

    let broken = desk.folder.join("broken.wasm");
    std::fs::write(&broken, "\0asm\u{1}\0\0\0").unwrap();
    let broken = broken.to_str().unwrap();
    assert!(
        check(broken)
            .await
            .failed(1)
            .contains("core WebAssembly module")
    );
    let error = desk.run(&["inspect", broken]).await.failed(1);
    assert!(error.contains("core WebAssembly module"), "{error}");
    assert!(check("sandpit.toml").await.failed(1).contains(".wasm"));
    assert!(
        check("nowhere.wasm")
            .await
            .failed(1)
            .contains("nowhere.wasm")
    );
    desk.run(&["check"]).await.failed(2);
}

#[tokio::test]
async fn tools_are_called() {
    let folder = TempDir::new().unwrap();
    let components = test_components();
    let config = "[policy.\"*\"]\ngrants = [\"account\", \"contracts\", \"market-data\", \
                  \"connection\"]\n";
    let first_party = plugins();
    let mut desk = Desk::new(
        &folder,
        config,
        &[
            (&components, FIXTURE),
            (&first_party, "ibkr_stream_market_data"),
            (&first_party, "ibkr_get_positions"),
        ],
    );
    let simulator = simulator().await;
    let port = simulator.address().port().to_string();
    let mut serve = desk.command();
    serve.args(["serve", "--connect", "--port", "0", "--tws-port", &port]);
    let host = Host::start_in(serve, folder).await;
    desk.url = Some(host.base.clone());

    let answer = desk
        .ask(&["call", FIXTURE, "{\"mode\": \"structured\"}"])
        .await
        .ok();
    assert_eq!(answer, "{\"mode\":\"structured\"}\n");
    let positions = desk.ask(&["call", "get_positions"]).await.json();
    assert!(positions.is_object(), "{positions}");
    let error = desk
        .ask(&["call", FIXTURE, "{\"mode\": 7}"])
        .await
        .failed(1);
    assert!(
        error.starts_with("sandpit: The arguments do not fit"),
        "{error}"
    );
    assert!(
        desk.ask(&["call", FIXTURE, "[]"])
            .await
            .failed(1)
            .contains("JSON object")
    );
    assert!(
        desk.ask(&["call", "no_such_tool"])
            .await
            .failed(1)
            .contains("no_such_tool")
    );

    let mut piped = desk.command();
    piped
        .args(["call", FIXTURE, "-", "--url", &host.base])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut input, b"{\"mode\": \"structured\"}")
        .await
        .unwrap();
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.stdout, b"{\"mode\":\"structured\"}\n");

    let limited = "{\"symbol\": \"SPY\", \"duration_seconds\": 1}";
    let events = desk
        .ask(&["call", "stream_market_data", limited])
        .await
        .ok();
    let last: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "summary");
    assert!(last["data"]["updates_count"].is_number(), "{last}");
    let error = desk
        .ask(&["call", "stream_market_data", "{\"symbol\": \"NOSUCH\"}"])
        .await
        .failed(1);
    assert!(error.contains("NOSUCH"), "{error}");

    // An open stream ends with Ctrl-C, and that is no failure.
    let mut open = desk.command();
    open.args([
        "call",
        "stream_market_data",
        "{\"symbol\": \"SPY\"}",
        "--url",
        &host.base,
    ])
    .stdout(std::process::Stdio::piped());
    let mut child = open.spawn().unwrap();
    let mut lines =
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stdout.take().unwrap()));
    let first: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    assert!(first["event"].is_string(), "{first}");
    let pid = child.id().unwrap().to_string();
    Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .await
        .unwrap();
    assert!(child.wait().await.unwrap().success());
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_demo_call_needs_no_host() {
    let folder = TempDir::new().unwrap();
    let config = "[policy.ibkr_get_positions]\ngrants = [\"account\", \"contracts\"]\n";
    let first_party = plugins();
    let desk = Desk::new(&folder, config, &[(&first_party, "ibkr_get_positions")]);
    let done = desk.run(&["call", "ibkr_get_positions", "--demo"]).await;
    assert_eq!(done.err, "");
    assert!(done.json().is_object());
    let error = desk
        .run(&["call", "ibkr_place_order", "--demo"])
        .await
        .failed(1);
    assert!(error.contains("ibkr_place_order"), "{error}");
}

#[tokio::test]
async fn the_schema_is_printed() {
    let folder = TempDir::new().unwrap();
    let desk = Desk::new(&folder, "", &[]);
    let schema = desk.run(&["schema"]).await.json();
    assert_eq!(schema["title"], "sandpit.toml");
    let policy = &schema["properties"]["policy"]["description"];
    assert!(
        policy.as_str().unwrap().contains("this file only"),
        "{policy}"
    );
}
