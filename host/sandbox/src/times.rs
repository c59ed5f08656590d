//! Where the time of one call goes.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Where the time of one call goes. A cheap handle: clones share one account,
/// which can be read at any time, also after a call that was dropped.
#[derive(Debug, Clone, Default)]
pub struct Times {
    spent: Arc<Spent>,
}

/// In nanoseconds.
#[derive(Debug, Default)]
struct Spent {
    queue: AtomicU64,
    instance: AtomicU64,
    gateway: AtomicU64,
}

/// What time is spent on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum On {
    /// Waiting for a place among the instances.
    Queue,
    /// The life of the instance.
    Instance,
    /// Waiting for the gateway, within that life.
    Gateway,
}

impl Times {
    /// How long it waited until its instance could begin.
    pub fn queue(&self) -> Duration {
        read(&self.spent.queue)
    }

    /// How long it waited for the gateway: for answers, and for what streams
    /// bring.
    pub fn gateway(&self) -> Duration {
        read(&self.spent.gateway)
    }

    /// How long its instance lived beside that: the tool's own code, and what
    /// the host does around it.
    pub fn sandbox(&self) -> Duration {
        read(&self.spent.instance).saturating_sub(self.gateway())
    }

    /// Waits for a turn that comes before the place among the instances; it
    /// counts as time in the queue.
    pub async fn queued<T>(&self, turn: impl Future<Output = T>) -> T {
        self.measure(On::Queue, turn).await
    }

    /// Does some work, and counts how long it took, to its end or until it was
    /// dropped.
    pub(crate) async fn measure<T>(&self, on: On, work: impl Future<Output = T>) -> T {
        let _clock = Clock {
            times: self,
            on,
            begun: Instant::now(),
        };
        work.await
    }
}

fn read(nanos: &AtomicU64) -> Duration {
    Duration::from_nanos(nanos.load(Ordering::Relaxed))
}

/// Counts when it is dropped.
struct Clock<'a> {
    times: &'a Times,
    on: On,
    begun: Instant,
}

impl Drop for Clock<'_> {
    fn drop(&mut self) {
        let nanos = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let spent = &self.times.spent;
        let sum = match self.on {
            On::Queue => &spent.queue,
            On::Instance => &spent.instance,
            On::Gateway => &spent.gateway,
        };
        sum.fetch_add(nanos, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn time_counts_where_it_was_spent_also_of_what_was_dropped() {
        let times = Times::default();
        let sleep = || tokio::time::sleep(Duration::from_millis(20));
        times.measure(On::Queue, sleep()).await;
        let instance = times.measure(On::Instance, async {
            times.measure(On::Gateway, sleep()).await;
            std::future::pending::<()>().await;
        });
        let ended = tokio::time::timeout(Duration::from_millis(100), instance).await;
        assert!(ended.is_err());
        assert!(times.queue() >= Duration::from_millis(20));
        assert!(times.gateway() >= Duration::from_millis(20));
        assert!(times.clone().sandbox() > Duration::ZERO);
    }
}
