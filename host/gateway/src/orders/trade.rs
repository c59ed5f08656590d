//! What the orders of one gateway share, over all of its connections: the
//! rules, what the gate remembers, the journal, and the turn to send.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::confirming::Questions;
use super::situation::Cache;
use crate::gate::state::{Halt, HaltSource};
use crate::gate::{GateConfig, GateState};
use crate::journal::{self, Journal, JournalError};
use crate::metrics::Verdicts;
use crate::model::{Error, Result, UncertainOrder};

/// How long the end of the gateway waits for orders that are being sent.
const GOODBYE: Duration = Duration::from_secs(3);

/// What is remembered from one order to the next, and over restarts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// What the gate remembers.
    pub(super) gate: GateState,
    /// What persons are being asked.
    pub(super) questions: Questions,
}

/// What the orders of one gateway share.
pub(crate) struct Trade {
    gateway: String,
    config: RwLock<Arc<GateConfig>>,
    /// The journal, or why there is none.
    journal: std::result::Result<Journal, String>,
    memory: Mutex<Memory>,
    /// Held from the last look at what is open and held until an order is in
    /// the book, on disk and sent: two orders at once cannot both take the last
    /// place under a limit.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// The idempotency keys that are being worked on.
    keys: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    /// What was fetched for the gate and holds for a while.
    pub(super) cache: Cache,
    /// What the gate said until now.
    verdicts: Mutex<Verdicts>,
    /// Everything that works on an order, to its end.
    tasks: TaskTracker,
}

impl Trade {
    /// Begins with what the journal kept when the gateway was last used.
    pub(crate) fn new(
        gateway: &str,
        config: GateConfig,
        journal: std::result::Result<Journal, String>,
    ) -> Self {
        let memory = journal.as_ref().map_or_else(
            |_| Memory::default(),
            |journal| remembered(gateway, journal),
        );
        Self {
            gateway: gateway.to_owned(),
            config: RwLock::new(Arc::new(config)),
            journal,
            memory: Mutex::new(memory),
            turn: tokio::sync::Mutex::default(),
            keys: Mutex::default(),
            cache: Cache::default(),
            verdicts: Mutex::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// The name of the gateway.
    pub(super) fn gateway(&self) -> &str {
        &self.gateway
    }

    /// The rules as they are now.
    pub(super) fn config(&self) -> Arc<GateConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets other rules.
    pub(super) fn set_config(&self, config: GateConfig) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    /// The journal, if there is one.
    pub(crate) fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref().ok()
    }

    /// The journal, without which nothing is sent.
    pub(super) fn needed_journal(&self) -> Result<&Journal> {
        self.journal.as_ref().map_err(|reason| {
            Error::NoPermission(format!("No order goes out, and nothing was sent. {reason}"))
        })
    }

    /// What is remembered, for as long as nobody waits.
    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        // Nothing that holds the lock leaves it half changed.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first halt, while there is one.
    pub(super) fn halted(&self) -> Option<Halt> {
        self.memory().gate.halts.current().cloned()
    }

    /// What the gate has said until now.
    pub(crate) fn verdicts(&self) -> MutexGuard<'_, Verdicts> {
        // Nothing that holds the lock leaves it half changed.
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes rows, and what is remembered now with them. They are durable when
    /// this is done.
    pub(super) async fn write(
        &self,
        entries: Vec<journal::Entry>,
    ) -> std::result::Result<(), JournalError> {
        let Ok(journal) = &self.journal else {
            return Ok(());
        };
        let pending = {
            // Handed over under the lock: what is kept never goes backwards.
            let memory = self.memory();
            let state = serde_json::to_string(&*memory).map_err(|error| {
                JournalError::BadRow(format!("what the gate remembers has no form: {error}."))
            })?;
            journal.append_and_keep(entries, &self.gateway, state)
        };
        pending.await.map(drop)
    }

    /// As [`write`](Self::write), for what has happened already: if it cannot
    /// be written, the log says so, loudly.
    pub(super) async fn note(&self, entries: Vec<journal::Entry>) {
        let what: Vec<_> = entries.iter().map(|entry| entry.event.kind()).collect();
        if let Err(error) = self.write(entries).await {
            tracing::error!(?what, "Not in the order journal: {error}");
        }
    }

    /// Waits until nobody else works on this idempotency key.
    pub(super) async fn once(&self, key: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            keys.retain(|_, turn| turn.strong_count() > 0);
            match keys.get(key).and_then(Weak::upgrade) {
                Some(turn) => turn,
                None => {
                    let turn = Arc::default();
                    keys.insert(key.to_owned(), Arc::downgrade(&turn));
                    turn
                }
            }
        };
        turn.lock_owned().await
    }

    /// Runs to its end whatever the caller does.
    pub(super) async fn own_task<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.tasks
            .spawn(work.in_current_span())
            .await
            .unwrap_or_else(|_| {
                Err(Error::Uncertain(UncertainOrder {
                    order_id: None,
                    message: "The host failed while it worked on the order. Look at \
                          ibkr_get_open_orders and ibkr_get_executions before doing anything else."
                        .to_owned(),
                }))
            })
    }

    /// Waits, at most for a moment, until what is known of the orders that are
    /// being sent is written down. The connection is closed by now.
    pub(crate) async fn settle(&self) {
        self.tasks.close();
        if tokio::time::timeout(GOODBYE, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("Some orders were still being worked on when the gateway ended");
        }
        self.tasks.reopen();
    }
}

/// What the journal kept of this gateway. If it cannot be read, nothing is
/// known of what was allowed before, and trading stands still.
fn remembered(gateway: &str, journal: &Journal) -> Memory {
    let kept = journal
        .reader()
        .and_then(|reader| reader.kept(gateway))
        .map_err(|error| error.to_string())
        .and_then(|kept| match kept {
            Some(kept) => serde_json::from_str(&kept).map_err(|error| error.to_string()),
            None => Ok(Memory::default()),
        });
    kept.unwrap_or_else(|error| {
        tracing::error!(gateway, "What the gate remembered cannot be read: {error}");
        let mut memory = Memory::default();
        memory.gate.halts.set(Halt {
            source: HaltSource::Host,
            who: "sandpit".to_owned(),
            why: "what the gate remembered of earlier orders cannot be read".to_owned(),
            since: OffsetDateTime::now_utc(),
        });
        memory
    })
}
