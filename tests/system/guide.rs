//! docs/adding-a-tool.md, followed to the letter: every command of the page is
//! run in order, every piece of TOML is added to the policy, and each step must
//! do what the page says it does, while the host runs on.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::host::{command, test_components};
use crate::support::{Era, Host, McpClient, eventually, simulator_of};

const PAGE: &str = include_str!("../../docs/adding-a-tool.md");
const TOOL: &str = "portfolio_report";

/// What the page asks its reader to do.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Run a command.
    Run(String),
    /// Add to sandpit.toml.
    Write(String),
}

/// The steps of a page, in order.
pub fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```").filter(|of| !of.is_empty()) else {
            continue;
        };
        let code: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        match language {
            "sh" => steps.extend(code.iter().map(|line| Step::Run((*line).to_owned()))),
            "toml" => steps.push(Step::Write(code.join("\n"))),
            other => panic!("the page has a block of {other}"),
        }
    }
    steps
}

/// What a command of the page leads to: its exit code, and words that it
/// prints.
fn outcome(step: usize, line: &str) -> (i32, Vec<&'static str>) {
    match (step, line) {
        (_, "sandpit inspect portfolio_report.wasm") => (
            0,
            vec![TOOL, "account", "profit and loss", "Size", "SHA-256"],
        ),
        (_, "sandpit check portfolio_report.wasm") => (3, vec!["quarantined", "sandpit grant"]),
        (_, "cp portfolio_report.wasm tools/") => (0, vec![]),
        (_, "sandpit tools") => (0, vec![TOOL, "quarantined", "account"]),
        (4, "sandpit call portfolio_report") => (1, vec!["not served"]),
        (_, "sandpit pin portfolio_report") => (0, vec!["pin"]),
        (_, "sandpit grant portfolio_report account") => (0, vec!["account", "served"]),
        (_, "sandpit call portfolio_report") => (0, vec!["DU1234567"]),
        (_, "sandpit call portfolio_report '{\"account\": \"DU1234567\"}'") => {
            (0, vec!["dailyPnL"])
        }
        (_, "sandpit call portfolio_report '{\"account\": \"DU7654321\"}'") => {
            (1, vec!["DU7654321", "policy"])
        }
        (_, "sandpit disable portfolio_report") => (0, vec!["disabled"]),
        (_, "sandpit enable portfolio_report") => (0, vec!["enabled"]),
        (_, "sandpit revoke portfolio_report account") => (0, vec!["account"]),
        other => panic!("the page has a step that this test does not know: {other:?}"),
    }
}

/// The folder in which the page is followed, as its reader has it.
struct Reader {
    folder: PathBuf,
    token: PathBuf,
    port: u16,
}

impl Reader {
    /// Runs a line of the page in a shell.
    async fn run(&self, line: &str) -> Output {
        let binary = Path::new(env!("CARGO_BIN_EXE_sandpit"));
        let path = format!(
            "{}:{}",
            binary.parent().unwrap().display(),
            std::env::var("PATH").unwrap()
        );
        let mut shell = Command::new("sh");
        shell
            .args(["-c", line])
            .current_dir(&self.folder)
            .env("PATH", path)
            .env("PORT", self.port.to_string())
            .env("SANDPIT_OPERATOR__TOKEN_FILE", &self.token);
        shell.output().await.unwrap()
    }
}

fn printed(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test]
async fn the_page_does_what_it_says() {
    let simulator = simulator_of(&["DU1234567", "DU7654321"]).await;
    let home = TempDir::new().unwrap();
    let folder = home.path().to_owned();
    std::fs::create_dir(folder.join("tools")).unwrap();
    std::fs::write(folder.join("sandpit.toml"), "# My own words.\n").unwrap();
    std::fs::copy(
        test_components().join("portfolio_report.wasm"),
        folder.join("portfolio_report.wasm"),
    )
    .unwrap();
    let token = folder.join("operator.token");
    let mut serve = command();
    serve
        .env_remove("SANDPIT_CONFIG")
        .args(["serve", "--connect", "--port", "0"])
        .args(["--tws-port", &simulator.address().port().to_string()])
        .env("SANDPIT_OPERATOR__TOKEN_FILE", &token);
    let host = Host::start_in(serve, home).await;
    let reader = Reader {
        folder: folder.clone(),
        token,
        port: host.address().port(),
    };
    let modern = McpClient::connect(&host, Era::Modern).await;
    let legacy = McpClient::connect(&host, Era::Legacy).await;

    for (number, step) in steps(PAGE).iter().enumerate() {
        match step {
            Step::Write(toml) => {
                let file = folder.join("sandpit.toml");
                let before = std::fs::read_to_string(&file).unwrap();
                std::fs::write(&file, format!("{before}\n{toml}\n")).unwrap();
            }
            Step::Run(line) => {
                let (code, words) = outcome(number, line);
                // The host follows within a moment, so a reader may look twice.
                let mut last = String::new();
                eventually(line, async || {
                    let output = reader.run(line).await;
                    last = printed(&output);
                    println!("$ {line}\n{last}");
                    output.status.code() == Some(code)
                        && words.iter().all(|word| last.contains(word))
                })
                .await;
            }
        }
        if step == &Step::Run("sandpit grant portfolio_report account".to_owned()) {
            for client in [&modern, &legacy] {
                eventually("clients learn of it", async || {
                    client.heard().list_changed > 0
                })
                .await;
                assert!(client.tools().await.iter().any(|tool| tool.name == TOOL));
            }
            assert!(is_described(&host).await);
        }
        if matches!(step, Step::Run(line) if line.contains("DU7654321")) {
            the_eleventh_call_is_refused(&host).await;
        }
    }
    let text = std::fs::read_to_string(folder.join("sandpit.toml")).unwrap();
    assert!(text.starts_with("# My own words.\n"), "{text}");
    assert_eq!(host.post(TOOL, json!({})).await.status, 404);
    assert!(!is_described(&host).await);
    for client in [&modern, &legacy] {
        assert!(client.tools().await.iter().all(|tool| tool.name != TOOL));
    }
}

/// Whether REST tells of the tool.
async fn is_described(host: &Host) -> bool {
    let listed = host.get("tools").await.ok()["tools"].clone();
    let listed = listed.as_array().unwrap();
    let listed = listed.iter().any(|tool| tool["name"] == TOOL);
    let document = host.get("openapi.json").await.ok();
    let routed = document["paths"].as_object().unwrap();
    let routed = routed.keys().any(|path| path.ends_with(TOOL));
    assert_eq!(listed, routed);
    listed
}

/// Whatever the page has used up, ten calls later there is none left.
async fn the_eleventh_call_is_refused(host: &Host) {
    for _ in 0..10 {
        let answer = host.post(TOOL, json!({})).await;
        if answer.status == 200 {
            continue;
        }
        let sentence = answer.problem(429);
        assert!(sentence.contains("10 times a minute"), "{sentence}");
        return;
    }
    panic!("ten calls and the page's own passed");
}
