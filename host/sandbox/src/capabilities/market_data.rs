//! Capability `market-data`: quotes as they change.

use std::time::Duration;

use sandpit_gateway::QuoteStream;
use wasmtime::component::{Linker, Resource};

use super::{BrokerView, CapabilityError, HasBroker, error_to_guest, view};
use crate::bindings::sandpit::broker::market_data::{
    self, Contract, Host, HostQuoteStream, QuoteBatch,
};
use crate::bindings::sandpit::broker::types::Error;
use crate::convert::Convert;
use crate::lines::Line;
use crate::state::State;

/// What stands behind the resource `quote-stream`.
pub struct QuoteSubscription {
    stream: QuoteStream,
    _line: Line,
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    market_data::add_to_linker::<State, HasBroker>(linker, view)
}

impl BrokerView<'_> {
    /// Takes one of the tool's market-data lines.
    fn line(&mut self) -> Result<Line, CapabilityError> {
        let lines = &self.broker().map_err(CapabilityError::Trap)?.lines;
        let pacing = || {
            Error::Pacing(format!(
                "The tool uses all {} market-data lines that the operator's policy gives it, over \
                 all of its calls. Close a quote stream first, or try again when another has \
                 ended.",
                lines.limit()
            ))
        };
        Ok(lines.take().ok_or_else(pacing)?)
    }
}

impl Host for BrokerView<'_> {
    async fn subscribe(
        &mut self,
        contract: Contract,
    ) -> Result<Resource<QuoteSubscription>, CapabilityError> {
        let access = self.admit()?;
        let contract = contract.convert()?;
        let line = self.line()?;
        let holder = self
            .broker()
            .map_err(CapabilityError::Trap)?
            .caller
            .tool
            .clone();
        let request = async {
            let contract = access.contract(access.scope.reading(), &contract).await?;
            access.gateway.subscribe_quotes(&holder, &contract).await
        };
        let stream = self.ending.answer(request).await?;
        Ok(self.table.push(QuoteSubscription {
            stream,
            _line: line,
        })?)
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
            batch = self.ending.gateway(stream.stream.next(timeout)) => match batch {
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
