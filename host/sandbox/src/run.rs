//! One run of one instance: from its place in the queue to its end.

use std::sync::Arc;

use sandpit_gateway::Gateway;
use sandpit_gateway::model::{Caller, Confirmation};
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use crate::call::{Call, Level};
use crate::capabilities::{Exceeded, Forbidden, Unconfirmed};
use crate::error::{CallError, reason};
use crate::limits::Allowance;
use crate::log::ToolLog;
use crate::question::{Askable, Resume};
use crate::sandbox::Shared;
use crate::state::{Broker, Context, Cut, Ending, Reason, State};
use crate::times::On;

/// What is left of a call once the instance's state is made: what the guest
/// gets to see.
pub(crate) struct GuestCall {
    pub(crate) arguments: String,
    pub(crate) resume: Option<Resume>,
    pub(crate) askable: Askable,
}

/// The gateway that an instance reaches, and in whose name.
pub(crate) struct Reached {
    pub(crate) gateway: Gateway,
    /// The names of all that the tool may use, the default first.
    pub(crate) gateways: Vec<String>,
    pub(crate) caller: Caller,
}

/// How a run ended whose guest did not fail.
pub(crate) enum Ended<T> {
    /// The guest returned this.
    Returned(T),
    /// The host ended the guest: a person has to confirm an order first.
    Unconfirmed(Box<Confirmation>),
}

/// Runs one export of a fresh instance within the bounds of the call. Without
/// a gateway the instance cannot reach the broker.
pub(crate) async fn run<T>(
    shared: &Shared,
    pre: &InstancePre<State>,
    name: Arc<str>,
    reach: Option<Reached>,
    call: Call,
    export: impl AsyncFnOnce(&Instance, &mut Store<State>, GuestCall) -> wasmtime::Result<T>,
) -> Result<Ended<T>, CallError> {
    let limits = call.limits;
    let memory = limits.memory.min(shared.config.memory_limit);
    let times = call.times;
    let waiting = async {
        match reach {
            Some(_) => shared.slots.take(&call.cancel).await,
            None => shared.slots.take_to_describe(&call.cancel).await,
        }
    };
    let _place = times.measure(On::Queue, waiting).await?;

    // From here on the clock runs.
    let ending = Ending::new(
        call.cancel,
        shared.shutdown.clone(),
        limits.deadline,
        shared.config.grace,
    )
    .counting(times.clone());
    let log = Arc::new(ToolLog::new(name, call.id, limits.log_bytes));
    let context = Context {
        log: Arc::clone(&log),
        events: call.events,
        allowance: Allowance::new(limits.events),
        stream_bytes: Allowance::new(limits.stream_bytes),
        progress: None,
        open_ended: call.open_ended,
        cut: Cut::No,
    };
    let broker = reach.map(|reach| Broker {
        gateway: reach.gateway,
        gateways: reach.gateways,
        caller: reach.caller,
        requests: Allowance::new(limits.broker_requests),
        scope: call.scope,
        lines: call.lines,
        orders_sent: false,
        unconfirmed: None,
    });
    let mut state = State::new(memory, ending.clone(), context, broker);
    state.limiter.count_in(Arc::clone(&shared.memory));
    let mut store = shared.store(state, transfer_bytes(limits.answer_bytes));
    let guest_call = GuestCall {
        arguments: call.arguments,
        resume: call.resume,
        askable: call.askable,
    };

    let work = async {
        let instance = pre
            .instantiate_async(&mut store)
            .await
            .map_err(|error| (Stage::Start, error))?;
        export(&instance, &mut store, guest_call)
            .await
            .map_err(|error| (Stage::Call, error))
    };
    let work = times.measure(On::Instance, work);
    let result = tokio::select! {
        biased;
        result = work => result.map_err(|(stage, error)| {
            failure(stage, &error, store.data(), memory, &log)
        }),
        reason = overdue(&ending) => Err(match reason {
            Reason::Cancelled => CallError::Cancelled,
            Reason::Deadline => CallError::DeadlineExceeded { deadline: limits.deadline },
        }),
    };
    store.data_mut().context.tell_of_cut();
    if let Some(confirmation) = store.data_mut().unconfirmed() {
        // Whatever else went wrong: nothing was sent, and this is what to do.
        return Ok(Ended::Unconfirmed(confirmation));
    }
    match result {
        Err(cause) if store.data().orders_sent() => Err(CallError::OrdersUncertain {
            cause: Box::new(cause),
        }),
        result => result.map(Ended::Returned),
    }
}

/// How much the guest may hand over in one go. It is more than an answer may
/// have, so that an answer that is somewhat too large gets a sentence of its
/// own; beyond that the guest traps, before the host has taken anything over.
fn transfer_bytes(answer_bytes: usize) -> usize {
    answer_bytes.saturating_mul(2).saturating_add(1 << 20)
}

/// How far an instance came.
enum Stage {
    Start,
    Call,
}

/// Waits until the call is over and the grace period as well.
async fn overdue(ending: &Ending) -> Reason {
    let reason = ending.reached().await;
    tokio::time::sleep(ending.grace()).await;
    reason
}

/// What the caller learns of an error of the guest, and what the log does.
fn failure(
    stage: Stage,
    error: &wasmtime::Error,
    state: &State,
    memory: usize,
    log: &ToolLog,
) -> CallError {
    tracing::debug!(target: "sandpit::tool", "the instance ended: {error:?}");
    if error.downcast_ref::<Unconfirmed>().is_some() {
        // Not the tool's fault, and no word of it in its log.
        return CallError::Cancelled;
    }
    if let Some(Forbidden(what)) = error.downcast_ref::<Forbidden>() {
        log.write(Level::Warning, &format!("the tool was ended: {what}"));
        return CallError::BrokenContract((*what).to_owned());
    }
    if let Some(Exceeded { what, limit }) = error.downcast_ref::<Exceeded>() {
        log.write(Level::Warning, &format!("the tool was ended: {error}"));
        return CallError::LimitExceeded {
            what,
            limit: *limit,
        };
    }
    if state.limiter.refused() {
        return CallError::OutOfMemory { limit: memory };
    }
    let trapped = error.is::<wasmtime::Trap>() || matches!(stage, Stage::Call);
    if trapped {
        log.write(
            Level::Warning,
            &format!("the tool failed: {}", reason(error)),
        );
        CallError::Trapped
    } else {
        tracing::error!(target: "sandpit::tool", reason = %reason(error), "no instance could be started");
        CallError::NotStarted
    }
}
