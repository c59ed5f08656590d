//! Prompts: components that write messages.

use std::time::Duration;

use sandpit_sandbox::{
    CallError, Capability, Content, Grants, LoadError, Message, Outcome, Role, SandboxConfig,
    Suggestions,
};

use crate::guest::Guest;
use crate::{call, load, sandbox};

const ACCOUNT: &str = "sandpit:broker/account@0.1.0";
const TRADING: &str = "sandpit:broker/trading@0.1.0";

#[tokio::test]
async fn a_prompt_describes_itself_and_writes_messages() {
    let sandbox = sandbox(SandboxConfig::default());
    let prompt = load(&sandbox, Guest::prompt("check")).await;
    let descriptor = prompt.descriptor();
    assert_eq!(descriptor.name, "check");
    let arguments = descriptor.prompt.as_deref().unwrap();
    let [symbol, note] = arguments else {
        panic!("it has two arguments: {arguments:?}")
    };
    assert_eq!((symbol.name.as_str(), symbol.required), ("symbol", true));
    assert_eq!(symbol.suggestions, Suggestions::Symbols);
    assert_eq!((note.name.as_str(), note.required), ("note", false));
    assert_eq!(note.suggestions, Suggestions::None);

    let mut call = call();
    call.arguments = r#"{"symbol":"ü"}"#.to_owned();
    let Outcome::Answer(answer) = prompt.get(call).await.unwrap() else {
        panic!("it answers")
    };
    let message = Message {
        role: Role::User,
        content: Content::Text(r#"{"symbol":"ü"}"#.to_owned()),
    };
    assert_eq!(answer.messages, [message]);
    assert_eq!(answer.description, None);
}

#[tokio::test]
async fn a_tool_is_called_and_a_prompt_is_got() {
    let sandbox = sandbox(SandboxConfig::default());
    let prompt = load(&sandbox, Guest::prompt("prompt")).await;
    let tool = load(&sandbox, Guest::new("tool")).await;
    assert!(matches!(
        prompt.call(call()).await,
        Err(CallError::BrokenContract(_))
    ));
    assert!(matches!(
        tool.get(call()).await,
        Err(CallError::BrokenContract(_))
    ));
}

#[tokio::test]
async fn a_prompt_is_bounded() {
    let sandbox = sandbox(SandboxConfig {
        grace: Duration::from_millis(50),
        ..SandboxConfig::default()
    });
    let endless = Guest::prompt("endless").before_answer("(loop $forever (br $forever))");
    let mut impatient = call();
    impatient.limits.deadline = Duration::from_millis(50);
    let ended = load(&sandbox, endless).await.get(impatient).await;
    assert!(
        matches!(ended, Err(CallError::DeadlineExceeded { .. })),
        "{ended:?}"
    );
    let mut large = call();
    large.arguments = format!(r#"{{"symbol":"{}"}}"#, "x".repeat(100));
    large.limits.answer_bytes = 50;
    let prompt = load(&sandbox, Guest::prompt("large")).await;
    assert_eq!(
        prompt.get(large).await.unwrap_err(),
        CallError::TooLarge { limit: 50 }
    );
}

#[tokio::test]
async fn a_prompt_reaches_what_it_is_granted_and_never_trades() {
    let sandbox = sandbox(SandboxConfig::default());
    let reads = Guest::prompt("reads").import(ACCOUNT, "positions", "(param i32)");
    let inspected = sandbox.inspect(reads.build()).await.unwrap();
    assert_eq!(inspected.capabilities(), [Capability::Account]);
    let missing = vec![Capability::Account];
    assert_eq!(
        inspected.link(&Grants::of([])).unwrap_err(),
        LoadError::NotGranted { missing }
    );
    inspected.link(&Grants::of([Capability::Account])).unwrap();

    // No tool that builds prompts lets one import it: this one is written by
    // hand.
    let trades = wat::parse_str(format!(
        "(component
            (import \"{TRADING}\" (instance))
            (instance $prompt)
            (export \"sandpit:tool/prompt@0.1.0\" (instance $prompt)))"
    ));
    let refused = sandbox.inspect(trades.unwrap()).await.unwrap_err();
    assert_eq!(refused, LoadError::PromptTrades);
}

#[tokio::test]
async fn a_component_is_one_of_both() {
    let sandbox = sandbox(SandboxConfig::default());
    let both = wat::parse_str(
        "(component
            (instance $empty)
            (export \"sandpit:tool/plugin@0.1.0\" (instance $empty))
            (export \"sandpit:tool/prompt@0.1.0\" (instance $empty)))",
    );
    let refused = sandbox.inspect(both.unwrap()).await.unwrap_err();
    assert_eq!(refused, LoadError::TwoKinds);
    let hollow = wat::parse_str(
        "(component
            (instance $empty)
            (export \"sandpit:tool/prompt@0.1.0\" (instance $empty)))",
    );
    let refused = sandbox.inspect(hollow.unwrap()).await.unwrap_err();
    assert!(matches!(refused, LoadError::Mismatch(_)), "{refused:?}");
}
