//! What a tool can say beside data: every kind of content, log lines,
//! progress, and questions to the person, in both protocol eras.

use serde_json::json;

use crate::support::mcp::{Person, text};
use crate::support::{Era, Host, McpClient};

#[tokio::test]
async fn every_kind_of_content_arrives() {
    let host = Host::with_test_components().await;
    for era in Era::ALL {
        let client = McpClient::connect(&host, era).await;
        for (mode, kind) in [
            ("text", "text"),
            ("image", "image"),
            ("audio", "audio"),
            ("resource-link", "resource_link"),
            ("embedded-resource", "resource"),
        ] {
            let result = client
                .try_call("fixture_tool", json!({"mode": mode}))
                .await
                .unwrap();
            let content = serde_json::to_value(&result.content).unwrap();
            assert_eq!(content[0]["type"], kind, "{era:?} {content}");
        }
    }
}

#[tokio::test]
async fn a_person_is_asked_and_the_tool_goes_on_with_the_answer() {
    let host = Host::with_test_components().await;
    for era in Era::ALL {
        for (person, expected) in [
            (Person::Accepts(json!({"colour": "red"})), "accept"),
            (Person::Declines, "decline"),
        ] {
            let client = McpClient::connect_for(&host, era, person).await;
            let result = client
                .try_call("fixture_tool", json!({"mode": "ask"}))
                .await
                .unwrap();
            assert!(
                text(&result).contains(expected),
                "{era:?}: {}",
                text(&result)
            );
            assert_eq!(client.heard().questions.len(), 1, "{era:?}");
        }
    }
}

#[tokio::test]
async fn the_client_s_model_and_folders_are_asked_for_too() {
    let host = Host::with_test_components().await;
    for era in Era::ALL {
        let person = Person::Accepts(json!({"colour": "red"}));
        let client = McpClient::connect_for(&host, era, person).await;
        let answer = client
            .call("fixture_tool", json!({"mode": "ask-all"}))
            .await;
        assert_eq!(answer["answer"], json!({"colour": "red"}), "{era:?}");
        assert_eq!(answer["message"], "A word of the model.", "{era:?}");
        assert_eq!(answer["reached"], json!(["file:///reports"]), "{era:?}");
    }
}

#[tokio::test]
async fn a_client_that_cannot_ask_is_told() {
    let host = Host::with_test_components().await;
    for era in Era::ALL {
        let client = McpClient::connect(&host, era).await;
        let arguments = json!({"mode": "ask"});
        let sentence = match era {
            Era::Legacy => client.fail("fixture_tool", arguments).await,
            // It has not declared what the tool needs: an error of the protocol.
            Era::Modern => match client.try_call("fixture_tool", arguments).await {
                Err(error) => error.to_string(),
                Ok(result) => panic!("{result:?}"),
            },
        };
        assert!(sentence.contains("elicitation"), "{era:?}: {sentence}");
    }
    let sentence = host
        .post("fixture_tool", json!({"mode": "ask"}))
        .await
        .problem(422);
    assert!(sentence.contains("MCP"), "{sentence}");
}

#[tokio::test]
async fn log_lines_and_progress_reach_the_client() {
    let host = Host::with_test_components().await;
    for era in Era::ALL {
        let client = McpClient::connect(&host, era).await;
        client
            .call_listening("fixture_tool", json!({"mode": "progress"}))
            .await;
        let heard = client.heard();
        assert!(heard.progress.len() >= 2, "{era:?}: {heard:?}");
        assert!(heard.progress.is_sorted(), "{era:?}: {heard:?}");
    }
}

#[tokio::test]
async fn a_tool_that_fails_fails_alone_and_keeps_its_secrets() {
    let host = Host::with_test_components().await;
    let client = McpClient::connect(&host, Era::Modern).await;
    for mode in ["panic", "bad-structured", "allocate"] {
        let sentence = client.fail("fixture_tool", json!({"mode": mode})).await;
        assert!(!sentence.contains("hunter2"), "{mode}: {sentence}");
        assert!(!sentence.contains(".rs"), "{mode}: {sentence}");
        let answer = host.post("fixture_tool", json!({"mode": mode})).await;
        answer.problem(500);
    }
    client
        .call("fixture_tool", json!({"mode": "structured"}))
        .await;
}
