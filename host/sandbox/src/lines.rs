//! The market-data lines of one tool.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Counts the market-data lines of one tool over all of its calls: one for
/// each open quote stream. A cheap handle: clones share one count.
#[derive(Debug, Clone)]
pub struct Lines {
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct Counts {
    limit: AtomicU32,
    in_use: AtomicU32,
}

impl Lines {
    /// As many lines as TWS gives.
    pub fn unlimited() -> Self {
        Self::new(u32::MAX)
    }

    /// At most `limit` lines at a time.
    pub fn new(limit: u32) -> Self {
        Self {
            counts: Arc::new(Counts {
                limit: AtomicU32::new(limit),
                in_use: AtomicU32::new(0),
            }),
        }
    }

    /// Changes the limit. Lines that are in use stay in use.
    pub fn set_limit(&self, limit: u32) {
        self.counts.limit.store(limit, Ordering::Relaxed);
    }

    /// How many may be in use at a time; [`u32::MAX`] if they are not limited.
    pub fn limit(&self) -> u32 {
        self.counts.limit.load(Ordering::Relaxed)
    }

    /// How many are in use now.
    pub fn in_use(&self) -> u32 {
        self.counts.in_use.load(Ordering::Relaxed)
    }

    /// Takes a line, or nothing if all are in use.
    pub(crate) fn take(&self) -> Option<Line> {
        let limit = self.limit();
        let grown = |in_use: u32| (in_use < limit).then(|| in_use + 1);
        self.counts
            .in_use
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown)
            .ok()?;
        Some(Line(Arc::clone(&self.counts)))
    }
}

/// One line, given back when dropped.
#[derive(Debug)]
pub(crate) struct Line(Arc<Counts>);

impl Drop for Line {
    fn drop(&mut self) {
        self.0.in_use.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_given_back() {
        let lines = Lines::new(2);
        let first = lines.take();
        let second = lines.take();
        assert!(first.is_some() && second.is_some() && lines.take().is_none());
        drop(first);
        assert_eq!(lines.in_use(), 1);
        assert!(lines.clone().take().is_some());
        assert_eq!(lines.in_use(), 1);
    }

    #[test]
    fn a_lower_limit_takes_nothing_away() {
        let lines = Lines::unlimited();
        let held = [lines.take(), lines.take()];
        lines.set_limit(1);
        assert_eq!((lines.in_use(), lines.take().is_none()), (2, true));
        drop(held);
        assert!(lines.take().is_some());
    }
}
