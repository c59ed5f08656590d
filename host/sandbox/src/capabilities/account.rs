//! Capability `account`: what the accounts hold and what they are worth.

use std::time::Duration;

use sandpit_gateway::AccountStream;
use sandpit_gateway::model::Error;
use wasmtime::component::{Linker, Resource};

use super::access::Access;
use super::{BrokerView, CapabilityError, HasBroker, error_to_guest, view};
use crate::bindings::sandpit::broker::account::{
    self, AccountBatch, AccountPnl, AccountValue, Host, HostAccountStream, Position, PositionPnl,
};
use crate::convert::Convert;
use crate::state::State;

/// What stands behind the resource `account-stream`.
pub struct AccountSubscription {
    stream: AccountStream,
    access: Access,
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    account::add_to_linker::<State, HasBroker>(linker, view)
}

impl Host for BrokerView<'_> {
    async fn accounts(&mut self) -> Result<Vec<String>, CapabilityError> {
        let access = self.admit()?;
        let accounts = self.ending.answer(access.gateway.accounts()).await?;
        Ok(access.scope.reading().accounts(&accounts))
    }

    async fn summary(&mut self) -> Result<Vec<AccountValue>, CapabilityError> {
        let access = self.admit()?;
        let request = async {
            let values = access.gateway.summary().await?;
            access.filter_values(values).await
        };
        Ok(self.ending.answer(request).await?.convert()?)
    }

    async fn positions(&mut self) -> Result<Vec<Position>, CapabilityError> {
        let access = self.admit()?;
        let request = async {
            let positions = access.gateway.positions().await?;
            access
                .filter(positions, |of| (Some(of.account.as_str()), &of.contract))
                .await
        };
        Ok(self.ending.answer(request).await?.convert()?)
    }

    async fn pnl(&mut self, account: Option<String>) -> Result<AccountPnl, CapabilityError> {
        let access = self.admit()?;
        let request = async {
            let account = access.account(access.scope.reading(), account).await?;
            access.gateway.pnl(account.as_deref()).await
        };
        Ok(self.ending.answer(request).await?.convert()?)
    }

    async fn pnl_single(
        &mut self,
        account: Option<String>,
        con_id: i32,
    ) -> Result<PositionPnl, CapabilityError> {
        let access = self.admit()?;
        let request = async {
            let rules = access.scope.reading();
            let account = access.account(rules, account).await?;
            if con_id > 0 && !access.reach_number(rules, con_id, None).await? {
                return Err(access.no_position(account, con_id).await);
            }
            access.gateway.pnl_single(account.as_deref(), con_id).await
        };
        Ok(self.ending.answer(request).await?.convert()?)
    }

    async fn subscribe(
        &mut self,
        account: Option<String>,
    ) -> Result<Resource<AccountSubscription>, CapabilityError> {
        let access = self.admit()?;
        let request = async {
            let rules = access.scope.reading();
            let account = access.account(rules, account).await?;
            let stream = access.gateway.subscribe_account(account.as_deref()).await;
            stream.map_err(|error| match error {
                // The gateway names the account that is watched, which this
                // tool may not reach.
                Error::Pacing(_) if rules.limit_accounts() => Error::Pacing(
                    "TWS streams one account at a time, and another one is being watched. Try \
                     again when that has ended."
                        .to_owned(),
                ),
                error => error,
            })
        };
        let stream = self.ending.answer(request).await?;
        Ok(self.table.push(AccountSubscription { stream, access })?)
    }
}

impl HostAccountStream for BrokerView<'_> {
    async fn next(
        &mut self,
        stream: Resource<AccountSubscription>,
        timeout_ms: u32,
    ) -> Result<Option<AccountBatch>, CapabilityError> {
        let AccountSubscription { stream, access } = self.table.get_mut(&stream)?;
        let timeout = Duration::from_millis(timeout_ms.into());
        let batch = async {
            match stream.next(timeout).await? {
                Some(batch) => access.filter_batch(batch).await.map(Some),
                None => Ok(None),
            }
        };
        tokio::select! {
            biased;
            _ = self.ending.reached() => Ok(None),
            batch = self.ending.gateway(batch) => match batch {
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
