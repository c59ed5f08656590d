//! `ibkr_get_completed_orders`: lists the orders that ended today.

use sandpit_sdk::broker::order_book;
use sandpit_sdk::input::NoArguments;
use sandpit_sdk::json::OpenOrder;
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

/// The tool.
pub struct GetCompletedOrders;

/// The orders.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    orders: Vec<OpenOrder>,
}

impl Tool for GetCompletedOrders {
    const NAME: &'static str = "ibkr_get_completed_orders";
    const TITLE: &'static str = "Completed orders";
    const DESCRIPTION: &'static str = "Orders that ended today, filled, cancelled or refused, each \
        with its contract, terms and how much was filled. Prices are in the contract's currency. \
        What the fills cost is in ibkr_get_executions; orders that still work are in \
        ibkr_get_open_orders.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    type Input = NoArguments;
    type Output = Output;

    fn call(_context: &Context, _input: NoArguments) -> Result<Output, Failure> {
        let orders = order_book::completed_orders()?;
        Ok(Output {
            orders: orders.into_iter().map(OpenOrder::from).collect(),
        })
    }
}

sandpit_sdk::export_tool!(GetCompletedOrders);
