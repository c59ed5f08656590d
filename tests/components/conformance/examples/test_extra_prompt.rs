//! Comes and goes while the suite runs.

use conformance::{Argument, Context, Conversation, Failure, Nothing, Reply};

fn arguments() -> Vec<Argument> {
    Vec::new()
}

fn get(_context: &Context, _input: Nothing) -> Result<Reply, Failure> {
    Ok(Conversation::new().user("I am here.").into())
}

conformance::prompt!(get, arguments);
