//! One order of this client, as far as TWS has spoken of it.

use ibapi::orders as ib;
use rust_decimal::Decimal;
use time_tz::Tz;

use crate::codes::OrderMessage;
use crate::convert::{self, decimal, text};
use crate::model::{Contract, Order, OrderState, OrderStatus, OrderType, PlacedOrder, TwsMessage};

/// How many different warnings of one order are kept.
const KEPT_WARNINGS: usize = 20;

/// What TWS had against an order.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) message: TwsMessage,
    /// Whether the code alone says that it is a refusal.
    pub(super) certain: bool,
}

/// One order of this client.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) contract: Contract,
    pub(super) order: Order,
    pub(super) state: OrderState,
    /// Contract and order before the change that is under way.
    before: Option<(Contract, Order, OrderStatus)>,
    /// Whether TWS has said a word since the latest request.
    pub(super) heard: bool,
    /// Whether the connection broke before TWS had said a word.
    pub(super) lost: bool,
    pub(super) refusal: Option<Refusal>,
    /// What TWS said about the cancel that is under way.
    pub(super) cancel_answer: Option<(OrderMessage, TwsMessage)>,
}

impl Entry {
    /// An order that is about to be sent.
    pub(super) fn new(order_id: i32, client_id: i32, contract: Contract, order: Order) -> Self {
        let status = if order.transmit {
            OrderStatus::ApiPending
        } else {
            OrderStatus::Staged
        };
        let state = OrderState {
            order_id,
            perm_id: None,
            client_id,
            status,
            filled: Decimal::ZERO,
            remaining: order.quantity,
            average_fill_price: None,
            last_fill_price: None,
            why_held: None,
            warnings: Vec::new(),
        };
        Self {
            contract,
            order,
            state,
            before: None,
            heard: false,
            lost: false,
            refusal: None,
            cancel_answer: None,
        }
    }

    /// An order that TWS tells of.
    pub(super) fn told(placed: PlacedOrder) -> Self {
        let state = placed.state;
        Self {
            heard: true,
            state: state.clone(),
            ..Self::new(
                state.order_id,
                state.client_id,
                placed.contract,
                placed.order,
            )
        }
    }

    /// A change is about to be sent.
    pub(super) fn change(&mut self, contract: Contract, order: Order) {
        let status = self.state.status.clone();
        if status == OrderStatus::Staged && order.transmit {
            self.state.status = OrderStatus::ApiPending;
        }
        self.state.remaining = (order.quantity - self.state.filled).max(Decimal::ZERO);
        let contract = std::mem::replace(&mut self.contract, contract);
        let order = std::mem::replace(&mut self.order, order);
        self.before = Some((contract, order, status));
        self.listen();
    }

    /// The change was refused, or never sent: the order is what it was.
    pub(super) fn change_back(&mut self) {
        if let Some((contract, order, status)) = self.before.take() {
            if self.state.status == OrderStatus::ApiPending {
                self.state.status = status;
            }
            self.state.remaining = (order.quantity - self.state.filled).max(Decimal::ZERO);
            self.contract = contract;
            self.order = order;
        }
        self.refusal = None;
    }

    /// Forgets what TWS said so far, to hear what it says now.
    pub(super) fn listen(&mut self) {
        self.heard = false;
        self.lost = false;
        self.refusal = None;
        self.cancel_answer = None;
    }

    /// TWS sent the order itself.
    pub(super) fn on_open_order(&mut self, data: &ib::OrderData, zone: Option<&Tz>) {
        self.heard = true;
        let transmit = self.order.transmit;
        self.contract = convert::contract::from_tws(&data.contract);
        self.order = Order {
            // TWS's own word on it is true unless it says otherwise.
            transmit,
            ..convert::order::from_tws(&data.order, zone)
        };
        if data.order.perm_id != 0 {
            self.state.perm_id = Some(data.order.perm_id);
        }
        // The order status is the authority. Before the first one, this is
        // all there is; a fill is not believed without its quantity.
        let status = convert::order::status(&data.order_state.status);
        if self.state.status == OrderStatus::ApiPending && status != OrderStatus::Filled {
            self.state.status = status;
        }
        for warning in [
            &data.order_state.warning_text,
            &data.order_state.reject_reason,
        ] {
            self.warn(warning);
        }
    }

    /// TWS sent the order's status.
    pub(super) fn on_status(&mut self, status: &ib::OrderStatus) {
        self.heard = true;
        let kind = convert::order::status(&status.status);
        // TWS repeats itself, now and then out of order: an end stays an end.
        if self.state.status.is_final() && !kind.is_final() {
            return;
        }
        let waits = matches!(kind, OrderStatus::Inactive | OrderStatus::ApiPending);
        if !(self.state.status == OrderStatus::Staged && waits) {
            self.state.status = kind;
        }
        if status.perm_id != 0 {
            self.state.perm_id = Some(status.perm_id);
        }
        if let Some(filled) = decimal::decimal(status.filled) {
            self.state.filled = filled;
        }
        if let Some(remaining) = decimal::decimal(status.remaining) {
            self.state.remaining = remaining;
        }
        let price = |price: Option<f64>| price.and_then(decimal::non_zero);
        self.state.average_fill_price = price(status.average_fill_price);
        self.state.last_fill_price = price(status.last_fill_price);
        self.state.why_held = text(&status.why_held);
    }

    /// The order ended while nobody listened. Its prices are not told then.
    pub(super) fn conclude(&mut self, ended: &OrderState) {
        self.heard = true;
        self.state.status = ended.status.clone();
        self.state.filled = ended.filled;
        self.state.remaining = ended.remaining;
    }

    /// TWS sent a message about the order.
    pub(super) fn on_message(&mut self, kind: OrderMessage, message: TwsMessage) {
        match kind {
            OrderMessage::Warning => self.warn(&message.text),
            OrderMessage::Cancelled => {
                // `Order Canceled - reason:` with nothing behind it says nothing.
                if !message.text.trim_end().ends_with("reason:") {
                    self.warn(&message.text);
                }
                self.cancel_answer = Some((kind, message));
            }
            OrderMessage::Unknown | OrderMessage::TooLate => {
                self.cancel_answer = Some((kind, message.clone()));
                self.refusal = Some(Refusal {
                    message,
                    certain: true,
                });
            }
            OrderMessage::Refused | OrderMessage::Unclear => {
                self.refusal = Some(Refusal {
                    message,
                    certain: kind == OrderMessage::Refused,
                });
            }
        }
    }

    fn warn(&mut self, warning: &str) {
        let Some(warning) = text(warning) else {
            return;
        };
        let warnings = &mut self.state.warnings;
        if !warnings.contains(&warning) && warnings.len() < KEPT_WARNINGS {
            warnings.push(warning);
        }
    }

    /// Whether waiting longer is not likely to tell more.
    pub(super) fn is_settled(&self) -> bool {
        if self.refusal.as_ref().is_some_and(|refusal| refusal.certain) {
            return !self.is_alive() || self.state.status.is_final();
        }
        let resting = !matches!(self.order.order_type, OrderType::Market);
        match self.state.status {
            OrderStatus::Inactive => true,
            OrderStatus::Submitted => resting,
            OrderStatus::PreSubmitted => self.state.why_held.is_some(),
            _ => self.state.status.is_final(),
        }
    }

    /// Whether TWS's status says that the order works, waits or is filled.
    fn is_alive(&self) -> bool {
        matches!(
            self.state.status,
            OrderStatus::PreSubmitted
                | OrderStatus::Submitted
                | OrderStatus::PendingCancel
                | OrderStatus::Filled
        )
    }

    /// Why the request was refused, if it was. What TWS said of an order that
    /// lives on becomes a warning.
    pub(super) fn refused(&mut self) -> Option<TwsMessage> {
        let refusal = self.refusal.take()?;
        let changing = self.before.is_some();
        let spoken = self.heard && !matches!(self.state.status, OrderStatus::ApiPending);
        let ended = matches!(
            self.state.status,
            OrderStatus::Inactive | OrderStatus::Cancelled | OrderStatus::ApiCancelled
        );
        // A working order that could not be changed works on.
        let refused = if changing {
            refusal.certain || !self.heard
        } else if refusal.certain {
            !self.is_alive()
        } else {
            ended || !spoken
        };
        if refused {
            return Some(refusal.message);
        }
        self.warn(&refusal.message.text);
        None
    }

    /// The order with its contract and where it stands.
    pub(super) fn placed(&self) -> PlacedOrder {
        PlacedOrder {
            contract: self.contract.clone(),
            order: self.order.clone(),
            state: self.state.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;

    fn entry(order_type: OrderType) -> Entry {
        let order = Order::new(Action::Buy, Decimal::from(10), order_type);
        Entry::new(7, 1, Contract::us_stock("SPY"), order)
    }

    fn status(kind: ib::OrderStatusKind, filled: f64) -> ib::OrderStatus {
        ib::OrderStatus {
            order_id: 7,
            status: kind,
            filled,
            remaining: 10.0 - filled,
            perm_id: 99,
            ..ib::OrderStatus::default()
        }
    }

    fn message(code: i32, text: &str) -> TwsMessage {
        TwsMessage {
            code,
            text: text.into(),
        }
    }

    #[test]
    fn a_refusal_without_a_status_is_a_refusal() {
        let mut entry = entry(OrderType::Market);
        entry.on_message(OrderMessage::Refused, message(321, "bad order type"));
        assert!(entry.is_settled());
        assert_eq!(entry.refused().map(|m| m.code), Some(321));
    }

    #[test]
    fn an_order_that_works_is_not_refused_by_a_message() {
        let mut entry = entry(OrderType::Limit(Decimal::TEN));
        entry.on_message(OrderMessage::Unclear, message(20_000, "new in a later TWS"));
        entry.on_status(&status(ib::OrderStatusKind::Submitted, 0.0));
        assert!(entry.is_settled());
        assert_eq!(entry.refused(), None);
        assert_eq!(entry.state.warnings, ["new in a later TWS"]);
    }

    #[test]
    fn warnings_do_not_end_the_wait() {
        let mut entry = entry(OrderType::Limit(Decimal::TEN));
        entry.on_message(OrderMessage::Warning, message(10_349, "TIF was set to DAY"));
        entry.on_message(OrderMessage::Warning, message(10_349, "TIF was set to DAY"));
        assert!(!entry.heard && entry.refusal.is_none());
        assert_eq!(entry.state.warnings.len(), 1);
    }

    #[test]
    fn an_end_stays_an_end() {
        let mut entry = entry(OrderType::Market);
        entry.on_status(&status(ib::OrderStatusKind::Filled, 10.0));
        entry.on_status(&status(ib::OrderStatusKind::Submitted, 0.0));
        assert_eq!(entry.state.status, OrderStatus::Filled);
        assert_eq!(entry.state.filled, Decimal::TEN);
        assert_eq!(entry.state.perm_id, Some(99));
        assert_eq!(entry.state.average_fill_price, None);
    }

    #[test]
    fn a_staged_order_stays_staged_until_it_is_transmitted() {
        let mut entry = entry(OrderType::Market);
        entry.order.transmit = false;
        entry.state.status = OrderStatus::Staged;
        entry.on_open_order(&ib::OrderData::default(), None);
        entry.on_status(&status(ib::OrderStatusKind::Inactive, 0.0));
        assert_eq!(entry.state.status, OrderStatus::Staged);
        assert!(!entry.order.transmit);
        entry.on_status(&status(ib::OrderStatusKind::PreSubmitted, 0.0));
        assert_eq!(entry.state.status, OrderStatus::PreSubmitted);
    }

    #[test]
    fn a_refused_change_leaves_the_order_as_it_was() {
        let mut entry = entry(OrderType::Limit(Decimal::TEN));
        entry.on_status(&status(ib::OrderStatusKind::Submitted, 0.0));
        let changed = Order::new(Action::Buy, Decimal::from(20), OrderType::Market);
        entry.change(Contract::us_stock("SPY"), changed);
        assert_eq!(entry.state.remaining, Decimal::from(20));
        entry.on_message(OrderMessage::Refused, message(105, "does not match"));
        assert_eq!(entry.refused().map(|m| m.code), Some(105));
        entry.change_back();
        assert_eq!(entry.order.order_type, OrderType::Limit(Decimal::TEN));
        assert_eq!(entry.state.remaining, Decimal::TEN);
        assert_eq!(entry.state.status, OrderStatus::Submitted);
    }
}
