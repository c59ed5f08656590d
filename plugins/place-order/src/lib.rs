//! `ibkr_place_order`: places, stages, changes or tries an order.

use sandpit_sdk::broker::trading;
use sandpit_sdk::broker::types::Error;
use sandpit_sdk::input::{Both, ContractArgument, OptionsArgument, OrderArgument};
use sandpit_sdk::json::{OrderImpact, OrderState, action_code, order_type_code};
use sandpit_sdk::prelude::*;
use sandpit_sdk::{Decimal, FailureKind};
use schemars::JsonSchema;
use serde::Serialize;

/// The tool.
pub struct PlaceOrder;

/// Where the order stands, or what it would do.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    symbol: String,
    action: &'static str,
    quantity: Decimal,
    order_type: String,
    #[serde(flatten)]
    state: Option<OrderState>,
    /// Of whatIf
    #[serde(skip_serializing_if = "Option::is_none")]
    impact: Option<OrderImpact>,
}

impl Tool for PlaceOrder {
    const NAME: &'static str = "ibkr_place_order";
    const TITLE: &'static str = "Place an order";
    const DESCRIPTION: &'static str = "Buy or sell: places an order at the broker, for real money \
        on a live account. Prices are in the contract's currency. transmit=false stages it in TWS \
        (status Staged); call again with all its fields, its orderId and transmit=true to send \
        it. whatIf=true answers margin and commission without placing; ibkr_preview_order also \
        says what the risk gate thinks. With exits, use ibkr_place_bracket_order; to change an \
        order, ibkr_modify_order. Answers orderId and status; follow up with \
        ibkr_get_order_status and ibkr_get_executions. If its fate is not known, look there before \
        trying again; with an idempotencyKey the same call can be repeated safely.";
    const ANNOTATIONS: Annotations = Annotations {
        read_only: false,
        destructive: true,
        idempotent: false,
        open_world: true,
    };
    type Input = Both<ContractArgument, Both<OrderArgument, OptionsArgument>>;
    type Output = Output;

    fn call(
        context: &Context,
        Both(contract, Both(order, options)): Self::Input,
    ) -> Result<Output, Failure> {
        let request = order.request()?;
        let options = options.into();
        let contract = contract.qualified()?;
        let order = request.order;
        let mut output = Output {
            symbol: contract.symbol.clone(),
            action: action_code(order.action),
            quantity: order.quantity,
            order_type: order_type_code(&order.order_type).to_owned(),
            state: None,
            impact: None,
        };
        if request.what_if {
            output.impact = Some(trading::what_if(&contract, &order)?.into());
            return Ok(output);
        }
        let state = match request.order_id {
            None => trading::place(&contract, &order, &options)?,
            Some(id) => trading::modify(id, &contract, &order, &options).map_err(no_such_order)?,
        };
        let state = OrderState::from(state);
        context.info(&format!(
            "Order {} {}: {} {} {} @ {}",
            state.order_id(),
            state.status(),
            output.action,
            output.quantity,
            output.symbol,
            output.order_type
        ));
        output.state = Some(state);
        Ok(output)
    }
}

/// Whoever takes `orderId` for the id of a new order is told better.
fn no_such_order(error: Error) -> Failure {
    match error {
        Error::NotFound(message) => Failure::new(
            FailureKind::NotFound,
            format!("{message} To place a new order, leave orderId out."),
        ),
        error => error.into(),
    }
}

sandpit_sdk::export_tool!(PlaceOrder);
