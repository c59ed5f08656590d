//! `ibkr_get_pnl`: tells the profit and loss of an account.

use sandpit_sdk::Decimal;
use sandpit_sdk::broker::account;
use sandpit_sdk::input::AccountArgument;
use sandpit_sdk::prelude::*;
use sandpit_sdk::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// The tool.
pub struct GetPnl;

/// Its profit and loss.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(rename = "dailyPnL", skip_serializing_if = "Option::is_none")]
    daily: Option<Decimal>,
    #[serde(rename = "unrealizedPnL", skip_serializing_if = "Option::is_none")]
    unrealized: Option<Decimal>,
    #[serde(rename = "realizedPnL", skip_serializing_if = "Option::is_none")]
    realized: Option<Decimal>,
    // When this held for certain
    #[serde(rename = "asOf")]
    as_of: Timestamp,
    // Whether changes may be missing, because a link is broken
    stale: bool,
}

impl Tool for GetPnl {
    const NAME: &'static str = "ibkr_get_pnl";
    const TITLE: &'static str = "Profit and loss";
    const DESCRIPTION: &'static str = "Profit and loss of an account in its base currency: daily \
        (since TWS's daily reset), unrealized (on open positions since they were bought) and \
        realized (closed since the reset).";
    const ANNOTATIONS: Annotations = Annotations::READ;
    type Input = AccountArgument;
    type Output = Output;

    fn call(_context: &Context, input: AccountArgument) -> Result<Output, Failure> {
        let pnl = account::pnl(input.account.as_deref())?;
        Ok(Output {
            account: input.account,
            daily: pnl.daily,
            unrealized: pnl.unrealized,
            realized: pnl.realized,
            as_of: Timestamp(pnl.as_of),
            stale: pnl.stale,
        })
    }
}

sandpit_sdk::export_tool!(GetPnl);
