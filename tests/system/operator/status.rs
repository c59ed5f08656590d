//! What the operator is told about the host, and who else is not.

use std::path::Path;

use tempfile::TempDir;

use super::{Desk, FIXTURE, REPORT};
use crate::support::eventually;
use crate::support::host::test_components;

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
            "NAME", "KIND", "STATE", "VERSION", "DIGEST", "GRANTS", "CALLS", "FAILURES"
        ]
    );
    let row = desk.status(FIXTURE).await;
    let digest = &row["digest"].as_str().unwrap()[..12];
    let version = row["version"].as_str().unwrap();
    assert_eq!(
        line(FIXTURE),
        [
            FIXTURE, "tool", "served,", "hidden", version, digest, "nothing", "2", "1"
        ]
    );
    assert_eq!(line(REPORT)[1..3], ["tool", "quarantined"]);
    assert_eq!(line("(broken.wasm)")[1..3], ["-", "refused"]);
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
    eventually("the log says so", async || {
        host.log().contains("cannot ask this host")
    })
    .await;
    let healthy = client.get(format!("http://{}/healthz", host.address()));
    assert_eq!(healthy.send().await.unwrap().status(), 200);
}
