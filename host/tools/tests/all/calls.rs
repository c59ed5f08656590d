//! Calls: what is checked before and after, and how it fails.

use std::time::Duration;

use sandpit_tools::{Content, FailureKind, Outcome, ToolError, ToolsConfig};
use serde_json::json;

use crate::guest::Guest;
use crate::{config, failure, folder, no_arguments, only, open_with, request};

#[tokio::test]
async fn an_unknown_tool_is_an_error() {
    let (tools, _folder) = only(Guest::new("known")).await;
    let error = tools.call("unknown", no_arguments()).await.unwrap_err();
    assert_eq!(
        error,
        ToolError::UnknownTool {
            name: "unknown".to_owned()
        }
    );
}

#[tokio::test]
async fn wrong_arguments_do_not_reach_the_tool() {
    // The tool would fail in another way if it were called.
    let (tools, _folder) = only(Guest::new("strict").before_answer("unreachable")).await;
    for (arguments, path) in [
        (json!({ "text": 5 }), "text: 5 is not of type \"string\""),
        (json!({ "extra": 5 }), "extra is unknown"),
    ] {
        let outcome = tools.call("strict", request(arguments)).await.unwrap();
        let failure = failure(outcome);
        assert_eq!(failure.kind, FailureKind::InvalidArguments);
        assert!(failure.message.contains(path), "{failure:?}");
        assert!(failure.message.contains("strict"), "{failure:?}");
    }
}

#[tokio::test]
async fn a_structured_answer_has_a_text_copy() {
    let text = r#"{"price": 1.10, "large":123456789012345678901234567890}"#;
    let (tools, _folder) = only(Guest::new("exact").answer(text)).await;
    let outcome = tools.call("exact", no_arguments()).await.unwrap();
    let Outcome::Answer(answer) = outcome else {
        panic!("not an answer: {outcome:?}")
    };
    assert_eq!(answer.content, [Content::Text(text.to_owned())]);
    assert_eq!(answer.structured.unwrap().text(), text);
}

#[tokio::test]
async fn an_answer_keeps_its_promise() {
    let schema = r#"{"type":"object","properties":{"price":{"type":"number"}},
                     "required":["price"]}"#;
    let good = Guest::new("promise")
        .output_schema(schema)
        .answer(r#"{"price":1}"#);
    let (tools, _folder) = only(good).await;
    tools.call("promise", no_arguments()).await.unwrap();

    let bad = Guest::new("promise")
        .output_schema(schema)
        .answer(r#"{"price":"one"}"#);
    let (tools, _folder) = only(bad).await;
    let failure = failure(tools.call("promise", no_arguments()).await.unwrap());
    assert_eq!(failure.kind, FailureKind::Internal);
    assert!(failure.message.contains("price"), "{failure:?}");
}

#[tokio::test]
async fn whatever_a_tool_does_is_a_failure_to_read() {
    let traps = Guest::new("traps").before_answer("unreachable");
    let (tools, _folder) = only(traps).await;
    let failure = failure(tools.call("traps", no_arguments()).await.unwrap());
    assert_eq!(failure.kind, FailureKind::Internal);
    assert!(!failure.message.contains("unreachable"), "{failure:?}");
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_and_a_stream_at_its_own() {
    let endless = "(loop $forever (br $forever))";
    // Traps when there is less than a second left, and ends at once otherwise.
    let patient = Guest::new("stream")
        .streaming()
        .import("sandpit:tool/context@0.1.0", "remaining-ms", "(result i64)")
        .before_answer("(if (i64.lt_u (call $remaining-ms) (i64.const 1000)) (then unreachable))");
    let folder = folder([
        (
            "endless.wasm",
            Guest::new("endless").before_answer(endless).build(),
        ),
        ("stream.wasm", patient.build()),
    ]);
    let tools = open_with(ToolsConfig {
        call_deadline: Duration::from_millis(50),
        stream_deadline: Duration::from_secs(60),
        ..config(folder.path())
    })
    .await;
    let failure = failure(tools.call("endless", no_arguments()).await.unwrap());
    assert_eq!(failure.kind, FailureKind::TimedOut);
    let outcome = tools.call("stream", no_arguments()).await.unwrap();
    assert!(matches!(outcome, Outcome::Answer(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_cancelled_call_says_so() {
    let endless = Guest::new("endless").before_answer("(loop $forever (br $forever))");
    let (tools, _folder) = only(endless).await;
    let request = no_arguments();
    request.cancel.cancel();
    let failure = failure(tools.call("endless", request).await.unwrap());
    assert_eq!(failure.kind, FailureKind::Cancelled);
}
