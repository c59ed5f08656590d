//! Capability `contracts`: finding instruments.

use sandpit_gateway::model;
use wasmtime::component::Linker;

use super::access::out_of_reach;
use super::{BrokerView, CapabilityError, HasBroker, error_to_guest, view};
use crate::bindings::sandpit::broker::contracts::{self, Contract, ContractDetails, Host};
use crate::convert::Convert;
use crate::state::State;

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    contracts::add_to_linker::<State, HasBroker>(linker, view)
}

impl Host for BrokerView<'_> {
    async fn details(
        &mut self,
        contract: Contract,
    ) -> Result<Vec<ContractDetails>, CapabilityError> {
        let access = self.admit()?;
        let contract = contract.convert()?;
        let mut details = self
            .ending
            .answer(access.gateway.details(&contract))
            .await?;
        let rules = access.scope.reading();
        details.retain(|of| {
            rules.reach_instrument(&of.contract.symbol, of.contract.security_type.code())
        });
        if details.is_empty() {
            return Err(error_to_guest(out_of_reach(rules, &contract)).into());
        }
        Ok(details.convert()?)
    }

    async fn qualify(&mut self, contract: Contract) -> Result<Contract, CapabilityError> {
        let access = self.admit()?;
        let contract: model::Contract = contract.convert()?;
        let request = async {
            let rules = access.scope.reading();
            if rules.limit_instruments() {
                access.contract(rules, &contract).await
            } else {
                access.gateway.qualify(&contract).await
            }
        };
        Ok(self.ending.answer(request).await?.convert()?)
    }
}
