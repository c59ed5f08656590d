//! Capability `market-data`: quotes as they change.

use std::time::Duration;

use sandpit_gateway::QuoteStream;
use wasmtime::component::{Linker, Resource};

use super::{BrokerView, CapabilityError, HasBroker, error_to_guest, view};
use crate::bindings::sandpit::broker::market_data::{
    self, Contract, Host, HostQuoteStream, QuoteBatch,
};
use crate::convert::Convert;
use crate::state::State;

/// What stands behind the resource `quote-stream`.
pub struct QuoteSubscription(QuoteStream);

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    market_data::add_to_linker::<State, HasBroker>(linker, view)
}

impl Host for BrokerView<'_> {
    async fn subscribe(
        &mut self,
        contract: Contract,
    ) -> Result<Resource<QuoteSubscription>, CapabilityError> {
        let gateway = self.admit()?;
        let contract = contract.convert()?;
        let stream = self
            .ending
            .answer(gateway.subscribe_quotes(&contract))
            .await?;
        Ok(self.table.push(QuoteSubscription(stream))?)
    }
}

impl HostQuoteStream for BrokerView<'_> {
    async fn next(
        &mut self,
        stream: Resource<QuoteSubscription>,
        timeout_ms: u32,
    ) -> Result<Option<QuoteBatch>, CapabilityError> {
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

    async fn drop(&mut self, stream: Resource<QuoteSubscription>) -> wasmtime::Result<()> {
        self.table.delete(stream)?;
        Ok(())
    }
}
