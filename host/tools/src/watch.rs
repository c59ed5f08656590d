//! Watching the tool folder: looks when the system says that something has
//! changed, and now and then in any case, and inspects what is new.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::candidate::{self, Found};
use crate::files::{self, Look, Stamp};
use crate::folder::Due;
use crate::tools::Inner;

/// How often the folder is looked at when the system says nothing: it does not
/// say that the target of a link has changed, nor what happens on some network
/// file systems.
const POLL: Duration = Duration::from_secs(2);
/// How often, when the system cannot tell of changes at all.
const POLL_BLIND: Duration = Duration::from_millis(500);
/// The time between two looks, so that a file that grows does not keep the
/// host busy.
const PAUSE: Duration = Duration::from_millis(20);
/// How many files are inspected at a time, at the least: one that takes long
/// to describe itself must not hold up the others.
const INSPECTIONS: usize = 8;

/// What an inspection found, of which file.
type Inspected = (String, Stamp, Found);

/// Watches until `stop`.
pub(crate) async fn watch(inner: Arc<Inner>, stop: CancellationToken) {
    let mut eyes = Eyes::new(&inner.config.folder);
    let mut inspections: JoinSet<Inspected> = JoinSet::new();
    let places = places();
    loop {
        eyes.look_at(&inner.config.folder);
        let look = look(&inner).await;
        let now = Instant::now();
        for due in inner.looked(look, now) {
            let (inner, places) = (Arc::clone(&inner), Arc::clone(&places));
            inspections.spawn(async move { inspect(&inner, due, &places).await });
        }
        let pause = tokio::time::sleep(PAUSE);
        tokio::select! {
            () = stop.cancelled() => return,
            () = pause => {}
        }
        let poll = Instant::now() + eyes.poll();
        loop {
            let wake = inner.wake().map_or(poll, |wake| wake.min(poll));
            tokio::select! {
                () = stop.cancelled() => return,
                () = eyes.changed.notified() => break,
                () = tokio::time::sleep_until(wake.into()) => break,
                Some(first) = inspections.join_next() => {
                    // What is ready at the same time is taken over at once.
                    let ready = std::iter::from_fn(|| inspections.try_join_next());
                    inner.inspected(std::iter::once(first).chain(ready).filter_map(ended).collect());
                }
            }
        }
    }
}

/// Looks at the folder and inspects all of it at once, as a host does when it
/// starts.
pub(crate) async fn inspect_all(inner: &Arc<Inner>, due: Vec<Due>) -> Vec<Inspected> {
    let mut inspections = JoinSet::new();
    let places = places();
    for due in due {
        let (inner, places) = (Arc::clone(inner), Arc::clone(&places));
        inspections.spawn(async move { inspect(&inner, due, &places).await });
    }
    let mut found = Vec::new();
    while let Some(inspected) = inspections.join_next().await {
        found.extend(ended(inspected));
    }
    found
}

/// What an inspection found, unless it panicked.
fn ended(inspected: Result<Inspected, JoinError>) -> Option<Inspected> {
    inspected
        .inspect_err(|error| tracing::error!(%error, "an inspection of a tool ended badly"))
        .ok()
}

fn places() -> Arc<Semaphore> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new(cores.max(INSPECTIONS)))
}

async fn inspect(inner: &Inner, due: Due, places: &Semaphore) -> Inspected {
    // It is never closed.
    let _place = places.acquire().await;
    let path = inner.config.folder.join(&due.file);
    let (sandbox, stamp) = (inner.sandbox.clone(), due.stamp);
    // In a task of its own, so that a panic is a fault of this file and no more.
    let work = async move { candidate::inspect(&sandbox, path, stamp, due.known).await };
    let found = tokio::spawn(work).await.unwrap_or_else(|error| {
        tracing::error!(file = due.file, %error, "an inspection did not end by itself");
        Found::Fault {
            reason: "The host failed while it looked into the file. Its log says more.".to_owned(),
            digest: None,
            passing: false,
        }
    });
    (due.file, stamp, found)
}

/// Looks at the folder on a thread of its own: a network file system may take
/// its time.
pub(crate) async fn look(inner: &Inner) -> std::io::Result<Look> {
    let folder = inner.config.folder.clone();
    tokio::task::spawn_blocking(move || files::look(&folder))
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

/// The system's word that something has changed.
struct Eyes {
    changed: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
    /// Which folder is watched: not the one that is there after it was deleted
    /// and made anew.
    watched: Option<(u64, u64)>,
}

impl Eyes {
    fn new(folder: &Path) -> Self {
        let changed = Arc::new(Notify::new());
        let tell = Arc::clone(&changed);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| !is_a_change(event.kind)) {
                return;
            }
            tell.notify_one();
        });
        let watcher = watcher
            .inspect_err(|error| {
                tracing::warn!(
                    folder = %folder.display(),
                    %error,
                    "the system does not tell of changes in the tool folder; it is looked at \
                     more often"
                );
            })
            .ok();
        Self {
            changed,
            watcher,
            watched: None,
        }
    }

    /// Sees to it that the folder that is there now is watched.
    fn look_at(&mut self, folder: &Path) {
        let identity = files::identity(folder);
        if identity == self.watched {
            return;
        }
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        // The folder may be gone, and the watch with it.
        let _ = watcher.unwatch(folder);
        self.watched = identity.filter(|_| {
            watcher
                .watch(folder, RecursiveMode::NonRecursive)
                .inspect_err(|error| {
                    tracing::debug!(folder = %folder.display(), %error, "it cannot be watched");
                })
                .is_ok()
        });
    }

    fn poll(&self) -> Duration {
        if self.watched.is_some() {
            POLL
        } else {
            POLL_BLIND
        }
    }
}

/// Whether an event tells of a change: the host's own reading does not.
fn is_a_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}
