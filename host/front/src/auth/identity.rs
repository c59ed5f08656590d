//! Who calls, and which tools are there for it.

use std::sync::Arc;

use sandpit_tools::policy::ToolPattern;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

/// Who calls. It travels with the request, down to the log and the journal.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    name: Arc<str>,
    reach: Reach,
    scoped: bool,
    until: Option<OffsetDateTime>,
    revoked: CancellationToken,
}

/// Which tools there are for a caller.
#[derive(Debug, Clone)]
enum Reach {
    All,
    Some(Arc<[ToolPattern]>),
}

impl Identity {
    /// A program of this machine that came without a token, until `revoked`.
    pub(crate) fn local(revoked: CancellationToken) -> Self {
        Self {
            name: "local".into(),
            reach: Reach::All,
            scoped: false,
            until: None,
            revoked,
        }
    }

    /// Whoever has the token of this name.
    pub(super) fn of_token(
        name: &str,
        tools: Arc<[ToolPattern]>,
        until: Option<OffsetDateTime>,
        revoked: CancellationToken,
    ) -> Self {
        Self {
            name: format!("token:{name}").into(),
            reach: Reach::Some(tools),
            scoped: false,
            until,
            revoked,
        }
    }

    /// Whom the authorization server calls so, until its token ends.
    pub(crate) fn of_subject(
        subject: &str,
        tools: Arc<[ToolPattern]>,
        until: OffsetDateTime,
    ) -> Self {
        Self {
            name: format!("oauth:{subject}").into(),
            reach: Reach::Some(tools),
            scoped: true,
            until: Some(until),
            revoked: CancellationToken::new(),
        }
    }

    /// The same for every request of one caller, and for no other caller.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The name as logs and the journal of orders carry it; none for a program
    /// of this machine, which said nothing about itself.
    pub(crate) fn shown(&self) -> Option<&str> {
        (!self.is_local()).then_some(&*self.name)
    }

    fn is_local(&self) -> bool {
        matches!(self.reach, Reach::All)
    }

    /// Whether its tools come from scopes, of which it might get more.
    pub(super) fn is_scoped(&self) -> bool {
        self.scoped
    }

    /// Whether the tool of this name is there for it.
    pub(crate) fn may_use(&self, tool: &str) -> bool {
        match &self.reach {
            Reach::All => true,
            Reach::Some(patterns) => patterns.iter().any(|pattern| pattern.matches(tool)),
        }
    }

    /// Waits until it may no longer call: its token has expired or was
    /// revoked.
    pub(crate) async fn over(&self) {
        let expired = async {
            match self.until {
                None => std::future::pending().await,
                Some(until) => {
                    let left = until - OffsetDateTime::now_utc();
                    tokio::time::sleep(left.try_into().unwrap_or_default()).await;
                }
            }
        };
        tokio::select! {
            () = self.revoked.cancelled() => {}
            () = expired => {}
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn callers_of_different_kinds_are_different_callers() {
        let none: Arc<[ToolPattern]> = Arc::new([]);
        let now = OffsetDateTime::now_utc();
        let token = Identity::of_token("a", none.clone(), None, CancellationToken::new());
        let subject = Identity::of_subject("a", none, now);
        assert_ne!(token.name(), subject.name());
        assert_eq!(token.shown(), Some("token:a"));
        assert_eq!(Identity::local(CancellationToken::new()).shown(), None);
    }

    #[test]
    fn patterns_say_which_tools_there_are() {
        let patterns: Arc<[ToolPattern]> = Arc::new(["ibkr_get_*".parse().unwrap()]);
        let some = Identity::of_token("a", patterns, None, CancellationToken::new());
        assert!(some.may_use("ibkr_get_pnl") && !some.may_use("ibkr_place_order"));
        let none = Identity::of_token("a", Arc::new([]), None, CancellationToken::new());
        assert!(!none.may_use("ibkr_get_pnl"));
    }

    #[tokio::test]
    async fn a_caller_is_over_when_its_token_is() {
        let revoked = CancellationToken::new();
        let in_an_hour = OffsetDateTime::now_utc() + Duration::hours(1);
        let caller = Identity::of_token("a", Arc::new([]), Some(in_an_hour), revoked.clone());
        let (_, ()) = tokio::join!(async { revoked.cancel() }, caller.over());
        let past = OffsetDateTime::now_utc() - Duration::hours(1);
        Identity::of_subject("a", Arc::new([]), past).over().await;
    }
}
