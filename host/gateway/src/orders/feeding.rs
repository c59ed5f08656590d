//! What feeds the book: the one stream of order updates.

use std::time::Duration;

use futures::StreamExt;
use ibapi::orders::{self as ib, OrderUpdate};
use ibapi::subscriptions::{Subscription, SubscriptionItem};
use ibapi::{Client, Notice};

use super::book::{Book, REMEMBERED};
use super::entry::Entry;
use crate::codes::{self, OrderMessage};
use crate::convert::decimal;
use crate::model::{Commission, TwsMessage};

impl Book {
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
