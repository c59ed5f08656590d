//! Capability `order-book`: reading orders and their executions.

use wasmtime::component::Linker;

use super::{BrokerView, CapabilityError, HasBroker, view};
use crate::bindings::sandpit::broker::order_book::{
    self, Execution, ExecutionFilter, Host, PlacedOrder,
};
use crate::convert::Convert;
use crate::state::State;

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    order_book::add_to_linker::<State, HasBroker>(linker, view)
}

impl Host for BrokerView<'_> {
    async fn open_orders(&mut self) -> Result<Vec<PlacedOrder>, CapabilityError> {
        let gateway = self.admit()?;
        let orders = self.ending.answer(gateway.open_orders()).await?;
        Ok(orders.convert()?)
    }

    async fn executions(
        &mut self,
        filter: ExecutionFilter,
    ) -> Result<Vec<Execution>, CapabilityError> {
        let gateway = self.admit()?;
        let filter = filter.convert()?;
        let executions = self.ending.answer(gateway.executions(&filter)).await?;
        Ok(executions.convert()?)
    }

    async fn completed_orders(&mut self) -> Result<Vec<PlacedOrder>, CapabilityError> {
        let gateway = self.admit()?;
        let orders = self.ending.answer(gateway.completed_orders()).await?;
        Ok(orders.convert()?)
    }
}
