//! What is offered: the twenty-three tools, true to their word and small.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::host::plugins;
use crate::support::{Era, Host, McpClient, simulator};

const TOOLS: [&str; 23] = [
    "ibkr_cancel_all_orders",
    "ibkr_cancel_order",
    "ibkr_connect",
    "ibkr_disconnect",
    "ibkr_get_account_summary",
    "ibkr_get_completed_orders",
    "ibkr_get_contract_details",
    "ibkr_get_executions",
    "ibkr_get_historical_data",
    "ibkr_get_next_valid_id",
    "ibkr_get_open_orders",
    "ibkr_get_order_status",
    "ibkr_get_pnl",
    "ibkr_get_pnl_single",
    "ibkr_get_positions",
    "ibkr_get_quote",
    "ibkr_get_status",
    "ibkr_modify_order",
    "ibkr_place_bracket_order",
    "ibkr_place_order",
    "ibkr_preview_order",
    "ibkr_stream_account_updates",
    "ibkr_stream_market_data",
];

/// The prompts, which are no tools.
const PROMPTS: [&str; 3] = [
    "ibkr_daily_review",
    "ibkr_pre_trade_check",
    "ibkr_rebalance",
];

/// What all tools together may cost in a model's context, in characters.
const LIST_BUDGET: usize = 58_000;

/// What one component may weigh, in bytes.
const COMPONENT_BUDGET: u64 = 330 * 1000;

#[tokio::test]
async fn the_tools_are_listed_alike_in_both_eras_and_within_their_budget() {
    let simulator = simulator().await;
    let host = Host::idle(&simulator).await;
    let mut lists = Vec::new();
    for era in Era::ALL {
        let tools = McpClient::connect(&host, era).await.tools().await;
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        assert_eq!(names, TOOLS);
        for tool in &tools {
            let annotations = tool.annotations.as_ref().expect("annotations");
            let writes = matches!(
                tool.name.as_ref(),
                "ibkr_place_order"
                    | "ibkr_place_bracket_order"
                    | "ibkr_modify_order"
                    | "ibkr_cancel_order"
                    | "ibkr_cancel_all_orders"
                    | "ibkr_connect"
                    | "ibkr_disconnect"
            );
            assert_eq!(annotations.read_only_hint, Some(!writes), "{}", tool.name);
            assert!(
                tool.title.is_some() && tool.description.is_some(),
                "{}",
                tool.name
            );
            assert!(tool.output_schema.is_some(), "{}", tool.name);
        }
        lists.push(serde_json::to_string(&tools).unwrap());
    }
    assert_eq!(lists[0], lists[1]);
    let size = lists[0].chars().count();
    assert!(size < LIST_BUDGET, "{size} characters");
}

#[test]
fn each_component_is_small() {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(plugins()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let size = entry.metadata().unwrap().len();
        assert!(size < COMPONENT_BUDGET, "{name} has {size} bytes");
        found.insert(name.trim_end_matches(".wasm").to_owned());
    }
    let built = TOOLS.iter().chain(&PROMPTS).map(|name| (*name).to_owned());
    assert_eq!(found, built.collect());
}

#[tokio::test]
async fn rest_has_a_route_for_every_tool_and_openapi_says_so() {
    let simulator = simulator().await;
    let host = Host::idle(&simulator).await;
    let document = host.get("openapi.json").await.ok();
    let Value::Object(paths) = &document["paths"] else {
        panic!("no paths in {document}");
    };
    for tool in TOOLS {
        let short = tool.trim_start_matches("ibkr_");
        for path in [tool, short] {
            assert!(paths.contains_key(&format!("/api/v1/{path}")), "{path}");
        }
    }
    for (path, method) in [
        ("connect_tws", "post"),
        ("disconnect_tws", "post"),
        ("get_connection_status", "get"),
        ("cancel_order/{orderId}", "delete"),
        ("get_order_status/{orderId}", "get"),
    ] {
        assert!(
            paths[&format!("/api/v1/{path}")][method].is_object(),
            "{method} {path}"
        );
    }
    let status = host.get("get_connection_status").await.ok();
    assert_eq!(status["connected"], false);
}
