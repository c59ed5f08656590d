//! Attacks on time: loops, and waiting.

use sandpit_simulator::Simulator;
use serde_json::json;
use wasmtime::Trap;

use super::bare::{Setup, control};
use super::sentences::{A_SECOND, endless, siege};
use super::siege::{Siege, attack, besiege, row, running};
use super::written;
use crate::support::{Host, simulator};

/// A deadline that no test waits for.
const TEN_MINUTES: &str = "
    [policy.\"*\".limits]
    deadline_seconds = 600
";

#[tokio::test]
async fn control_without_the_deadline_they_go_on() {
    let simulator = simulator().await;
    let patient = siege(&endless())
        .config(TEN_MINUTES)
        .begin(&simulator)
        .await;
    let calls: Vec<_> = endless()
        .iter()
        .map(|attack| besiege(&patient, attack.tool, &attack.arguments))
        .collect();
    running(&patient, calls.len() as u64).await;

    // The same calls, begun later and bounded, are long over.
    let other = crate::support::simulator().await;
    let bounded = siege(&endless()).config(A_SECOND).begin(&other).await;
    for attack in endless() {
        let answer = bounded.post(attack.tool, attack.arguments).await;
        assert_eq!(answer.status, 504, "{}", attack.tool);
    }
    for call in &calls {
        assert!(!call.is_finished());
        call.abort();
    }
    // Nobody waits for them any more, and that ends them as well.
    running(&patient, 0).await;
}

#[tokio::test]
async fn control_without_the_deadline_waiting_has_an_end() {
    let simulator = simulator().await;
    let patient = Siege::new(&["waits"]).begin(&simulator).await;
    let answer = patient.post("waits", json!({"milliseconds": 4000})).await;
    assert_eq!(answer.ok()["waited"], true);
    let bounded = Siege::new(&["waits"])
        .config(A_SECOND)
        .begin(&simulator)
        .await;
    let answer = bounded.post("waits", json!({"milliseconds": 4000})).await;
    answer.problem(504);
}

/// Whether something runs out of any amount of fuel.
fn runs_out(run: impl Fn(Setup) -> wasmtime::Result<()>) {
    for fuel in [1_000_000, 50_000_000] {
        let error = run(Setup::new().fuel(fuel)).expect_err("it ends by itself");
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::OutOfFuel));
    }
}

#[test]
fn control_the_loops_have_no_end_of_their_own() {
    control(|| {
        for name in ["loop_in_call", "calls_the_context"] {
            let component = attack(name);
            runs_out(|setup| setup.start(&component)?.call(&json!({})).map(drop));
        }
        let component = attack("loop_in_describe");
        runs_out(|setup| setup.start(&component)?.describe().map(drop));
        let component = written::loop_in_start().build();
        runs_out(|setup| setup.start(&component).map(drop));
    });
}

#[tokio::test]
async fn a_start_that_never_ends_holds_nobody_up() {
    let simulator = simulator().await;
    let host = Siege::new(&["loop_in_describe"])
        .with("loop_in_start", written::loop_in_start())
        .with("memory_in_start", written::memory_in_start())
        .begin(&simulator)
        .await;
    host.get("get_positions").await.ok();
    for (name, says) in [
        (
            "loop_in_describe",
            "The component failed to describe itself: The tool did not answer within 5 seconds",
        ),
        (
            "loop_in_start",
            "The component failed to describe itself: The tool did not answer within 5 seconds",
        ),
        (
            "memory_in_start",
            "The component failed to describe itself: The tool needed more than its 64 MiB",
        ),
    ] {
        refused(&host, name, says).await;
        host.post(name, json!({})).await.problem(404);
    }
    running(&host, 0).await;
}

async fn refused(host: &Host, name: &str, says: &str) {
    crate::support::eventually("it is refused", async || {
        row(host, name).await["state"] == "refused"
    })
    .await;
    let row = row(host, name).await;
    let reason = row["reason"].as_str().expect("a reason");
    assert!(reason.contains(says), "{name}: {reason}");
}

#[tokio::test]
async fn what_is_out_of_time_leaves_no_queue_behind() {
    let simulator = simulator().await;
    let host = Siege::new(&["calls_the_broker"])
        .config(A_SECOND)
        .begin(&simulator)
        .await;
    host.post("calls_the_broker", json!({})).await.problem(504);
    let before = asked(&simulator);
    // Requests for open orders have their turn one after the other. Of those
    // that the tool began, one may still be on its way.
    host.post("calls_the_broker", json!({"count": 1}))
        .await
        .ok();
    assert!(asked(&simulator) <= before + 2, "{}", asked(&simulator));
}

/// How often TWS was asked for the open orders, also by the host itself, which
/// holds its own against them after it has connected.
fn asked(simulator: &Simulator) -> usize {
    let received = simulator.received();
    let orders = received
        .iter()
        .filter(|of| of.name == "AllOpenOrdersRequest");
    orders.count()
}

#[tokio::test]
async fn requests_of_the_broker_are_counted() {
    let simulator = simulator().await;
    let limit = |count: u32| format!("[policy.calls_the_broker.limits]\nhost_calls = {count}\n");
    let bounded = Siege::new(&["calls_the_broker"])
        .config(&limit(20))
        .begin(&simulator)
        .await;
    let before = asked(&simulator);
    let answer = bounded
        .post("calls_the_broker", json!({"count": 100}))
        .await;
    assert_eq!(answer.ok()["answered"], 20);
    assert!(asked(&simulator) - before <= 20, "{}", asked(&simulator));
    let before = asked(&simulator);

    // Control: with the bound lifted every one of them is answered.
    drop(bounded);
    let lifted = Siege::new(&["calls_the_broker"])
        .config(&limit(1000))
        .begin(&simulator)
        .await;
    let answer = lifted.post("calls_the_broker", json!({"count": 100})).await;
    assert_eq!(answer.ok()["answered"], 100);
    assert!(asked(&simulator) - before > 20, "{}", asked(&simulator));
}
