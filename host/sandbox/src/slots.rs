//! The queue in front of the instances: how many calls run, and how many wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::config::SandboxConfig;
use crate::error::CallError;

/// How many components may describe themselves at a time, besides the calls:
/// a host that is full can load, and one that loads can serve.
pub(crate) const DESCRIBING: u32 = 16;

/// The places for instances.
pub(crate) struct Slots {
    places: Arc<Semaphore>,
    describing: Arc<Semaphore>,
    max_instances: u32,
    waiting: AtomicUsize,
    max_queued: usize,
    queue_deadline: Duration,
}

impl Slots {
    pub(crate) fn new(config: &SandboxConfig) -> Self {
        Self {
            places: Arc::new(Semaphore::new(config.max_instances as usize)),
            describing: Arc::new(Semaphore::new(DESCRIBING as usize)),
            max_instances: config.max_instances,
            waiting: AtomicUsize::new(0),
            max_queued: config.max_queued,
            queue_deadline: config.queue_deadline,
        }
    }

    /// Takes a place, and waits for one in a bounded queue if there is none.
    pub(crate) async fn take(
        &self,
        cancel: &CancellationToken,
    ) -> Result<OwnedSemaphorePermit, CallError> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        if self.places.is_closed() {
            return Err(CallError::ShuttingDown);
        }
        let _waiting = self.queue()?;
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(CallError::Cancelled),
            place = Arc::clone(&self.places).acquire_owned() => {
                place.map_err(|_| CallError::ShuttingDown)
            }
            () = tokio::time::sleep(self.queue_deadline) => Err(self.busy()),
        }
    }

    /// Takes a place to describe a component in. Each is free again before
    /// long, so whoever finds none waits.
    pub(crate) async fn take_to_describe(
        &self,
        cancel: &CancellationToken,
    ) -> Result<OwnedSemaphorePermit, CallError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(CallError::Cancelled),
            place = Arc::clone(&self.describing).acquire_owned() => {
                place.map_err(|_| CallError::ShuttingDown)
            }
        }
    }

    /// How many places are taken.
    pub(crate) fn taken(&self) -> u32 {
        let free = u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX);
        self.max_instances.saturating_sub(free)
    }

    /// How many calls wait for a place.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Takes no more calls: those who wait are turned away at once.
    pub(crate) fn close(&self) {
        self.places.close();
        self.describing.close();
    }

    /// Waits until no call runs any more, or until `deadline` has passed.
    /// Answers whether all have ended.
    pub(crate) async fn ended(&self, deadline: Duration) -> bool {
        let all = async {
            while self.places.available_permits() < self.max_instances as usize {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(deadline, all).await.is_ok()
    }

    fn queue(&self) -> Result<Waiting<'_>, CallError> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(&self.waiting);
        if before >= self.max_queued {
            return Err(self.busy());
        }
        Ok(waiting)
    }

    fn busy(&self) -> CallError {
        CallError::Busy {
            max_instances: self.max_instances,
        }
    }
}

/// One place in the queue, given back when dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
