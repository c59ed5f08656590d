//! Says one thing.

use conformance::{Argument, Context, Conversation, Failure, Nothing, Reply};

fn arguments() -> Vec<Argument> {
    Vec::new()
}

fn get(_context: &Context, _input: Nothing) -> Result<Reply, Failure> {
    let text = "This is a simple prompt for testing.";
    Ok(Conversation::new().user(text).into())
}

conformance::prompt!(get, arguments);
