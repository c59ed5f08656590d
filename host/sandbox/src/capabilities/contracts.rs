//! Capability `contracts`: finding instruments.

use wasmtime::component::Linker;

use super::{BrokerView, CapabilityError, HasBroker, view};
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
        let gateway = self.admit()?;
        let contract = contract.convert()?;
        let details = self.ending.answer(gateway.details(&contract)).await?;
        Ok(details.convert()?)
    }

    async fn qualify(&mut self, contract: Contract) -> Result<Contract, CapabilityError> {
        let gateway = self.admit()?;
        let contract = contract.convert()?;
        let contract = self.ending.answer(gateway.qualify(&contract)).await?;
        Ok(contract.convert()?)
    }
}
