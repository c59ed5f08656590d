//! The book of this client's orders.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ibapi::orders as ib;
use time::OffsetDateTime;
use time_tz::Tz;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::entry::Entry;
use super::executions::Told;
use super::recording::Recorder;
use super::recovery::Ids;
use crate::codes::Overrides;
use crate::config::GatewayConfig;
use crate::journal::{About, Event, Gap, GapKind, Journal, OrderKey};
use crate::model::{Commission, Contract, Order, OrderStatus, PlacedOrder, TwsMessage};

/// How many orders, and how many commissions, are remembered.
pub(super) const REMEMBERED: usize = 10_000;

/// What TWS answers to a what-if order.
pub(super) type WhatIfAnswer = Result<ib::OrderState, TwsMessage>;

/// The orders of one client id at one TWS.
#[derive(Default)]
pub(crate) struct Book {
    state: Mutex<State>,
    /// Counts the changes, to wake who waits for one.
    changes: watch::Sender<u64>,
    /// What the operator says that codes mean.
    pub(super) codes: Overrides,
    /// How often TWS has told of a fill.
    fills: AtomicU64,
    /// What TWS tells goes into the journal by it, if there is one.
    pub(super) recorder: Option<Recorder>,
    /// Held while it is held against TWS: one look at a time.
    pub(super) looking: tokio::sync::Mutex<()>,
    /// Held while orders that are new here get their names.
    pub(super) introducing: tokio::sync::Mutex<()>,
}

/// What the book holds.
#[derive(Default)]
pub(super) struct State {
    pub(super) client_id: i32,
    pub(super) zone: Option<&'static Tz>,
    /// No order of this client has this id or a higher one.
    next_id: i32,
    pub(super) orders: BTreeMap<i32, Entry>,
    pub(super) what_ifs: HashMap<i32, oneshot::Sender<WhatIfAnswer>>,
    pub(super) commissions: HashMap<String, Commission>,
    /// The executions of this client, by their id.
    pub(super) executions: HashMap<String, Told>,
    /// The orders that TWS told of and that have no name in the journal yet.
    pub(super) strangers: Vec<Ids>,
    /// Whether it holds what the journal knew of before.
    pub(super) recovered: bool,
    /// When the connection was lost, and not looked up since.
    pub(super) lost_at: Option<OffsetDateTime>,
}

impl State {
    /// Makes sure that an id that was seen is not given again.
    pub(super) fn see(&mut self, order_id: i32) {
        self.next_id = self.next_id.max(order_id.saturating_add(1));
    }

    /// The order with these ids, if it is in the book. Order ids may be used
    /// anew after TWS was reset, permanent ids are not.
    pub(super) fn order_by(&mut self, order_id: i32, perm_id: Option<i64>) -> Option<&mut Entry> {
        let mut entries = self.orders.values_mut();
        entries.find(|entry| match (entry.state.perm_id, perm_id) {
            (Some(known), Some(told)) => known == told,
            _ => entry.state.order_id == order_id,
        })
    }

    /// What TWS told of and has no name in the journal yet, each order once.
    pub(super) fn take_strangers(&mut self) -> Vec<Ids> {
        std::mem::take(&mut self.strangers)
    }

    /// The journal is to be asked for the name of an order.
    pub(super) fn ask_name(&mut self, ids: Ids) {
        if !self.strangers.contains(&ids) {
            self.strangers.push(ids);
        }
    }

    /// Forgets the oldest of the orders that ended, where there are too many.
    pub(super) fn trim(&mut self) {
        while self.orders.len() > REMEMBERED {
            let ended = self
                .orders
                .iter()
                .find(|(_, entry)| entry.state.status.is_final())
                .map(|(id, _)| *id);
            match ended {
                Some(id) => self.orders.remove(&id),
                None => return,
            };
        }
    }
}

impl Book {
    /// A book of a gateway with this configuration. What TWS tells of the orders is
    /// written to the journal.
    pub(crate) fn new(config: &GatewayConfig, journal: Option<Journal>) -> Self {
        Self {
            recorder: journal.map(|journal| Recorder::new(config.name.clone(), journal)),
            codes: Overrides::from(config.codes.clone()),
            ..Self::default()
        }
    }

    /// Waits until what TWS told is in the journal, as far as it can be.
    pub(crate) async fn settled(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.settled().await;
        }
    }

    /// The book, for as long as nobody waits.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock leaves it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often TWS has told of a fill so far.
    pub(crate) fn fills(&self) -> u64 {
        self.fills.load(Ordering::SeqCst)
    }

    /// TWS has told of a fill: positions that are older than this are old.
    pub(super) fn saw_fill(&self) {
        self.fills.fetch_add(1, Ordering::SeqCst);
    }

    /// Follows the number of changes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Wakes who waits for a change.
    pub(super) fn changed(&self) {
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// A connection stands.
    pub(crate) fn connected(&self, client_id: i32, zone: Option<&'static Tz>) {
        let mut state = self.state();
        state.client_id = client_id;
        state.zone = zone;
        // What an earlier connection did not answer, it never will.
        state.orders.values_mut().for_each(Entry::lose);
    }

    /// The connection broke: whatever TWS has not answered, it will not.
    pub(crate) fn disconnected(&self) {
        let mut state = self.state();
        state.orders.values_mut().for_each(Entry::lose);
        state.what_ifs.clear();
        if state.lost_at.is_none() {
            let lost_at = OffsetDateTime::now_utc();
            state.lost_at = Some(lost_at);
            self.record_loss(lost_at);
        }
        drop(state);
        self.changed();
    }

    fn record_loss(&self, lost_at: OffsetDateTime) {
        let Some(recorder) = &self.recorder else {
            return;
        };
        let gap = Gap {
            what: GapKind::Lost,
            lost_at,
            length_ns: None,
            reason: "The connection to TWS broke.".to_owned(),
        };
        recorder.record(About::default(), Event::Gap(gap));
    }

    /// The time zone that TWS keeps.
    pub(super) fn zone(&self) -> Option<&'static Tz> {
        self.state().zone
    }

    /// An order id that no order has, `suggested` or higher. It is never
    /// given again.
    pub(super) fn take_id(&self, suggested: i32) -> i32 {
        let mut state = self.state();
        let id = state.next_id.max(suggested);
        state.see(id);
        id
    }

    /// So many order ids that no order has, one after the other, `suggested` or
    /// higher.
    pub(super) fn take_ids(&self, suggested: i32, count: usize) -> Vec<i32> {
        let mut state = self.state();
        let first = state.next_id.max(suggested);
        let ids: Vec<_> = (first..).take(count).collect();
        if let Some(last) = ids.last() {
            state.see(*last);
        }
        ids
    }

    /// The lowest id that may be free.
    pub(super) fn next_id(&self) -> i32 {
        self.state().next_id
    }

    /// A new order is about to be sent.
    pub(super) fn begin(&self, order_id: i32, contract: &Contract, order: &Order) {
        let mut state = self.state();
        let entry = Entry::new(order_id, state.client_id, contract.clone(), order.clone());
        state.orders.insert(order_id, entry);
        state.trim();
    }

    /// The journal's name of an order that is about to be sent. Without it the
    /// order counts as one that somebody else made.
    pub(super) fn name(&self, order_id: i32, key: OrderKey) {
        self.with(order_id, |entry| entry.key = Some(key));
    }

    /// An order that TWS shall hold, until it transmits it with the last one of
    /// its group: TWS will speak of it then.
    pub(super) fn joins_group(&self, order_id: i32) {
        self.with(order_id, |entry| {
            entry.state.status = OrderStatus::ApiPending
        });
    }

    /// A what-if order is about to be sent.
    pub(super) fn begin_what_if(&self, order_id: i32) -> oneshot::Receiver<WhatIfAnswer> {
        let (sender, receiver) = oneshot::channel();
        self.state().what_ifs.insert(order_id, sender);
        receiver
    }

    /// Nobody waits for a what-if order any more.
    pub(super) fn end_what_if(&self, order_id: i32) {
        self.state().what_ifs.remove(&order_id);
    }

    /// Forgets an order that never came to be.
    pub(super) fn forget(&self, order_id: i32) {
        self.state().orders.remove(&order_id);
    }

    /// Works on an order, if it is known.
    pub(super) fn with<T>(&self, order_id: i32, work: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.state().orders.get_mut(&order_id).map(work)
    }

    /// An order as it is known now.
    pub(super) fn get(&self, order_id: i32) -> Option<PlacedOrder> {
        self.with(order_id, |entry| entry.placed())
    }

    /// The order id of a permanent id.
    pub(super) fn order_id_of(&self, perm_id: i64) -> Option<i32> {
        let state = self.state();
        let mut entries = state.orders.values();
        entries
            .find(|entry| entry.state.perm_id == Some(perm_id))
            .map(|entry| entry.state.order_id)
    }

    /// The orders that are held in TWS until they are transmitted.
    pub(super) fn staged(&self) -> Vec<PlacedOrder> {
        let state = self.state();
        let entries = state.orders.values();
        entries
            .filter(|entry| entry.state.status == OrderStatus::Staged)
            .map(Entry::placed)
            .collect()
    }

    /// The orders that were sent and of which TWS has not spoken: in flight, or
    /// uncertain. Each may be an open order.
    pub(super) fn unheard(&self) -> Vec<PlacedOrder> {
        let state = self.state();
        let entries = state.orders.values();
        entries
            .filter(|entry| {
                entry.state.perm_id.is_none() && entry.state.status == OrderStatus::ApiPending
            })
            .map(Entry::placed)
            .collect()
    }

    /// The ids of the executions that were told.
    pub(super) fn executions(&self) -> HashSet<String> {
        self.state().executions.keys().cloned().collect()
    }

    /// What an execution cost, if TWS has reported it.
    pub(super) fn commission(&self, exec_id: &str) -> Option<Commission> {
        self.state().commissions.get(exec_id).cloned()
    }

    /// Takes in an order of this client that a list of TWS has.
    pub(super) fn learn(&self, placed: &PlacedOrder, key: Option<&OrderKey>) {
        let mut state = self.state();
        let id = placed.state.order_id;
        if placed.state.client_id != state.client_id || id <= 0 {
            return;
        }
        state.see(id);
        if state.orders.contains_key(&id) {
            return;
        }
        state.orders.insert(id, Entry::told(placed.clone()));
        state.ask_name(Ids::of(&placed.state, key.cloned()));
        state.trim();
    }

    /// Waits until `ready` answers for the order, at most until `deadline`.
    pub(super) async fn wait<T>(
        &self,
        order_id: i32,
        deadline: Instant,
        mut ready: impl FnMut(&mut Entry) -> Option<T>,
    ) -> Option<T> {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            if let Some(answer) = self.with(order_id, &mut ready).flatten() {
                return Some(answer);
            }
            tokio::time::timeout_at(deadline, changes.changed())
                .await
                .ok()?
                .ok()?;
        }
    }
}

#[cfg(test)]
mod tests;
