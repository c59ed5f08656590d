//! `ibkr_cancel_all_orders`: cancels all orders of this connection.

use sandpit_sdk::broker::trading;
use sandpit_sdk::input::NoArguments;
use sandpit_sdk::json::OrderState;
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

/// The tool.
pub struct CancelAllOrders;

/// An order that could not be cancelled.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotCancelled {
    order_id: i32,
    reason: String,
}

/// What became of the orders.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Read status and filled: a fill can be faster
    orders: Vec<OrderState>,
    not_cancelled: Vec<NotCancelled>,
}

impl Tool for CancelAllOrders {
    const NAME: &'static str = "ibkr_cancel_all_orders";
    const TITLE: &'static str = "Cancel all orders";
    const DESCRIPTION: &'static str = "Cancel every open order that was placed through this \
        connection and that this tool may trade, in one step: the way out when something went \
        wrong. Positions stay as they are. Orders of other API clients and those made by hand in \
        TWS are not touched. For one order use ibkr_cancel_order.";
    const ANNOTATIONS: Annotations = Annotations {
        read_only: false,
        destructive: true,
        idempotent: true,
        open_world: true,
    };
    type Input = NoArguments;
    type Output = Output;

    fn call(context: &Context, _input: NoArguments) -> Result<Output, Failure> {
        let mut output = Output {
            orders: Vec::new(),
            not_cancelled: Vec::new(),
        };
        for trading::CancelledOrder { order_id, outcome } in trading::cancel_all()? {
            match outcome {
                Ok(state) => output.orders.push(state.into()),
                Err(error) => output.not_cancelled.push(NotCancelled {
                    order_id,
                    reason: Failure::from(error).message,
                }),
            }
        }
        context.info(&format!(
            "{} orders cancelled or ended, {} not",
            output.orders.len(),
            output.not_cancelled.len()
        ));
        Ok(output)
    }
}

sandpit_sdk::export_tool!(CancelAllOrders);
