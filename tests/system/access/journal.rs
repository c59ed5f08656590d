//! The journal of orders and the log say who called.

use serde_json::{Value, json};

use super::{House, ask};
use crate::support::simulator;

#[tokio::test]
async fn an_order_is_told_with_the_name_of_its_caller() {
    let simulator = simulator().await;
    let house = House::new("");
    let token = house.token("desk", "ibkr_*_order").await;
    let mut host = house.host(simulator.address()).await;
    let order = json!({
        "symbol": "SPY",
        "action": "BUY",
        "quantity": 1,
        "orderType": "LMT",
        "limitPrice": 10,
    });
    let refused = super::request(&host, "place_order", Some(&order))
        .send()
        .await;
    assert_eq!(refused.unwrap().status(), 401);
    let placed = ask(&host, "place_order", Some(&order), &token).await;
    assert_eq!(placed.status(), 200);
    let call = placed.headers()["sandpit-call-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let placed: Value = placed.json().await.unwrap();

    let export = ["journal", "export", "--kind", "asked", "--format", "json"];
    let asked = house.run(&export).await.json();
    let event = asked.to_string();
    assert!(event.contains("\"client\":\"token:desk rest\""), "{event}");
    assert!(event.contains(&call), "{event}");
    let id = placed["orderId"].to_string();
    let story = house.run(&["journal", "show", &id]).await.ok();
    assert!(story.contains("token:desk rest"), "{story}");
    let listed = house.run(&["journal", "list"]).await.ok();
    assert!(!listed.contains(&token) && !story.contains(&token));
    host.stop().await;
    let log = host.log();
    let line = log.lines().find(|line| line.contains("tool call"));
    let line = line.expect("every call has a line");
    assert!(
        line.contains("token:desk") && line.contains(&call),
        "{line}"
    );
}
