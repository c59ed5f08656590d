//! `ibkr_modify_order`: changes an order that works or waits.

use sandpit_sdk::broker::{order_book, trading};
use sandpit_sdk::input::{Both, OptionsArgument, OrderChangeArgument};
use sandpit_sdk::json::{OrderPreview, OrderState, PreviewObject};
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The tool.
pub struct ModifyOrder;

/// Which order.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Which {
    /// From ibkr_place_order or ibkr_get_open_orders
    order_id: i32,
    /// Only preview the change, as ibkr_preview_order does
    what_if: Option<bool>,
}

/// Where the order stands, or what the change would do.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    #[serde(flatten)]
    state: Option<OrderState>,
    /// Of whatIf, as ibkr_preview_order answers
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<PreviewObject>")]
    preview: Option<OrderPreview>,
}

impl Tool for ModifyOrder {
    const NAME: &'static str = "ibkr_modify_order";
    const TITLE: &'static str = "Change an order";
    const DESCRIPTION: &'static str = "Change a working or staged order that was placed through \
        this connection: give its orderId and only what shall change; the rest stays as it is. \
        With another orderType, give its prices anew. transmit=true sends a staged order. Answers \
        where the order stands then. For another instrument, side or account, cancel it and place \
        a new one.";
    const ANNOTATIONS: Annotations = Annotations {
        read_only: false,
        destructive: true,
        idempotent: true,
        open_world: true,
    };
    type Input = Both<Which, Both<OrderChangeArgument, OptionsArgument>>;
    type Output = Output;

    fn call(
        context: &Context,
        Both(which, Both(change, options)): Self::Input,
    ) -> Result<Output, Failure> {
        let placed = order_book::order(which.order_id)?;
        let order = change.apply(&placed.order)?;
        let contract = &placed.contract;
        if which.what_if == Some(true) {
            let preview = trading::preview_change(which.order_id, contract, &order)?;
            return Ok(Output {
                state: None,
                preview: Some(preview.into()),
            });
        }
        let state = trading::modify(which.order_id, contract, &order, &options.into())?;
        let state = OrderState::from(state);
        context.info(&format!("Order {} {}", state.order_id(), state.status()));
        Ok(Output {
            state: Some(state),
            preview: None,
        })
    }
}

sandpit_sdk::export_tool!(ModifyOrder);
