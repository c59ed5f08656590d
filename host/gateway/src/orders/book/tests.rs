//! What the book makes of what it is told.

use std::time::Duration;

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
