//! Which MCP sessions are in use, so that one in no use can make room.
//!
//! rmcp keeps a session until it was idle for long, and has no limit of their
//! number. Clients often leave without closing theirs.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use crate::reply::Body;

/// How long a session must have been idle to make room for another.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// When each session was last used.
#[derive(Clone, Default)]
pub(super) struct Ledger {
    sessions: Arc<Mutex<HashMap<String, Usage>>>,
}

struct Usage {
    last: Instant,
    open: usize,
}

impl Ledger {
    /// Marks a session as in use until the mark is dropped.
    pub(super) fn enter(&self, session: &str) -> InUse {
        let mut sessions = self.sessions();
        let usage = sessions.entry(session.to_owned()).or_insert(Usage {
            last: Instant::now(),
            open: 0,
        });
        usage.open += 1;
        InUse {
            ledger: self.clone(),
            session: session.to_owned(),
        }
    }

    /// Of these sessions, which are all there are, the one that can make room.
    pub(super) fn idle_longest(&self, existing: &[Arc<str>]) -> Option<Arc<str>> {
        let now = Instant::now();
        let mut sessions = self.sessions();
        sessions.retain(|known, usage| {
            usage.open > 0 || existing.iter().any(|session| **session == **known)
        });
        let idle = |session: &Arc<str>| match sessions.get(&**session) {
            // Its client left before it was even answered.
            None => Some(Duration::MAX),
            Some(usage) if usage.open > 0 => None,
            Some(usage) => Some(now.duration_since(usage.last)),
        };
        existing
            .iter()
            .filter_map(|session| Some((idle(session)?, session)))
            .filter(|(idle, _)| *idle >= IDLE)
            .max_by_key(|(idle, _)| *idle)
            .map(|(_, session)| session.clone())
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
            usage.open = usage.open.saturating_sub(1);
            usage.last = Instant::now();
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

    /// Makes a session look as if it had been idle for so long.
    fn idle(ledger: &Ledger, session: &str, seconds: u64) {
        drop(ledger.enter(session));
        let before = Instant::now().checked_sub(Duration::from_secs(seconds));
        ledger.sessions().get_mut(session).unwrap().last = before.unwrap();
    }

    #[test]
    fn the_session_that_was_idle_longest_makes_room() {
        let ledger = Ledger::default();
        let existing: Vec<Arc<str>> = ["a", "b", "c"].map(Arc::from).to_vec();
        idle(&ledger, "a", 400);
        idle(&ledger, "b", 500);
        idle(&ledger, "c", 10);
        assert_eq!(ledger.idle_longest(&existing).as_deref(), Some("b"));
        let in_use = ledger.enter("b");
        assert_eq!(ledger.idle_longest(&existing).as_deref(), Some("a"));
        drop(in_use);
        idle(&ledger, "a", 299);
        assert_eq!(ledger.idle_longest(&existing), None);
    }

    #[test]
    fn a_session_that_nobody_ever_used_goes_first() {
        let ledger = Ledger::default();
        let existing: Vec<Arc<str>> = ["a", "b"].map(Arc::from).to_vec();
        idle(&ledger, "a", 4000);
        assert_eq!(ledger.idle_longest(&existing).as_deref(), Some("b"));
    }

    #[test]
    fn closed_sessions_are_forgotten() {
        let ledger = Ledger::default();
        idle(&ledger, "gone", 1);
        assert_eq!(ledger.idle_longest(&[]), None);
        assert!(ledger.sessions().is_empty());
    }
}
