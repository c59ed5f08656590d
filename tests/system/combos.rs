//! Combos: a vertical spread of options in one order, over MCP and over REST.

use sandpit_simulator::Simulator;
use serde_json::{Value, json};

use crate::support::{Era, Host, McpClient, still_simulator};

/// The legs of a vertical spread of two SPY calls, as a client finds them.
async fn legs(client: &McpClient) -> Value {
    let chain = json!({"symbol": "SPY", "secType": "OPT", "right": "C"});
    let found = client.call("ibkr_get_contract_details", chain).await;
    let contracts = found["contracts"].as_array().expect("contracts");
    let expiry = &contracts[0]["lastTradeDateOrContractMonth"];
    assert!(expiry.is_string(), "{}", contracts[0]);
    let mut calls: Vec<&Value> = contracts
        .iter()
        .filter(|call| call["lastTradeDateOrContractMonth"] == *expiry)
        .collect();
    calls.sort_by(|one, other| {
        let strike = |call: &Value| call["strike"].as_f64().expect("a strike");
        strike(one).total_cmp(&strike(other))
    });
    let middle = calls.len() / 2;
    let leg = |call: &Value, action: &str| json!({"conId": call["conId"], "ratio": 1, "action": action, "exchange": "SMART"});
    json!([leg(calls[middle], "BUY"), leg(calls[middle + 1], "SELL")])
}

fn spread(legs: &Value, quantity: u32, limit: f64) -> Value {
    json!({
        "contract": {
            "symbol": "SPY",
            "secType": "BAG",
            "currency": "USD",
            "exchange": "SMART",
            "comboLegs": legs,
        },
        "order": {
            "action": "BUY",
            "totalQuantity": quantity,
            "orderType": "LMT",
            "limitPrice": limit,
        },
    })
}

/// The contracts of the open orders, by the tool's answer.
fn open_contracts(answer: &Value) -> Vec<&Value> {
    let orders = answer["orders"].as_array().expect("orders");
    orders.iter().map(|order| &order["contract"]).collect()
}

/// What is held of each leg, by the tool's answer.
fn held(positions: &Value, legs: &Value) -> Vec<f64> {
    let positions = positions["positions"].as_array().expect("positions");
    assert!(
        positions
            .iter()
            .all(|position| position["contract"]["secType"] != "BAG"),
        "{positions:?}"
    );
    let of = |leg: &Value| {
        let mine = positions
            .iter()
            .find(|position| position["contract"]["conId"] == leg["conId"]);
        mine.map(|position| position["position"].as_f64().expect("a quantity"))
            .unwrap_or_default()
    };
    legs.as_array().expect("legs").iter().map(of).collect()
}

/// The types of what was executed for an order.
fn executed(executions: &Value, order_id: &Value) -> Vec<String> {
    let executions = executions["executions"].as_array().expect("executions");
    executions
        .iter()
        .filter(|execution| execution["orderId"] == *order_id)
        .map(|execution| {
            let kind = &execution["contract"]["secType"];
            kind.as_str().expect("a type").to_owned()
        })
        .collect()
}

fn check(simulator: &Simulator) {
    assert_eq!(simulator.books().check(), Ok(()));
}

#[tokio::test]
async fn a_vertical_spread_is_placed_listed_and_filled() {
    let simulator = still_simulator().await;
    let host = Host::connected(&simulator).await;
    let client = McpClient::connect(&host, Era::Modern).await;
    let legs = legs(&client).await;

    // One rests, and says what it is made of on either side.
    let resting = client
        .call("ibkr_place_order", spread(&legs, 1, 0.01))
        .await;
    assert_eq!(resting["status"], "Submitted", "{resting}");
    let over_mcp = client.call("ibkr_get_open_orders", json!({})).await;
    let over_rest = host.get("get_open_orders").await.ok();
    for open in [&over_mcp, &over_rest] {
        let contracts = open_contracts(open);
        assert_eq!(contracts.len(), 1, "{open}");
        assert_eq!(contracts[0]["secType"], "BAG");
        assert_eq!(contracts[0]["symbol"], "SPY");
        assert_eq!(contracts[0]["comboLegs"], legs, "{open}");
    }
    let cancelled = client
        .call("ibkr_cancel_order", json!({"orderId": resting["orderId"]}))
        .await;
    assert_eq!(cancelled["status"], "Cancelled", "{cancelled}");

    // One fills over MCP, one over REST: the strikes are not that far apart.
    let filled = client
        .call("ibkr_place_order", spread(&legs, 2, 50.0))
        .await;
    assert_eq!(filled["status"], "Filled", "{filled}");
    let positions = client.call("ibkr_get_positions", json!({})).await;
    assert_eq!(held(&positions, &legs), [2.0, -2.0]);
    check(&simulator);
    let filled = host.post("place_order", spread(&legs, 1, 50.0)).await.ok();
    assert_eq!(filled["status"], "Filled", "{filled}");
    let positions = host.get("get_positions").await.ok();
    assert_eq!(held(&positions, &legs), [3.0, -3.0]);
    check(&simulator);
    let executions = host.get("get_executions").await.ok();
    assert_eq!(
        executed(&executions, &filled["orderId"]),
        ["BAG", "OPT", "OPT"]
    );

    // To sell it for less than nothing is an order too: what it brings is more.
    let mut sale = spread(&legs, 3, -0.5);
    sale["order"]["action"] = json!("SELL");
    let sold = host.post("place_order", sale).await.ok();
    assert_eq!(sold["status"], "Filled", "{sold}");
    let positions = host.get("get_positions").await.ok();
    assert_eq!(held(&positions, &legs), [0.0, 0.0]);
    check(&simulator);
}

#[tokio::test]
async fn a_spread_is_tried_without_placing_it_and_a_bad_leg_is_named() {
    let simulator = still_simulator().await;
    let host = Host::connected(&simulator).await;
    let client = McpClient::connect(&host, Era::Legacy).await;
    let legs = legs(&client).await;

    let mut trial = spread(&legs, 1, 50.0);
    trial["order"]["whatIf"] = json!(true);
    let trial = client.call("ibkr_place_order", trial).await;
    assert!(trial["impact"].is_object(), "{trial}");

    let mut unknown = legs.clone();
    unknown[1]["conId"] = json!(999);
    let text = client
        .fail("ibkr_place_order", spread(&unknown, 1, 50.0))
        .await;
    assert!(
        text.contains("leg 2") && text.contains("conId 999"),
        "{text}"
    );
    let answer = host.post("place_order", spread(&unknown, 1, 50.0)).await;
    let text = answer.problem(404);
    assert!(text.contains("conId 999"), "{text}");

    let mut lonely = legs.clone();
    lonely.as_array_mut().unwrap().truncate(1);
    let answer = host.post("place_order", spread(&lonely, 1, 50.0)).await;
    let text = answer.problem(400);
    assert!(text.contains("at least two legs"), "{text}");
    assert!(simulator.books().orders.is_empty());
}
