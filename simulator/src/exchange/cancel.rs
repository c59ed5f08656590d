//! Cancelling orders.

use time::OffsetDateTime;

use super::order::Status;
use super::search::Refusal;
use super::{Event, Exchange};

/// What TWS says about an order that was cancelled.
const CANCELLED: &str = "Order Canceled - reason:";

fn over(order_id: i32, status: Status) -> Refusal {
    Refusal::new(
        10148,
        format!(
            "OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {status}."
        ),
    )
}

impl Exchange {
    /// Cancels an order at its client's request.
    ///
    /// # Errors
    ///
    /// 10147 for an order that does not exist, 10148 for one that is over.
    pub(crate) fn cancel(
        &mut self,
        client_id: i32,
        order_id: i32,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let order = self
            .order_id(client_id, order_id)
            .and_then(|perm_id| self.orders.get(&perm_id));
        let Some(order) = order else {
            return Err(Refusal::new(
                10147,
                format!("OrderId {order_id} that needs to be cancelled is not found."),
            ));
        };
        if order.completed.is_some() {
            return Err(over(order_id, order.status));
        }
        let perm_id = order.perm_id;
        self.fill_on_cancel(perm_id, now);
        if self
            .orders
            .get(&perm_id)
            .is_some_and(|order| order.status == Status::Filled)
        {
            return Err(over(order_id, Status::Filled));
        }
        self.cancel_order(perm_id, now);
        Ok(())
    }

    /// Cancels every order of every client, as TWS does on a global cancel.
    pub(crate) fn cancel_all(&mut self, now: OffsetDateTime) {
        let open: Vec<i64> = self
            .orders
            .values()
            .filter(|order| order.completed.is_none())
            .map(|order| order.perm_id)
            .collect();
        for perm_id in open {
            self.cancel_order(perm_id, now);
        }
    }

    /// Cancels an order and those attached to it, and tells their clients.
    pub(super) fn cancel_order(&mut self, perm_id: i64, now: OffsetDateTime) {
        self.cancel_because(perm_id, CANCELLED, now);
    }

    /// The same, for a reason of the exchange's own.
    pub(super) fn cancel_because(&mut self, perm_id: i64, reason: &str, now: OffsetDateTime) {
        let Some(order) = self
            .orders
            .get_mut(&perm_id)
            .filter(|order| order.completed.is_none())
        else {
            return;
        };
        order.status = Status::Cancelled;
        order.completed = Some(now);
        let (client_id, order_id) = (order.client_id, order.order_id);
        let status = order.order_status();
        self.note_change(perm_id, now);
        self.events.push(Event::ToClient(client_id, status.into()));
        self.report_error(perm_id, 202, reason.to_owned(), now);
        for child in self.children(client_id, order_id) {
            self.cancel_order(child, now);
        }
    }

    /// The orders attached to one that are not over.
    pub(super) fn children(&self, client_id: i32, order_id: i32) -> Vec<i64> {
        self.orders
            .values()
            .filter(|order| {
                order.client_id == client_id
                    && order.terms.parent_id == Some(order_id)
                    && order.completed.is_none()
            })
            .map(|order| order.perm_id)
            .collect()
    }
}
