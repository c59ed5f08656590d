//! Bad input of every kind gets a clear sentence, over MCP and over REST, and
//! nothing of it that the host can know to be wrong reaches TWS.

use reqwest::Method;
use rmcp::ServiceError;
use serde_json::{Value, json};

use crate::support::{Era, Host, McpClient, eventually, simulator};

/// A call that must fail: what REST answers, and what the sentence says.
struct Bad {
    tool: &'static str,
    arguments: Value,
    status: u16,
    says: &'static [&'static str],
}

fn bad(tool: &'static str, arguments: Value, status: u16, says: &'static [&'static str]) -> Bad {
    Bad {
        tool,
        arguments,
        status,
        says,
    }
}

fn order(action: &str, quantity: Value, order_type: &str) -> Value {
    json!({"symbol": "AAPL", "action": action, "quantity": quantity, "orderType": order_type})
}

/// What the host can know to be wrong without asking TWS.
fn known_to_be_wrong() -> Vec<Bad> {
    vec![
        bad(
            "ibkr_place_order",
            order("BUY", json!(1), "LMT"),
            400,
            &["limitPrice is required for LMT orders"],
        ),
        bad(
            "ibkr_place_order",
            order("BUY", json!(-1), "MKT"),
            400,
            &["-1"],
        ),
        bad(
            "ibkr_place_order",
            order("BUY", json!(0), "MKT"),
            400,
            &["0"],
        ),
        bad(
            "ibkr_place_order",
            order("HOLD", json!(1), "MKT"),
            400,
            &["HOLD", "BUY", "SELL"],
        ),
        bad(
            "ibkr_place_order",
            order("BUY", json!(1), "YOLO"),
            400,
            &["YOLO", "MKT", "LMT"],
        ),
        bad(
            "ibkr_place_order",
            order("BUY", json!("many"), "MKT"),
            400,
            &["many"],
        ),
        bad(
            "ibkr_place_order",
            json!({"symbol": "AAPL", "quantity": 1}),
            400,
            &["action"],
        ),
        bad(
            "ibkr_place_order",
            json!({"symbol": "AAPL", "action": "BUY", "quantity": 1, "leverage": 100}),
            400,
            &["leverage"],
        ),
        bad(
            "ibkr_place_order",
            json!({"symbol": "AAPL", "action": "BUY", "quantity": 1, "orderType": "LMT", "limitPrice": -5}),
            400,
            &["-5"],
        ),
        bad("ibkr_cancel_order", json!({}), 400, &["orderId"]),
        bad(
            "ibkr_cancel_order",
            json!({"orderId": "seven"}),
            400,
            &["orderId", "seven"],
        ),
        bad("ibkr_get_contract_details", json!({}), 400, &["symbol"]),
        bad(
            "ibkr_get_contract_details",
            json!({"symbol": 7}),
            400,
            &["symbol"],
        ),
        bad(
            "ibkr_get_contract_details",
            json!({"symbol": "AAPL", "secType": "STONK"}),
            400,
            &["STONK", "STK"],
        ),
        bad(
            "ibkr_get_historical_data",
            json!({"symbol": "VTI", "durationStr": "a month", "barSizeSetting": "1 day"}),
            400,
            &["a month", "30 D"],
        ),
        bad(
            "ibkr_get_historical_data",
            json!({"symbol": "VTI", "durationStr": "30 D", "barSizeSetting": "7 mins"}),
            400,
            &["7 mins", "5 mins"],
        ),
        bad(
            "ibkr_get_historical_data",
            json!({"symbol": "VTI", "durationStr": "10 Y", "barSizeSetting": "1 secs"}),
            400,
            &["1 sec"],
        ),
        bad(
            "ibkr_stream_market_data",
            json!({"symbol": "SPY", "duration_seconds": 0}),
            400,
            &["duration_seconds"],
        ),
        bad("ibkr_get_pnl_single", json!({}), 400, &["conId"]),
        bad(
            "ibkr_connect",
            json!({"port": 70000}),
            400,
            &["port", "70000"],
        ),
        bad(
            "ibkr_connect",
            json!({"clientId": -1}),
            400,
            &["clientId", "-1"],
        ),
    ]
}

/// What only TWS can know.
fn unknown_to_tws() -> Vec<Bad> {
    vec![
        bad(
            "ibkr_get_contract_details",
            json!({"symbol": "NOSUCH"}),
            404,
            &["Contract not found: NOSUCH"],
        ),
        bad(
            "ibkr_get_historical_data",
            json!({"symbol": "NOSUCH"}),
            404,
            &["NOSUCH"],
        ),
        bad(
            "ibkr_stream_market_data",
            json!({"symbol": "NOSUCH"}),
            404,
            &["NOSUCH"],
        ),
        bad(
            "ibkr_place_order",
            json!({"symbol": "NOSUCH", "action": "BUY", "quantity": 1}),
            404,
            &["NOSUCH"],
        ),
        bad(
            "ibkr_cancel_order",
            json!({"orderId": 4711}),
            404,
            &["4711"],
        ),
        bad("ibkr_get_pnl_single", json!({"conId": 1}), 404, &["1"]),
        bad(
            "ibkr_place_order",
            json!({"symbol": "AAPL", "action": "BUY", "quantity": 1_000_000_000}),
            422,
            &["201"],
        ),
    ]
}

async fn each_is_refused(host: &Host, cases: Vec<Bad>) {
    let client = McpClient::connect(host, Era::Modern).await;
    for case in cases {
        let over_mcp = client.fail(case.tool, case.arguments.clone()).await;
        let over_rest = host.post(case.tool, case.arguments.clone()).await;
        let over_rest = over_rest.problem(case.status);
        for words in case.says {
            for sentence in [&over_mcp, &over_rest] {
                assert!(
                    sentence.contains(words),
                    "{} {}: {sentence:?} does not say {words:?}",
                    case.tool,
                    case.arguments
                );
            }
        }
    }
}

#[tokio::test]
async fn what_the_host_knows_to_be_wrong_never_reaches_tws() {
    let simulator = simulator().await;
    let host = Host::connected(&simulator).await;
    each_is_refused(&host, known_to_be_wrong()).await;
    // What a connection begins with, holding its orders against TWS included,
    // and looking contracts up, which is right in itself, whatever it is looked
    // up for.
    let harmless = [
        "StartApiRequest",
        "MarketDataTypeRequest",
        "AllOpenOrdersRequest",
        "CompletedOrdersRequest",
        "ExecutionRequest",
        "ContractDataRequest",
    ];
    for request in simulator.received() {
        assert!(harmless.contains(&request.name), "{request:?}");
    }
}

#[tokio::test]
async fn what_tws_refuses_is_said_and_nothing_is_left_behind() {
    let simulator = simulator().await;
    let host = Host::connected(&simulator).await;
    each_is_refused(&host, unknown_to_tws()).await;
    // A subscription that nobody reads is kept for a few seconds.
    eventually("no subscription is left", async || {
        let connections = simulator.connections();
        connections.iter().all(|of| of.subscriptions.is_empty())
    })
    .await;
    for order in simulator.books().orders {
        let over = ["Inactive", "Cancelled"].contains(&order.status.as_str());
        assert!(over, "{order:?}");
    }
}

#[tokio::test]
async fn every_tool_that_needs_tws_says_so_before_a_connect() {
    let simulator = simulator().await;
    let host = Host::idle(&simulator).await;
    let client = McpClient::connect(&host, Era::Legacy).await;
    for (tool, arguments) in [
        ("ibkr_get_contract_details", json!({"symbol": "VTI"})),
        ("ibkr_get_historical_data", json!({"symbol": "VTI"})),
        ("ibkr_stream_market_data", json!({"symbol": "VTI"})),
        ("ibkr_get_account_summary", json!({})),
        ("ibkr_get_positions", json!({})),
        ("ibkr_stream_account_updates", json!({})),
        ("ibkr_get_pnl", json!({})),
        ("ibkr_get_pnl_single", json!({"conId": 756733})),
        ("ibkr_get_next_valid_id", json!({})),
        ("ibkr_place_order", order("BUY", json!(1), "MKT")),
        ("ibkr_cancel_order", json!({"orderId": 1})),
        ("ibkr_get_open_orders", json!({})),
        ("ibkr_get_executions", json!({})),
    ] {
        let sentence = client.fail(tool, arguments.clone()).await;
        assert!(sentence.contains("ibkr_connect"), "{tool}: {sentence}");
        let sentence = host.post(tool, arguments).await.problem(503);
        assert!(sentence.contains("ibkr_connect"), "{tool}: {sentence}");
    }
    // These two answer without TWS.
    assert_eq!(
        client.call("ibkr_get_status", json!({})).await["connected"],
        false
    );
    client.call("ibkr_disconnect", json!({})).await;
    assert_eq!(simulator.connections().len(), 0);
}

#[tokio::test]
async fn a_second_connect_elsewhere_is_refused() {
    let simulator = simulator().await;
    let host = Host::connected(&simulator).await;
    let sentence = host.post("connect", json!({"port": 1})).await.problem(400);
    let port = simulator.address().port().to_string();
    assert!(sentence.contains(&port), "{sentence}");
    let again = host.post("connect", json!({})).await.ok();
    assert_eq!(again["status"], "already_connected");
    assert_eq!(simulator.connections().len(), 1);
}

#[tokio::test]
async fn nobody_behind_the_port_is_said_plainly() {
    let simulator = simulator().await;
    let host = Host::idle(&simulator).await;
    let sentence = host.post("connect", json!({"port": 1})).await.problem(503);
    assert!(sentence.contains("127.0.0.1:1"), "{sentence}");
}

#[tokio::test]
async fn http_itself_is_answered_with_problems() {
    let simulator = simulator().await;
    let host = Host::connected(&simulator).await;
    let json = |text: &str| Some(text.to_owned());

    for (method, path, body, status, says) in [
        (Method::POST, "get_positions", json("{\"a\":"), 400, "JSON"),
        (Method::POST, "get_positions", json("[1]"), 400, "object"),
        (Method::GET, "no_such_tool", None, 404, "no_such_tool"),
        (Method::GET, "no/such/route", None, 404, "no/such/route"),
        (Method::GET, "place_order", None, 405, "POST"),
        (Method::DELETE, "get_positions", None, 405, "GET"),
        (Method::PUT, "get_positions", None, 405, "GET"),
        (Method::GET, "get_positions?colour=red", None, 400, "colour"),
        (Method::GET, "get_pnl_single?conId=x", None, 400, "conId"),
        (Method::DELETE, "cancel_order/abc", None, 400, "orderId"),
        (
            Method::POST,
            "get_positions",
            Some("x".repeat(2 << 20)),
            413,
            "1048576",
        ),
    ] {
        let answer = host.request(method.clone(), path, body).await;
        let sentence = answer.problem(status);
        assert!(sentence.contains(says), "{method} {path}: {sentence}");
    }
    // The host is as it was.
    host.get("get_positions").await.ok();
}

#[tokio::test]
async fn an_unknown_tool_is_a_protocol_error() {
    let simulator = simulator().await;
    let host = Host::idle(&simulator).await;
    for era in Era::ALL {
        let client = McpClient::connect(&host, era).await;
        match client.try_call("ibkr_no_such_tool", json!({})).await {
            Err(ServiceError::McpError(error)) => {
                assert_eq!(error.code.0, -32602);
                assert!(
                    error.message.contains("ibkr_no_such_tool"),
                    "{}",
                    error.message
                );
            }
            other => panic!("{era:?}: {other:?}"),
        }
    }
}
