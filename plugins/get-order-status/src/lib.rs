//! `ibkr_get_order_status`: says where one order stands.

use sandpit_sdk::HttpMethod;
use sandpit_sdk::broker::order_book;
use sandpit_sdk::json::OpenOrder;
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// The tool.
pub struct GetOrderStatus;

/// Which order.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// From ibkr_place_order or ibkr_get_open_orders
    order_id: i32,
}

impl Tool for GetOrderStatus {
    const NAME: &'static str = "ibkr_get_order_status";
    const TITLE: &'static str = "Order status";
    const DESCRIPTION: &'static str = "Where one order of this connection stands, open or ended: \
        status, how much is filled and at which average price, its contract and its terms. Use it \
        to follow an order, and to look up one whose fate was not known.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    const ROUTES: &'static [(HttpMethod, &'static str)] =
        &[(HttpMethod::Get, "get_order_status/{orderId}")];
    type Input = Input;
    type Output = OpenOrder;

    fn call(_context: &Context, input: Input) -> Result<OpenOrder, Failure> {
        Ok(order_book::order(input.order_id)?.into())
    }
}

sandpit_sdk::export_tool!(GetOrderStatus);
