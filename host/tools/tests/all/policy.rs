//! What the operator's policy makes of the tools, at the start and while they
//! run.

use sandpit_tools::policy::{Limits, ReachEntry, ScopeEntry};
use sandpit_tools::{Capability, Policy, PolicyEntry, ToolError, ToolState, ToolsError};

use crate::guest::Guest;
use crate::live::{Live, patient, reader};
use crate::{everything, no_arguments};

fn reading() -> PolicyEntry {
    PolicyEntry::granting([Capability::Account])
}

fn of(entries: impl IntoIterator<Item = (&'static str, PolicyEntry)>) -> Policy {
    entries.into_iter().collect()
}

async fn not_served(live: &Live, name: &str) -> String {
    let error = live.tools.call(name, no_arguments()).await.unwrap_err();
    assert!(matches!(error, ToolError::NotServed { .. }), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn a_tool_without_grants_is_in_quarantine_until_it_has_them() {
    let files = [("a.wasm", reader("a").build())];
    let live = Live::with(files, Policy::default()).await;
    let changes = live.tools.changes();
    assert!(live.names().is_empty());
    let row = live.row("a.wasm").unwrap();
    assert_eq!(row.state, ToolState::Quarantined);
    assert_eq!((row.name.as_deref(), row.grants), (Some("a"), None));
    assert_eq!(row.asks, ["account"]);
    assert!(row.reason.unwrap().contains("sandpit grant a account"));
    assert!(not_served(&live, "a").await.contains("not allowed"));
    assert!(live.tools.refused().is_empty());

    live.tools
        .set_policy(of([("a", PolicyEntry::granting([]))]))
        .await
        .unwrap();
    let row = live.row("a.wasm").unwrap();
    assert_eq!(row.state, ToolState::Quarantined);
    assert_eq!(row.grants, Some(Vec::new()));

    live.tools.set_policy(of([("*", reading())])).await.unwrap();
    assert_eq!(live.names(), ["a"]);
    assert_eq!(live.answer("a").await, r#"{"ok":true}"#);
    assert_eq!(*changes.borrow(), 1);
    live.stop().await;
}

#[tokio::test]
async fn a_disabled_tool_is_not_served() {
    let live = Live::with([("a.wasm", reader("a").build())], everything()).await;
    let disabled = PolicyEntry {
        enabled: Some(false),
        ..PolicyEntry::default()
    };
    let policy = of([("*", reading()), ("a", disabled)]);
    live.tools.set_policy(policy).await.unwrap();
    assert!(live.names().is_empty());
    assert!(not_served(&live, "a").await.contains("disabled"));
    assert_eq!(live.row("a.wasm").unwrap().state, ToolState::Disabled);
    live.stop().await;
}

#[tokio::test]
async fn a_hidden_tool_can_be_called() {
    let live = Live::new([
        ("a.wasm", Guest::new("a").build()),
        ("b.wasm", Guest::new("b").build()),
    ])
    .await;
    let changes = live.tools.changes();
    let hidden = PolicyEntry {
        hidden: Some(true),
        ..PolicyEntry::default()
    };
    let policy = of([("*", PolicyEntry::granting([])), ("a", hidden)]);
    live.tools.set_policy(policy.clone()).await.unwrap();
    assert_eq!(live.names(), ["b"]);
    assert_eq!(*changes.borrow(), 2);
    let callable = live.tools.callable();
    let names: Vec<_> = callable.iter().map(|tool| tool.name()).collect();
    assert_eq!(names, ["a", "b"]);
    live.answer("a").await;
    assert!(live.row("a.wasm").unwrap().hidden);
    // Clients do not see a change of what is hidden from them.
    live.put("a.wasm", Guest::new("a").answer(r#"{"b":1}"#).build());
    live.until_answer("a", r#"{"b":1}"#).await;
    live.tools.set_policy(policy).await.unwrap();
    assert_eq!(*changes.borrow(), 2);
    live.stop().await;
}

#[tokio::test]
async fn the_operator_adds_to_the_description() {
    let live = Live::new([("a.wasm", Guest::new("a").build())]).await;
    let changes = live.tools.changes();
    let words = PolicyEntry {
        description: Some("Only on weekdays.".to_owned()),
        ..PolicyEntry::granting([])
    };
    live.tools.set_policy(of([("a", words)])).await.unwrap();
    let tool = live.tools.get("a").unwrap();
    let description = &tool.descriptor().description;
    assert_eq!(description, "A tool for tests.\n\nOnly on weekdays.");
    assert_eq!(*changes.borrow(), 2);
    live.stop().await;
}

#[tokio::test]
async fn a_pin_accepts_one_digest() {
    let (one, two) = (r#"{"one":1}"#, r#"{"two":2}"#);
    let build = |answer| Guest::new("a").answer(answer).build();
    let live = Live::new([("a.wasm", build(one))]).await;
    let pinned = |digest: &str| PolicyEntry {
        pin: Some(digest.to_uppercase()),
        ..PolicyEntry::granting([])
    };
    let digest = live.row("a.wasm").unwrap().digest.unwrap();
    live.tools
        .set_policy(of([("a", pinned(&digest))]))
        .await
        .unwrap();
    assert_eq!(live.answer("a").await, one);

    // What replaces it waits, and the pinned version goes on.
    live.put("a.wasm", build(two));
    live.until("a.wasm", ToolState::Served, "sandpit pin a --digest")
        .await;
    assert_eq!(live.answer("a").await, one);
    let reason = live.row("a.wasm").unwrap().reason.unwrap();
    let newer = reason.rsplit(' ').next().unwrap().to_owned();
    assert_ne!(newer, digest);
    live.tools
        .set_policy(of([("a", pinned(&newer))]))
        .await
        .unwrap();
    assert_eq!(live.answer("a").await, two);
    assert_eq!(live.row("a.wasm").unwrap().reason, None);

    live.tools
        .set_policy(of([("a", pinned(&digest))]))
        .await
        .unwrap();
    assert_eq!(live.row("a.wasm").unwrap().state, ToolState::Quarantined);
    not_served(&live, "a").await;
    live.stop().await;
}

#[tokio::test]
async fn a_newer_version_that_asks_for_more_waits_for_the_grant() {
    let one = Guest::new("a").answer(r#"{"one":1}"#).build();
    let live = Live::with([("a.wasm", one)], of([("a", PolicyEntry::granting([]))])).await;
    live.put("a.wasm", reader("a").build());
    live.until("a.wasm", ToolState::Served, "sandpit grant a account")
        .await;
    assert_eq!(live.answer("a").await, r#"{"one":1}"#);
    live.tools.set_policy(of([("a", reading())])).await.unwrap();
    assert_eq!(live.answer("a").await, r#"{"ok":true}"#);
    // Neither version may serve when nothing is granted.
    live.tools.set_policy(Policy::default()).await.unwrap();
    assert!(live.names().is_empty());
    live.stop().await;
}

#[tokio::test]
async fn taking_something_away_ends_the_calls_in_flight() {
    let wide = ScopeEntry {
        accounts: Some(vec!["DU1".to_owned(), "DU2".to_owned()]),
        ..ScopeEntry::default()
    };
    let granted = PolicyEntry {
        scope: Some(wide.clone()),
        ..reading()
    };
    let narrow = PolicyEntry {
        scope: Some(ScopeEntry {
            accounts: Some(vec!["DU1".to_owned()]),
            ..ScopeEntry::default()
        }),
        ..reading()
    };
    let narrow_trade = PolicyEntry {
        scope: Some(ScopeEntry {
            trade: Some(ReachEntry {
                symbols: Some(Vec::new()),
                ..ReachEntry::default()
            }),
            ..wide
        }),
        ..reading()
    };
    let disabled = PolicyEntry {
        enabled: Some(false),
        ..granted.clone()
    };
    let pinned = PolicyEntry {
        pin: Some("0".repeat(64)),
        ..granted.clone()
    };
    let revoked = PolicyEntry::granting([Capability::Contracts]);
    let tool = patient("a", r#"{"a":1}"#).import(
        "sandpit:broker/account@0.1.0",
        "positions",
        "(param i32)",
    );
    let files = [
        ("a.wasm", tool.build()),
        ("b.wasm", patient("b", r#"{"b":1}"#).build()),
    ];
    let before = of([("a", granted), ("b", PolicyEntry::granting([]))]);
    let live = Live::with(files, before.clone()).await;
    let neighbour = live.begin("b", no_arguments()).await;
    for taking in [narrow, narrow_trade, disabled, pinned, revoked] {
        live.tools.set_policy(before.clone()).await.unwrap();
        let call = live.begin("a", no_arguments()).await;
        assert!(!call.is_over());
        let after = of([("a", taking), ("b", PolicyEntry::granting([]))]);
        live.tools.set_policy(after).await.unwrap();
        call.revoked().await;
    }
    assert!(!neighbour.is_over());
    assert_eq!(neighbour.answer().await, r#"{"b":1}"#);
    live.stop().await;
}

#[tokio::test]
async fn a_tool_that_does_not_listen_is_ended_all_the_same() {
    let endless = Guest::new("a").before_answer("(loop $l (br $l))");
    let live = Live::new([("a.wasm", endless.build())]).await;
    let call = live.begin("a", no_arguments()).await;
    live.tools.set_policy(Policy::default()).await.unwrap();
    call.revoked().await;
    live.stop().await;
}

#[tokio::test]
async fn what_takes_nothing_away_ends_no_call() {
    let scope = |accounts: &[&str]| PolicyEntry {
        scope: Some(ScopeEntry {
            accounts: Some(accounts.iter().map(|id| (*id).to_owned()).collect()),
            ..ScopeEntry::default()
        }),
        ..PolicyEntry::granting([])
    };
    let files = [("a.wasm", patient("a", r#"{"a":1}"#).build())];
    let live = Live::with(files, of([("a", scope(&["DU1"]))])).await;
    let call = live.begin("a", no_arguments()).await;
    let mut harmless = vec![
        scope(&["DU1", "DU2"]),
        PolicyEntry::granting(Capability::ALL),
    ];
    harmless.push(PolicyEntry {
        hidden: Some(true),
        description: Some("Words.".to_owned()),
        limits: Some(Limits {
            concurrent_calls: Some(1),
            calls_per_minute: Some(1),
            deadline_seconds: Some(1),
            ..Limits::default()
        }),
        ..PolicyEntry::granting([])
    });
    for entry in harmless {
        live.tools.set_policy(of([("a", entry)])).await.unwrap();
    }
    live.put("a.wasm", b"broken");
    live.until("a.wasm", ToolState::Served, "not a WebAssembly")
        .await;
    assert!(!call.is_over());
    assert_eq!(call.answer().await, r#"{"a":1}"#);
    live.stop().await;
}

#[tokio::test]
async fn a_policy_that_makes_no_sense_changes_nothing() {
    let live = Live::new([("a.wasm", Guest::new("a").build())]).await;
    let nonsense = of([("A B", PolicyEntry::default())]);
    let error = live.tools.set_policy(nonsense.clone()).await.unwrap_err();
    assert!(error.to_string().contains("A B"), "{error}");
    assert_eq!(live.names(), ["a"]);
    live.tools
        .policy_fault(Some("Line 3 is broken.".to_owned()));
    let fault = live.status().policy_fault;
    assert_eq!(fault.as_deref(), Some("Line 3 is broken."));
    live.tools.set_policy(everything()).await.unwrap();
    assert_eq!(live.status().policy_fault, None);
    live.stop().await;

    let folder = tempfile::tempdir().unwrap();
    let config = sandpit_tools::ToolsConfig {
        policy: nonsense,
        ..sandpit_tools::ToolsConfig::new(folder.path())
    };
    let sandbox = crate::sandbox(sandpit_gateway::GatewayConfig::default());
    let opened = sandpit_tools::Tools::open(config, sandbox).await;
    assert!(matches!(opened, Err(ToolsError::Policy(_))));
}
