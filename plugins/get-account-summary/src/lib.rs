//! `ibkr_get_account_summary`: lists the summary values of the accounts.

use sandpit_sdk::broker::account;
use sandpit_sdk::input::NoArguments;
use sandpit_sdk::json::AccountValue;
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

/// The tool.
pub struct GetAccountSummary;

/// The values.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    values: Vec<AccountValue>,
}

impl Tool for GetAccountSummary {
    const NAME: &'static str = "ibkr_get_account_summary";
    const TITLE: &'static str = "Account summary";
    const DESCRIPTION: &'static str = "What each account is worth now, as values by tag: \
        NetLiquidation, TotalCashValue, BuyingPower, GrossPositionValue, margins and so on. \
        Amounts are in the currency that stands beside them.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    type Input = NoArguments;
    type Output = Output;

    fn resources() -> Vec<ResourceDescriptor> {
        vec![ResourceDescriptor::new(
            "ibkr://account/summary",
            "account-summary",
            "Account summary",
            "What each account is worth now, as values by tag, in the currency that stands \
             beside them.",
        )]
    }

    fn call(_context: &Context, _input: NoArguments) -> Result<Output, Failure> {
        let values = account::summary()?;
        Ok(Output {
            values: values.into_iter().map(AccountValue::from).collect(),
        })
    }
}

sandpit_sdk::export_tool!(GetAccountSummary);
