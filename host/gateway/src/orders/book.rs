//! The book of this client's orders, fed by the one stream of order updates.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use ibapi::orders::{self as ib, OrderUpdate};
use ibapi::subscriptions::{Subscription, SubscriptionItem};
use ibapi::{Client, Notice};
use time_tz::Tz;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::entry::Entry;
use crate::codes::{self, OrderMessage};
use crate::convert::decimal;
use crate::model::{Commission, Contract, Order, OrderStatus, PlacedOrder, TwsMessage};

/// How many orders, and how many commissions, are remembered.
const REMEMBERED: usize = 10_000;

/// What TWS answers to a what-if order.
pub(super) type WhatIfAnswer = Result<ib::OrderState, TwsMessage>;

/// The orders of one client id at one TWS.
#[derive(Default)]
pub(crate) struct Book {
    state: Mutex<State>,
    /// Counts the changes, to wake who waits for one.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    client_id: i32,
    zone: Option<&'static Tz>,
    /// No order of this client has this id or a higher one.
    next_id: i32,
    orders: BTreeMap<i32, Entry>,
    what_ifs: HashMap<i32, oneshot::Sender<WhatIfAnswer>>,
    commissions: HashMap<String, Commission>,
}

impl State {
    /// Makes sure that an id that was seen is not given again.
    fn see(&mut self, order_id: i32) {
        self.next_id = self.next_id.max(order_id.saturating_add(1));
    }

    fn trim(&mut self) {
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
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock leaves it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// A connection stands.
    pub(crate) fn connected(&self, client_id: i32, zone: Option<&'static Tz>) {
        let mut state = self.state();
        state.client_id = client_id;
        state.zone = zone;
    }

    /// The connection broke: whatever TWS has not answered, it will not.
    pub(crate) fn disconnected(&self) {
        let mut state = self.state();
        for entry in state.orders.values_mut().filter(|entry| !entry.heard) {
            entry.lost = true;
        }
        state.what_ifs.clear();
        drop(state);
        self.changed();
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

    /// What an execution cost, if TWS has reported it.
    pub(super) fn commission(&self, exec_id: &str) -> Option<Commission> {
        self.state().commissions.get(exec_id).cloned()
    }

    /// Takes in an order of this client that a list of TWS has.
    pub(super) fn learn(&self, placed: &PlacedOrder) {
        let mut state = self.state();
        let id = placed.state.order_id;
        if placed.state.client_id != state.client_id || id <= 0 {
            return;
        }
        state.see(id);
        state
            .orders
            .entry(id)
            .or_insert_with(|| Entry::told(placed.clone()));
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

    /// Reads the stream of order updates until the connection is given up.
    pub(crate) async fn follow(&self, client: &Client, mut updates: Subscription<OrderUpdate>) {
        loop {
            match updates.next().await {
                Some(Ok(SubscriptionItem::Data(update))) => self.on_update(&update),
                Some(Ok(SubscriptionItem::Notice(notice))) => self.on_notice(&notice),
                Some(Err(ibapi::Error::Shutdown)) => return,
                Some(Err(error)) => tracing::error!("An order update could not be read: {error}"),
                None => {
                    // An update that could not be read ended the stream: begin another.
                    drop(updates);
                    updates = loop {
                        match client.order_update_stream().await {
                            Ok(updates) => break updates,
                            // The library lets go of the old one a moment later.
                            Err(ibapi::Error::AlreadySubscribed) => {
                                tokio::time::sleep(Duration::from_millis(10)).await;
                            }
                            Err(_) => return,
                        }
                    };
                }
            }
        }
    }

    fn on_update(&self, update: &OrderUpdate) {
        match update {
            OrderUpdate::OpenOrder(data) => self.on_open_order(data),
            OrderUpdate::OrderStatus(status) => self.on_status(status),
            OrderUpdate::CommissionReport(report) => self.on_commission(report),
            OrderUpdate::OrderBound(bound) => self.state().see(bound.order_id),
            // The status that follows has the quantities.
            OrderUpdate::ExecutionData(_) => {}
        }
    }

    /// TWS sent an order of this client.
    pub(crate) fn on_open_order(&self, data: &ib::OrderData) {
        let mut state = self.state();
        if let Some(waiting) = state.what_ifs.remove(&data.order_id) {
            // Who asked may have gone.
            let _ = waiting.send(Ok(data.order_state.clone()));
            return;
        }
        if data.order.what_if || data.order.client_id != state.client_id || data.order_id <= 0 {
            return;
        }
        state.see(data.order_id);
        let zone = state.zone;
        match state.orders.get_mut(&data.order_id) {
            Some(entry) => entry.on_open_order(data, zone),
            None => {
                let placed = super::reading::placed(data, None, zone);
                state.orders.insert(data.order_id, Entry::told(placed));
                state.trim();
            }
        }
        drop(state);
        self.changed();
    }

    /// TWS sent the status of an order of this client.
    pub(crate) fn on_status(&self, status: &ib::OrderStatus) {
        let mut state = self.state();
        if status.client_id != state.client_id {
            return;
        }
        state.see(status.order_id);
        if let Some(entry) = state.orders.get_mut(&status.order_id) {
            entry.on_status(status);
        }
        drop(state);
        self.changed();
    }

    fn on_commission(&self, report: &ib::CommissionReport) {
        let Some(commission) = commission(report) else {
            return;
        };
        let mut state = self.state();
        if state.commissions.len() >= REMEMBERED {
            state.commissions.clear();
        }
        state
            .commissions
            .insert(report.execution_id.clone(), commission);
    }

    fn on_notice(&self, notice: &Notice) {
        let Notice { code, message, .. } = notice;
        let Some(order_id) = notice.request_id else {
            if *code == ibapi::SUBSCRIPTION_LAG_CODE {
                tracing::error!("Order updates were lost: {message}");
            }
            return;
        };
        let kind = codes::order_message(*code, message);
        let text = TwsMessage {
            code: *code,
            text: message.trim().to_owned(),
        };
        match kind {
            OrderMessage::Warning | OrderMessage::Cancelled => {
                tracing::info!(order_id, code, "TWS: {message}");
            }
            _ => tracing::warn!(order_id, code, "TWS: {message}"),
        }
        let mut state = self.state();
        if state.what_ifs.contains_key(&order_id) {
            if kind != OrderMessage::Warning
                && let Some(waiting) = state.what_ifs.remove(&order_id)
            {
                // Who asked may have gone.
                let _ = waiting.send(Err(text));
            }
            return;
        }
        if let Some(entry) = state.orders.get_mut(&order_id) {
            entry.on_message(kind, text);
        }
        drop(state);
        self.changed();
    }
}

/// What an execution cost, unless TWS does not know yet.
pub(super) fn commission(report: &ib::CommissionReport) -> Option<Commission> {
    Some(Commission {
        amount: decimal::decimal(report.commission)?,
        currency: report.currency.clone(),
        realized_pnl: decimal::maybe(report.realized_pnl),
    })
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::model::{Action, OrderType};

    fn book() -> Book {
        let book = Book::default();
        book.connected(1, None);
        book
    }

    fn order() -> Order {
        Order::new(Action::Buy, Decimal::TEN, OrderType::Market)
    }

    fn open(order_id: i32, client_id: i32) -> ib::OrderData {
        ib::OrderData {
            order_id,
            order: ib::Order {
                client_id,
                order_type: "MKT".into(),
                ..ib::Order::default()
            },
            ..ib::OrderData::default()
        }
    }

    #[test]
    fn ids_only_grow_and_pass_what_was_seen() {
        let book = book();
        assert_eq!(book.take_id(5), 5);
        assert_eq!(book.take_id(5), 6);
        book.on_open_order(&open(40, 1));
        assert_eq!(book.take_id(7), 41);
        book.on_open_order(&open(90, 2));
        assert_eq!(book.next_id(), 42);
    }

    #[test]
    fn orders_of_other_clients_are_not_ours() {
        let book = book();
        book.on_open_order(&open(3, 2));
        assert_eq!(book.get(3), None);
        book.on_open_order(&open(3, 1));
        assert!(book.get(3).is_some());
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_a_status() {
        let book = std::sync::Arc::new(book());
        book.begin(7, &Contract::us_stock("SPY"), &order());
        let waiting = {
            let book = std::sync::Arc::clone(&book);
            tokio::spawn(async move {
                let deadline = Instant::now() + Duration::from_secs(60);
                book.wait(7, deadline, |entry| {
                    entry.heard.then(|| entry.state.status.clone())
                })
                .await
            })
        };
        tokio::task::yield_now().await;
        book.on_status(&ib::OrderStatus {
            order_id: 7,
            client_id: 1,
            status: ib::OrderStatusKind::Submitted,
            ..ib::OrderStatus::default()
        });
        assert_eq!(waiting.await.ok().flatten(), Some(OrderStatus::Submitted));
    }

    #[test]
    fn a_broken_connection_ends_the_wait_for_a_first_word() {
        let book = book();
        book.begin(7, &Contract::us_stock("SPY"), &order());
        book.disconnected();
        assert_eq!(book.with(7, |entry| entry.lost), Some(true));
    }

    #[tokio::test]
    async fn a_what_if_answer_is_no_order() {
        let book = book();
        let answer = book.begin_what_if(9);
        book.on_open_order(&open(9, 1));
        assert!(matches!(answer.await, Ok(Ok(_))));
        assert_eq!(book.get(9), None);
    }
}
