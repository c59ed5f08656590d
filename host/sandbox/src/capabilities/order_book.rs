//! Capability `order-book`: reading orders and their executions.

use sandpit_gateway::model;
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
        let access = self.admit()?;
        let request = async {
            let orders = access.gateway.open_orders().await?;
            access.filter_orders(orders).await
        };
        Ok(self.ending.answer(request).await?.convert()?)
    }

    async fn executions(
        &mut self,
        filter: ExecutionFilter,
    ) -> Result<Vec<Execution>, CapabilityError> {
        let access = self.admit()?;
        let filter: model::ExecutionFilter = filter.convert()?;
        let request = async {
            if filter.account.is_some() {
                access
                    .account(access.scope.reading(), filter.account.clone())
                    .await?;
            }
            let executions = access.gateway.executions(&filter).await?;
            access
                .filter(executions, |of| (Some(of.account.as_str()), &of.contract))
                .await
        };
        Ok(self.ending.answer(request).await?.convert()?)
    }

    async fn completed_orders(&mut self) -> Result<Vec<PlacedOrder>, CapabilityError> {
        let access = self.admit()?;
        let request = async {
            let orders = access.gateway.completed_orders().await?;
            access.filter_orders(orders).await
        };
        Ok(self.ending.answer(request).await?.convert()?)
    }

    async fn order(&mut self, order_id: i32) -> Result<PlacedOrder, CapabilityError> {
        let access = self.admit()?;
        Ok(self
            .ending
            .answer(access.seen_order(order_id))
            .await?
            .convert()?)
    }
}
