//! `ibkr_get_executions`: lists today's executions.

use sandpit_sdk::broker::order_book::{self, ExecutionFilter};
use sandpit_sdk::input::{instant, side};
use sandpit_sdk::json::Execution;
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The tool.
pub struct GetExecutions;

/// Which ones.
#[derive(Deserialize, JsonSchema)]
pub struct Input {
    /// Only of this account
    account: Option<String>,
    /// Only of this symbol
    symbol: Option<String>,
    /// Only BUY or SELL
    side: Option<String>,
    /// Only after this time, with time zone, e.g. 2026-12-18T15:00:00Z
    time: Option<String>,
}

/// The executions.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    executions: Vec<Execution>,
}

impl Tool for GetExecutions {
    const NAME: &'static str = "ibkr_get_executions";
    const TITLE: &'static str = "Executions";
    const DESCRIPTION: &'static str = "Fills since midnight (TWS's time zone), with order id, side \
        (BOT or SLD), shares, price in the contract's currency, time in UTC, and commission and \
        realized profit in commissionCurrency once TWS has reported them.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    type Input = Input;
    type Output = Output;

    fn resources() -> Vec<ResourceDescriptor> {
        vec![ResourceDescriptor::new(
            "ibkr://executions",
            "executions",
            "Executions",
            "Fills since midnight (TWS's time zone), with their times in UTC.",
        )]
    }

    fn call(_context: &Context, input: Input) -> Result<Output, Failure> {
        let filter = ExecutionFilter {
            account: input.account,
            symbol: input.symbol,
            side: input.side.as_deref().map(side).transpose()?,
            after: input.time.map(|text| instant("time", &text)).transpose()?,
        };
        let executions = order_book::executions(&filter)?;
        Ok(Output {
            executions: executions.into_iter().map(Execution::from).collect(),
        })
    }
}

sandpit_sdk::export_tool!(GetExecutions);
