//! Who may call: tokens from the command line, and this machine without one.

use serde_json::json;
use tempfile::TempDir;

use super::{Desk, FIXTURE};
use crate::support::eventually;
use crate::support::host::test_components;
use crate::support::process::Done;

const POLICY: &str = "[policy.fixture_tool]\ngrants = []\n";
const CALL: &str = "{\"mode\": \"structured\"}";

/// Calls the test-only tool, with this token.
async fn call(desk: &Desk, token: Option<&str>) -> Done {
    let mut command = desk.command();
    command.args(["call", FIXTURE, CALL, "--url", desk.url.as_deref().unwrap()]);
    command.env("SANDPIT_TOKEN", token.unwrap_or_default());
    Done::of(&mut command).await
}

#[tokio::test]
async fn a_token_is_made_used_and_taken_back() {
    let folder = TempDir::new().unwrap();
    let components = test_components();
    let mut desk = Desk::new(&folder, POLICY, &[(&components, FIXTURE)]);
    desk.open = false;
    assert_eq!(
        desk.run(&["token", "list"]).await.ok(),
        "There are no tokens.\n"
    );
    let host = desk.host(folder).await;
    eventually("the log says how to begin", async || {
        host.log().contains("there is none. Make one")
    })
    .await;
    let error = call(&desk, None).await.failed(1);
    assert!(
        error.contains("sandpit token new") && error.contains("auth.loopback"),
        "{error}"
    );

    let new = ["token", "new", "--name", "research", "--tools", "fixture_*"];
    let token = desk.run(&new).await.ok().trim().to_owned();
    eventually("the token counts", async || {
        call(&desk, Some(&token)).await.code == 0
    })
    .await;
    eventually("the log names the caller", async || {
        host.log().contains("token:research rest sandpit/")
    })
    .await;
    let listed = desk.run(&["token", "list", "--json"]).await.json();
    let listed = &listed["tokens"][0];
    assert_eq!(listed["name"], "research");
    assert_eq!(listed["tools"], json!(["fixture_*"]));
    assert_eq!(listed["expired"], false);
    let table = desk.run(&["token", "list"]).await.ok();
    assert!(
        table.contains("research") && !table.contains(&token),
        "{table}"
    );
    let again = desk.run(&new).await.failed(1);
    assert!(again.contains("research already"), "{again}");

    desk.run(&["token", "revoke", "research"]).await.ok();
    eventually("the token is over", async || {
        call(&desk, Some(&token)).await.code == 1
    })
    .await;
    let error = call(&desk, Some(&token)).await.failed(1);
    assert!(error.contains("not valid here"), "{error}");
    let gone = desk.run(&["token", "revoke", "research"]).await.failed(1);
    assert!(gone.contains("no token named research"), "{gone}");
    assert!(!host.log().contains(&token), "the log has the token");
}

#[tokio::test]
async fn what_is_no_token_is_not_made() {
    let folder = TempDir::new().unwrap();
    let desk = Desk::new(&folder, POLICY, &[]);
    for (args, words) in [
        (["--name", "a b", "--tools", "*"].as_slice(), "not a name"),
        (&["--name", "a", "--tools", "IBKR"], "pattern of tools"),
        (&["--name", "a"], "--tools"),
        (&["--name", "a", "--tools", "*", "--expires", "soon"], "90d"),
        (
            &[
                "--name",
                "a",
                "--tools",
                "*",
                "--expires",
                "2020-01-01T00:00:00Z",
            ],
            "to come",
        ),
    ] {
        let done = desk.run(&[&["token", "new"], args].concat()).await;
        assert_ne!(done.code, 0);
        assert!(done.err.contains(words), "{words}: {}", done.err);
    }
    assert_eq!(
        desk.run(&["token", "list"]).await.ok(),
        "There are no tokens.\n"
    );
}

#[tokio::test]
async fn this_machine_needs_a_token_as_soon_as_trading_is_live() {
    let folder = TempDir::new().unwrap();
    let components = test_components();
    let mut desk = Desk::new(&folder, POLICY, &[(&components, FIXTURE)]);
    let _host = desk.host(folder).await;
    call(&desk, None).await.ok();
    let live = format!("[gate]\nmode = \"live\"\naccounts = [\"U1234567\"]\n{POLICY}");
    std::fs::write(desk.config(), live).unwrap();
    eventually("a token is needed", async || {
        call(&desk, None).await.code == 1
    })
    .await;
    let error = call(&desk, None).await.failed(1);
    assert!(error.contains("gateway default"), "{error}");
    std::fs::write(desk.config(), POLICY).unwrap();
    eventually("none is needed again", async || {
        call(&desk, None).await.code == 0
    })
    .await;
}
