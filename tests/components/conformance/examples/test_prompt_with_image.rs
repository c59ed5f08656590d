//! Hands over an image.

use conformance::{Argument, Context, Conversation, Failure, Nothing, Reply, Role};

fn arguments() -> Vec<Argument> {
    Vec::new()
}

fn get(_context: &Context, _input: Nothing) -> Result<Reply, Failure> {
    Ok(Conversation::new()
        .says(Role::User, conformance::image())
        .user("Please analyze the image above.")
        .into())
}

conformance::prompt!(get, arguments);
