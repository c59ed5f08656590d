//! `ibkr_cancel_order`: cancels an order.

use sandpit_sdk::HttpMethod;
use sandpit_sdk::broker::trading;
use sandpit_sdk::json::OrderState;
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// The tool.
pub struct CancelOrder;

/// Which order.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// From ibkr_place_order or ibkr_get_open_orders
    order_id: i32,
}

impl Tool for CancelOrder {
    const NAME: &'static str = "ibkr_cancel_order";
    const TITLE: &'static str = "Cancel an order";
    const DESCRIPTION: &'static str = "Cancel a working or staged order that was placed through \
        this connection. Answers what became of it: a fill can be faster, so read status and \
        filled.";
    const ANNOTATIONS: Annotations = Annotations {
        read_only: false,
        destructive: true,
        idempotent: true,
        open_world: true,
    };
    const ROUTES: &'static [(HttpMethod, &'static str)] =
        &[(HttpMethod::Delete, "cancel_order/{orderId}")];
    type Input = Input;
    type Output = OrderState;

    fn call(context: &Context, input: Input) -> Result<OrderState, Failure> {
        let state = OrderState::from(trading::cancel(input.order_id)?);
        context.info(&format!("Order {} {}", state.order_id(), state.status()));
        Ok(state)
    }
}

sandpit_sdk::export_tool!(CancelOrder);
