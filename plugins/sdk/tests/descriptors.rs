//! What the first-party tools say of themselves, taken together: it is what a
//! model reads before it does anything, so it must be true and short.

use sandpit_sdk::{Descriptor, Tool, describe};
use serde_json::{Value, json};

/// Includes the source of each tool: components cannot be linked to.
macro_rules! tools {
    ($($module:ident in $path:literal: $tool:ident,)*) => {
        $(
            #[path = $path]
            mod $module;
        )*

        fn descriptors() -> Vec<Descriptor> {
            vec![$(described::<$module::$tool>(),)*]
        }
    };
}

tools! {
    cancel_all_orders in "../../cancel-all-orders/src/lib.rs": CancelAllOrders,
    cancel_order in "../../cancel-order/src/lib.rs": CancelOrder,
    connect in "../../connect/src/lib.rs": Connect,
    disconnect in "../../disconnect/src/lib.rs": Disconnect,
    get_account_summary in "../../get-account-summary/src/lib.rs": GetAccountSummary,
    get_completed_orders in "../../get-completed-orders/src/lib.rs": GetCompletedOrders,
    get_contract_details in "../../get-contract-details/src/lib.rs": GetContractDetails,
    get_executions in "../../get-executions/src/lib.rs": GetExecutions,
    get_historical_data in "../../get-historical-data/src/lib.rs": GetHistoricalData,
    get_next_valid_id in "../../get-next-valid-id/src/lib.rs": GetNextValidId,
    get_open_orders in "../../get-open-orders/src/lib.rs": GetOpenOrders,
    get_order_status in "../../get-order-status/src/lib.rs": GetOrderStatus,
    get_pnl in "../../get-pnl/src/lib.rs": GetPnl,
    get_pnl_single in "../../get-pnl-single/src/lib.rs": GetPnlSingle,
    get_positions in "../../get-positions/src/lib.rs": GetPositions,
    get_quote in "../../get-quote/src/lib.rs": GetQuote,
    get_status in "../../get-status/src/lib.rs": GetStatus,
    modify_order in "../../modify-order/src/lib.rs": ModifyOrder,
    place_bracket_order in "../../place-bracket-order/src/lib.rs": PlaceBracketOrder,
    place_order in "../../place-order/src/lib.rs": PlaceOrder,
    preview_order in "../../preview-order/src/lib.rs": PreviewOrder,
    stream_account_updates in "../../stream-account-updates/src/lib.rs": StreamAccountUpdates,
    stream_market_data in "../../stream-market-data/src/lib.rs": StreamMarketData,
}

fn described<T: Tool>() -> Descriptor {
    describe::<T>(env!("CARGO_PKG_VERSION"))
}

fn parsed(schema: &str) -> Value {
    serde_json::from_str(schema).unwrap_or_default()
}

/// The entry of a descriptor in a `tools/list` answer.
fn listed(descriptor: &Descriptor) -> String {
    json!({
        "name": descriptor.name,
        "title": descriptor.title,
        "description": descriptor.description,
        "inputSchema": parsed(&descriptor.input_schema),
        "outputSchema": descriptor.output_schema.as_deref().map(parsed),
        "annotations": {
            "readOnlyHint": descriptor.annotations.read_only,
            "destructiveHint": descriptor.annotations.destructive,
            "idempotentHint": descriptor.annotations.idempotent,
            "openWorldHint": descriptor.annotations.open_world,
        },
    })
    .to_string()
}

#[test]
fn all_tools_together_stay_small() {
    let mut total = 0;
    for descriptor in descriptors() {
        let entry = listed(&descriptor);
        println!("{:6} {}", entry.len(), descriptor.name);
        total += entry.len();
    }
    println!("{total:6} in all");
    assert!(total < 52_000, "tools/list has grown to {total} characters");
}

#[test]
fn the_twenty_three_are_there_by_name() {
    let names: Vec<_> = descriptors().into_iter().map(|tool| tool.name).collect();
    assert_eq!(
        names,
        [
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
        ]
    );
}

#[test]
fn schemas_are_those_of_objects() {
    for descriptor in descriptors() {
        let name = &descriptor.name;
        let input = parsed(&descriptor.input_schema);
        assert_eq!(input.get("type"), Some(&json!("object")), "{name}");
        assert_eq!(
            input.get("additionalProperties"),
            Some(&json!(false)),
            "{name}"
        );
        let output = descriptor.output_schema.as_deref().map(parsed);
        let output = output.unwrap_or_default();
        assert_eq!(output.get("type"), Some(&json!("object")), "{name}");
        assert!(
            output.get("properties").is_some_and(Value::is_object),
            "{name}"
        );
        for schema in [input, output] {
            let text = schema.to_string();
            for noise in [
                "$schema",
                "$defs",
                "$ref",
                "\"null\"",
                "\"int32\"",
                "\"title\":\"",
            ] {
                assert!(!text.contains(noise), "{noise} in {name}: {text}");
            }
        }
    }
}

#[test]
fn annotations_are_true() {
    for descriptor in descriptors() {
        let name = descriptor.name.as_str();
        let hints = descriptor.annotations;
        let reads = ["ibkr_get_", "ibkr_stream_", "ibkr_preview_"]
            .iter()
            .any(|start| name.starts_with(start));
        assert_eq!(hints.read_only, reads, "{name}");
        let places = name.starts_with("ibkr_place_");
        let destroys =
            places || name.starts_with("ibkr_cancel_") || name.starts_with("ibkr_modify_");
        assert_eq!(hints.destructive, destroys, "{name}");
        assert_eq!(hints.idempotent, !places, "{name}");
        assert_eq!(hints.open_world, name != "ibkr_get_status", "{name}");
        assert_eq!(
            descriptor.streaming,
            name.starts_with("ibkr_stream_"),
            "{name}"
        );
    }
}
