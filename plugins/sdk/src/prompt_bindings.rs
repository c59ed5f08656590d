//! The WIT world `sandpit:tool/prompt-component` as Rust, generated from
//! `wit/`. What it shares with tools is in [`crate::bindings`].
#![expect(
    missing_docs,
    reason = "wit-bindgen writes this module; what it documents comes from the WIT files"
)]

wit_bindgen::generate!({
    path: ["../../wit/broker", "../../wit/tool"],
    world: "sandpit:tool/prompt-component",
    with: {
        "sandpit:tool/types@0.1.0": crate::bindings::sandpit::tool::types,
        "sandpit:tool/context@0.1.0": crate::bindings::sandpit::tool::context,
        "sandpit:broker/types@0.1.0": crate::bindings::sandpit::broker::types,
        "sandpit:broker/orders@0.1.0": crate::bindings::sandpit::broker::orders,
        "sandpit:broker/connection@0.1.0": crate::bindings::sandpit::broker::connection,
        "sandpit:broker/contracts@0.1.0": crate::bindings::sandpit::broker::contracts,
        "sandpit:broker/market-data@0.1.0": crate::bindings::sandpit::broker::market_data,
        "sandpit:broker/history@0.1.0": crate::bindings::sandpit::broker::history,
        "sandpit:broker/account@0.1.0": crate::bindings::sandpit::broker::account,
        "sandpit:broker/order-book@0.1.0": crate::bindings::sandpit::broker::order_book,
    },
    pub_export_macro: true,
    export_macro_name: "export_prompt_component",
    default_bindings_module: "sandpit_sdk::prompt_bindings",
    additional_derives: [PartialEq],
});
