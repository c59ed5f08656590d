//! A bounded hand-over from one subscription of TWS to one reader.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::model::{Error, Result};

/// What gathers between two reads.
pub(crate) trait Pending: Default + Send {
    /// What the reader gets.
    type Batch;

    /// Whether nothing has come since the last read.
    fn is_empty(&self) -> bool;

    /// Takes what has come.
    fn take(&mut self) -> Self::Batch;
}

/// The hand-over. The writer never waits for the reader.
#[derive(Debug, Default)]
pub(crate) struct Feed<P> {
    state: Mutex<State<P>>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State<P> {
    pending: P,
    end: Option<Error>,
    ended: bool,
}

impl<P: Pending> Feed<P> {
    fn state(&self) -> MutexGuard<'_, State<P>> {
        // Nothing that holds the lock leaves it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to what is pending.
    pub(crate) fn update(&self, change: impl FnOnce(&mut P)) {
        change(&mut self.state().pending);
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
                if !state.pending.is_empty() {
                    return Ok(Some(state.pending.take()));
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
                    return Ok(Some(state.pending.take()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Numbers(Vec<u32>);

    impl Pending for Numbers {
        type Batch = Vec<u32>;

        fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        fn take(&mut self) -> Vec<u32> {
            std::mem::take(&mut self.0)
        }
    }

    #[tokio::test]
    async fn what_came_is_read_before_the_end_is_told() {
        let feed = Feed::<Numbers>::default();
        feed.update(|n| n.0.extend([1, 2]));
        feed.end(Error::Other("over".into()));
        feed.end(Error::Other("a second end says nothing".into()));
        let wait = Duration::from_secs(5);
        assert_eq!(feed.next(wait).await, Ok(Some(vec![1, 2])));
        assert_eq!(feed.next(wait).await, Err(Error::Other("over".into())));
        assert_eq!(feed.next(wait).await, Ok(None));
    }

    #[tokio::test]
    async fn a_quiet_time_gives_an_empty_batch() {
        let feed = Feed::<Numbers>::default();
        assert_eq!(
            feed.next(Duration::from_millis(1)).await,
            Ok(Some(Vec::new()))
        );
    }
}
