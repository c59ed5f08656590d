//! Idempotency keys: asked twice, sent once, also over a restart.

use serde_json::{Value, json};

use super::{Floor, buy};
use crate::support::simulator;

fn keyed(quantity: u32) -> Value {
    let mut order = buy(quantity);
    order["idempotencyKey"] = json!("monday-1");
    order
}

#[tokio::test]
async fn the_same_key_sends_the_same_order_once() {
    let simulator = simulator().await;
    let floor = Floor::new("");
    let mut host = floor.host(simulator.address()).await;
    let first = host.post("place_order", keyed(3)).await.ok();
    let again = host.post("place_order", keyed(3)).await.ok();
    assert_eq!(first["orderId"], again["orderId"]);
    let sentence = host.post("place_order", keyed(4)).await.problem(400);
    assert!(sentence.contains("monday-1"), "{sentence}");
    assert_eq!(simulator.books().orders.len(), 1);

    host.stop().await;
    let host = floor.host(simulator.address()).await;
    let later = host.post("place_order", keyed(3)).await.ok();
    assert_eq!(first["orderId"], later["orderId"]);
    assert_eq!(simulator.books().orders.len(), 1);
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_its_key() {
    let simulator = simulator().await;
    let floor = Floor::new("[gate.rules]\nmax_quantity = 10");
    let host = floor.host(simulator.address()).await;
    host.post("place_order", keyed(11)).await.problem(403);
    let placed = host.post("place_order", keyed(10)).await.ok();
    assert!(placed["orderId"].is_i64(), "{placed}");
    assert_eq!(simulator.books().orders.len(), 1);
}

#[tokio::test]
async fn cancel_all_leaves_no_order_and_says_what_became_of_each() {
    let simulator = simulator().await;
    let floor = Floor::new("");
    let host = floor.host(simulator.address()).await;
    let mut ids = Vec::new();
    for quantity in 1..=3 {
        ids.push(super::place(&host, quantity).await);
    }
    let answer = host.post("cancel_all_orders", json!({})).await.ok();
    let mut cancelled: Vec<i64> = answer["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|state| {
            assert_eq!(state["status"], "Cancelled", "{answer}");
            state["orderId"].as_i64().unwrap()
        })
        .collect();
    cancelled.sort_unstable();
    assert_eq!(cancelled, ids);
    assert_eq!(answer["notCancelled"], json!([]));
    let open = host.get("get_open_orders").await.ok();
    assert_eq!(open["orders"], json!([]));
    let ended = host.get("get_completed_orders").await.ok();
    assert_eq!(ended["orders"].as_array().unwrap().len(), 3, "{ended}");
}
