//! Calls that would go on for ever, take everything, or fail.

use std::time::Duration;

use sandpit_sandbox::{CallError, CallLimits, SandboxConfig};

use crate::guest::{Guest, outcome};
use crate::{call, load, sandbox, structured};

/// A sandbox that is quick to lose patience.
fn impatient() -> SandboxConfig {
    SandboxConfig {
        grace: Duration::from_millis(50),
        ..SandboxConfig::default()
    }
}

fn limits(deadline: u64) -> CallLimits {
    CallLimits {
        deadline: Duration::from_millis(deadline),
        ..CallLimits::default()
    }
}

const FOR_EVER: &str = "(loop $forever (br $forever))";

#[tokio::test]
async fn an_endless_loop_is_ended() {
    let sandbox = sandbox(impatient());
    let component = load(&sandbox, Guest::new("endless").before_answer(FOR_EVER)).await;
    let mut call = call();
    call.limits = limits(50);
    let error = component.call(call).await.unwrap_err();
    assert_eq!(
        error,
        CallError::DeadlineExceeded {
            deadline: Duration::from_millis(50)
        }
    );
}

#[tokio::test]
async fn an_endless_loop_lets_others_run() {
    // One thread for everything: without yielding, the second call would not
    // begin before the first is over.
    let sandbox = sandbox(impatient());
    let endless = load(&sandbox, Guest::new("endless").before_answer(FOR_EVER)).await;
    let quick = load(&sandbox, Guest::new("quick")).await;
    let cancel = tokio_util::sync::CancellationToken::new();
    let running = {
        let mut call = call();
        call.cancel = cancel.clone();
        tokio::spawn(async move { endless.call(call).await })
    };
    quick.call(call()).await.unwrap();
    assert!(!running.is_finished());
    cancel.cancel();
    assert_eq!(running.await.unwrap().unwrap_err(), CallError::Cancelled);
}

#[tokio::test]
async fn a_trap_ends_only_its_call() {
    let sandbox = sandbox(impatient());
    let guest = Guest::new("traps").before_answer("unreachable");
    let component = load(&sandbox, guest).await;
    for _ in 0..3 {
        let error = component.call(call()).await.unwrap_err();
        assert_eq!(error, CallError::Trapped);
    }
    let good = load(&sandbox, Guest::new("good")).await;
    good.call(call()).await.unwrap();
}

#[tokio::test]
async fn endless_recursion_is_a_trap() {
    let sandbox = sandbox(impatient());
    let guest = Guest::new("deep")
        .fields("(func $dive (call $dive))")
        .before_answer("(call $dive)");
    let component = load(&sandbox, guest).await;
    let error = component.call(call()).await.unwrap_err();
    assert_eq!(error, CallError::Trapped);
}

#[tokio::test]
async fn memory_is_bounded() {
    let sandbox = sandbox(impatient());
    // Grows until it is refused, and then does what a guest without memory
    // does.
    let greedy = Guest::new("greedy").before_answer(
        "(loop $more
            (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
         unreachable",
    );
    let component = load(&sandbox, greedy).await;
    let mut small = call();
    small.limits.memory = 4 << 20;
    let error = component.call(small).await.unwrap_err();
    assert_eq!(error, CallError::OutOfMemory { limit: 4 << 20 });

    // What a call may have does not reach beyond what any call may have.
    let mut large = call();
    large.limits.memory = usize::MAX;
    let error = component.call(large).await.unwrap_err();
    assert_eq!(error, CallError::OutOfMemory { limit: 64 << 20 });
}

#[tokio::test]
async fn a_large_initial_memory_is_refused() {
    let sandbox = sandbox(SandboxConfig {
        memory_limit: 1 << 20,
        ..impatient()
    });
    let guest = Guest::new("large").memory(64);
    assert!(sandbox.inspect(guest.build()).await.is_err());
}

#[tokio::test]
async fn answers_are_bounded() {
    let sandbox = sandbox(impatient());
    let long = format!("{{\"text\":\"{}\"}}", "x".repeat(1000));
    let component = load(&sandbox, Guest::new("long").answer(&long)).await;
    let mut call = call();
    call.limits.answer_bytes = 500;
    assert_eq!(
        component.call(call).await.unwrap_err(),
        CallError::TooLarge { limit: 500 }
    );
    let whole = component.call(crate::call()).await.unwrap();
    assert_eq!(structured(whole), long);
}

#[tokio::test]
async fn an_answer_that_lies_about_its_length_fails() {
    let sandbox = sandbox(impatient());
    let guest =
        Guest::new("liar").before_answer(&format!("(return {})", block(1024, usize::MAX >> 33)));
    let component = load(&sandbox, guest).await;
    assert_eq!(
        component.call(call()).await.unwrap_err(),
        CallError::Trapped
    );
}

#[tokio::test]
async fn an_answer_that_is_no_json_breaks_the_contract() {
    let sandbox = sandbox(impatient());
    let component = load(&sandbox, Guest::new("prose").answer("hello")).await;
    assert!(matches!(
        component.call(call()).await.unwrap_err(),
        CallError::BrokenContract(_)
    ));
}

#[tokio::test]
async fn the_queue_is_bounded() {
    let sandbox = sandbox(SandboxConfig {
        max_instances: 1,
        max_queued: 0,
        ..impatient()
    });
    let endless = load(&sandbox, Guest::new("endless").before_answer(FOR_EVER)).await;
    let cancel = tokio_util::sync::CancellationToken::new();
    let running = {
        let (endless, mut call) = (endless.clone(), call());
        call.cancel = cancel.clone();
        tokio::spawn(async move { endless.call(call).await })
    };
    tokio::task::yield_now().await;
    assert_eq!(
        endless.call(call()).await.unwrap_err(),
        CallError::Busy { max_instances: 1 }
    );
    cancel.cancel();
    running.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn waiting_for_a_place_ends() {
    let sandbox = sandbox(SandboxConfig {
        max_instances: 1,
        queue_deadline: Duration::from_millis(50),
        ..impatient()
    });
    let endless = load(&sandbox, Guest::new("endless").before_answer(FOR_EVER)).await;
    let cancel = tokio_util::sync::CancellationToken::new();
    let running = {
        let (endless, mut call) = (endless.clone(), call());
        call.cancel = cancel.clone();
        tokio::spawn(async move { endless.call(call).await })
    };
    tokio::task::yield_now().await;
    assert_eq!(
        endless.call(call()).await.unwrap_err(),
        CallError::Busy { max_instances: 1 }
    );
    let mut cancelled = call();
    cancelled.cancel.cancel();
    cancelled.limits = limits(1000);
    assert_eq!(
        endless.call(cancelled).await.unwrap_err(),
        CallError::Cancelled
    );
    cancel.cancel();
    running.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn shutdown_ends_what_runs() {
    let sandbox = sandbox(impatient());
    let endless = load(&sandbox, Guest::new("endless").before_answer(FOR_EVER)).await;
    let running = tokio::spawn(async move { endless.call(call()).await });
    tokio::task::yield_now().await;
    sandbox.shutdown().await;
    assert_eq!(running.await.unwrap().unwrap_err(), CallError::Cancelled);
}

/// The code of an outcome as one expression.
fn block(address: usize, length: usize) -> String {
    format!("(block (result i32) {})", outcome(address, length))
}
