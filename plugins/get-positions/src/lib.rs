//! `ibkr_get_positions`: lists the positions of the accounts.

use sandpit_sdk::broker::account;
use sandpit_sdk::input::NoArguments;
use sandpit_sdk::json::Position;
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

/// The tool.
pub struct GetPositions;

/// The positions.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    positions: Vec<Position>,
}

impl Tool for GetPositions {
    const NAME: &'static str = "ibkr_get_positions";
    const TITLE: &'static str = "Positions";
    const DESCRIPTION: &'static str = "What all accounts hold: contract, position in shares or \
        contracts (negative when short) and avgCost of one with commissions, times the \
        multiplier, in the contract's currency. For market values use \
        ibkr_stream_account_updates, for profit ibkr_get_pnl_single.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    type Input = NoArguments;
    type Output = Output;

    fn resources() -> Vec<ResourceDescriptor> {
        vec![ResourceDescriptor::new(
            "ibkr://positions",
            "positions",
            "Positions",
            "What all accounts hold, with the average cost in the contract's currency.",
        )]
    }

    fn call(_context: &Context, _input: NoArguments) -> Result<Output, Failure> {
        let positions = account::positions()?;
        Ok(Output {
            positions: positions.into_iter().map(Position::from).collect(),
        })
    }
}

sandpit_sdk::export_tool!(GetPositions);
