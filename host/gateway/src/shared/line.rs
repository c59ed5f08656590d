//! One subscription of TWS, with its readers.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::farms::{FARM_SETTLES, FarmState, Pulse};
use crate::feed::{Feed, Pending};
use crate::model::{Error, Gap, Result};
use crate::session::Session;

/// What can be subscribed to.
pub(crate) trait Source: Sized + Send + Sync + 'static {
    /// What is known, as a whole for who comes later and as changed for each
    /// reader.
    type State: Pending + Clone;

    /// What is subscribed to, for sentences: `the quotes of SPY`.
    fn what(&self) -> String;

    /// Subscribes and hands on what comes, until `stop` or until it ends.
    ///
    /// # Errors
    /// `NotConnected` if it broke and shall begin again; anything else if TWS
    /// refuses it.
    fn follow(
        line: Arc<Line<Self>>,
        session: Arc<Session>,
        stop: CancellationToken,
    ) -> impl Future<Output = Result<()>> + Send;

    /// What a reader begins with.
    fn begin(known: &Self::State) -> Self::State {
        known.clone()
    }

    /// Keeps what is known as a whole in bounds, after a change.
    fn settle(_known: &mut Self::State) {}

    /// A new subscription begins to tell everything anew: what is known as a
    /// whole.
    fn renew(_known: &mut Self::State) {}

    /// The same for what gathers for a reader.
    fn renew_pending(_pending: &mut Self::State) {}

    /// Whether orders wait for it, so that it does not queue behind other data.
    /// Only for what there is little of.
    fn is_urgent(&self) -> bool {
        false
    }

    /// Since when trouble with TWS's links has been holding it up.
    fn troubled(farms: &FarmState) -> Option<OffsetDateTime> {
        farms.cut_off
    }
}

/// A subscription, which outlives connections.
pub(crate) struct Line<S: Source> {
    pub(crate) source: S,
    shared: Mutex<Shared<S::State>>,
    /// Its receivers are the readers: closed when there are none.
    readers: watch::Sender<()>,
    /// Fires when it is over, to end what is subscribed.
    give_up: CancellationToken,
    /// Fires when TWS knows nothing of it any more.
    pub(super) gone: CancellationToken,
    pulse: Arc<Pulse>,
}

struct Shared<T> {
    known: T,
    readers: Vec<(Weak<Feed<T>>, String)>,
    idle_since: Option<Instant>,
    is_over: bool,
    /// Nothing has come yet since it was subscribed to anew.
    is_missing: bool,
    /// Since when the links of TWS have been holding it up.
    trouble: Option<OffsetDateTime>,
    /// Since when changes may have been missed, for either reason.
    stale_since: Option<OffsetDateTime>,
    /// Until when, before that, it was certain that none was.
    certain_at: Option<OffsetDateTime>,
}

impl<T: Pending> Shared<T> {
    /// The readers that are still there.
    fn feeds(&mut self) -> Vec<Arc<Feed<T>>> {
        self.readers.retain(|(feed, _)| feed.strong_count() > 0);
        let readers = self.readers.iter();
        readers.filter_map(|(feed, _)| feed.upgrade()).collect()
    }

    /// Tells the readers if they cannot, or can again, rely on what they have.
    fn judge(&mut self, now: OffsetDateTime, pulse: &Pulse) {
        let is_stale = self.is_missing || self.trouble.is_some();
        match self.stale_since {
            None if is_stale => {
                self.certain_at = pulse.latest();
                self.stale_since = Some(self.trouble.or(self.certain_at).unwrap_or(now));
                for feed in self.feeds() {
                    feed.stale(self.certain_at);
                }
            }
            Some(since) if !is_stale => {
                self.stale_since = None;
                for feed in self.feeds() {
                    feed.fresh(Gap { since, until: now });
                }
            }
            _ => {}
        }
    }
}

/// One reader of a line. Dropping it ends its part.
pub(crate) struct Reader<T> {
    feed: Arc<Feed<T>>,
    _counted: watch::Receiver<()>,
}

impl<T: Pending> Reader<T> {
    /// See [`Feed::next`].
    pub(crate) async fn next(&mut self, timeout: Duration) -> Result<Option<T::Batch>> {
        self.feed.next(timeout).await
    }
}

impl<S: Source> Line<S> {
    pub(crate) fn new(source: S, pulse: Arc<Pulse>) -> Self {
        Self {
            source,
            shared: Mutex::new(Shared {
                known: S::State::default(),
                readers: Vec::new(),
                idle_since: None,
                is_over: false,
                is_missing: false,
                trouble: None,
                stale_since: None,
                certain_at: None,
            }),
            readers: watch::Sender::new(()),
            give_up: CancellationToken::new(),
            gone: CancellationToken::new(),
            pulse,
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared<S::State>> {
        // Nothing that holds the lock leaves it half changed.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader that begins with everything known; none if it is over.
    /// `holder` names it for those who find no line free.
    pub(crate) fn join(&self, holder: &str) -> Option<Reader<S::State>> {
        let mut shared = self.shared();
        if shared.is_over {
            return None;
        }
        shared.idle_since = None;
        let pending = S::begin(&shared.known);
        let feed = Arc::new(Feed::new(pending, Arc::clone(&self.pulse)));
        if shared.stale_since.is_some() {
            feed.stale(shared.certain_at);
        }
        let reader = (Arc::downgrade(&feed), holder.to_owned());
        shared.readers.push(reader);
        Some(Reader {
            feed,
            _counted: self.readers.subscribe(),
        })
    }

    /// Who reads.
    pub(super) fn holders(&self) -> Vec<String> {
        let shared = self.shared();
        let readers = shared.readers.iter();
        readers
            .filter(|(feed, _)| feed.strong_count() > 0)
            .map(|(_, holder)| holder.clone())
            .collect()
    }

    /// Since when nobody has been reading.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        self.shared().idle_since
    }

    /// Looks at what is known.
    pub(crate) fn with_known<T>(&self, look: impl FnOnce(&S::State) -> T) -> T {
        look(&self.shared().known)
    }

    /// Hands a change to everyone.
    pub(crate) fn tell(&self, now: OffsetDateTime, change: impl Fn(&mut S::State)) {
        self.pulse.beat(now);
        let mut shared = self.shared();
        let feeds = shared.feeds();
        if shared.is_missing {
            S::renew(&mut shared.known);
            for feed in &feeds {
                feed.update(S::renew_pending);
            }
            shared.is_missing = false;
        }
        if shared
            .trouble
            .is_some_and(|since| now - since >= FARM_SETTLES)
        {
            shared.trouble = None;
        }
        change(&mut shared.known);
        S::settle(&mut shared.known);
        for feed in &feeds {
            feed.update(&change);
        }
        shared.judge(now, &self.pulse);
    }

    /// The subscription broke; it begins anew.
    pub(super) fn broke(&self) {
        let mut shared = self.shared();
        shared.is_missing = true;
        shared.trouble = None;
        shared.judge(OffsetDateTime::now_utc(), &self.pulse);
    }

    /// Takes in how the links of TWS stand.
    pub(super) fn on_farms(&self, farms: &FarmState) {
        let mut shared = self.shared();
        shared.trouble = S::troubled(farms);
        shared.judge(OffsetDateTime::now_utc(), &self.pulse);
    }

    /// Waits until nobody has been reading for so long, or nobody may any more.
    pub(super) async fn deserted(&self, idle: Duration) {
        loop {
            tokio::select! {
                () = self.give_up.cancelled() => {}
                () = self.readers.closed() => {
                    let since = {
                        let mut shared = self.shared();
                        if self.readers.receiver_count() > 0 {
                            continue;
                        }
                        *shared.idle_since.get_or_insert_with(Instant::now)
                    };
                    tokio::select! {
                        () = self.give_up.cancelled() => {}
                        () = tokio::time::sleep_until(since + idle) => {}
                    }
                    // Somebody may have read meanwhile.
                    if self.idle_since() != Some(since) {
                        continue;
                    }
                }
            }
            if self.is_deserted() {
                return;
            }
        }
    }

    /// Whether nobody reads any more; if so, nobody can join either.
    fn is_deserted(&self) -> bool {
        let mut shared = self.shared();
        shared.is_over |= self.readers.receiver_count() == 0;
        shared.is_over
    }

    /// Ends it before its idle time is over, if nobody reads any more.
    pub(super) fn give_up(&self) -> bool {
        let is_deserted = self.is_deserted();
        if is_deserted {
            self.give_up.cancel();
        }
        is_deserted
    }

    /// Ends it, and every reader with the same error.
    pub(super) fn end(&self, error: &Error) {
        let mut shared = self.shared();
        shared.is_over = true;
        for feed in shared.feeds() {
            feed.end(error.clone());
        }
        self.give_up.cancel();
    }
}
