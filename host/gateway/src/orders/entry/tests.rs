//! What an order makes of what TWS says.

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
