//! The same tool gives the same answer over MCP in both eras and over REST.

use serde_json::{Value, json};

use crate::support::{Era, Host, McpClient, still_simulator};

/// Every tool with arguments that succeed, in an order that works.
fn calls() -> Vec<(&'static str, Value)> {
    let resting = json!({"symbol": "AAPL", "action": "BUY", "quantity": 1, "orderType": "LMT", "limitPrice": 1.25});
    let bracket = json!({"symbol": "AAPL", "action": "BUY", "quantity": 1, "limitPrice": 1.25, "takeProfitPrice": 2, "stopLossPrice": 1});
    vec![
        ("ibkr_connect", json!({})),
        ("ibkr_get_status", json!({})),
        ("ibkr_get_contract_details", json!({"symbol": "VTI"})),
        (
            "ibkr_get_historical_data",
            json!({
                "symbol": "TLT",
                "durationStr": "5 D",
                "barSizeSetting": "1 day",
                "endDateTime": "2024-11-21T12:00:00Z",
            }),
        ),
        (
            "ibkr_stream_market_data",
            json!({"symbol": "SPY", "duration_seconds": 1}),
        ),
        (
            "ibkr_stream_account_updates",
            json!({"duration_seconds": 1}),
        ),
        ("ibkr_get_account_summary", json!({})),
        ("ibkr_get_positions", json!({})),
        ("ibkr_get_quote", json!({"symbol": "SPY"})),
        ("ibkr_get_pnl", json!({})),
        ("ibkr_get_pnl_single", json!({"conId": "AAPL"})),
        ("ibkr_get_next_valid_id", json!({})),
        ("ibkr_place_order", resting),
        ("ibkr_get_open_orders", json!({})),
        ("ibkr_get_order_status", json!({"orderId": "last"})),
        (
            "ibkr_modify_order",
            json!({"orderId": "last", "limitPrice": 1.3}),
        ),
        ("ibkr_cancel_order", json!({"orderId": "last"})),
        ("ibkr_get_completed_orders", json!({})),
        (
            "ibkr_preview_order",
            json!({"symbol": "AAPL", "action": "BUY", "quantity": 1}),
        ),
        ("ibkr_place_bracket_order", bracket),
        ("ibkr_cancel_all_orders", json!({})),
        ("ibkr_get_executions", json!({})),
        ("ibkr_disconnect", json!({})),
    ]
}

/// What differs from call to call by its nature: ids, moments, and how many
/// updates came in a second.
fn without_the_moment(mut value: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(map) => {
                // TWS sends them whenever it likes.
                map.remove("notices");
                for (key, value) in map.iter_mut() {
                    let moment = [
                        "orderId",
                        "permId",
                        "previewToken",
                        "expires",
                        "since",
                        "updates_count",
                        "lastTime",
                        "time",
                        "asOf",
                        "ageMs",
                        "updated",
                    ];
                    if moment.contains(&key.as_str()) && !value.is_object() {
                        *value = Value::Null;
                    } else {
                        walk(value);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut value);
    value
}

/// Puts what only the running system knows into the arguments.
async fn filled_in(host: &Host, mut arguments: Value) -> Value {
    if arguments["conId"] == "AAPL" {
        let positions = host.get("get_positions").await.ok();
        let aapl = positions["positions"]
            .as_array()
            .unwrap()
            .iter()
            .find(|position| position["contract"]["symbol"] == "AAPL")
            .expect("the default account holds AAPL");
        arguments["conId"] = aapl["contract"]["conId"].clone();
    }
    if arguments["orderId"] == "last" {
        let orders = host.get("get_open_orders").await.ok();
        arguments["orderId"] = orders["orders"][0]["orderId"].clone();
    }
    arguments
}

#[tokio::test]
async fn all_tools_agree_over_both_eras_and_rest() {
    let mut answers = Vec::new();
    for way in ["legacy", "modern", "rest"] {
        // Each way finds the same, still market.
        let simulator = still_simulator().await;
        let host = Host::idle(&simulator).await;
        let client = match way {
            "legacy" => Some(McpClient::connect(&host, Era::Legacy).await),
            "modern" => Some(McpClient::connect(&host, Era::Modern).await),
            _ => None,
        };
        let port = Value::from(simulator.address().port());
        let mut of_this_way = Vec::new();
        for (tool, arguments) in calls() {
            let arguments = filled_in(&host, arguments).await;
            let answer = match &client {
                Some(client) => client.call(tool, arguments).await,
                None => host.post(tool, arguments).await.ok(),
            };
            assert!(answer.is_object(), "{way} {tool}: {answer}");
            let text = without_the_moment(answer).to_string();
            of_this_way.push((tool, text.replace(&port.to_string(), "PORT")));
        }
        answers.push(of_this_way);
    }
    for other in &answers[1..] {
        for (one, other) in answers[0].iter().zip(other) {
            assert_eq!(one, other);
        }
    }
    assert_eq!(answers[0].len(), 23);
}

#[tokio::test]
async fn get_and_post_and_both_names_agree() {
    let simulator = still_simulator().await;
    let host = Host::connected(&simulator).await;
    let by_get = host
        .get("get_contract_details?symbol=VTI&secType=STK")
        .await
        .ok();
    let by_post = host
        .post("ibkr_get_contract_details", json!({"symbol": "VTI"}))
        .await
        .ok();
    let nested = json!({"contract": {"symbol": "VTI", "secType": "STK"}});
    let nested = host.post("get_contract_details", nested).await.ok();
    assert_eq!(by_get, by_post);
    assert_eq!(by_get, nested);
    let con_id = &by_get["contracts"][0]["conId"];
    let by_number = host
        .get(&format!("get_contract_details?conId={con_id}"))
        .await
        .ok();
    assert_eq!(by_get, by_number);
}
