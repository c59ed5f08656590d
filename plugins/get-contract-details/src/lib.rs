//! `ibkr_get_contract_details`: finds instruments.

use sandpit_sdk::input::{self, ContractArgument};
use sandpit_sdk::json::ContractDetails;
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

/// Above this many matches the long lists are left out.
const FEW: usize = 5;

/// The tool.
pub struct GetContractDetails;

/// What was found.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    contracts: Vec<ContractDetails>,
}

impl Tool for GetContractDetails {
    const NAME: &'static str = "ibkr_get_contract_details";
    const TITLE: &'static str = "Contract details";
    const DESCRIPTION: &'static str = "Find instruments and their conId: name, industry, minTick, \
        order types, exchanges, trading hours (UTC). Describe a contract partly to list what \
        matches, e.g. symbol, secType OPT and expiry for the strikes of an option chain, or \
        secType FUT for all expiries. With more than 5 matches hours, order types and exchanges \
        are left out.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    type Input = ContractArgument;
    type Output = Output;

    fn call(_context: &Context, input: ContractArgument) -> Result<Output, Failure> {
        let found = input::details(&input.search()?)?;
        let few = found.len() <= FEW;
        let contracts = found.into_iter().map(ContractDetails::from);
        Ok(Output {
            contracts: if few {
                contracts.collect()
            } else {
                contracts.map(ContractDetails::without_lists).collect()
            },
        })
    }
}

sandpit_sdk::export_tool!(GetContractDetails);
