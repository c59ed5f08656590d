//! Capability `connection`: opening, closing and describing the connection.

use sandpit_gateway::model;
use wasmtime::component::Linker;

use super::{BrokerView, CapabilityError, HasBroker, view};
use crate::bindings::sandpit::broker::connection::{self, ConnectResult, Endpoint, Host, Status};
use crate::convert::Convert;
use crate::scope::Scope;
use crate::state::State;

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    connection::add_to_linker::<State, HasBroker>(linker, view)
}

impl Host for BrokerView<'_> {
    async fn connect(&mut self, endpoint: Endpoint) -> Result<ConnectResult, CapabilityError> {
        let access = self.admit()?;
        let endpoint = endpoint.convert()?;
        let mut result = self.ending.answer(access.gateway.connect(endpoint)).await?;
        result.status = visible(result.status, &access.scope);
        Ok(result.convert()?)
    }

    async fn disconnect(&mut self) -> Result<bool, CapabilityError> {
        let access = self.admit()?;
        self.ending.answer(access.gateway.disconnect()).await
    }

    async fn get_status(&mut self) -> wasmtime::Result<Status> {
        // Costs nothing and cannot fail, so it is not counted.
        let broker = self.broker()?;
        visible(broker.gateway.status(), &broker.scope)
            .convert()
            .map_err(|error| wasmtime::format_err!("{error:?}"))
    }

    async fn gateways(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(self.broker()?.gateways.to_vec())
    }
}

/// The status without the accounts that the tool does not reach. Whether the
/// connection has a live account among all of its accounts stays true.
fn visible(status: model::Status, scope: &Scope) -> model::Status {
    model::Status {
        accounts: scope.reading().accounts(&status.accounts),
        ..status
    }
}
