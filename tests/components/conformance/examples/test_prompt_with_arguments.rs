//! Says what it is given.

use conformance::{Argument, Context, Conversation, Failure, Reply};

/// What it is given.
#[derive(serde::Deserialize)]
pub struct Input {
    arg1: String,
    arg2: String,
}

fn arguments() -> Vec<Argument> {
    vec![
        Argument::required("arg1", "First", "First test argument"),
        Argument::required("arg2", "Second", "Second test argument"),
    ]
}

fn get(_context: &Context, Input { arg1, arg2 }: Input) -> Result<Reply, Failure> {
    let text = format!("Prompt with arguments: arg1='{arg1}', arg2='{arg2}'");
    Ok(Conversation::new().user(text).into())
}

conformance::prompt!(get, arguments, Input);
