//! Limits of a tool: what exceeds one is refused with a sentence that names it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sandpit_tools::policy::Limits;
use sandpit_tools::{CallRequest, Failure, FailureKind, Policy, PolicyEntry};
use serde_json::Map;
use tokio::task::JoinSet;

use crate::guest::Guest;
use crate::live::{Live, eventually, patient};
use crate::{failure, no_arguments, structured};

fn limited(limits: Limits) -> Policy {
    let entry = PolicyEntry {
        limits: Some(limits),
        ..PolicyEntry::granting([])
    };
    Policy::from_iter([("*", entry)])
}

fn request(client: &str) -> CallRequest {
    CallRequest::new(Map::new(), client, "call-1")
}

async fn refused(live: &Live, name: &str) -> Failure {
    failure(live.tools.call(name, no_arguments()).await.unwrap())
}

async fn fails(guest: Guest, limits: Limits, kind: FailureKind, words: &str) {
    let live = Live::with([("a.wasm", guest.build())], limited(limits)).await;
    let failure = refused(&live, "a").await;
    assert_eq!(failure.kind, kind, "{failure:?}");
    assert!(failure.message.contains(words), "{failure:?}");
    live.stop().await;
}

#[tokio::test]
async fn a_call_has_the_memory_time_and_answer_of_its_policy() {
    fails(
        Guest::new("a").memory(40),
        Limits {
            memory_mib: Some(1),
            ..Limits::default()
        },
        FailureKind::Internal,
        "1 MiB",
    )
    .await;
    fails(
        Guest::new("a").answer(r#"{"text":"longer than ten bytes"}"#),
        Limits {
            answer_bytes: Some(10),
            ..Limits::default()
        },
        FailureKind::Internal,
        "10 bytes",
    )
    .await;
    for guest in [Guest::new("a"), Guest::new("a").streaming()] {
        fails(
            guest.before_answer("(loop $l (br $l))"),
            Limits {
                deadline_seconds: Some(1),
                ..Limits::default()
            },
            FailureKind::TimedOut,
            "1 second",
        )
        .await;
    }
}

#[tokio::test]
async fn callers_past_the_limit_take_turns() {
    // It holds its place only for a caller who asks for that.
    let tool = Guest::new("a")
        .import("sandpit:tool/context@0.1.0", "cancelled", "(result i32)")
        .import("sandpit:tool/context@0.1.0", "open-ended", "(result i32)")
        .before_answer(
            "(if (call $open-ended)
                 (then (loop $wait (br_if $wait (i32.eqz (call $cancelled))))))",
        );
    let live = Live::with(
        [("a.wasm", tool.build())],
        limited(Limits {
            concurrent_calls: Some(1),
            queued_calls: Some(4),
            ..Limits::default()
        }),
    )
    .await;
    let mut holds = request("crowd");
    holds.open_ended = true;
    let holds = live.begin("a", holds).await;

    let order = Arc::new(Mutex::new(Vec::new()));
    let mut waiting = JoinSet::new();
    for (place, client) in ["crowd", "crowd", "crowd", "other"].into_iter().enumerate() {
        let (tools, order) = (live.tools.clone(), Arc::clone(&order));
        waiting.spawn(async move {
            let outcome = tools.call("a", request(client)).await.unwrap();
            structured(outcome);
            order.lock().unwrap().push(client);
        });
        eventually(
            || format!("{client} waits"),
            || live.row("a.wasm").unwrap().usage.queued == place as u64 + 1,
        )
        .await;
    }
    let full = refused(&live, "a").await;
    assert_eq!(full.kind, FailureKind::Pacing);
    assert!(full.message.contains("1 calls at a time"), "{full:?}");
    assert!(full.message.contains("4 wait"), "{full:?}");

    holds.answer().await;
    waiting.join_all().await;
    let order = order.lock().unwrap().clone();
    assert_eq!(order, ["crowd", "other", "crowd", "crowd"]);
    live.stop().await;
}

#[tokio::test]
async fn who_waits_may_leave_and_is_sent_away_at_its_deadline() {
    let files = [("a.wasm", patient("a", r#"{"a":1}"#).build())];
    let live = Live::configured(files, |config| {
        config.policy = limited(Limits {
            concurrent_calls: Some(1),
            ..Limits::default()
        });
    })
    .await;
    let running = live.begin("a", no_arguments()).await;
    let leaving = live.begin("a", no_arguments()).await;
    leaving.cancel.cancel();
    let left = failure(leaving.outcome().await);
    assert_eq!(left.kind, FailureKind::Cancelled, "{left:?}");
    eventually(
        || "nobody waits".to_owned(),
        || live.row("a.wasm").unwrap().usage.queued == 0,
    )
    .await;
    // The operator ends those who wait as well.
    let waiting = live.begin("a", no_arguments()).await;
    live.tools.set_policy(Policy::default()).await.unwrap();
    waiting.revoked().await;
    running.revoked().await;
    live.stop().await;

    // A stream waits no longer than another call.
    let stream = patient("a", r#"{"a":1}"#).streaming().build();
    let live = Live::configured([("a.wasm", stream)], |config| {
        config.call_deadline = Duration::from_millis(50);
        config.policy = limited(Limits {
            concurrent_calls: Some(1),
            ..Limits::default()
        });
    })
    .await;
    let running = live.begin("a", no_arguments()).await;
    let waited = refused(&live, "a").await;
    assert_eq!(waited.kind, FailureKind::Pacing);
    assert!(waited.message.contains("Try again"), "{waited:?}");
    assert!(!running.is_over());
    running.answer().await;
    live.stop().await;
}

#[tokio::test]
async fn so_many_calls_begin_within_a_minute() {
    let files = [("a.wasm", Guest::new("a").build())];
    let live = Live::with(
        files,
        limited(Limits {
            calls_per_minute: Some(2),
            ..Limits::default()
        }),
    )
    .await;
    live.answer("a").await;
    live.answer("a").await;
    let third = refused(&live, "a").await;
    assert_eq!(third.kind, FailureKind::Pacing);
    assert!(third.message.contains("2 times a minute"), "{third:?}");
    assert!(third.message.contains("Try again in"), "{third:?}");

    // Another version of the file is no second turn.
    let before = live.digest("a");
    live.put("a.wasm", Guest::new("a").answer(r#"{"b":1}"#).build());
    eventually(
        || "the newer version serves".to_owned(),
        || live.digest("a") != before,
    )
    .await;
    assert_eq!(refused(&live, "a").await.kind, FailureKind::Pacing);
    live.remove("a.wasm");
    live.until_names(&[]).await;
    live.put("a.wasm", Guest::new("a").build());
    live.until_names(&["a"]).await;
    assert_eq!(refused(&live, "a").await.kind, FailureKind::Pacing);
    // The counters went on as well.
    let usage = live.row("a.wasm").unwrap().usage;
    assert_eq!((usage.calls, usage.failures), (5, 3));
    assert!(usage.last_called.is_some() && usage.last_failed.is_some());

    live.tools
        .set_policy(limited(Limits::default()))
        .await
        .unwrap();
    live.answer("a").await;
    live.stop().await;
}

#[tokio::test]
async fn a_call_whose_caller_leaves_is_counted() {
    let live = Live::new([("a.wasm", patient("a", r#"{"a":1}"#).build())]).await;
    let call = live.begin("a", no_arguments()).await;
    call.leave();
    eventually(
        || "the call is gone".to_owned(),
        || {
            let usage = live.row("a.wasm").unwrap().usage;
            (usage.calls, usage.failures, usage.running) == (1, 1, 0)
        },
    )
    .await;
    live.stop().await;
}
