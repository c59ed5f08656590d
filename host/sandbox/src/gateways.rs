//! Which gateway a call goes to, decided before its instance starts.

use sandpit_gateway::{Gateway, model};

use crate::outcome::{Confirmation, Failure, FailureKind};
use crate::sandbox::Shared;
use crate::scope::Scope;

impl Shared {
    /// The names of the gateways that a scope reaches, in the order of the
    /// configuration.
    pub(crate) fn reached_by(&self, scope: &Scope) -> Vec<String> {
        let names = self.gateways.names().into_iter();
        names
            .filter(|name| scope.reach_gateway(name))
            .map(str::to_owned)
            .collect()
    }

    /// The gateway of a call: the one that it names, or else the first that it
    /// reaches.
    ///
    /// # Errors
    ///
    /// If the call may not go there, or there is no such gateway.
    pub(crate) fn gateway(&self, scope: &Scope, named: Option<&str>) -> Result<Gateway, Failure> {
        let reached = self.reached_by(scope);
        let Some(first) = reached.first() else {
            return Err(Failure::new(
                FailureKind::NoPermission,
                "The operator's policy lets this tool reach no gateway of this host.",
            ));
        };
        let name = named.unwrap_or(first);
        let choice = reached.join(", ");
        if !scope.reach_gateway(name) {
            return Err(Failure::new(
                FailureKind::NoPermission,
                format!(
                    "The operator's policy does not let this tool reach the gateway {name:?}. Use \
                     one of: {choice}."
                ),
            ));
        }
        self.gateways.get(Some(name)).map_err(|_| {
            Failure::new(
                FailureKind::InvalidArguments,
                format!("There is no gateway {name:?}. Use one of: {choice}."),
            )
        })
    }

    /// The gateway of an order that waits for a person.
    ///
    /// # Errors
    ///
    /// If there is no such gateway.
    pub(crate) fn gateway_of(&self, confirmation: &Confirmation) -> Result<Gateway, Failure> {
        self.gateways
            .get(Some(confirmation.approval.gateway()))
            .map_err(|error| failure(&error))
    }
}

/// What the caller reads of an error of the gateway that no tool has seen.
pub(crate) fn failure(error: &model::Error) -> Failure {
    let kind = match error {
        model::Error::NotConnected(_) => FailureKind::NotConnected,
        model::Error::InvalidRequest(_) => FailureKind::InvalidArguments,
        model::Error::NoPermission(_) => FailureKind::NoPermission,
        _ => FailureKind::Internal,
    };
    Failure::new(kind, error.to_string())
}
