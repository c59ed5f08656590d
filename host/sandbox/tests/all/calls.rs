//! Calls that go well.

use crate::guest::Guest;
use crate::{call, load, sandbox, structured};
use sandpit_sandbox::{Askable, InputResponse, Response, Resume, SandboxConfig};

#[tokio::test]
async fn a_tool_answers() {
    let sandbox = sandbox(SandboxConfig::default());
    let component = load(&sandbox, Guest::new("good")).await;
    assert_eq!(component.descriptor().name, "good");
    assert_eq!(component.digest().len(), 64);
    assert!(component.capabilities().is_empty());
    let outcome = component.call(call()).await.unwrap();
    assert_eq!(structured(outcome), r#"{"ok":true}"#);
}

#[tokio::test]
async fn nothing_survives_a_call() {
    let sandbox = sandbox(SandboxConfig::default());
    // Traps if the counter is not at zero when the call begins.
    let guest = Guest::new("fresh").before_answer(
        "(if (global.get $count) (then unreachable))
         (global.set $count (i32.const 1))",
    );
    let component = load(&sandbox, guest).await;
    for _ in 0..3 {
        component.call(call()).await.unwrap();
    }
}

#[tokio::test]
async fn arguments_and_answers_reach_the_tool() {
    let sandbox = sandbox(SandboxConfig::default());
    // Echoes its arguments as the structured answer.
    let guest = Guest::new("echo").before_answer(
        "(i32.store (i32.const 512) (i32.const 0))
         (i32.store (i32.const 516) (i32.const 0))
         (i32.store (i32.const 520) (i32.const 0))
         (i32.store (i32.const 524) (i32.const 1))
         (i32.store (i32.const 528) (local.get 0))
         (i32.store (i32.const 532) (local.get 1))
         (return (i32.const 512))",
    );
    let component = load(&sandbox, guest).await;
    let mut call = call();
    call.arguments = r#"{"text":"ü 1.10"}"#.to_owned();
    let outcome = component.call(call).await.unwrap();
    assert_eq!(structured(outcome), r#"{"text":"ü 1.10"}"#);
}

#[tokio::test]
async fn a_call_carries_on_after_a_question() {
    let sandbox = sandbox(SandboxConfig::default());
    // Answers with what the person said, and traps without a resume whose
    // state has three bytes and that has one response, or if the client can be
    // asked for anything but roots. The text of a form's answer lies behind
    // the name of its question and the kind of the response.
    let guest = Guest::new("resume").before_answer(
        "(if (i32.ne (local.get 2) (i32.const 1)) (then unreachable))
         (if (i32.ne (local.get 4) (i32.const 3)) (then unreachable))
         (if (i32.ne (local.get 6) (i32.const 1)) (then unreachable))
         (if (i32.ne (local.get 7) (i32.const 4)) (then unreachable))
         (i32.store (i32.const 512) (i32.const 0))
         (i32.store (i32.const 516) (i32.const 0))
         (i32.store (i32.const 520) (i32.const 0))
         (i32.store (i32.const 524) (i32.const 1))
         (i32.store (i32.const 528) (i32.load offset=12 (local.get 5)))
         (i32.store (i32.const 532) (i32.load offset=16 (local.get 5)))
         (return (i32.const 512))",
    );
    let component = load(&sandbox, guest).await;
    let mut call = call();
    call.resume = Some(Resume {
        state: vec![1, 2, 3],
        responses: vec![Response {
            name: "question".to_owned(),
            response: InputResponse::Accept(r#"{"sure":true}"#.to_owned()),
        }],
    });
    call.askable = Askable {
        roots: true,
        ..Askable::default()
    };
    let outcome = component.call(call).await.unwrap();
    assert_eq!(structured(outcome), r#"{"sure":true}"#);
}

#[tokio::test]
async fn many_calls_run_at_once() {
    let sandbox = sandbox(SandboxConfig {
        max_instances: 4,
        ..SandboxConfig::default()
    });
    let component = load(&sandbox, Guest::new("busy")).await;
    let calls = (0..64).map(|_| {
        let component = component.clone();
        tokio::spawn(async move { component.call(call()).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(structured(call.await.unwrap().unwrap()), r#"{"ok":true}"#);
    }
}

#[tokio::test]
async fn after_shutdown_there_are_no_calls() {
    let sandbox = sandbox(SandboxConfig::default());
    let component = load(&sandbox, Guest::new("late")).await;
    sandbox.shutdown().await;
    let error = component.call(call()).await.unwrap_err();
    assert_eq!(error, sandpit_sandbox::CallError::ShuttingDown);
}

#[tokio::test]
async fn a_tool_describes_itself() {
    let sandbox = sandbox(SandboxConfig::default());
    let guest = Guest::new("described")
        .streaming()
        .output_schema(r#"{"type":"object"}"#);
    let component = load(&sandbox, guest).await;
    let descriptor = component.descriptor();
    assert_eq!(descriptor.title, "A title");
    assert_eq!(descriptor.version, "1.0.0");
    assert!(descriptor.streaming && descriptor.output_schema.is_some());
    let annotations = descriptor.annotations;
    assert!(annotations.read_only && annotations.open_world);
    assert!(!annotations.destructive && !annotations.idempotent);
}

#[tokio::test]
async fn without_room_for_a_pool_there_are_still_instances() {
    // More address space than a process has.
    let sandbox = sandbox(SandboxConfig {
        max_instances: 1_000_000,
        ..SandboxConfig::default()
    });
    let component = load(&sandbox, Guest::new("single")).await;
    component.call(call()).await.unwrap();
}
