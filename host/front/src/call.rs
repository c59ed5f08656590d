//! One call of a tool, the same way for MCP and REST.

use sandpit_tools::{CallRequest, Failure, FailureKind, Outcome, PromptAnswer, ToolError, Tools};
use tracing::Instrument;
use uuid::Uuid;

use crate::auth::Identity;

/// Calls a tool. A panic on the way is a failure of the call and no more.
///
/// The call runs in a task of its own: when the future is dropped, because the
/// caller has left, the call is cancelled and still ends in good order.
pub(crate) async fn run(
    tools: &Tools,
    name: &str,
    request: CallRequest,
) -> Result<Outcome, ToolError> {
    let (tools, owned) = (tools.clone(), name.to_owned());
    guarded(name, request, |request| async move {
        tools.call(&owned, request).await
    })
    .await
}

/// Has a prompt write its messages, with the same care.
pub(crate) async fn get_prompt(
    tools: &Tools,
    name: &str,
    request: CallRequest,
) -> Result<Outcome<PromptAnswer>, ToolError> {
    let (tools, owned) = (tools.clone(), name.to_owned());
    guarded(name, request, |request| async move {
        tools.get_prompt(&owned, request).await
    })
    .await
}

async fn guarded<A, F, W>(
    name: &str,
    request: CallRequest,
    work: W,
) -> Result<Outcome<A>, ToolError>
where
    A: Send + 'static,
    F: Future<Output = Result<Outcome<A>, ToolError>> + Send + 'static,
    W: FnOnce(CallRequest) -> F,
{
    let _cancelled_if_dropped = request.cancel.clone().drop_guard();
    let call_id = request.call_id.clone();
    let call = tokio::spawn(work(request).in_current_span());
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

/// Who calls, as one line of a log and of the journal: who it is, if it had a
/// token, and then how it names itself, which is an untrusted claim.
pub(crate) fn client(identity: &Identity, protocol: &str, name: &str) -> String {
    let mut client = String::new();
    if let Some(known) = identity.shown() {
        // Spaces and signs would make it look like something else.
        client.extend(known.escape_default().filter(|sign| *sign != ' ').take(120));
        client.push(' ');
    }
    client.push_str(protocol);
    let name: String = name
        .chars()
        .filter(|character| character.is_ascii_graphic() || *character == ' ')
        .take(80)
        .collect();
    if !name.is_empty() {
        client.push(' ');
        client.push_str(&name);
    }
    client
}

#[cfg(test)]
mod tests {
    use sandpit_tools::Rights;
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[test]
    fn a_client_cannot_write_into_the_log() {
        let local = Identity::local(CancellationToken::new());
        assert_eq!(
            client(&local, "rest", "curl/8\r\nERROR all lost"),
            "rest curl/8ERROR all lost"
        );
        assert_eq!(client(&local, "mcp", ""), "mcp");
        assert_eq!(client(&local, "mcp", &"x".repeat(500)).len(), 84);
    }

    #[test]
    fn whoever_has_a_token_is_named_first() {
        let subject = |name: &str| {
            let until = time::OffsetDateTime::now_utc();
            Identity::of_subject(name, Rights::of([]), until)
        };
        let named = client(&subject("alice"), "rest", "token:bob");
        assert_eq!(named, "oauth:alice rest token:bob");
        let spoofed = client(&subject("a rest\n\u{1b}é"), "mcp", "");
        assert_eq!(spoofed, "oauth:arest\\n\\u{1b}\\u{e9} mcp");
        assert!(client(&subject(&"x".repeat(9000)), "mcp", "").len() < 130);
    }
}
