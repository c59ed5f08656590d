//! `ibkr_get_pnl_single`: tells the profit and loss of one position.

use sandpit_sdk::Decimal;
use sandpit_sdk::broker::account;
use sandpit_sdk::prelude::*;
use sandpit_sdk::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The tool.
pub struct GetPnlSingle;

/// Of which position.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// Needed only if there are several
    account: Option<String>,
    /// Of the position, from ibkr_get_positions
    #[schemars(range(min = 1))]
    con_id: i32,
}

/// Its profit and loss.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    con_id: i32,
    position: Decimal,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Decimal>,
}

impl Tool for GetPnlSingle {
    const NAME: &'static str = "ibkr_get_pnl_single";
    const TITLE: &'static str = "Profit and loss of a position";
    const DESCRIPTION: &'static str = "Profit and loss of one position, like ibkr_get_pnl, with \
        its size and market value (value), all in the account's base currency.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    type Input = Input;
    type Output = Output;

    fn call(_context: &Context, input: Input) -> Result<Output, Failure> {
        let pnl = account::pnl_single(input.account.as_deref(), input.con_id)?;
        Ok(Output {
            account: input.account,
            con_id: input.con_id,
            position: pnl.quantity,
            daily: pnl.daily,
            unrealized: pnl.unrealized,
            realized: pnl.realized,
            as_of: Timestamp(pnl.as_of),
            stale: pnl.stale,
            value: pnl.value,
        })
    }
}

sandpit_sdk::export_tool!(GetPnlSingle);
