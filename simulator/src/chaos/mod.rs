//! Trouble on purpose: faults, scripts of them, and the list of what happened.
//!
//! A [`Fault`] is one thing done to the simulator, as data. A [`Script`] is a list of them with
//! times; [`Chaos::seeded`] makes one from a seed. Times are in steps of the market, which make
//! a run repeatable, or in milliseconds.

mod act;
mod fault;
mod garbage;
mod happened;
pub(crate) mod order_events;
pub(crate) mod pacing;
mod script;
mod seeded;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::Notify;

pub use self::fault::{Farm, Fault, Garbage, HistoryPacing, Wait};
pub use self::happened::{Happened, Happening};
pub use self::script::{Event, Moment, Script};
pub use self::seeded::{Chaos, Profile};

use self::order_events::{Due, OrderEvents};
use self::pacing::Pacing;
use crate::exchange;
use crate::exchange::search::Refusal;
use crate::wire::message::Request;

/// How many lines the list of what happened keeps.
const LIST: usize = 100_000;

/// The trouble there is, and the trouble that is planned.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) is_half_open: bool,
    pub(crate) taken_ids: BTreeSet<i32>,
    pub(crate) is_read_only: bool,
    pub(crate) is_link_lost: bool,
    pub(crate) broken: Vec<Farm>,
    pub(crate) pacing: Pacing,
    pub(crate) orders: OrderEvents,
    pub(crate) slow: Arc<Slow>,
    /// Rung when something is planned by the clock.
    pub(crate) alarm: Arc<Notify>,
    /// What clients are not told while the link is lost.
    pub(crate) untold: Vec<exchange::Event>,
    planned: Vec<(Due, Planned)>,
    happened: VecDeque<Happened>,
    began: OffsetDateTime,
    number: u64,
}

/// Something that will be done.
#[derive(Debug)]
struct Planned {
    seed: Option<u64>,
    fault: Fault,
    /// Whether it ends what has been done already, such as a restart.
    is_end: bool,
}

impl Trouble {
    pub(crate) fn none() -> Self {
        Self {
            is_half_open: false,
            taken_ids: BTreeSet::new(),
            is_read_only: false,
            is_link_lost: false,
            broken: Vec::new(),
            pacing: Pacing::default(),
            orders: OrderEvents::default(),
            slow: Arc::new(Slow::default()),
            alarm: Arc::new(Notify::new()),
            untold: Vec::new(),
            planned: Vec::new(),
            happened: VecDeque::new(),
            began: OffsetDateTime::now_utc(),
            number: 0,
        }
    }

    /// The list, oldest first.
    pub(crate) fn happened(&self) -> Vec<Happened> {
        self.happened.iter().cloned().collect()
    }

    fn note(&mut self, what: Happening, seed: Option<u64>, step: u64, now: OffsetDateTime) {
        self.number += 1;
        if self.happened.len() == LIST {
            self.happened.pop_front();
        }
        let millis = (now - self.began).whole_milliseconds();
        self.happened.push_back(Happened {
            number: self.number,
            step,
            millis: u64::try_from(millis).unwrap_or_default(),
            seed,
            what,
        });
    }

    /// Puts effects on the list.
    pub(crate) fn note_effects(&mut self, effects: Vec<String>, step: u64, now: OffsetDateTime) {
        for effect in effects {
            tracing::debug!(step, effect, "chaos");
            self.note(Happening::Effect(effect), None, step, now);
        }
    }

    /// What is due, in the order of its planning.
    fn take_due(&mut self, step: u64, now: OffsetDateTime) -> Vec<Planned> {
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.planned)
            .into_iter()
            .partition(|(due, _)| due.is_past(step, now));
        self.planned = later;
        due.into_iter().map(|(_, planned)| planned).collect()
    }

    /// Whether a request for history cannot be answered now.
    pub(crate) fn history(
        &mut self,
        request: &Request,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        if matches!(request, Request::HistoricalDataRequest(_))
            && self.broken.contains(&Farm::Historical)
        {
            return Err(Refusal::new(
                162,
                "Historical Market Data Service error message:HMDS server disconnect occurred. Attempting reconnection...",
            ));
        }
        self.pacing.history(request, now)
    }

    /// Whether the connection ends with this request, and if so, whether the request is carried
    /// out first.
    pub(crate) fn drop_on(&mut self, request: &Request) -> Option<bool> {
        let what = match request {
            Request::PlaceOrderRequest(request) => {
                let is_what_if = request.order.as_ref().and_then(|order| order.what_if);
                (is_what_if != Some(true)).then_some(("order", request.order_id))
            }
            Request::CancelOrderRequest(request) => Some(("cancel of order", request.order_id)),
            _ => None,
        };
        let (what, order_id) = what?;
        let (next, arrives) = &mut self.orders.drop;
        if !order_events::take(next) {
            return None;
        }
        let becomes = if *arrives {
            "carried out, and told to nobody"
        } else {
            "lost"
        };
        self.orders.effects.push(format!(
            "the connection ended with {what} {}, which was {becomes}",
            order_id.unwrap_or_default()
        ));
        Some(*arrives)
    }

    /// Whether a request may be made, as far as the API may only be read. Reading open and
    /// completed orders needs the right to write too, as TWS has it.
    pub(crate) fn writing(&self, request: &Request) -> Result<(), Refusal> {
        let writes = matches!(
            request,
            Request::PlaceOrderRequest(_)
                | Request::CancelOrderRequest(_)
                | Request::GlobalCancelRequest(_)
                | Request::OpenOrdersRequest(_)
                | Request::AllOpenOrdersRequest(_)
                | Request::AutoOpenOrdersRequest(_)
                | Request::CompletedOrdersRequest(_)
        );
        if writes && self.is_read_only {
            return Err(Refusal::validation(
                "The API interface is currently in Read-Only mode.",
            ));
        }
        Ok(())
    }

    /// Whether something waits for the clock.
    pub(crate) fn awaits_clock(&self) -> bool {
        self.orders.awaits_clock()
            || self
                .planned
                .iter()
                .any(|(due, _)| matches!(due, Due::At(_)))
    }
}

/// How slowly sockets are written to; shared with the writers.
#[derive(Debug, Default)]
pub(crate) struct Slow {
    bytes: AtomicU32,
    pause_millis: AtomicU64,
}

impl Slow {
    pub(crate) fn set(&self, bytes: u32, pause_millis: u64) {
        self.pause_millis.store(pause_millis, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// How many bytes to write at a time and how long to wait then; `None` at full speed.
    pub(crate) fn pace(&self) -> Option<(usize, Duration)> {
        let bytes = usize::try_from(self.bytes.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        let pause = Duration::from_millis(self.pause_millis.load(Ordering::Relaxed));
        (bytes > 0).then_some((bytes, pause))
    }
}
