//! Many files, and many changes under load.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sandpit_tools::policy::Limits;
use sandpit_tools::{Capability, Outcome, Policy, PolicyEntry};
use tokio::task::JoinSet;

use crate::guest::Guest;
use crate::live::{Live, eventually};
use crate::no_arguments;

/// A component in which the name is another one of the same length: building
/// each of many takes longer than loading it.
fn renamed(component: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut renamed = component.to_vec();
    let mut found = 0;
    for at in 0..component.len() - from.len() {
        if component[at..].starts_with(from.as_bytes()) {
            renamed[at..at + to.len()].copy_from_slice(to.as_bytes());
            found += 1;
        }
    }
    assert!(found > 0, "the name is not in the component");
    renamed
}

#[tokio::test]
async fn a_folder_may_hold_five_hundred_files() {
    let component = Guest::new("tool_xxx").build();
    let live = Live::new([]).await;
    let name = |number: usize| format!("tool_{number:03}");
    for number in 0..500 {
        let bytes = renamed(&component, "tool_xxx", &name(number));
        live.put(&format!("{number}.wasm"), bytes);
    }
    eventually(
        || format!("500 tools, not {}", live.names().len()),
        || live.names().len() == 500,
    )
    .await;
    let expected: Vec<_> = (0..500).map(name).collect();
    assert_eq!(live.names(), expected);
    // All of them are under the new policy at once.
    let half = Policy::from_iter([
        ("*", PolicyEntry::granting([])),
        (
            "tool_1*",
            PolicyEntry {
                enabled: Some(false),
                ..PolicyEntry::default()
            },
        ),
    ]);
    live.tools.set_policy(half).await.unwrap();
    assert_eq!(live.names().len(), 400);
    for number in 0..500 {
        live.remove(&format!("{number}.wasm"));
    }
    live.until_names(&[]).await;
    assert!(live.status().tools.is_empty());
    live.stop().await;
}

/// Policies under which the tools are others each time, and none of which
/// takes anything away.
fn policy(turn: usize) -> Policy {
    let entry = PolicyEntry {
        hidden: Some(turn % 2 == 1),
        limits: Some(Limits {
            concurrent_calls: Some(64 + turn as u64 % 3),
            ..Limits::default()
        }),
        ..PolicyEntry::granting(Capability::ALL)
    };
    Policy::from_iter([("*", entry)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_in_a_thousand_swaps() {
    let versions: Vec<_> = (1..=3)
        .map(|number| {
            let answer = format!(r#"{{"version":{number}}}"#);
            Guest::new("a").answer(&answer).build()
        })
        .collect();
    let live = Live::new([
        ("a.wasm", versions[0].clone()),
        ("b.wasm", Guest::new("b").build()),
    ])
    .await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for caller in 0..4 {
        let (tools, stop) = (live.tools.clone(), Arc::clone(&stop));
        let name = if caller % 4 == 0 { "b" } else { "a" };
        callers.spawn(async move {
            let mut seen = BTreeSet::new();
            while !stop.load(Ordering::Relaxed) {
                match tools.call(name, no_arguments()).await {
                    Ok(Outcome::Answer(answer)) => {
                        seen.insert(answer.structured.unwrap().text().to_owned());
                    }
                    other => panic!("a call was lost: {other:?}"),
                }
                tokio::task::yield_now().await;
            }
            seen
        });
    }
    for turn in 0..1000 {
        live.put("a.wasm", &versions[turn % versions.len()]);
        live.tools.set_policy(policy(turn)).await.unwrap();
        if turn % 100 == 99 {
            // A moment without changes, so that the newest version is taken.
            let newest = format!(r#"{{"version":{}}}"#, turn % versions.len() + 1);
            live.until_answer("a", &newest).await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    let seen: BTreeSet<_> = callers.join_all().await.into_iter().flatten().collect();
    // All three versions of the one tool, and the only one of the other.
    assert_eq!(seen.len(), 4, "{seen:?}");
    let status = live.status();
    for row in &status.tools {
        assert_eq!(row.usage.failures, 0, "{row:?}");
        assert_eq!((row.usage.running, row.usage.queued), (0, 0), "{row:?}");
    }
    assert_eq!(status.running, 0);
    live.stop().await;
}
