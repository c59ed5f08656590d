//! Attacks on space: memory, tables, the stack, and handles of the host.

use serde_json::json;

use super::bare::{Outcome, Setup, control};
use super::siege::{Siege, attack};
use super::written;
use crate::support::simulator;

#[tokio::test]
async fn memory_is_what_the_policy_says() {
    let simulator = simulator().await;
    let limit = |mebibytes: u32| {
        format!(
            "[sandbox]\nmemory_mib = 256\n[policy.memory_growth.limits]\nmemory_mib = {mebibytes}\n"
        )
    };
    let small = Siege::new(&["memory_growth"]).config(&limit(16));
    let small = small.begin(&simulator).await;
    let answer = small.post("memory_growth", json!({"mebibytes": 32})).await;
    assert_eq!(
        answer.problem(500),
        "The tool needed more than its 16 MiB of memory and was ended."
    );

    // Control: with the bound lifted it has all that it wants.
    drop(small);
    let large = Siege::new(&["memory_growth"]).config(&limit(256));
    let large = large.begin(&simulator).await;
    let answer = large.post("memory_growth", json!({"mebibytes": 128})).await;
    assert_eq!(answer.ok()["mebibytes"], 128);
}

#[test]
fn control_memory_and_tables_grow_where_nobody_counts() {
    control(|| {
        let component = written::memory_in_start().build();
        let mut bare = Setup::new().start(&component).expect("it starts");
        assert_eq!(bare.describe().unwrap().name, "memory_in_start");
        let mut bare = Setup::new().start(&attack("memory_growth")).unwrap();
        let answer = bare.answer(&json!({"mebibytes": 128}));
        assert_eq!(answer, r#"{"mebibytes":128}"#);
        let component = written::table_growth().build();
        let mut bare = Setup::new().start(&component).unwrap();
        assert_eq!(bare.answer(&json!({})), r#"{"ok":true}"#);
    });
}

#[test]
fn control_recursion_goes_as_deep_as_the_stack() {
    control(|| {
        let mut bare = Setup::new().start(&attack("deep_recursion")).unwrap();
        assert_eq!(bare.answer(&json!({"depth": 30_000})), r#"{"depth":30000}"#);
    });
}

#[tokio::test]
async fn quote_streams_are_counted_and_closed() {
    let simulator = simulator().await;
    let lines =
        |limit: u32| format!("[policy.leaks_streams.limits]\nmarket_data_lines = {limit}\n");
    let open = || {
        let connections = simulator.connections();
        connections
            .iter()
            .map(|of| of.subscriptions.len())
            .sum::<usize>()
    };
    let few = Siege::new(&["leaks_streams"]).config(&lines(10));
    let few = few.begin(&simulator).await;
    let leak = json!({"count": 100});
    for _ in 0..3 {
        // Every call has all of its lines: none is left from the one before.
        let sentence = few.post("leaks_streams", leak.clone()).await.problem(429);
        assert!(sentence.contains("10"), "{sentence}");
    }
    crate::support::eventually("all are closed", async || open() == 0).await;

    // Control: with the bound lifted it holds as many as it likes.
    drop(few);
    let many = Siege::new(&["leaks_streams"]).config(&lines(1000));
    let many = many.begin(&simulator).await;
    assert_eq!(many.post("leaks_streams", leak).await.ok()["leaked"], true);
    crate::support::eventually("all are closed", async || open() == 0).await;

    // But not as many as there are numbers.
    let sentence = many.post("leaks_streams", json!({"count": 1000})).await;
    let sentence = sentence.problem(429);
    assert!(sentence.contains("open streams"), "{sentence}");
}

#[test]
fn control_handles_pile_up_where_nobody_counts() {
    control(|| {
        let mut bare = Setup::new().start(&attack("leaks_pollables")).unwrap();
        for _ in 0..2 {
            let outcome = bare.call(&json!({"count": 10_000})).unwrap();
            assert!(matches!(outcome, Outcome::Answer(_)), "{outcome:?}");
        }
        // And they are all still there.
        let mut bare = Setup::new().start(&attack("guesses_handles")).unwrap();
        for handle in 1..100 {
            let answer = bare.answer(&json!({}));
            assert_eq!(answer, format!(r#"{{"handle":{handle}}}"#));
        }
    });
}
