//! `ibkr_get_open_orders`: lists the orders that work or wait.

use sandpit_sdk::broker::order_book;
use sandpit_sdk::input::NoArguments;
use sandpit_sdk::json::OpenOrder;
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

/// The tool.
pub struct GetOpenOrders;

/// The orders.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    orders: Vec<OpenOrder>,
}

impl Tool for GetOpenOrders {
    const NAME: &'static str = "ibkr_get_open_orders";
    const TITLE: &'static str = "Open orders";
    const DESCRIPTION: &'static str = "Orders that are not finished: working, waiting, or staged \
        by transmit=false, of all API clients and those made by hand in TWS, each with its \
        contract, terms, status and how much is filled. Prices are in the contract's currency. \
        Filled orders are in ibkr_get_executions.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    type Input = NoArguments;
    type Output = Output;

    fn resources() -> Vec<ResourceDescriptor> {
        vec![ResourceDescriptor::new(
            "ibkr://orders/open",
            "open-orders",
            "Open orders",
            "Orders that are not finished, with their terms, status and fills.",
        )]
    }

    fn call(_context: &Context, _input: NoArguments) -> Result<Output, Failure> {
        let orders = order_book::open_orders()?;
        Ok(Output {
            orders: orders.into_iter().map(OpenOrder::from).collect(),
        })
    }
}

sandpit_sdk::export_tool!(GetOpenOrders);
