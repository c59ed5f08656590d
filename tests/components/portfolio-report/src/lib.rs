//! `portfolio_report`: a tool as a stranger might send it. It is the example
//! of docs/adding-a-tool.md, and knows nothing of any policy.

use std::collections::BTreeMap;

use sandpit_sdk::Decimal;
use sandpit_sdk::broker::account;
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The tool.
pub struct PortfolioReport;

/// What to report on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Only this account; otherwise all
    account: Option<String>,
}

/// The report.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    /// How many positions each account holds
    positions: BTreeMap<String, usize>,
    /// Today's profit of `account`, in its base currency, if one was named
    #[serde(rename = "dailyPnL", skip_serializing_if = "Option::is_none")]
    daily_pnl: Option<Decimal>,
}

impl Tool for PortfolioReport {
    const NAME: &'static str = "portfolio_report";
    const TITLE: &'static str = "Portfolio report";
    const DESCRIPTION: &'static str = "How many positions each account holds, and the day's \
        profit of one.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    type Input = Input;
    type Output = Output;

    fn call(_context: &Context, input: Input) -> Result<Output, Failure> {
        let mut positions: BTreeMap<String, usize> = account::accounts()?
            .into_iter()
            .map(|account| (account, 0))
            .collect();
        for position in account::positions()? {
            *positions.entry(position.account).or_default() += 1;
        }
        let daily_pnl = match &input.account {
            Some(account) => {
                positions.retain(|of, _| of == account);
                account::pnl(Some(account))?.daily
            }
            None => None,
        };
        Ok(Output {
            positions,
            daily_pnl,
        })
    }
}

sandpit_sdk::export_tool!(PortfolioReport);
