//! What a tool may do is changed while the host runs, and without one.

use tempfile::TempDir;

use super::{Desk, FIXTURE, REPORT};
use crate::support::eventually;
use crate::support::host::test_components;

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
