//! `ibkr_place_bracket_order`: places an entry with its take profit and stop
//! loss.

mod bracket;

use sandpit_sdk::Decimal;
use sandpit_sdk::broker::trading;
use sandpit_sdk::input::{Both, ContractArgument, OptionsArgument};
use sandpit_sdk::json::{OrderPreview, OrderState, PreviewObject, action_code};
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use bracket::Bracket;

/// The tool.
pub struct PlaceBracketOrder;

/// Whether to place it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Try {
    /// Only preview it, as ibkr_preview_order does
    what_if: Option<bool>,
}

/// Where the three orders stand, or what they would do.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    symbol: String,
    action: &'static str,
    quantity: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<OrderState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    take_profit: Option<OrderState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_loss: Option<OrderState>,
    /// Of whatIf, as ibkr_preview_order answers
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<PreviewObject>")]
    preview: Option<OrderPreview>,
}

impl Tool for PlaceBracketOrder {
    const NAME: &'static str = "ibkr_place_bracket_order";
    const TITLE: &'static str = "Place a bracket order";
    const DESCRIPTION: &'static str = "Open a position with its exits in one step: an entry (at \
        limitPrice, else at the market), a take profit and a stop loss for the same quantity that \
        begin to work when the entry fills, and of which one cancels the other. All or nothing \
        is sent. Prefer it to separate orders whenever a new position needs a stop. Real money \
        on a live account. Answers three order ids; if their fate is not known, look with \
        ibkr_get_open_orders before trying again.";
    const ANNOTATIONS: Annotations = Annotations {
        read_only: false,
        destructive: true,
        idempotent: false,
        open_world: true,
    };
    type Input = Both<ContractArgument, Both<Bracket, Both<OptionsArgument, Try>>>;
    type Output = Output;

    fn call(
        context: &Context,
        Both(contract, Both(bracket, Both(options, attempt))): Self::Input,
    ) -> Result<Output, Failure> {
        let orders = bracket.orders()?;
        let contract = contract.qualified()?;
        let (action, quantity) = (action_code(bracket.action()?), bracket.quantity()?);
        let mut output = Output {
            symbol: contract.symbol.clone(),
            action,
            quantity,
            entry: None,
            take_profit: None,
            stop_loss: None,
            preview: None,
        };
        let orders: Vec<_> = orders
            .into_iter()
            .map(|(order, role)| trading::NewOrder {
                contract: contract.clone(),
                order,
                role,
            })
            .collect();
        if attempt.what_if == Some(true) {
            output.preview = Some(trading::preview(&orders)?.into());
            return Ok(output);
        }
        let states = trading::place_group(&orders, &options.into())?;
        let states: [_; 3] = states.try_into().map_err(|_| {
            Failure::new(
                sandpit_sdk::FailureKind::Uncertain,
                "The bracket was placed, and the host did not answer for each of its orders. Look \
                 at ibkr_get_open_orders.",
            )
        })?;
        let [entry, take_profit, stop_loss] = states.map(OrderState::from);
        context.info(&format!(
            "Bracket {} {}: {action} {quantity} {}",
            entry.order_id(),
            entry.status(),
            output.symbol
        ));
        output.entry = Some(entry);
        output.take_profit = Some(take_profit);
        output.stop_loss = Some(stop_loss);
        Ok(output)
    }
}

sandpit_sdk::export_tool!(PlaceBracketOrder);
