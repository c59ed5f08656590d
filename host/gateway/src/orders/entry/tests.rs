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

fn execution(contract: Contract, cumulative: i64) -> Execution {
    Execution {
        exec_id: format!("x{cumulative}.01"),
        order_id: 7,
        perm_id: Some(99),
        client_id: 1,
        account: "DU1".into(),
        contract,
        side: crate::model::Side::Bought,
        quantity: Decimal::ONE,
        price: Decimal::from(100),
        time: time::OffsetDateTime::UNIX_EPOCH,
        exchange: "ARCA".into(),
        cumulative_quantity: Decimal::from(cumulative),
        average_price: Some(Decimal::from(100)),
        reference: None,
        commission: None,
    }
}

#[test]
fn what_is_filled_stays_filled_whatever_comes_late() {
    use ib::OrderStatusKind::{Cancelled, Filled, Submitted};
    let mut entry = entry(OrderType::Limit(Decimal::TEN));
    entry.on_status(&status(Submitted, 6.0));
    entry.on_status(&status(Submitted, 2.0));
    assert_eq!(entry.state.filled, Decimal::from(6));
    entry.on_status(&status(Cancelled, 2.0));
    assert_eq!(entry.state.status, OrderStatus::Cancelled);
    assert_eq!(entry.state.filled, Decimal::from(6));
    // A fill that was faster than the cancel.
    entry.on_status(&status(Filled, 10.0));
    entry.on_status(&status(Cancelled, 6.0));
    assert_eq!(entry.state.status, OrderStatus::Filled);
    assert_eq!(entry.state.filled, Decimal::TEN);
}

#[test]
fn an_execution_fills_an_order_whose_status_is_left_out() {
    let spy = || Contract::us_stock("SPY");
    let mut entry = entry(OrderType::Limit(Decimal::TEN));
    entry.on_execution(&execution(spy(), 4));
    entry.on_execution(&execution(spy(), 3));
    assert_eq!(entry.state.filled, Decimal::from(4));
    assert_eq!(entry.state.remaining, Decimal::from(6));
    assert!(!entry.state.status.is_final());
    entry.on_execution(&execution(spy(), 10));
    assert_eq!(entry.state.status, OrderStatus::Filled);
    assert_eq!(entry.state.average_fill_price, Some(Decimal::from(100)));
}

#[test]
fn the_legs_of_a_combo_do_not_fill_it() {
    let mut entry = entry(OrderType::Limit(Decimal::TEN));
    entry.contract.security_type = SecurityType::Combo;
    entry.on_execution(&execution(Contract::us_stock("SPY"), 10));
    assert_eq!(entry.state.filled, Decimal::ZERO);
    assert!(!entry.state.status.is_final());
}

#[test]
fn a_cancel_without_a_status_is_an_end() {
    let mut entry = entry(OrderType::Limit(Decimal::TEN));
    entry.on_status(&status(ib::OrderStatusKind::Submitted, 2.0));
    entry.on_message(
        OrderMessage::Cancelled,
        message(202, "Order Canceled - reason:"),
    );
    assert_eq!(entry.state.status, OrderStatus::Cancelled);
    assert_eq!(entry.state.filled, Decimal::from(2));
}

#[test]
fn only_news_is_written() {
    let mut entry = entry(OrderType::Limit(Decimal::TEN));
    entry.on_status(&status(ib::OrderStatusKind::Submitted, 2.0));
    assert_eq!(entry.news(), None, "it has no name yet");
    entry.key = Some(OrderKey::random());
    let first = entry.news().map(|state| (state.status, state.filled));
    assert_eq!(first, Some(("Submitted".to_owned(), Decimal::from(2))));
    entry.on_status(&status(ib::OrderStatusKind::Submitted, 2.0));
    entry.on_status(&status(ib::OrderStatusKind::Submitted, 1.0));
    assert_eq!(entry.news(), None);
}

#[test]
fn the_journals_name_is_nobody_elses_to_see() {
    let mut entry = entry(OrderType::Limit(Decimal::TEN));
    entry.order.reference = Some(OrderKey::random().to_string());
    assert_eq!(entry.placed().order.reference, None);
    entry.order.reference = Some("mine".into());
    assert_eq!(entry.placed().order.reference.as_deref(), Some("mine"));
}
