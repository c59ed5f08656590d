//! What became of every order, change by change: for whoever checks afterwards what was true at
//! any instant.

use time::OffsetDateTime;

use super::{Exchange, order_record};
use crate::books::OrderChange;

/// How many changes are kept.
const RECORD: usize = 100_000;

impl Exchange {
    /// Notes how an order stands now.
    pub(super) fn note_change(&mut self, perm_id: i64, now: OffsetDateTime) {
        let Some(order) = self.orders.get(&perm_id) else {
            return;
        };
        let price = self
            .market
            .quote_of(&order.instrument)
            .map(|quote| quote.mark);
        let change = OrderChange {
            at: now,
            order: order_record(order),
            price,
        };
        if self.changes.len() == RECORD {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
    }

    /// What became of orders, oldest first.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &OrderChange> {
        self.changes.iter()
    }
}
