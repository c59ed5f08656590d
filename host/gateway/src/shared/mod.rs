//! Subscriptions that are shared: one of TWS for all who want the same.
//!
//! A [`Hub`] keeps the [`Line`]s of one kind by what they are about. A line is
//! subscribed when its first reader comes, and ends a short time after its last
//! one has gone. It outlives connections: when one breaks, or when TWS says
//! that it has lost its subscriptions (1101), the line subscribes again by
//! itself, and its readers learn of the gap.

mod line;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{Stream, StreamExt};
use ibapi::subscriptions::SubscriptionItem;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) use self::line::{Line, Reader, Source};
use crate::farms::Pulse;
use crate::model::{Error, Result};
use crate::session::Session;

/// How long to wait before a subscription that broke on a connection that
/// stands is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// The sessions that can be used, one after the other.
pub(crate) type Sessions = watch::Receiver<Option<Arc<Session>>>;

/// The lines of one kind. Clones are the same hub.
pub(crate) struct Hub<K, S: Source> {
    lines: Arc<Mutex<HashMap<K, Arc<Line<S>>>>>,
    /// How many there may be at once.
    limit: usize,
    /// How long a line waits for a new reader when it has none.
    idle: Duration,
    pulse: Arc<Pulse>,
}

impl<K: Clone + Eq + Hash + Send + 'static, S: Source> Hub<K, S> {
    pub(crate) fn new(limit: usize, idle: Duration, pulse: Arc<Pulse>) -> Self {
        Self {
            lines: Arc::default(),
            limit,
            idle,
            pulse,
        }
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<K, Arc<Line<S>>>> {
        // Nothing that holds the lock leaves it half changed.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader of the line for `key`, which begins now if there is none.
    /// Where there are as many lines as there may be, the one that nobody has
    /// read for the longest time makes room.
    ///
    /// # Errors
    /// What `full` makes of the lines, if somebody reads each of them.
    pub(crate) async fn join(
        &self,
        key: K,
        holder: &str,
        sessions: Sessions,
        source: impl Fn() -> S,
        full: impl Fn(&[Arc<Line<S>>]) -> Error,
    ) -> Result<Reader<S::State>> {
        loop {
            let going = {
                let mut lines = self.lines();
                match lines.get(&key) {
                    Some(line) => match line.join(holder) {
                        Some(reader) => return Ok(reader),
                        None => line.gone.clone(),
                    },
                    None if lines.len() < self.limit => {
                        let line = Arc::new(Line::new(source(), Arc::clone(&self.pulse)));
                        let reader = line.join(holder);
                        lines.insert(key.clone(), Arc::clone(&line));
                        drop(lines);
                        self.begin(key, &line, sessions);
                        return reader.ok_or_else(|| ended(&line.source.what()));
                    }
                    None => match self.make_room(&lines) {
                        Some(going) => going,
                        None => {
                            let all: Vec<_> = lines.values().cloned().collect();
                            return Err(full(&all));
                        }
                    },
                }
            };
            going.cancelled().await;
        }
    }

    /// Ends the line that nobody has read for the longest time. What it answers
    /// fires when the place is free.
    fn make_room(&self, lines: &HashMap<K, Arc<Line<S>>>) -> Option<CancellationToken> {
        let mut idle: Vec<_> = lines
            .values()
            .filter_map(|line| line.idle_since().map(|since| (since, line)))
            .collect();
        idle.sort_by_key(|(since, _)| *since);
        let mut idle = idle.into_iter().map(|(_, line)| line);
        // A reader may have come in this moment. One that is over already will do.
        let going = idle
            .find(|line| line.give_up())
            .or_else(|| lines.values().find(|line| line.give_up()));
        going.map(|line| line.gone.clone())
    }

    /// Sets a line to work, in a task of its own.
    fn begin(&self, key: K, line: &Arc<Line<S>>, sessions: Sessions) {
        let (lines, line, idle) = (Arc::clone(&self.lines), Arc::clone(line), self.idle);
        tokio::spawn(async move {
            let error = live(&line, sessions, idle).await;
            line.end(&error);
            lines
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&key);
            line.gone.cancel();
        });
    }

    /// The line for a key, if there is one.
    pub(crate) fn line(&self, key: &K) -> Option<Arc<Line<S>>> {
        self.lines().get(key).cloned()
    }

    /// How many lines there are.
    pub(crate) fn count(&self) -> usize {
        self.lines().len()
    }

    /// Ends all lines with the same error.
    pub(crate) fn end(&self, error: &Error) {
        let lines: Vec<_> = self.lines().values().cloned().collect();
        for line in lines {
            line.end(error);
        }
    }
}

/// Who reads a line, once for each reader.
pub(crate) fn holders<S: Source>(line: &Line<S>) -> Vec<String> {
    line.holders()
}

/// How one subscription of a line ended.
enum Ended {
    /// Nobody reads any more.
    Over,
    /// It shall begin anew at once.
    Lost,
    /// It broke.
    Broke,
    /// TWS refuses it.
    Refused(Error),
}

/// Keeps a line subscribed over all connections. Answers why no longer.
async fn live<S: Source>(line: &Arc<Line<S>>, mut sessions: Sessions, idle: Duration) -> Error {
    let what = line.source.what();
    loop {
        let session = tokio::select! {
            () = line.deserted(idle) => return ended(&what),
            session = next(&mut sessions) => session,
        };
        let Some(session) = session else {
            // The gateway is gone.
            return ended(&what);
        };
        let outcome = subscribed(line, &session, idle).await;
        match outcome {
            Ended::Over => return ended(&what),
            Ended::Refused(error) => return error,
            Ended::Lost => line.broke(),
            Ended::Broke => {
                line.broke();
                // Until there is another connection, or this one works again.
                tokio::select! {
                    () = line.deserted(idle) => return ended(&what),
                    () = tokio::time::sleep(AGAIN) => {}
                    _ = sessions.changed() => {}
                }
            }
        }
    }
}

/// The session that can be used now, or the next one.
async fn next(sessions: &mut Sessions) -> Option<Arc<Session>> {
    let session = sessions.wait_for(Option::is_some).await.ok()?;
    session.clone()
}

/// One subscription of a line, on one connection.
async fn subscribed<S: Source>(
    line: &Arc<Line<S>>,
    session: &Arc<Session>,
    idle: Duration,
) -> Ended {
    let mut farms = session.farms.watch();
    let mut lost = session.data_lost();
    lost.mark_unchanged();
    let stop = session.closing.child_token();
    let work = {
        let (line, session, stop) = (Arc::clone(line), Arc::clone(session), stop.clone());
        async move {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = session.pacing.request_or_order(line.source.is_urgent()) => {}
            }
            S::follow(line, session, stop).await
        }
    };
    // The session waits for it when it closes, so that TWS hears of the end.
    let mut task = session.tasks.spawn(work);
    let ended = loop {
        line.on_farms(&farms.borrow_and_update());
        tokio::select! {
            outcome = &mut task => {
                return match outcome {
                    Ok(Ok(()) | Err(Error::NotConnected(_) | Error::Cancelled(_))) => Ended::Broke,
                    Ok(Err(error)) => Ended::Refused(error),
                    Err(_) => Ended::Refused(Error::Other(
                        "The subscription ended by a defect of the host. See its log.".to_owned(),
                    )),
                };
            }
            () = line.deserted(idle) => break Ended::Over,
            // The session, with what it knows of farms, is kept by this function.
            _ = farms.changed() => {}
            _ = lost.changed() => break Ended::Lost,
        }
    };
    stop.cancel();
    // It has been told to end; how it does is no matter.
    let _ = task.await;
    ended
}

/// Hands what a subscription sends to `take`, until `stop` or until it ends.
///
/// # Errors
/// What `failed` makes of the end, or what `take` has against an item.
pub(crate) async fn pump<R>(
    items: &mut (impl Stream<Item = std::result::Result<SubscriptionItem<R>, ibapi::Error>> + Unpin),
    stop: &CancellationToken,
    failed: impl Fn(&ibapi::Error) -> Error,
    mut take: impl FnMut(SubscriptionItem<R>) -> Result<()>,
) -> Result<()> {
    loop {
        let item = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            item = items.next() => item,
        };
        match item {
            Some(Ok(item)) => take(item)?,
            Some(Err(error)) => return Err(failed(&error)),
            None => return Err(failed(&ibapi::Error::Shutdown)),
        }
    }
}

/// Waits until the end of a subscription may be sent. When the connection is
/// closed, what is not sent in time ends with it.
pub(crate) async fn before_cancel(session: &Session) {
    tokio::select! {
        () = session.closing.cancelled() => {}
        () = session.pacing.request() => {}
    }
}

fn ended(what: &str) -> Error {
    Error::NotConnected(format!(
        "The connection to TWS was closed on request, and with it {what}. Call ibkr_connect to \
         open it."
    ))
}
