//! Capability `history`: bars of the past.

use wasmtime::component::Linker;

use super::{BrokerView, CapabilityError, HasBroker, view};
use crate::bindings::sandpit::broker::history::{self, Bar, BarsRequest, Contract, Host};
use crate::convert::Convert;
use crate::state::State;

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    history::add_to_linker::<State, HasBroker>(linker, view)
}

impl Host for BrokerView<'_> {
    async fn bars(
        &mut self,
        contract: Contract,
        request: BarsRequest,
    ) -> Result<Vec<Bar>, CapabilityError> {
        let access = self.admit()?;
        let contract = contract.convert()?;
        let bars = request.convert()?;
        let request = async {
            let contract = access.contract(access.scope.reading(), &contract).await?;
            access.gateway.bars(&contract, &bars).await
        };
        Ok(self.ending.answer(request).await?.convert()?)
    }
}
