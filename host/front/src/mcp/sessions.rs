//! Whose each MCP session is, and which are in use, so that one in no use can
//! make room.
//!
//! rmcp keeps a session until it was idle for long, and has no limit of their
//! number. Clients often leave without closing theirs.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use http_body::{Frame, SizeHint};
use tokio::sync::watch;

use crate::reply::Body;

/// How long a session must have been idle to make room for another.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// The header with the id of a session.
pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// The id of the session that a request names.
pub(super) fn session_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION_ID)?.to_str().ok()
}

/// When each session was last used, and whose it is.
#[derive(Clone, Default)]
pub(super) struct Ledger {
    sessions: Arc<Mutex<HashMap<String, Usage>>>,
}

struct Usage {
    owner: Arc<str>,
    last: Instant,
    /// How many requests and streams of its client are open.
    open: watch::Sender<usize>,
}

impl Usage {
    fn is_open(&self) -> bool {
        *self.open.borrow() > 0
    }
}

impl Ledger {
    /// Notes whose a new session is, and marks it as in use until the mark is
    /// dropped.
    pub(super) fn open(&self, session: &str, owner: &str) -> InUse {
        let usage = Usage {
            owner: owner.into(),
            last: Instant::now(),
            open: watch::Sender::new(1),
        };
        self.sessions().insert(session.to_owned(), usage);
        self.in_use(session)
    }

    /// Marks a session as in use until the mark is dropped; none if it is
    /// somebody else's.
    pub(super) fn enter(&self, session: &str, owner: &str) -> Option<InUse> {
        let mut sessions = self.sessions();
        let usage = sessions.get_mut(session)?;
        if *usage.owner != *owner {
            return None;
        }
        usage.open.send_modify(|open| *open += 1);
        Some(self.in_use(session))
    }

    fn in_use(&self, session: &str) -> InUse {
        InUse {
            ledger: self.clone(),
            session: session.to_owned(),
        }
    }

    /// Forgets sessions that are no more. These are all that are left.
    pub(super) fn forget_closed(&self, existing: &[Arc<str>]) {
        self.sessions()
            .retain(|known, _| existing.iter().any(|session| **session == **known));
    }

    /// Forgets a session that was closed.
    pub(super) fn forget(&self, session: &str) {
        self.sessions().remove(session);
    }

    /// Of these sessions the one that can make room at this time.
    pub(super) fn idle_longest(&self, existing: &[Arc<str>], now: Instant) -> Option<Arc<str>> {
        let sessions = self.sessions();
        let idle = |session: &Arc<str>| match sessions.get(&**session) {
            // Its client left before it was even answered.
            None => Some(Duration::MAX),
            Some(usage) if usage.is_open() => None,
            Some(usage) => Some(now.saturating_duration_since(usage.last)),
        };
        existing
            .iter()
            .filter_map(|session| Some((idle(session)?, session)))
            .filter(|(idle, _)| *idle >= IDLE)
            .max_by_key(|(idle, _)| *idle)
            .map(|(_, session)| session.clone())
    }

    /// How many sessions a caller has.
    pub(super) fn count_of(&self, owner: &str) -> usize {
        let sessions = self.sessions();
        let theirs = sessions.values().filter(|usage| *usage.owner == *owner);
        theirs.count()
    }

    /// Of a caller's own sessions the one that can make room for another of
    /// its own. It need not have been idle for long: whoever opens so many has
    /// forgotten the first.
    pub(super) fn idle_longest_of(&self, owner: &str) -> Option<Arc<str>> {
        let sessions = self.sessions();
        let theirs = sessions
            .iter()
            .filter(|(_, usage)| *usage.owner == *owner && !usage.is_open());
        theirs
            .min_by_key(|(_, usage)| usage.last)
            .map(|(session, _)| Arc::from(session.as_str()))
    }

    /// Waits until the client of a session has had nothing open for so long. A
    /// client that lost its connection comes back to the same session before.
    pub(super) async fn left(&self, session: &str, patience: Duration) {
        let open = self
            .sessions()
            .get(session)
            .map(|usage| usage.open.subscribe());
        let Some(mut open) = open else {
            return;
        };
        // It ends with an error when the session is forgotten.
        while open.wait_for(|open| *open == 0).await.is_ok() {
            let back = open.wait_for(|open| *open > 0);
            if !matches!(tokio::time::timeout(patience, back).await, Ok(Ok(_))) {
                return;
            }
        }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Usage>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session is in use as long as this exists.
pub(super) struct InUse {
    ledger: Ledger,
    session: String,
}

impl InUse {
    /// Keeps the mark until a response was sent.
    pub(super) fn until_sent(self, body: Body) -> Body {
        Body::new(Marked { body, _mark: self })
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if let Some(usage) = self.ledger.sessions().get_mut(&self.session) {
            usage.last = Instant::now();
            usage
                .open
                .send_modify(|open| *open = open.saturating_sub(1));
        }
    }
}

/// A body that keeps a session marked.
struct Marked {
    body: Body,
    _mark: InUse,
}

impl http_body::Body for Marked {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn existing(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    /// Marks a session as last used so many seconds after `start`.
    fn used(ledger: &Ledger, session: &str, start: Instant, seconds: u64) {
        drop(ledger.open(session, "a"));
        ledger.sessions().get_mut(session).unwrap().last = start + Duration::from_secs(seconds);
    }

    #[test]
    fn the_session_that_was_idle_longest_makes_room() {
        let ledger = Ledger::default();
        let existing = existing(&["a", "b", "c"]);
        let start = Instant::now();
        let now = start + Duration::from_secs(1000);
        used(&ledger, "a", start, 600);
        used(&ledger, "b", start, 500);
        used(&ledger, "c", start, 900);
        assert_eq!(ledger.idle_longest(&existing, now).as_deref(), Some("b"));
        let in_use = ledger.enter("b", "a");
        assert_eq!(ledger.idle_longest(&existing, now).as_deref(), Some("a"));
        used(&ledger, "a", start, 701);
        assert_eq!(ledger.idle_longest(&existing, now), None);
        drop(in_use);
    }

    #[test]
    fn a_session_that_nobody_ever_used_goes_first() {
        let ledger = Ledger::default();
        let start = Instant::now();
        used(&ledger, "a", start, 0);
        let now = start + Duration::from_secs(4000);
        let longest = ledger.idle_longest(&existing(&["a", "b"]), now);
        assert_eq!(longest.as_deref(), Some("b"));
    }

    #[test]
    fn a_session_is_its_owners_alone() {
        let ledger = Ledger::default();
        drop(ledger.open("s", "token:a"));
        assert!(ledger.enter("s", "token:a").is_some());
        assert!(ledger.enter("s", "oauth:a").is_none());
        assert!(ledger.enter("s", "local").is_none());
        assert!(ledger.enter("other", "token:a").is_none());
    }

    #[test]
    fn a_caller_makes_room_for_itself_with_its_own() {
        let ledger = Ledger::default();
        let start = Instant::now();
        for (session, seconds) in [("a1", 3), ("a2", 1), ("a3", 2)] {
            used(&ledger, session, start, seconds);
        }
        drop(ledger.open("b1", "b"));
        assert_eq!((ledger.count_of("a"), ledger.count_of("b")), (3, 1));
        let in_use = ledger.enter("a2", "a");
        assert_eq!(ledger.idle_longest_of("a").as_deref(), Some("a3"));
        assert_eq!(ledger.idle_longest_of("c"), None);
        drop(in_use);
    }

    #[tokio::test]
    async fn a_client_that_comes_back_has_not_left() {
        let ledger = Ledger::default();
        let request = ledger.open("s", "a");
        let hour = Duration::from_secs(3600);
        let mut left = std::pin::pin!(ledger.left("s", hour));
        assert!(futures::poll!(&mut left).is_pending());
        drop(request);
        assert!(futures::poll!(&mut left).is_pending());
        let back = ledger.enter("s", "a");
        assert!(futures::poll!(&mut left).is_pending());
        let at_once = Duration::from_millis(1);
        let mut left = std::pin::pin!(ledger.left("s", at_once));
        assert!(futures::poll!(&mut left).is_pending());
        drop(back);
        left.await;
        ledger.left("no such session", hour).await;
    }

    #[test]
    fn closed_sessions_are_forgotten() {
        let ledger = Ledger::default();
        drop(ledger.open("gone", "a"));
        let kept = ledger.open("kept", "a");
        ledger.forget_closed(&existing(&["kept"]));
        assert_eq!(ledger.sessions().keys().collect::<Vec<_>>(), ["kept"]);
        drop(kept);
    }
}
