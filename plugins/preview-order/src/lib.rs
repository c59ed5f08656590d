//! `ibkr_preview_order`: says what an order would do, without placing it.

use sandpit_sdk::Decimal;
use sandpit_sdk::broker::trading;
use sandpit_sdk::input::{Both, ContractArgument, OrderTermsArgument};
use sandpit_sdk::json::{OrderPreview, action_code, order_type_code};
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

/// The tool.
pub struct PreviewOrder;

/// What the order would do.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    symbol: String,
    action: &'static str,
    quantity: Decimal,
    order_type: String,
    #[serde(flatten)]
    preview: OrderPreview,
}

impl Tool for PreviewOrder {
    const NAME: &'static str = "ibkr_preview_order";
    const TITLE: &'static str = "Preview an order";
    const DESCRIPTION: &'static str = "What an order would do, without placing it: the risk \
        gate's verdict rule by rule, TWS's margin, commission and equity after, and whether a \
        token or a person's confirmation will be needed. Use it before any order that matters. \
        If needsToken, hand previewToken to ibkr_place_order with exactly the same order before \
        it expires; it works once. For a change or a bracket use the whatIf of those tools.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    type Input = Both<ContractArgument, OrderTermsArgument>;
    type Output = Output;

    fn call(_context: &Context, Both(contract, order): Self::Input) -> Result<Output, Failure> {
        let order = order.order()?;
        let contract = contract.qualified()?;
        let alone = trading::NewOrder {
            contract: contract.clone(),
            order: order.clone(),
            role: trading::Role::Alone,
        };
        Ok(Output {
            symbol: contract.symbol,
            action: action_code(order.action),
            quantity: order.quantity,
            order_type: order_type_code(&order.order_type).to_owned(),
            preview: trading::preview(&[alone])?.into(),
        })
    }
}

sandpit_sdk::export_tool!(PreviewOrder);
