//! The twenty-three tools as they are built.

use std::path::PathBuf;

use sandpit_simulator::{Simulator, SimulatorConfig};
use sandpit_tools::{Capability, FailureKind};
use serde_json::{Value, json};

use crate::{failure, no_arguments, open, open_on, request, structured};

/// The folder that the recipe `plugins` fills.
pub fn plugins() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins");
    assert!(
        folder.join("ibkr_get_status.wasm").is_file(),
        "the folder {} does not hold the tools: run `just plugins` first",
        folder.display()
    );
    folder
}

#[tokio::test]
async fn all_load_with_no_more_than_they_need() {
    use Capability::{Account, Connection, Contracts, History, MarketData, OrderBook, Trading};

    let tools = open(&plugins()).await;
    let refused = tools.refused();
    assert!(refused.is_empty(), "{refused:?}");
    let expected: [(&str, &[Capability]); 23] = [
        ("ibkr_cancel_all_orders", &[Trading]),
        ("ibkr_cancel_order", &[Trading]),
        ("ibkr_connect", &[Connection]),
        ("ibkr_disconnect", &[Connection]),
        ("ibkr_get_account_summary", &[Account]),
        ("ibkr_get_completed_orders", &[OrderBook]),
        ("ibkr_get_contract_details", &[Contracts]),
        ("ibkr_get_executions", &[OrderBook]),
        ("ibkr_get_historical_data", &[Contracts, History]),
        ("ibkr_get_next_valid_id", &[Trading]),
        ("ibkr_get_open_orders", &[OrderBook]),
        ("ibkr_get_order_status", &[OrderBook]),
        ("ibkr_get_pnl", &[Account]),
        ("ibkr_get_pnl_single", &[Account]),
        ("ibkr_get_positions", &[Account]),
        ("ibkr_get_quote", &[Contracts, MarketData]),
        ("ibkr_get_status", &[Connection]),
        ("ibkr_modify_order", &[OrderBook, Trading]),
        ("ibkr_place_bracket_order", &[Contracts, Trading]),
        ("ibkr_place_order", &[Contracts, Trading]),
        ("ibkr_preview_order", &[Contracts, Trading]),
        ("ibkr_stream_account_updates", &[Account]),
        ("ibkr_stream_market_data", &[Contracts, MarketData]),
    ];
    let list = tools.list();
    let found: Vec<_> = list
        .iter()
        .map(|tool| (tool.name(), tool.capabilities()))
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn without_a_connection_they_say_so() {
    let tools = open(&plugins()).await;
    for name in ["ibkr_get_positions", "ibkr_get_open_orders", "ibkr_get_pnl"] {
        let failure = failure(tools.call(name, no_arguments()).await.unwrap());
        assert_eq!(failure.kind, FailureKind::NotConnected, "{name}");
    }
    let status = structured(tools.call("ibkr_get_status", no_arguments()).await.unwrap());
    assert_eq!(status.value().get("connected"), Some(&Value::Bool(false)));
}

#[tokio::test]
async fn wrong_arguments_are_named() {
    let tools = open(&plugins()).await;
    let order = json!({ "symbol": "SPY", "action": "BUY", "quantity": 1, "limitPrice": [] });
    let failure = failure(
        tools
            .call("ibkr_place_order", request(order))
            .await
            .unwrap(),
    );
    assert_eq!(failure.kind, FailureKind::InvalidArguments);
    assert!(failure.message.contains("limitPrice"), "{failure:?}");
}

#[tokio::test]
async fn they_answer_from_the_broker() {
    let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let tools = open_on(&plugins(), &simulator).await;
    tools.call("ibkr_connect", no_arguments()).await.unwrap();
    assert!(tools.readiness().connected);

    let spy = json!({ "symbol": "SPY" });
    for (name, arguments) in [
        ("ibkr_get_status", json!({})),
        ("ibkr_get_account_summary", json!({})),
        ("ibkr_get_positions", json!({})),
        ("ibkr_get_contract_details", spy.clone()),
        ("ibkr_get_next_valid_id", json!({})),
        ("ibkr_get_open_orders", json!({})),
        ("ibkr_get_executions", json!({})),
        ("ibkr_get_pnl", json!({})),
    ] {
        let outcome = tools.call(name, request(arguments)).await.unwrap();
        structured(outcome);
    }

    let positions = structured(
        tools
            .call("ibkr_get_positions", no_arguments())
            .await
            .unwrap(),
    );
    for position in simulator.books().accounts.iter().flat_map(|a| &a.positions) {
        assert!(
            positions
                .text()
                .contains(&position.quantity.normalize().to_string()),
            "{position:?} is not in {}",
            positions.text()
        );
    }
    tools.shutdown().await;
    simulator.shutdown().await;
}
