//! `ibkr_get_next_valid_id`: tells the next free order id.

use sandpit_sdk::broker::trading;
use sandpit_sdk::input::NoArguments;
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

/// The tool.
pub struct GetNextValidId;

/// The id.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    order_id: i32,
}

impl Tool for GetNextValidId {
    const NAME: &'static str = "ibkr_get_next_valid_id";
    const TITLE: &'static str = "Next valid order id";
    const DESCRIPTION: &'static str = "The order id that the next new order would get. Asking \
        does not reserve it, and ibkr_place_order assigns ids by itself: this is for information.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    type Input = NoArguments;
    type Output = Output;

    fn call(_context: &Context, _input: NoArguments) -> Result<Output, Failure> {
        Ok(Output {
            order_id: trading::next_valid_id()?,
        })
    }
}

sandpit_sdk::export_tool!(GetNextValidId);
