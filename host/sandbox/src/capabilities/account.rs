//! Capability `account`: what the accounts hold and what they are worth.

use std::time::Duration;

use sandpit_gateway::AccountStream;
use wasmtime::component::{Linker, Resource};

use super::{BrokerView, CapabilityError, HasBroker, error_to_guest, view};
use crate::bindings::sandpit::broker::account::{
    self, AccountBatch, AccountPnl, AccountValue, Host, HostAccountStream, Position, PositionPnl,
};
use crate::convert::Convert;
use crate::state::State;

/// What stands behind the resource `account-stream`.
pub struct AccountSubscription(AccountStream);

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    account::add_to_linker::<State, HasBroker>(linker, view)
}

impl Host for BrokerView<'_> {
    async fn accounts(&mut self) -> Result<Vec<String>, CapabilityError> {
        let gateway = self.admit()?;
        self.ending.answer(gateway.accounts()).await
    }

    async fn summary(&mut self) -> Result<Vec<AccountValue>, CapabilityError> {
        let gateway = self.admit()?;
        let values = self.ending.answer(gateway.summary()).await?;
        Ok(values.convert()?)
    }

    async fn positions(&mut self) -> Result<Vec<Position>, CapabilityError> {
        let gateway = self.admit()?;
        let positions = self.ending.answer(gateway.positions()).await?;
        Ok(positions.convert()?)
    }

    async fn pnl(&mut self, account: Option<String>) -> Result<AccountPnl, CapabilityError> {
        let gateway = self.admit()?;
        let pnl = self.ending.answer(gateway.pnl(account.as_deref())).await?;
        Ok(pnl.convert()?)
    }

    async fn pnl_single(
        &mut self,
        account: Option<String>,
        con_id: i32,
    ) -> Result<PositionPnl, CapabilityError> {
        let gateway = self.admit()?;
        let pnl = self
            .ending
            .answer(gateway.pnl_single(account.as_deref(), con_id))
            .await?;
        Ok(pnl.convert()?)
    }

    async fn subscribe(
        &mut self,
        account: Option<String>,
    ) -> Result<Resource<AccountSubscription>, CapabilityError> {
        let gateway = self.admit()?;
        let stream = self
            .ending
            .answer(gateway.subscribe_account(account.as_deref()))
            .await?;
        Ok(self.table.push(AccountSubscription(stream))?)
    }
}

impl HostAccountStream for BrokerView<'_> {
    async fn next(
        &mut self,
        stream: Resource<AccountSubscription>,
        timeout_ms: u32,
    ) -> Result<Option<AccountBatch>, CapabilityError> {
        let stream = self.table.get_mut(&stream)?;
        let timeout = Duration::from_millis(timeout_ms.into());
        tokio::select! {
            biased;
            _ = self.ending.reached() => Ok(None),
            batch = stream.0.next(timeout) => match batch {
                Ok(batch) => Ok(batch.convert()?),
                Err(error) => Err(error_to_guest(error).into()),
            },
        }
    }

    async fn drop(&mut self, stream: Resource<AccountSubscription>) -> wasmtime::Result<()> {
        self.table.delete(stream)?;
        Ok(())
    }
}
