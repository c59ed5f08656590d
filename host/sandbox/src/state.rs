//! What one instance carries with it: the state of its store.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sandpit_gateway::Gateway;
use sandpit_gateway::model::{Caller, Confirmation};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::call::{Event, Level};
use crate::limits::{Allowance, MemoryLimiter, RESOURCES};
use crate::lines::Lines;
use crate::log::ToolLog;
use crate::scope::Scope;
use crate::times::{On, Times};
use crate::wasi;

/// What the host knows while it serves one instance.
pub(crate) struct State {
    pub(crate) limiter: MemoryLimiter,
    pub(crate) ending: Ending,
    pub(crate) context: Context,
    /// Absent while a component describes itself.
    pub(crate) broker: Option<Broker>,
    pub(crate) table: ResourceTable,
    wasi: WasiCtx,
}

/// What stands behind the interface `context`.
pub(crate) struct Context {
    pub(crate) log: Arc<ToolLog>,
    pub(crate) events: Option<mpsc::Sender<Event>>,
    pub(crate) allowance: Allowance,
    pub(crate) stream_bytes: Allowance,
    pub(crate) progress: Option<f64>,
    pub(crate) open_ended: bool,
    pub(crate) cut: Cut,
}

/// Whether log lines were left out that a listener was waiting for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Cut {
    /// None so far.
    #[default]
    No,
    /// Some, and the listener does not know.
    Untold,
    /// Some, and the listener knows: it is told once.
    Told,
}

impl Cut {
    /// A line was left out.
    pub(crate) fn log(&mut self) {
        if *self == Self::No {
            *self = Self::Untold;
        }
    }
}

impl Context {
    /// Tells the listener that the log was cut, as soon as it has room to hear
    /// it.
    pub(crate) fn tell_of_cut(&mut self) {
        if self.cut != Cut::Untold {
            return;
        }
        let Some(events) = &self.events else { return };
        let notice = Event::Log {
            level: Level::Warning,
            message: "The tool writes more to its log than it may; some lines are left out."
                .to_owned(),
        };
        if events.try_send(notice).is_ok() {
            self.cut = Cut::Told;
        }
    }
}

/// What stands behind the capabilities.
pub(crate) struct Broker {
    /// The gateway of the call.
    pub(crate) gateway: Gateway,
    /// The names of those that the tool may use, the default first.
    pub(crate) gateways: Vec<String>,
    pub(crate) caller: Caller,
    pub(crate) requests: Allowance,
    pub(crate) scope: Arc<Scope>,
    pub(crate) lines: Lines,
    /// Whether the call has sent an order request: from then on a call that
    /// ends badly leaves its caller in doubt.
    pub(crate) orders_sent: bool,
    /// The order that a person has to confirm before the call may go on.
    pub(crate) unconfirmed: Option<Box<Confirmation>>,
}

impl State {
    pub(crate) fn new(
        memory_limit: usize,
        ending: Ending,
        context: Context,
        broker: Option<Broker>,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES);
        Self {
            limiter: MemoryLimiter::new(memory_limit),
            wasi: wasi::context(&context.log),
            ending,
            context,
            broker,
            table,
        }
    }

    /// The order that a person has to confirm before the call may go on.
    pub(crate) fn unconfirmed(&mut self) -> Option<Box<Confirmation>> {
        self.broker.as_mut()?.unconfirmed.take()
    }

    /// Whether the call has sent an order request.
    pub(crate) fn orders_sent(&self) -> bool {
        self.broker
            .as_ref()
            .is_some_and(|broker| broker.orders_sent)
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// When and why a call has to come to its end.
///
/// From that moment on the broker answers no more, and the tool has the grace
/// period to return. What has not returned by then is dropped.
#[derive(Clone)]
pub(crate) struct Ending {
    cancel: CancellationToken,
    shutdown: CancellationToken,
    deadline: Instant,
    grace: Duration,
    times: Times,
}

/// Why a call has to come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The caller no longer wants the answer, or the host shuts down.
    Cancelled,
    /// It has lasted as long as it may.
    Deadline,
}

impl Ending {
    pub(crate) fn new(
        cancel: CancellationToken,
        shutdown: CancellationToken,
        deadline: Duration,
        grace: Duration,
    ) -> Self {
        // A deadline beyond a year is none; the bound keeps the sum in range.
        let deadline = deadline.min(Duration::from_secs(366 * 24 * 60 * 60));
        Self {
            cancel,
            shutdown,
            deadline: Instant::now() + deadline,
            grace,
            times: Times::default(),
        }
    }

    /// Counts the time of the call there.
    pub(crate) fn counting(self, times: Times) -> Self {
        Self { times, ..self }
    }

    /// Waits for the gateway, which counts as its time.
    pub(crate) async fn gateway<T>(&self, work: impl Future<Output = T>) -> T {
        self.times.measure(On::Gateway, work).await
    }

    /// How long the tool may still take.
    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// How long the tool has to return once the end is reached.
    pub(crate) fn grace(&self) -> Duration {
        self.grace
    }

    /// Whether the end is reached.
    pub(crate) fn is_reached(&self) -> bool {
        self.cancel.is_cancelled() || self.shutdown.is_cancelled() || self.remaining().is_zero()
    }

    /// Waits for the end.
    pub(crate) async fn reached(&self) -> Reason {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Reason::Cancelled,
            () = self.shutdown.cancelled() => Reason::Cancelled,
            () = tokio::time::sleep_until(self.deadline) => Reason::Deadline,
        }
    }
}
