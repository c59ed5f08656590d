//! Who calls, and which tools are there for it.

use std::sync::Arc;

use sandpit_tools::{Rights, Tool};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

/// Who calls. It travels with the request, down to the log and the journal.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    name: Arc<str>,
    kind: Kind,
    rights: Rights,
    until: Option<OffsetDateTime>,
    requests_per_minute: Option<u32>,
    revoked: CancellationToken,
}

/// How it is known who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It is not: a program of this machine.
    Local,
    /// It started the host.
    Stdio,
    /// By a token of the operator's.
    Token,
    /// By a token of the authorization server.
    Subject,
}

impl Identity {
    /// A program of this machine that came without a token, until `revoked`.
    pub(crate) fn local(revoked: CancellationToken) -> Self {
        Self {
            name: "local".into(),
            kind: Kind::Local,
            rights: Rights::to_all(),
            until: None,
            requests_per_minute: None,
            revoked,
        }
    }

    /// The client that started the host and talks to it over standard input and
    /// output. Nobody can take that from it.
    pub(crate) fn stdio() -> Self {
        Self {
            name: "stdio".into(),
            kind: Kind::Stdio,
            ..Self::local(CancellationToken::new())
        }
    }

    /// Whoever has the token of this name.
    pub(super) fn of_token(
        name: &str,
        rights: Rights,
        until: Option<OffsetDateTime>,
        requests_per_minute: Option<u32>,
        revoked: CancellationToken,
    ) -> Self {
        Self {
            name: format!("token:{name}").into(),
            kind: Kind::Token,
            rights,
            until,
            requests_per_minute,
            revoked,
        }
    }

    /// Whom the authorization server calls so, until its token ends.
    pub(crate) fn of_subject(subject: &str, rights: Rights, until: OffsetDateTime) -> Self {
        Self {
            name: format!("oauth:{subject}").into(),
            kind: Kind::Subject,
            rights,
            until: Some(until),
            requests_per_minute: None,
            revoked: CancellationToken::new(),
        }
    }

    /// The same for every request of one caller, and for no other caller.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The same, to keep.
    pub(super) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// How many requests it may make within a minute, if its token says so; 0
    /// is as many as it likes.
    pub(super) fn requests_per_minute(&self) -> Option<u32> {
        self.requests_per_minute
    }

    /// The name as logs and the journal of orders carry it; none for a program
    /// of this machine, which said nothing about itself.
    pub(crate) fn shown(&self) -> Option<&str> {
        (self.kind != Kind::Local).then_some(&*self.name)
    }

    /// Whether its tools come from scopes, of which it might get more.
    pub(super) fn is_scoped(&self) -> bool {
        self.kind == Kind::Subject
    }

    /// What it may use.
    pub(crate) fn rights(&self) -> &Rights {
        &self.rights
    }

    /// Whether the tool is there for it.
    pub(crate) fn may_use(&self, tool: &Tool) -> bool {
        self.rights.allow(tool)
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
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn callers_of_different_kinds_are_different_callers() {
        let none = Rights::of([]);
        let now = OffsetDateTime::now_utc();
        let token = Identity::of_token("a", none.clone(), None, None, CancellationToken::new());
        let subject = Identity::of_subject("a", none, now);
        assert_ne!(token.name(), subject.name());
        assert_eq!(token.shown(), Some("token:a"));
        assert_eq!(Identity::local(CancellationToken::new()).shown(), None);
        assert_eq!(Identity::stdio().shown(), Some("stdio"));
    }

    #[tokio::test]
    async fn a_caller_is_over_when_its_token_is() {
        let revoked = CancellationToken::new();
        let in_an_hour = OffsetDateTime::now_utc() + Duration::hours(1);
        let caller =
            Identity::of_token("a", Rights::of([]), Some(in_an_hour), None, revoked.clone());
        let (_, ()) = tokio::join!(async { revoked.cancel() }, caller.over());
        let past = OffsetDateTime::now_utc() - Duration::hours(1);
        Identity::of_subject("a", Rights::of([]), past).over().await;
    }
}
