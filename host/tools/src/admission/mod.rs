//! Whether and when a call of a tool may begin: how many within a minute, how
//! many at a time, and in whose turn.

mod fair_queue;
mod rate;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::policy::Limits;
use fair_queue::{Arrival, FairQueue, Ticket};
pub use rate::MinuteRate;

/// The door of one tool. It belongs to the tool's name, so that replacing the
/// file gives nobody a second turn.
#[derive(Debug)]
pub(crate) struct Admission {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    concurrent: usize,
    queued: usize,
    per_minute: Option<usize>,
    rate: MinuteRate,
    queue: FairQueue<oneshot::Sender<()>>,
}

/// Why a call was not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAdmitted {
    /// Too many began within a minute.
    #[error(
        "may be called {limit} times a minute by the operator's policy. Try again in {} seconds.",
        .wait.as_secs() + u64::from(.wait.subsec_nanos() > 0)
    )]
    Rate {
        /// How many may begin.
        limit: usize,
        /// When there is room again.
        wait: Duration,
    },
    /// Too many wait.
    #[error(
        "runs at most {concurrent} calls at a time by the operator's policy, and {queued} wait \
         already, which is as many as may. Try again in a moment."
    )]
    Full {
        /// How many run at a time.
        concurrent: usize,
        /// How many may wait.
        queued: usize,
    },
    /// It waited as long as it may.
    #[error(
        "runs at most {concurrent} calls at a time by the operator's policy, and none of them \
         ended within {waited:?}. Try again later."
    )]
    Waited {
        /// How many run at a time.
        concurrent: usize,
        /// How long it waited.
        waited: Duration,
    },
    /// It was cancelled while it waited.
    #[error("was not called: the call was cancelled while it waited for its turn.")]
    Cancelled,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        let (concurrent, queued) = (limits.concurrent(), limits.queued());
        Self {
            inner: Mutex::new(Inner {
                concurrent,
                queued,
                per_minute: limits.per_minute(),
                rate: MinuteRate::default(),
                queue: FairQueue::new(concurrent, queued),
            }),
        }
    }

    /// Takes over other limits. Calls that run go on.
    pub(crate) fn limit(&self, limits: &Limits) {
        let mut inner = self.lock();
        inner.concurrent = limits.concurrent();
        inner.queued = limits.queued();
        inner.per_minute = limits.per_minute();
        let (concurrent, queued) = (inner.concurrent, inner.queued);
        call_in(inner.queue.resize(concurrent, queued));
    }

    /// Waits for a place, for `patience` at most.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(crate) async fn enter(
        &self,
        client: &str,
        patience: Duration,
        cancel: &CancellationToken,
    ) -> Result<Place<'_>, NotAdmitted> {
        let (ticket, called) = match self.arrive(client)? {
            (Arrival::Waits(ticket), called) => (ticket, called),
            _ => return Ok(Place { admission: self }),
        };
        // From here on the call gives its place back, or its place in the
        // queue, when it is dropped.
        let mut waiting = Waiting {
            admission: self,
            client,
            ticket,
            entered: false,
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(NotAdmitted::Cancelled),
            // The sender is dropped only when it has called.
            _ = called => {
                waiting.entered = true;
                Ok(Place { admission: self })
            }
            () = tokio::time::sleep(patience) => Err(NotAdmitted::Waited {
                concurrent: self.lock().concurrent,
                waited: patience,
            }),
        }
    }

    /// How many calls run, and how many wait.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.queue.running(), inner.queue.waiting())
    }

    fn arrive(&self, client: &str) -> Result<(Arrival, oneshot::Receiver<()>), NotAdmitted> {
        let mut inner = self.lock();
        if let Some(limit) = inner.per_minute {
            inner
                .rate
                .take(limit, Instant::now())
                .map_err(|wait| NotAdmitted::Rate { limit, wait })?;
        }
        let (call, called) = oneshot::channel();
        match inner.queue.arrive(client, call) {
            Arrival::Full => Err(NotAdmitted::Full {
                concurrent: inner.concurrent,
                queued: inner.queued,
            }),
            arrival => Ok((arrival, called)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells those who have a place now. Whoever is gone gives its place back by
/// itself.
fn call_in(called: Vec<oneshot::Sender<()>>) {
    for call in called {
        let _ = call.send(());
    }
}

/// The place of a call that runs, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    admission: &'a Admission,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        call_in(self.admission.lock().queue.leave());
    }
}

/// A call that waits.
struct Waiting<'a> {
    admission: &'a Admission,
    client: &'a str,
    ticket: Ticket,
    entered: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.entered {
            let mut inner = self.admission.lock();
            call_in(inner.queue.give_up(self.client, self.ticket));
        }
    }
}

#[cfg(test)]
mod tests;
