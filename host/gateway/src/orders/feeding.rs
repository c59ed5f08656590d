//! What feeds the book: the one stream of order updates.

use std::time::Duration;

use futures::StreamExt;
use ibapi::orders::{self as ib, OrderUpdate};
use ibapi::subscriptions::{Subscription, SubscriptionItem};
use ibapi::{Client, Notice};

use super::book::{Book, REMEMBERED, State};
use super::entry::Entry;
use super::executions::{self, Told};
use super::recovery::Ids;
use crate::codes::OrderMessage;
use crate::convert::decimal;
use crate::journal::{CommissionRecord, Event};
use crate::model::{Commission, TwsMessage};

impl Book {
    /// Reads the stream of order updates until the connection is given up.
    pub(crate) async fn follow(&self, client: &Client, mut updates: Subscription<OrderUpdate>) {
        loop {
            match updates.next().await {
                Some(Ok(SubscriptionItem::Data(update))) => {
                    self.on_update(&update);
                    self.introduce().await;
                }
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
            OrderUpdate::ExecutionData(data) => self.on_execution(data),
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
            Some(entry) => {
                entry.on_open_order(data, zone);
                self.record_state(entry);
                if let Some(ids) = entry.unnamed() {
                    state.ask_name(ids);
                }
            }
            None => {
                let listed = super::reading::listed(data, None, zone);
                state.ask_name(Ids::of(&listed.placed.state, listed.key));
                let entry = Entry::told(listed.placed);
                state.orders.insert(data.order_id, entry);
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
            let filled = entry.state.filled;
            entry.on_status(status);
            if entry.state.filled != filled {
                self.saw_fill();
            }
            self.record_state(entry);
            if let Some(ids) = entry.unnamed() {
                state.ask_name(ids);
            }
        }
        drop(state);
        self.changed();
    }

    /// TWS told of an execution: of this client's, or of another one's.
    pub(super) fn on_execution(&self, data: &ib::ExecutionData) {
        let mut state = self.state();
        if data.execution.client_id != state.client_id {
            return;
        }
        let Some(told) = executions::told(data, state.zone) else {
            let id = &data.execution.execution_id;
            tracing::error!("TWS sent execution {id:?} without a readable size, price or time");
            return;
        };
        let execution = &told.execution;
        let known = state.executions.get(&execution.exec_id);
        if known.is_some_and(|known| known.repeats(&told)) {
            return;
        }
        self.saw_fill();
        let ids = told.ids();
        let about = match state.order_by(ids.order_id, ids.perm_id) {
            Some(entry) => {
                entry.on_execution(execution);
                entry.key.is_some().then(|| entry.about())
            }
            None => None,
        };
        let told = Told { about, ..told };
        self.record_execution(&state, &told);
        if let Some(entry) = state.order_by(ids.order_id, ids.perm_id) {
            self.record_state(entry);
        }
        if told.about.is_none() {
            state.ask_name(ids);
        }
        if state.executions.len() >= REMEMBERED {
            state.executions.clear();
        }
        let id = told.execution.exec_id.clone();
        state.executions.insert(id, told);
        drop(state);
        self.changed();
    }

    /// TWS told what an execution cost.
    pub(super) fn on_commission(&self, report: &ib::CommissionReport) {
        let Some(commission) = commission(report) else {
            return;
        };
        let id = &report.execution_id;
        let mut state = self.state();
        if state.commissions.get(id) == Some(&commission) {
            return;
        }
        if state.commissions.len() >= REMEMBERED {
            state.commissions.clear();
        }
        if let Some(told) = state.executions.get(id) {
            self.record_commission(told, &commission);
        }
        state.commissions.insert(id.clone(), commission);
    }

    /// Writes an order's state, if it is not the one that was last written.
    pub(super) fn record_state(&self, entry: &mut Entry) {
        if let Some(recorder) = &self.recorder
            && let Some(state) = entry.news()
        {
            recorder.record(entry.about(), Event::Status(state));
        }
    }

    /// Writes an execution, and what it cost if that is known, once its order
    /// has a name.
    pub(super) fn record_execution(&self, state: &State, told: &Told) {
        let (Some(recorder), Some(about)) = (&self.recorder, &told.about) else {
            return;
        };
        recorder.record(about.clone(), told.event());
        if let Some(commission) = state.commissions.get(&told.execution.exec_id) {
            self.record_commission(told, commission);
        }
    }

    fn record_commission(&self, told: &Told, commission: &Commission) {
        if let (Some(recorder), Some(about)) = (&self.recorder, &told.about) {
            let record = CommissionRecord::new(&told.execution.exec_id, commission);
            recorder.record(about.clone(), Event::Commission(record));
        }
    }

    fn on_notice(&self, notice: &Notice) {
        let Notice { code, message, .. } = notice;
        let Some(order_id) = notice.request_id else {
            if *code == ibapi::SUBSCRIPTION_LAG_CODE {
                tracing::error!("Order updates were lost: {message}");
            }
            return;
        };
        let Some(kind) = self.codes.order_message(*code, message) else {
            tracing::debug!(order_id, code, "TWS: {message}");
            return;
        };
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
            self.record_state(entry);
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
