//! The capabilities: what a tool reaches of the broker, one file for one WIT
//! interface, each linked by itself and only where it is granted.
//!
//! Everything here knows its caller and the bounds of its call. Scope and
//! limits are applied here, never in a tool.

mod access;
mod access_orders;
pub(crate) mod account;
mod connection;
pub(crate) mod context;
mod contracts;
mod history;
pub(crate) mod market_data;
mod order_book;
#[cfg(test)]
mod tests;
mod trading;

use std::future::Future;
use std::sync::Arc;

use access::Access;
use sandpit_gateway::model;
pub(crate) use trading::Unconfirmed;
use wasmtime::component::{HasData, Linker, ResourceTable, ResourceTableError};

use crate::bindings::sandpit::broker::{orders, types};
use crate::capability::Capability;
use crate::convert::Convert;
use crate::state::{Broker, Ending, Reason, State};

/// Links the interface of one capability.
pub(crate) fn add_to_linker(
    capability: Capability,
    linker: &mut Linker<State>,
) -> wasmtime::Result<()> {
    match capability {
        Capability::Connection => connection::add_to_linker(linker),
        Capability::Contracts => contracts::add_to_linker(linker),
        Capability::MarketData => market_data::add_to_linker(linker),
        Capability::History => history::add_to_linker(linker),
        Capability::Account => account::add_to_linker(linker),
        Capability::OrderBook => order_book::add_to_linker(linker),
        Capability::Trading => trading::add_to_linker(linker),
    }
}

/// Links the interfaces that hold nothing but types.
pub(crate) fn add_types_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<State, HasBroker>(linker, view)?;
    orders::add_to_linker::<State, HasBroker>(linker, view)
}

/// Why a capability gave no answer.
#[derive(Debug)]
pub(crate) enum CapabilityError {
    /// The tool may see it and handle it.
    Guest(types::Error),
    /// The call ends with it.
    Trap(wasmtime::Error),
}

impl From<types::Error> for CapabilityError {
    fn from(error: types::Error) -> Self {
        Self::Guest(error)
    }
}

impl From<ResourceTableError> for CapabilityError {
    fn from(error: ResourceTableError) -> Self {
        match error {
            ResourceTableError::Full => Self::Guest(types::Error::Pacing(
                "The call holds as many open streams as it may. Close one first.".to_owned(),
            )),
            error => Self::Trap(error.into()),
        }
    }
}

/// A tool did what no tool may do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Forbidden(pub(crate) &'static str);

/// A tool went beyond a limit that ends its call.
#[derive(Debug, thiserror::Error)]
#[error("it sent more than the {limit} {what} that one call may send")]
pub(crate) struct Exceeded {
    pub(crate) what: &'static str,
    pub(crate) limit: u64,
}

/// What the capabilities see of an instance's state.
pub(crate) struct BrokerView<'a> {
    broker: Option<&'a mut Broker>,
    table: &'a mut ResourceTable,
    ending: &'a Ending,
}

/// Tells the linker which view the capabilities work on.
struct HasBroker;

impl HasData for HasBroker {
    type Data<'a> = BrokerView<'a>;
}

fn view(state: &mut State) -> BrokerView<'_> {
    BrokerView {
        broker: state.broker.as_mut(),
        table: &mut state.table,
        ending: &state.ending,
    }
}

impl BrokerView<'_> {
    fn broker(&mut self) -> wasmtime::Result<&mut Broker> {
        self.broker.as_deref_mut().ok_or_else(|| {
            wasmtime::Error::new(Forbidden(
                "it called the broker while it described itself, which no tool may",
            ))
        })
    }

    /// Admits one request to the broker, if the call has one left.
    fn admit(&mut self) -> Result<Access, CapabilityError> {
        let broker = self.broker().map_err(CapabilityError::Trap)?;
        if !broker.requests.take(1) {
            return Err(types::Error::Pacing(
                "The call has made more requests of the broker than it may. Make fewer, or more \
                 slowly."
                    .to_owned(),
            )
            .into());
        }
        Ok(Access {
            gateway: broker.gateway.clone(),
            scope: Arc::clone(&broker.scope),
        })
    }
}

impl Ending {
    /// Waits for the gateway's answer, but not beyond the end of the call.
    ///
    /// A request that was begun goes on in the gateway. So a tool whose time is
    /// over begins none: it would not have to wait for the answer, and could
    /// leave a long queue of requests to those who come after it.
    async fn answer<T>(
        &self,
        request: impl Future<Output = model::Result<T>> + Send,
    ) -> Result<T, CapabilityError> {
        if self.is_reached() {
            return Err(ended(self.reached().await).into());
        }
        let answer = self.gateway(request);
        tokio::select! {
            biased;
            answer = answer => answer.map_err(|error| CapabilityError::Guest(error_to_guest(error))),
            reason = self.reached() => Err(ended(reason).into()),
        }
    }
}

impl types::Host for BrokerView<'_> {
    fn convert_error(&mut self, error: CapabilityError) -> wasmtime::Result<types::Error> {
        match error {
            CapabilityError::Guest(error) => Ok(error),
            CapabilityError::Trap(error) => Err(error),
        }
    }
}

impl orders::Host for BrokerView<'_> {}

/// What a request gets that the end of the call cut off.
fn ended(reason: Reason) -> types::Error {
    types::Error::Cancelled(
        match reason {
            Reason::Cancelled => "The call was cancelled before the broker answered.",
            Reason::Deadline => "The call ran into its deadline before the broker answered.",
        }
        .to_owned(),
    )
}

fn error_to_guest(error: model::Error) -> types::Error {
    match error.convert() {
        Ok(error) | Err(error) => error,
    }
}
