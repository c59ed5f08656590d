//! Previews: the token that lets exactly one order through, once.

use serde_json::{Value, json};

use super::{Floor, buy};
use crate::support::{Host, simulator};

const DEMANDED: &str = "[gate]\npreview = \"all\"\n[gate.rules]\nmax_quantity = 10";

/// An order with the token of its preview.
async fn with_token(host: &Host, tool: &str, mut order: Value, preview: &Value) -> Value {
    assert_eq!(preview["allowed"], true, "{preview}");
    assert_eq!(preview["needsToken"], true, "{preview}");
    order["previewToken"] = preview["previewToken"].clone();
    host.post(tool, order).await.ok()
}

#[tokio::test]
async fn a_token_lets_exactly_its_order_through_once() {
    let simulator = simulator().await;
    let floor = Floor::new(DEMANDED);
    let host = floor.host(simulator.address()).await;
    let sentence = host.post("place_order", buy(3)).await.problem(403);
    assert!(sentence.contains("ibkr_preview_order"), "{sentence}");

    let preview = host.post("preview_order", buy(3)).await.ok();
    assert!(
        preview["impact"]["initMarginAfter"].is_number(),
        "{preview}"
    );
    assert_eq!(preview["needsConfirmation"], false, "{preview}");
    let rules: Vec<&str> = preview["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["outcome"] == "passed")
        .map(|check| check["rule"].as_str().unwrap())
        .collect();
    assert!(rules.contains(&"max_quantity"), "{preview}");
    assert!(simulator.books().orders.is_empty());

    // Of another order it is none, and stays good for its own.
    let mut other = buy(4);
    other["previewToken"] = preview["previewToken"].clone();
    let sentence = host.post("place_order", other).await.problem(403);
    assert!(sentence.contains("another order"), "{sentence}");
    let placed = with_token(&host, "place_order", buy(3), &preview).await;
    assert!(placed["orderId"].is_i64(), "{placed}");
    let mut again = buy(3);
    again["previewToken"] = preview["previewToken"].clone();
    let sentence = host.post("place_order", again).await.problem(403);
    assert!(sentence.contains("used already"), "{sentence}");
    assert_eq!(simulator.books().orders.len(), 1);
}

#[tokio::test]
async fn a_refused_order_has_a_verdict_and_no_token() {
    let simulator = simulator().await;
    let floor = Floor::new(DEMANDED);
    let host = floor.host(simulator.address()).await;
    let preview = host.post("preview_order", buy(11)).await.ok();
    assert_eq!(preview["allowed"], false, "{preview}");
    assert!(
        preview["refusal"].as_str().unwrap().contains("11"),
        "{preview}"
    );
    assert!(preview.get("previewToken").is_none(), "{preview}");
    let refused = preview["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["outcome"] == "refused")
        .unwrap();
    assert_eq!(refused["rule"], "max_quantity");
}

#[tokio::test]
async fn changes_and_brackets_have_previews_of_their_own() {
    let simulator = simulator().await;
    let floor = Floor::new(DEMANDED);
    let host = floor.host(simulator.address()).await;
    let preview = host.post("preview_order", buy(3)).await.ok();
    let placed = with_token(&host, "place_order", buy(3), &preview).await;

    let change = json!({"orderId": placed["orderId"], "quantity": 5});
    host.post("modify_order", change.clone()).await.problem(403);
    let mut attempt = change.clone();
    attempt["whatIf"] = json!(true);
    let preview = host.post("modify_order", attempt).await.ok()["preview"].clone();
    with_token(&host, "modify_order", change, &preview).await;
    let path = format!("get_order_status/{}", placed["orderId"]);
    let status = host.get(&path).await.ok();
    assert_eq!(status["totalQuantity"], 5, "{status}");
    assert_eq!(
        status["limitPrice"], 10,
        "what was not given stays: {status}"
    );

    let bracket = json!({"symbol": "SPY", "action": "BUY", "quantity": 2, "limitPrice": 10,
        "takeProfitPrice": 20, "stopLossPrice": 5});
    host.post("place_bracket_order", bracket.clone())
        .await
        .problem(403);
    let mut attempt = bracket.clone();
    attempt["whatIf"] = json!(true);
    let preview = host.post("place_bracket_order", attempt).await.ok()["preview"].clone();
    assert_eq!(simulator.books().orders.len(), 1);
    let placed = with_token(&host, "place_bracket_order", bracket, &preview).await;
    assert!(placed["takeProfit"]["orderId"].is_i64(), "{placed}");
    assert_eq!(simulator.books().orders.len(), 4);
}
