//! How one connection fares: its signs of life, its end, what TWS says of its
//! own link to IBKR, and whether TWS takes orders at all.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ibapi::Notice;
use ibapi::subscriptions::NoticeStream;
use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::codes;
use crate::convert::time::clock;
use crate::model::{Error, Result, TwsMessage};
use crate::orders::reconcile::after_connect;
use crate::session::Session;

/// How many messages of TWS about its links are kept for the status.
const KEPT_NOTICES: usize = 8;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds a lock leaves it half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The latest messages of TWS about its links. They outlive a connection.
#[derive(Debug, Default)]
pub(crate) struct Notices(Mutex<VecDeque<String>>);

impl Notices {
    fn push(&self, notice: String) {
        let mut notices = lock(&self.0);
        if notices.len() == KEPT_NOTICES {
            notices.pop_front();
        }
        notices.push_back(notice);
    }

    /// All of them, newest last.
    pub(crate) fn all(&self) -> Vec<String> {
        lock(&self.0).iter().cloned().collect()
    }
}

/// TWS has its link to IBKR back.
struct Restored {
    /// Whether subscriptions ended with it (1101).
    data_lost: bool,
}

/// How a connection fares.
pub(crate) struct Link {
    opened: OffsetDateTime,
    notices: Arc<Notices>,
    /// When TWS was last heard.
    heard: Mutex<Instant>,
    lost: CancellationToken,
    why_lost: OnceLock<String>,
    /// Since when TWS is without IBKR (1100).
    link_down: Mutex<Option<OffsetDateTime>>,
    /// What TWS said when it moved its port (1300).
    moved: OnceLock<String>,
    read_only: AtomicBool,
    /// The latest refusal of a request because of that.
    refused: watch::Sender<TwsMessage>,
    data_lost: watch::Sender<u64>,
    restored: mpsc::UnboundedSender<Restored>,
    /// The other end of `restored`, until somebody works on it.
    to_restore: Mutex<Option<mpsc::UnboundedReceiver<Restored>>>,
}

impl Link {
    /// A connection that was opened in this moment.
    pub(crate) fn new(notices: Arc<Notices>) -> Self {
        let (restored, to_restore) = mpsc::unbounded_channel();
        Self {
            opened: OffsetDateTime::now_utc(),
            notices,
            heard: Mutex::new(Instant::now()),
            lost: CancellationToken::new(),
            why_lost: OnceLock::new(),
            link_down: Mutex::default(),
            moved: OnceLock::new(),
            read_only: AtomicBool::new(false),
            refused: watch::Sender::new(TwsMessage {
                code: 0,
                text: String::new(),
            }),
            data_lost: watch::Sender::new(0),
            restored,
            to_restore: Mutex::new(Some(to_restore)),
        }
    }

    /// Fires when the connection is dead.
    pub(crate) fn lost_token(&self) -> CancellationToken {
        self.lost.clone()
    }
}

impl Session {
    /// Sets to work what watches over the connection until it closes.
    pub(crate) fn watch(self: &Arc<Self>, notices: NoticeStream) {
        let session = Arc::clone(self);
        self.until_closing(async move { session.follow_notices(notices).await });
        let session = Arc::clone(self);
        self.until_closing(async move { session.watch_pulse().await });
        if let Some(restored) = lock(&self.link.to_restore).take() {
            let session = Arc::clone(self);
            self.until_closing(async move { session.follow_restores(restored).await });
        }
    }

    /// Resolves when the connection is dead.
    pub(crate) async fn lost(&self) {
        self.link.lost.cancelled().await;
    }

    /// Whether the connection is dead, which the supervisor may not have seen.
    pub(crate) fn is_lost(&self) -> bool {
        self.link.lost.is_cancelled()
    }

    /// What ended the connection, as the beginning of a sentence.
    pub(crate) fn why_lost(&self) -> String {
        let why = self.link.why_lost.get().cloned();
        why.unwrap_or_else(|| self.broke())
    }

    fn broke(&self) -> String {
        format!("The connection to TWS at {} broke", self.address.socket())
    }

    /// Gives the connection up. Whatever TWS has not answered, it will not.
    fn lose(&self, why: String) {
        // Only the first reason is the reason.
        let _ = self.link.why_lost.set(why);
        self.book.disconnected();
        self.link.lost.cancel();
    }

    /// TWS was heard. Whoever reads a stream of its own says so here, so that
    /// a busy connection is not asked for a sign of life.
    pub(crate) fn heard(&self) {
        *lock(&self.link.heard) = Instant::now();
        self.pulse.beat(OffsetDateTime::now_utc());
    }

    /// Whether the API of TWS is set to read only, as far as TWS has said so.
    pub(crate) fn read_only(&self) -> bool {
        self.link.read_only.load(Ordering::Relaxed)
    }

    /// Counts how often TWS has lost the subscriptions of this connection
    /// without losing the connection itself (1101). Whoever subscribed has to
    /// do it again whenever the number changes; it changes after the orders
    /// were reconciled. After 1102 nothing was lost, and it stays.
    pub(crate) fn data_lost(&self) -> watch::Receiver<u64> {
        self.link.data_lost.subscribe()
    }

    /// Whether TWS is without IBKR.
    pub(crate) fn is_link_down(&self) -> bool {
        lock(&self.link.link_down).is_some()
    }

    /// Since when it has been so.
    pub(crate) fn since(&self) -> OffsetDateTime {
        lock(&self.link.link_down).unwrap_or(self.link.opened)
    }

    /// What is wrong with a connection that stands, in a sentence.
    pub(crate) fn trouble(&self) -> Option<String> {
        if let Some(since) = *lock(&self.link.link_down) {
            return Some(format!(
                "TWS has had no connection to IBKR since {} (1100): quotes and orders stand still \
                 until it is back, which TWS sees to by itself.",
                clock(since)
            ));
        }
        if let Some(moved) = self.link.moved.get() {
            return Some(format!(
                "TWS has moved its API to another port: {moved} Call ibkr_disconnect, and \
                 ibkr_connect with that port."
            ));
        }
        self.read_only().then(|| {
            "The API of TWS is read only, so it takes no orders and does not tell which there \
             are: to trade, clear Read-Only API under API > Settings in TWS."
                .to_owned()
        })
    }

    /// Reads what TWS says without being asked, to the end of the connection.
    async fn follow_notices(&self, mut notices: NoticeStream) {
        while let Some(notice) = notices.next().await {
            self.heard();
            self.on_notice(&notice);
        }
        // The library closes this stream when it loses the socket.
        self.lose(self.broke());
    }

    fn on_notice(&self, notice: &Notice) {
        let Notice { code, message, .. } = notice;
        let now = OffsetDateTime::now_utc();
        if codes::is_about_links(*code) && self.config.is_restart_time(now) {
            // TWS's daily restart is no incident.
            tracing::info!(code, "TWS: {message}");
        } else {
            self.codes.log(notice);
        }
        self.note_read_only(*code, message);
        self.farms.hear(*code, message, now);
        if !codes::is_about_links(*code) {
            return;
        }
        self.link.notices.push(format!("{message} (code {code})"));
        match code {
            1100 => {
                lock(&self.link.link_down).get_or_insert_with(OffsetDateTime::now_utc);
            }
            1101 | 1102 => {
                *lock(&self.link.link_down) = None;
                let data_lost = *code == 1101;
                // Nobody works on it any more once the session is closing.
                let _ = self.link.restored.send(Restored { data_lost });
            }
            1300 => {
                let _ = self.link.moved.set(message.clone());
            }
            _ => {}
        }
    }

    /// Notes it if a message of TWS says that its API is read only.
    pub(crate) fn note_read_only(&self, code: i32, text: &str) {
        if !codes::is_read_only(code, text) {
            return;
        }
        if !self.link.read_only.swap(true, Ordering::Relaxed) {
            tracing::warn!("The API of TWS is set to read only: it takes no orders");
        }
        self.link.refused.send_replace(TwsMessage {
            code,
            text: text.to_owned(),
        });
    }

    /// Works on a request that a read-only API refuses. TWS does not say which
    /// request it refuses then, and the library waits on.
    pub(crate) async fn unless_read_only<T>(
        &self,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let mut refused = self.link.refused.subscribe();
        tokio::select! {
            outcome = work => outcome,
            Ok(()) = refused.changed() => Err(Error::Rejected(refused.borrow().clone())),
        }
    }

    /// Asks TWS for a sign of life whenever it has been quiet for long, and
    /// gives the connection up if none comes.
    async fn watch_pulse(&self) {
        let (pause, patience) = (self.config.heartbeat, self.config.heartbeat_timeout);
        loop {
            let last = *lock(&self.link.heard);
            if last.elapsed() < pause {
                tokio::time::sleep_until(last + pause).await;
                continue;
            }
            match tokio::time::timeout(patience, self.client.server_time()).await {
                Ok(Err(ibapi::Error::Timeout)) | Err(_) => {}
                // A refusal is a sign of life too. A socket that is gone tells
                // by itself; until then this goes on.
                Ok(_) => self.heard(),
            }
            if *lock(&self.link.heard) == last {
                self.lose(format!(
                    "TWS at {} has said nothing for {} seconds",
                    self.address.socket(),
                    last.elapsed().as_secs()
                ));
                return;
            }
        }
    }

    /// Learns how the orders stand whenever TWS was without IBKR, and tells
    /// that subscriptions ended. A read-only API is asked now and then whether
    /// it still is.
    async fn follow_restores(self: &Arc<Self>, mut restored: mpsc::UnboundedReceiver<Restored>) {
        loop {
            let restored = tokio::select! {
                restored = restored.recv() => restored,
                () = tokio::time::sleep(self.config.heartbeat) => {
                    if self.read_only() && let Err(error) = self.reconcile().await {
                        tracing::debug!("The orders cannot be read: {error}");
                    }
                    continue;
                }
            };
            let Some(Restored { data_lost }) = restored else {
                return;
            };
            self.contracts.clear();
            match self.reconcile().await {
                Ok(()) => {
                    if data_lost {
                        self.link.data_lost.send_modify(|times| *times += 1);
                    }
                }
                // The next time that it is back tells.
                Err(_) if self.is_link_down() => {}
                Err(error) => self.lose(format!(
                    "TWS at {} did not tell how the orders stand after it was without IBKR: {error}",
                    self.address.socket()
                )),
            }
        }
    }

    /// Learns how this client's orders stand. A TWS whose API is read only does
    /// not tell, and is used without.
    ///
    /// # Errors
    /// `NotConnected`, `TimedOut`, or what TWS says.
    pub(crate) async fn reconcile(self: &Arc<Self>) -> Result<()> {
        match after_connect(self).await {
            Ok(()) => {
                if self.link.read_only.swap(false, Ordering::Relaxed) {
                    tracing::info!("The API of TWS takes orders again");
                }
                Ok(())
            }
            Err(Error::Rejected(message)) if codes::is_read_only(message.code, &message.text) => {
                self.note_read_only(message.code, &message.text);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
