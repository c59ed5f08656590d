//! A component that is linked, and its calls.

use std::fmt;
use std::sync::Arc;

use sandpit_gateway::model::Caller;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use crate::bindings::sandpit::tool::types as wit;
use crate::call::Call;
use crate::capability::Capability;
use crate::descriptor::Descriptor;
use crate::error::CallError;
use crate::inspected::Inspected;
use crate::kind::Exports;
use crate::outcome::{self, Confirmation, Failure, Outcome};
use crate::prompt::{self, PromptAnswer};
use crate::question;
use crate::run::{self, Ended, GuestCall, Reached};
use crate::scope::Scope;
use crate::state::State;

/// A component that can be called. A cheap handle: clones share the code.
#[derive(Clone)]
pub struct Component {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) name: Arc<str>,
    pub(crate) inspected: Inspected,
    pub(crate) pre: InstancePre<State>,
    pub(crate) exports: Exports,
}

impl Component {
    /// What the tool or prompt says of itself.
    pub fn descriptor(&self) -> &Descriptor {
        self.inner.inspected.descriptor()
    }

    /// SHA-256 of the component's bytes, in hexadecimal digits.
    pub fn digest(&self) -> &str {
        self.inner.inspected.digest()
    }

    /// Size of the component in bytes.
    pub fn size(&self) -> usize {
        self.inner.inspected.size()
    }

    /// The capabilities that it imports, in a fixed order.
    pub fn capabilities(&self) -> &[Capability] {
        self.inner.inspected.capabilities()
    }

    /// The WASI interfaces that it imports, as it names them.
    pub fn wasi_imports(&self) -> &[String] {
        self.inner.inspected.wasi_imports()
    }

    /// The names of the gateways that a call with this scope may go to, the one
    /// that is meant where it names none first.
    pub fn gateways(&self, scope: &Scope) -> Vec<String> {
        self.inner.inspected.inner.shared.reached_by(scope)
    }

    /// How many gateways the host has, in reach or not.
    pub fn gateway_count(&self) -> usize {
        self.inner.inspected.inner.shared.gateways.iter().count()
    }

    /// Calls the tool in a fresh instance.
    ///
    /// Dropping the future ends the call at once, without the grace period; an
    /// order that was sent goes on in the gateway.
    ///
    /// # Errors
    ///
    /// If there was no outcome: see [`CallError`]. A failure that the tool
    /// itself reports is an outcome.
    #[tracing::instrument(level = "debug", name = "sandbox.call", skip_all, fields(tool = &*self.inner.name))]
    pub async fn call(&self, call: Call) -> Result<Outcome, CallError> {
        let Exports::Plugin(indices) = &self.inner.exports else {
            return Err(CallError::BrokenContract("it is a prompt".to_owned()));
        };
        let limit = call.limits.answer_bytes;
        let ended = self.run(call, async |instance, store, call| {
            let plugin = indices.load(&mut *store, instance)?;
            plugin.call_call(store, &request(call)).await
        });
        outcome(ended.await?, |outcome| outcome::from_guest(outcome, limit))
    }

    /// Has the prompt write its messages, in a fresh instance.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call).
    #[tracing::instrument(level = "debug", name = "sandbox.prompt", skip_all, fields(prompt = &*self.inner.name))]
    pub async fn get(&self, call: Call) -> Result<Outcome<PromptAnswer>, CallError> {
        let Exports::Prompt(indices) = &self.inner.exports else {
            return Err(CallError::BrokenContract("it is no prompt".to_owned()));
        };
        let limit = call.limits.answer_bytes;
        let ended = self.run(call, async |instance, store, call| {
            let prompt = indices.load(&mut *store, instance)?;
            prompt.call_get(store, &request(call)).await
        });
        outcome(ended.await?, |outcome| prompt::from_guest(outcome, limit))
    }

    /// Runs an export on the gateway that the call means.
    async fn run<T>(
        &self,
        call: Call,
        export: impl AsyncFnOnce(&Instance, &mut Store<State>, GuestCall) -> wasmtime::Result<T>,
    ) -> Result<Ran<T>, CallError> {
        let inner = &self.inner;
        let caller = Caller {
            tool: inner.name.to_string(),
            digest: self.digest().to_owned(),
            client: call.client.clone(),
            call_id: call.id.clone(),
        };
        let shared = &inner.inspected.inner.shared;
        let gateway = match shared.gateway(&call.scope, call.gateway.as_deref()) {
            Ok(gateway) => gateway,
            Err(failure) => return Ok(Ran::Nowhere(failure)),
        };
        let reached = Reached {
            gateway,
            gateways: shared.reached_by(&call.scope),
            caller,
        };
        let name = Arc::clone(&inner.name);
        run::run(shared, &inner.pre, name, Some(reached), call, export)
            .await
            .map(Ran::Ended)
    }
}

/// What became of a run.
enum Ran<T> {
    /// The gateway that it means is not there for it.
    Nowhere(Failure),
    Ended(Ended<T>),
}

fn outcome<T, A>(
    ran: Ran<T>,
    from_guest: impl FnOnce(T) -> Result<Outcome<A>, CallError>,
) -> Result<Outcome<A>, CallError> {
    match ran {
        Ran::Nowhere(failure) => Ok(Outcome::Failure(failure)),
        Ran::Ended(Ended::Returned(outcome)) => from_guest(outcome),
        Ran::Ended(Ended::Unconfirmed(confirmation)) => {
            Ok(Outcome::ConfirmationNeeded(Confirmation {
                message: confirmation.message,
                approval: confirmation.approval,
            }))
        }
    }
}

fn request(call: GuestCall) -> wit::Request {
    wit::Request {
        arguments: call.arguments,
        resume: call.resume.map(question::to_guest),
        askable: call.askable.to_guest(),
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Component")
            .field("name", &self.inner.name)
            .field("digest", &self.digest())
            .finish_non_exhaustive()
    }
}
