//! A bounded hand-over from one subscription of TWS to one reader.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::farms::Pulse;
use crate::model::{Error, Gap, Result};

/// What gathers between two reads.
pub(crate) trait Pending: Default + Send {
    /// What the reader gets.
    type Batch;

    /// Whether nothing has come since the last read.
    fn is_empty(&self) -> bool;

    /// Takes what has come.
    fn take(&mut self, freshness: Freshness) -> Self::Batch;
}

/// How far what is known can be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// Whether changes may be missing.
    pub(crate) is_stale: bool,
    /// Until when it is certain that none was missed.
    pub(crate) certain_at: Option<OffsetDateTime>,
    /// A time that has passed in which changes may have been missed.
    pub(crate) gap: Option<Gap>,
}

impl Freshness {
    /// When a value held for certain that last changed at `updated`.
    pub(crate) fn as_of(&self, updated: OffsetDateTime) -> OffsetDateTime {
        self.certain_at.map_or(updated, |at| at.max(updated))
    }
}

/// The hand-over. The writer never waits for the reader.
#[derive(Debug)]
pub(crate) struct Feed<P> {
    state: Mutex<State<P>>,
    changed: Notify,
    pulse: Arc<Pulse>,
}

#[derive(Debug, Default)]
struct State<P> {
    pending: P,
    /// Until when it was certain that nothing was missed, while that is past.
    stale: Option<Option<OffsetDateTime>>,
    gap: Option<Gap>,
    /// Whether the reader has yet to learn of one of these.
    is_news: bool,
    end: Option<Error>,
    ended: bool,
}

impl<P: Pending> State<P> {
    fn take(&mut self, pulse: &Pulse) -> P::Batch {
        self.is_news = false;
        self.pending.take(Freshness {
            is_stale: self.stale.is_some(),
            certain_at: self.stale.unwrap_or_else(|| pulse.latest()),
            gap: self.gap.take(),
        })
    }
}

impl<P: Pending> Feed<P> {
    /// A feed with what is already there for its reader.
    pub(crate) fn new(pending: P, pulse: Arc<Pulse>) -> Self {
        Self {
            state: Mutex::new(State {
                pending,
                stale: None,
                gap: None,
                is_news: false,
                end: None,
                ended: false,
            }),
            changed: Notify::new(),
            pulse,
        }
    }

    fn state(&self) -> MutexGuard<'_, State<P>> {
        // Nothing that holds the lock leaves it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to what is pending.
    pub(crate) fn update(&self, change: impl FnOnce(&mut P)) {
        change(&mut self.state().pending);
        self.changed.notify_one();
    }

    /// From now on changes may be missed: nothing was until `certain_at`.
    pub(crate) fn stale(&self, certain_at: Option<OffsetDateTime>) {
        let mut state = self.state();
        state.is_news |= state.stale.is_none();
        state.stale.get_or_insert(certain_at);
        drop(state);
        self.changed.notify_one();
    }

    /// From now on no change is missed any more. Gaps that the reader has not
    /// learnt of become one.
    pub(crate) fn fresh(&self, gap: Gap) {
        let mut state = self.state();
        state.stale = None;
        state.gap = Some(Gap {
            since: state.gap.map_or(gap.since, |earlier| earlier.since),
            until: gap.until,
        });
        state.is_news = true;
        drop(state);
        self.changed.notify_one();
    }

    /// Ends the feed: the reader gets what is pending, then `error` once.
    pub(crate) fn end(&self, error: Error) {
        let mut state = self.state();
        if !state.ended {
            state.ended = true;
            state.end = Some(error);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for a change, at most `timeout`, and takes everything there is:
    /// an empty batch when the time passed quietly, `None` after the end.
    pub(crate) async fn next(&self, timeout: Duration) -> Result<Option<P::Batch>> {
        let deadline = tokio::time::Instant::now() + timeout;
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state();
                if state.is_news || !state.pending.is_empty() {
                    return Ok(Some(state.take(&self.pulse)));
                }
                if let Some(error) = state.end.take() {
                    return Err(error);
                }
                if state.ended {
                    return Ok(None);
                }
            }
            if tokio::time::timeout_at(deadline, changed).await.is_err() {
                let mut state = self.state();
                if state.end.is_none() {
                    return Ok(Some(state.take(&self.pulse)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[derive(Debug, Default)]
    struct Numbers(Vec<u32>);

    impl Pending for Numbers {
        type Batch = (Vec<u32>, Freshness);

        fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        fn take(&mut self, freshness: Freshness) -> Self::Batch {
            (std::mem::take(&mut self.0), freshness)
        }
    }

    fn feed() -> Feed<Numbers> {
        Feed::new(Numbers::default(), Arc::default())
    }

    const WAIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn what_came_is_read_before_the_end_is_told() {
        let feed = feed();
        feed.update(|n| n.0.extend([1, 2]));
        feed.end(Error::Other("over".into()));
        feed.end(Error::Other("a second end says nothing".into()));
        let read = Ok(Some((vec![1, 2], Freshness::default())));
        assert_eq!(feed.next(WAIT).await, read);
        assert_eq!(feed.next(WAIT).await, Err(Error::Other("over".into())));
        assert_eq!(feed.next(WAIT).await, Ok(None));
    }

    #[tokio::test]
    async fn a_quiet_time_gives_an_empty_batch() {
        assert_eq!(
            feed().next(Duration::from_millis(1)).await,
            Ok(Some((Vec::new(), Freshness::default())))
        );
    }

    #[tokio::test]
    async fn gaps_that_were_not_read_are_one() {
        let feed = feed();
        let at = |minute| datetime!(2026-11-22 15:00 UTC) + time::Duration::minutes(minute);
        feed.stale(Some(at(0)));
        feed.stale(Some(at(1)));
        let stale = Freshness {
            is_stale: true,
            certain_at: Some(at(0)),
            gap: None,
        };
        assert_eq!(feed.next(WAIT).await, Ok(Some((Vec::new(), stale))));
        for (since, until) in [(at(1), at(2)), (at(3), at(4))] {
            feed.fresh(Gap { since, until });
        }
        let whole = Gap {
            since: at(1),
            until: at(4),
        };
        let batch = feed.next(WAIT).await.ok().flatten();
        assert_eq!(batch.map(|(_, freshness)| freshness.gap), Some(Some(whole)));
        let quiet = feed.next(Duration::ZERO).await.ok().flatten();
        assert_eq!(quiet, Some((Vec::new(), Freshness::default())));
    }
}
