//! Capability `connection`: opening, closing and describing the connection.

use wasmtime::component::Linker;

use super::{BrokerView, CapabilityError, HasBroker, view};
use crate::bindings::sandpit::broker::connection::{self, ConnectResult, Endpoint, Host, Status};
use crate::convert::Convert;
use crate::state::State;

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    connection::add_to_linker::<State, HasBroker>(linker, view)
}

impl Host for BrokerView<'_> {
    async fn connect(&mut self, endpoint: Endpoint) -> Result<ConnectResult, CapabilityError> {
        let gateway = self.admit()?;
        let endpoint = endpoint.convert()?;
        let result = self.ending.answer(gateway.connect(endpoint)).await?;
        Ok(result.convert()?)
    }

    async fn disconnect(&mut self) -> Result<bool, CapabilityError> {
        let gateway = self.admit()?;
        self.ending.answer(gateway.disconnect()).await
    }

    async fn get_status(&mut self) -> wasmtime::Result<Status> {
        // Costs nothing and cannot fail, so it is not counted.
        let status = self.broker()?.gateway.status();
        status
            .convert()
            .map_err(|error| wasmtime::format_err!("{error:?}"))
    }
}
