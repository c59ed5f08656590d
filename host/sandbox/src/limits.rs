//! The counters behind the bounds of one call: memory and allowances.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use wasmtime::ResourceLimiter;

use crate::config::Rate;

/// The most table elements that one instance may have, over all its tables.
/// The pooling allocator reserves room for as many in each table.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;
/// The most linear memories of one component.
pub(crate) const MEMORIES: u32 = 2;
/// The most tables of one component.
pub(crate) const TABLES: u32 = 8;
/// The most core instances in one component. A Rust component has three or
/// four: its module and what adapts it to the component model.
pub(crate) const CORE_INSTANCES: u32 = 16;
/// The most resources (streams, subscriptions, pollables) that one instance
/// may hold at a time.
pub(crate) const RESOURCES: usize = 256;

/// Bounds what one instance may allocate, over all its memories and tables.
pub(crate) struct MemoryLimiter {
    limit: usize,
    used: usize,
    table_elements: usize,
    refused: bool,
    /// What all instances use, this one with them.
    all: Option<Arc<AtomicUsize>>,
}

impl MemoryLimiter {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            table_elements: 0,
            refused: false,
            all: None,
        }
    }

    /// Counts what the instance uses with what all others do.
    pub(crate) fn count_in(&mut self, all: Arc<AtomicUsize>) {
        all.fetch_add(self.used, Ordering::Relaxed);
        self.all = Some(all);
    }

    /// Whether the instance was refused memory. A guest that traps after that
    /// most probably did so for want of memory.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }
}

impl Drop for MemoryLimiter {
    fn drop(&mut self) {
        if let Some(all) = &self.all {
            all.fetch_sub(self.used, Ordering::Relaxed);
        }
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            self.refused = true;
            return Ok(false);
        }
        if let Some(all) = &self.all {
            all.fetch_add(used - self.used, Ordering::Relaxed);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = self
            .table_elements
            .saturating_add(desired.saturating_sub(current));
        if elements > TABLE_ELEMENTS {
            self.refused = true;
            return Ok(false);
        }
        self.table_elements = elements;
        Ok(true)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES as usize + 1
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }
}

/// What is left of a [`Rate`].
#[derive(Debug)]
pub(crate) struct Allowance {
    rate: Rate,
    since: Instant,
    used: u64,
}

impl Allowance {
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            rate,
            since: Instant::now(),
            used: 0,
        }
    }

    /// Takes `amount`, or nothing if that much is not left.
    pub(crate) fn take(&mut self, amount: u64) -> bool {
        let used = self.used.saturating_add(amount);
        // The clock is asked only where it matters.
        if used > self.rate.at_once && used > self.granted() {
            return false;
        }
        self.used = used;
        true
    }

    /// How long it takes until `amount` is left; `None` if it never will be.
    pub(crate) fn wait(&self, amount: u64) -> Option<Duration> {
        let wanted = self.used.saturating_add(amount);
        let Some(to_earn) = wanted.checked_sub(self.rate.at_once) else {
            return Some(Duration::ZERO);
        };
        if to_earn == 0 {
            return Some(Duration::ZERO);
        }
        let per_second = (self.rate.per_second > 0).then_some(self.rate.per_second)?;
        let milliseconds = to_earn.saturating_mul(1_000).div_ceil(per_second);
        Some(Duration::from_millis(milliseconds).saturating_sub(self.since.elapsed()))
    }

    /// How much is allowed in all by now.
    pub(crate) fn granted(&self) -> u64 {
        let milliseconds = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let earned = milliseconds.saturating_mul(self.rate.per_second) / 1_000;
        self.rate.at_once.saturating_add(earned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_ends() {
        let mut allowance = Allowance::new(Rate {
            at_once: 3,
            per_second: 0,
        });
        assert!(allowance.take(2));
        assert!(!allowance.take(2));
        assert!(allowance.take(1));
        assert!(!allowance.take(1));
    }

    #[test]
    fn an_allowance_says_when_there_is_more() {
        let mut allowance = Allowance::new(Rate {
            at_once: 1,
            per_second: 10,
        });
        assert_eq!(allowance.wait(1), Some(Duration::ZERO));
        assert!(allowance.take(1));
        let wait = allowance.wait(3_600_000 * 10);
        assert!(wait.is_some_and(|wait| wait > Duration::from_secs(3_500_000)));
        allowance.since -= Duration::from_millis(100);
        assert_eq!(allowance.wait(1), Some(Duration::ZERO));
        assert!(allowance.take(1));
        let never = Allowance::new(Rate {
            at_once: 1,
            per_second: 0,
        });
        assert_eq!(never.wait(2), None);
    }

    #[test]
    fn memory_counts_over_all_memories() {
        let mut limiter = MemoryLimiter::new(3 << 16);
        assert!(matches!(limiter.memory_growing(0, 2 << 16, None), Ok(true)));
        assert!(matches!(limiter.memory_growing(0, 1 << 16, None), Ok(true)));
        assert!(!limiter.refused());
        assert!(matches!(
            limiter.memory_growing(1 << 16, 2 << 16, None),
            Ok(false)
        ));
        assert!(limiter.refused());
    }

    #[test]
    fn what_all_instances_use_falls_when_one_ends() {
        let all = Arc::<AtomicUsize>::default();
        let mut limiters = [MemoryLimiter::new(3 << 16), MemoryLimiter::new(3 << 16)];
        for limiter in &mut limiters {
            limiter.count_in(Arc::clone(&all));
            assert!(matches!(limiter.memory_growing(0, 2 << 16, None), Ok(true)));
        }
        assert_eq!(all.load(Ordering::Relaxed), 4 << 16);
        let [one, _other] = limiters;
        drop(one);
        assert_eq!(all.load(Ordering::Relaxed), 2 << 16);
    }
}
