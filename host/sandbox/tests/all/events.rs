//! What a tool says while it runs, and what it learns of its own call.

use std::time::Duration;

use sandpit_sandbox::{CallError, Event, Level, Rate, SandboxConfig};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::guest::Guest;
use crate::{call, load, sandbox, structured};

const CONTEXT: &str = "sandpit:tool/context@0.1.0";

fn emitting(code: impl FnOnce(&str, &str) -> String) -> Guest {
    let mut guest = Guest::new("emits").import(CONTEXT, "emit", "(param i32 i32 i32 i32)");
    let (name, name_length) = guest.text("quote");
    let (data, data_length) = guest.text(r#"{"bid":1.50}"#);
    let emit = format!(
        "(call $emit (i32.const {name}) (i32.const {name_length})
                     (i32.const {data}) (i32.const {data_length}))"
    );
    let wrong = format!(
        "(call $emit (i32.const {name}) (i32.const {name_length})
                     (i32.const {name}) (i32.const {name_length}))"
    );
    guest.before_answer(&code(&emit, &wrong))
}

#[tokio::test]
async fn events_reach_the_caller_in_order() {
    let sandbox = sandbox(SandboxConfig::default());
    let mut guest = Guest::new("talks")
        .import(CONTEXT, "log", "(param i32 i32 i32)")
        .import(CONTEXT, "progress", "(param f64 i32 f64 i32 i32 i32)");
    let (text, length) = guest.text("half\nway");
    let guest = guest.before_answer(&format!(
        "(call $progress (f64.const 1) (i32.const 1) (f64.const 2)
                         (i32.const 1) (i32.const {text}) (i32.const {length}))
         (call $progress (f64.const 1) (i32.const 0) (f64.const 0)
                         (i32.const 0) (i32.const 0) (i32.const 0))
         (call $progress (f64.const nan) (i32.const 0) (f64.const 0)
                         (i32.const 0) (i32.const 0) (i32.const 0))
         (call $log (i32.const 2) (i32.const {text}) (i32.const {length}))"
    ));
    let component = load(&sandbox, guest).await;
    let (sender, mut events) = mpsc::channel(16);
    let mut call = call();
    call.events = Some(sender);
    component.call(call).await.unwrap();
    let Some(Event::Progress {
        done,
        total,
        message,
    }) = events.recv().await
    else {
        panic!("progress should come first")
    };
    assert_eq!((done, total), (1.0, Some(2.0)));
    assert_eq!(message.as_deref(), Some("half\nway"));
    // Progress that does not grow is no news.
    let Some(Event::Log { level, message }) = events.recv().await else {
        panic!("the log line should come next")
    };
    assert_eq!((level, message.as_str()), (Level::Warning, "half way"));
    assert!(events.recv().await.is_none());
}

#[tokio::test]
async fn stream_events_wait_for_a_slow_caller() {
    let sandbox = sandbox(SandboxConfig::default());
    let guest = emitting(|emit, wrong| format!("{emit} {wrong} {emit} {emit}"));
    let component = load(&sandbox, guest).await;
    let (sender, mut events) = mpsc::channel(1);
    let mut call = call();
    call.events = Some(sender);
    let running = tokio::spawn(async move { component.call(call).await });
    let mut count = 0;
    while let Some(Event::Emitted { event, data }) = events.recv().await {
        assert_eq!((event.as_str(), data.get()), ("quote", r#"{"bid":1.50}"#));
        count += 1;
    }
    assert_eq!(count, 3);
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_caller_who_left_holds_nothing_up() {
    let sandbox = sandbox(SandboxConfig::default());
    let component = load(&sandbox, emitting(|emit, _| format!("{emit} {emit}"))).await;
    let (sender, events) = mpsc::channel(1);
    drop(events);
    let mut call = call();
    call.events = Some(sender);
    component.call(call).await.unwrap();
}

#[tokio::test]
async fn a_cancelled_call_does_not_wait_for_its_caller() {
    let sandbox = sandbox(SandboxConfig::default());
    let component = load(&sandbox, emitting(|emit, _| format!("{emit} {emit}"))).await;
    let (sender, _events) = mpsc::channel(1);
    let mut call = call();
    call.events = Some(sender);
    let cancel = call.cancel.clone();
    let running = tokio::spawn(async move { component.call(call).await });
    cancel.cancel();
    // It ends by itself, well within the grace period.
    running.await.unwrap().unwrap();
}

/// How many events a tool sent that wants to send four of them.
async fn sent(events: Rate, deadline: Duration) -> usize {
    let sandbox = sandbox(SandboxConfig::default());
    let guest = emitting(|emit, _| format!("{emit} {emit} {emit} {emit}"));
    let component = load(&sandbox, guest).await;
    let (sender, mut received) = mpsc::channel(16);
    let mut call = call();
    call.events = Some(sender);
    call.limits.events = events;
    call.limits.deadline = deadline;
    // Held back until its end, it still ends in good order.
    component.call(call).await.unwrap();
    let mut count = 0;
    while received.recv().await.is_some() {
        count += 1;
    }
    count
}

#[tokio::test]
async fn too_many_events_wait_for_their_turn() {
    let rate = |per_second| Rate {
        at_once: 2,
        per_second,
    };
    assert_eq!(sent(rate(50), Duration::from_secs(60)).await, 4);
    // Where none are added, they wait until the call has to end.
    assert_eq!(sent(rate(0), Duration::from_millis(50)).await, 2);
}

#[tokio::test]
async fn too_much_of_a_stream_ends_the_call() {
    let sandbox = sandbox(SandboxConfig::default());
    let guest = emitting(|emit, _| format!("(loop $forever {emit} (br $forever))"));
    let component = load(&sandbox, guest).await;
    let (sender, mut received) = mpsc::channel(16);
    let mut call = call();
    call.events = Some(sender);
    call.limits.stream_bytes = Rate {
        at_once: 100,
        per_second: 0,
    };
    let running = tokio::spawn(async move { component.call(call).await });
    let mut bytes = 0;
    while let Some(Event::Emitted { event, data }) = received.recv().await {
        bytes += event.len() + data.get().len();
    }
    // What fits into the limit was sent, the next one was not.
    assert_eq!(bytes, 85);
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(
        error,
        CallError::LimitExceeded {
            what: "bytes of stream events",
            limit: 100
        }
    );
    assert!(error.to_string().contains("100 bytes"), "{error}");
}

#[tokio::test]
async fn a_cut_log_says_so_once() {
    let sandbox = sandbox(SandboxConfig::default());
    let mut guest = Guest::new("talks").import(CONTEXT, "log", "(param i32 i32 i32)");
    let (text, length) = guest.text("a line of some length");
    let line = format!("(call $log (i32.const 1) (i32.const {text}) (i32.const {length}))");
    let component = load(&sandbox, guest.before_answer(&line.repeat(10))).await;
    let (sender, mut received) = mpsc::channel(16);
    let mut call = call();
    call.events = Some(sender);
    call.limits.log_bytes = Rate {
        at_once: 50,
        per_second: 0,
    };
    component.call(call).await.unwrap();
    let mut levels = Vec::new();
    while let Some(Event::Log { level, .. }) = received.recv().await {
        levels.push(level);
    }
    // Two lines fit; of the eight that do not, the listener hears once.
    assert_eq!(levels, [Level::Info, Level::Info, Level::Warning]);
}

#[tokio::test]
async fn a_listener_who_falls_behind_hears_that_lines_are_missing() {
    let sandbox = sandbox(SandboxConfig::default());
    let mut guest = Guest::new("talks").import(CONTEXT, "log", "(param i32 i32 i32)");
    let (text, length) = guest.text("a line");
    let line = format!("(call $log (i32.const 1) (i32.const {text}) (i32.const {length}))");
    // Goes on until somebody has listened and the call is cancelled.
    let guest = guest
        .import(CONTEXT, "cancelled", "(result i32)")
        .before_answer(&format!(
            "(loop $more {line} (br_if $more (i32.eqz (call $cancelled))))"
        ));
    let component = load(&sandbox, guest).await;
    let (sender, mut received) = mpsc::channel(2);
    let mut call = call();
    call.events = Some(sender);
    let cancel = call.cancel.clone();
    let running = tokio::spawn(async move { component.call(call).await });
    let mut warnings = 0;
    while let Some(Event::Log { level, .. }) = received.recv().await {
        if level == Level::Warning {
            warnings += 1;
            cancel.cancel();
        }
    }
    assert_eq!(warnings, 1);
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_tool_sees_that_it_is_cancelled() {
    let sandbox = sandbox(SandboxConfig::default());
    let guest = Guest::new("polite")
        .import(CONTEXT, "cancelled", "(result i32)")
        .before_answer("(loop $wait (br_if $wait (i32.eqz (call $cancelled))))");
    let component = load(&sandbox, guest).await;
    // By its caller.
    let mut first = call();
    let cancel = CancellationToken::new();
    first.cancel = cancel.clone();
    let running = {
        let component = component.clone();
        tokio::spawn(async move { component.call(first).await })
    };
    tokio::task::yield_now().await;
    cancel.cancel();
    assert_eq!(
        structured(running.await.unwrap().unwrap()),
        r#"{"ok":true}"#
    );
    // By its deadline.
    let mut second = call();
    second.limits.deadline = Duration::from_millis(20);
    assert_eq!(
        structured(component.call(second).await.unwrap()),
        r#"{"ok":true}"#
    );
    // By the end of the host.
    let running = tokio::spawn(async move { component.call(call()).await });
    tokio::task::yield_now().await;
    sandbox.shutdown().await;
    assert_eq!(
        structured(running.await.unwrap().unwrap()),
        r#"{"ok":true}"#
    );
}

#[tokio::test]
async fn a_tool_knows_its_time_and_its_caller() {
    let sandbox = sandbox(SandboxConfig::default());
    // Traps unless the caller stays, and there are at most 5 seconds left.
    let guest = Guest::new("aware")
        .import(CONTEXT, "remaining-ms", "(result i64)")
        .import(CONTEXT, "open-ended", "(result i32)")
        .before_answer(
            "(if (i32.eqz (call $open-ended)) (then unreachable))
             (if (i64.gt_u (call $remaining-ms) (i64.const 5000)) (then unreachable))",
        );
    let component = load(&sandbox, guest).await;
    let mut call = call();
    call.open_ended = true;
    call.limits.deadline = Duration::from_secs(5);
    component.call(call).await.unwrap();
}
