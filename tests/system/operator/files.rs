//! Files are looked at before they are served.

use tempfile::TempDir;

use super::{Desk, FIXTURE, REPORT};
use crate::support::host::test_components;

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
