//! `ibkr_get_historical_data`: fetches bars of the past.

use sandpit_sdk::broker::history;
use sandpit_sdk::input::{self, BarsArgument, Both, ContractArgument};
use sandpit_sdk::json::{Bar, Contract};
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

/// The tool.
pub struct GetHistoricalData;

/// The bars.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    contract: Contract,
    bars: Vec<Bar>,
}

impl Tool for GetHistoricalData {
    const NAME: &'static str = "ibkr_get_historical_data";
    const TITLE: &'static str = "Historical bars";
    const DESCRIPTION: &'static str = "Past OHLC bars of one instrument, oldest first. Prices are \
        in the contract's currency, volume in shares or contracts, date is a day or the bar's \
        start in UTC. TWS limits the pace: ask for one long stretch rather than many short ones.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    type Input = Both<ContractArgument, BarsArgument>;
    type Output = Output;

    fn call(_context: &Context, Both(contract, bars): Self::Input) -> Result<Output, Failure> {
        let described = contract.exact()?;
        let request = bars.request(&described.security_type)?;
        let contract = input::qualify(&described)?;
        let bars = history::bars(&contract, request)?;
        Ok(Output {
            contract: contract.into(),
            bars: bars.into_iter().map(Bar::from).collect(),
        })
    }
}

sandpit_sdk::export_tool!(GetHistoricalData);
