//! One call of a tool, the same way for MCP and REST.

use sandpit_tools::{CallRequest, Failure, FailureKind, Outcome, ToolError, Tools};
use uuid::Uuid;

/// Calls a tool. A panic on the way is a failure of the call and no more.
///
/// The call runs in a task of its own: when the future is dropped, because the
/// caller has left, the call is cancelled and still ends in good order.
pub(crate) async fn run(
    tools: &Tools,
    name: &str,
    request: CallRequest,
) -> Result<Outcome, ToolError> {
    let _cancelled_if_dropped = request.cancel.clone().drop_guard();
    let call_id = request.call_id.clone();
    let call = tokio::spawn({
        let tools = tools.clone();
        let name = name.to_owned();
        async move { tools.call(&name, request).await }
    });
    call.await.unwrap_or_else(|error| {
        tracing::error!(tool = name, call_id, %error, "the call did not end by itself");
        Ok(Outcome::Failure(Failure::new(
            FailureKind::Internal,
            format!("The host failed while it ran {name}. Its log says more, under {call_id}."),
        )))
    })
}

/// A new id for a call or a request.
pub(crate) fn new_id() -> String {
    Uuid::new_v4().to_string()
}

/// How a caller names itself, as one line of a log: an untrusted claim.
pub(crate) fn client(protocol: &str, name: &str) -> String {
    let name: String = name
        .chars()
        .filter(|character| character.is_ascii_graphic() || *character == ' ')
        .take(80)
        .collect();
    if name.is_empty() {
        protocol.to_owned()
    } else {
        format!("{protocol} {name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_write_into_the_log() {
        assert_eq!(
            client("rest", "curl/8\r\nERROR all lost"),
            "rest curl/8ERROR all lost"
        );
        assert_eq!(client("mcp", ""), "mcp");
        assert_eq!(client("mcp", &"x".repeat(500)).len(), 84);
    }
}
