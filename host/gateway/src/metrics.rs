//! What the operator's monitoring sees of a gateway and of the journal.
//!
//! The rooms count with plain numbers as they work; [`GatewayMetrics::update`]
//! and [`JournalMetrics::update`] hand them to Prometheus when somebody looks.
//! No account, symbol or order is among them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{Counter, CounterVec, Gauge, GaugeVec, Opts, Registry, Result};

use crate::connection::Gateway;
use crate::journal::Journal;
use crate::model::{ConnectionState, Error};

/// The kinds of messages that are paced, as `Pacing::paced` has them.
const KINDS: [&str; 2] = ["data", "order"];

/// How often what has happened to a gateway.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    connections: AtomicU64,
    reconnections: AtomicU64,
    failures: AtomicU64,
    breaks: AtomicU64,
    requests: Mutex<BTreeMap<&'static str, u64>>,
}

impl Counts {
    /// A connection stands, perhaps again.
    pub(crate) fn connected(&self, again: bool) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.reconnections
            .fetch_add(u64::from(again), Ordering::Relaxed);
    }

    /// An attempt to connect failed.
    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection ended by itself.
    pub(crate) fn broke(&self) {
        self.breaks.fetch_add(1, Ordering::Relaxed);
    }

    /// A request ended, with this error or well.
    pub(crate) fn request(&self, error: Option<&Error>) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry(outcome(error)).or_default() += 1;
    }
}

/// How a request ended, in a word.
fn outcome(error: Option<&Error>) -> &'static str {
    match error {
        None => "answered",
        Some(Error::NotConnected(_)) => "not-connected",
        Some(Error::NotFound(_)) => "not-found",
        Some(Error::NoPermission(_)) => "no-permission",
        Some(Error::NoData(_)) => "no-data",
        Some(Error::Pacing(_)) => "pacing",
        Some(Error::TimedOut(_)) => "timed-out",
        Some(Error::InvalidRequest(_)) => "invalid-request",
        Some(Error::Rejected(_)) => "rejected",
        Some(Error::Uncertain(_)) => "uncertain",
        Some(Error::ConfirmationNeeded(_)) => "confirmation-needed",
        Some(Error::Cancelled(_)) => "cancelled",
        Some(Error::Other(_)) => "other",
    }
}

/// What the gate has said of requests to trade.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    passed: u64,
    /// What was stopped, by what: the key of a rule, `preview` or
    /// `confirmation`.
    stopped: BTreeMap<String, u64>,
}

impl Verdicts {
    /// A request passed, or was stopped by this.
    pub(crate) fn count(&mut self, stopped_by: Option<&str>) {
        match stopped_by {
            None => self.passed += 1,
            // There are as many as there are rules, and two more.
            Some(by) => *self.stopped.entry(by.to_owned()).or_default() += 1,
        }
    }
}

/// The metrics of one gateway, which all carry its name as the label `gateway`.
pub struct GatewayMetrics {
    gateway: Gateway,
    state: GaugeVec,
    connected: Gauge,
    connections: Counter,
    reconnections: Counter,
    failures: Counter,
    breaks: Counter,
    requests: CounterVec,
    sent: CounterVec,
    received: Counter,
    waits: CounterVec,
    wait_seconds: CounterVec,
    lines: Gauge,
    max_lines: Gauge,
    verdicts: CounterVec,
    refusals: CounterVec,
    halted: Gauge,
}

impl GatewayMetrics {
    /// Registers the metrics of this gateway.
    ///
    /// # Errors
    /// If a gateway of the same name has registered its own already.
    pub fn register(gateway: &Gateway, registry: &Registry) -> Result<Self> {
        let to = To {
            registry,
            gateway: gateway.name(),
        };
        let metrics = Self {
            gateway: gateway.clone(),
            state: to.gauges(
                "sandpit_gateway_state",
                "How the connection stands: 1 for the state it is in, 0 for all others.",
                &["state"],
            )?,
            connected: to.gauge(
                "sandpit_gateway_connected",
                "Whether TWS can be asked right now.",
            )?,
            connections: to.counter(
                "sandpit_gateway_connections_total",
                "How often a connection to TWS was opened.",
            )?,
            reconnections: to.counter(
                "sandpit_gateway_reconnections_total",
                "How often a connection was opened again after an outage.",
            )?,
            failures: to.counter(
                "sandpit_gateway_connection_failures_total",
                "How often an attempt to connect failed.",
            )?,
            breaks: to.counter(
                "sandpit_gateway_connection_breaks_total",
                "How often a connection ended by itself.",
            )?,
            requests: to.counters(
                "sandpit_gateway_requests_total",
                "Requests for one answer that were made of TWS, by how they ended.",
                &["outcome"],
            )?,
            sent: to.counters(
                "sandpit_gateway_messages_sent_total",
                "Messages that were let through to TWS: for data, and for orders and cancels.",
                &["kind"],
            )?,
            received: to.counter(
                "sandpit_gateway_messages_received_total",
                "Answers, updates and notices that came from TWS; a list counts once.",
            )?,
            waits: to.counters(
                "sandpit_gateway_pacing_waits_total",
                "Messages that had to wait so that TWS does not get too many in a second.",
                &["kind"],
            )?,
            wait_seconds: to.counters(
                "sandpit_gateway_pacing_wait_seconds_total",
                "How long these messages waited in all.",
                &["kind"],
            )?,
            lines: to.gauge(
                "sandpit_gateway_market_data_lines",
                "Instruments that are watched now.",
            )?,
            max_lines: to.gauge(
                "sandpit_gateway_market_data_lines_limit",
                "How many instruments may be watched at once.",
            )?,
            verdicts: to.counters(
                "sandpit_gate_verdicts_total",
                "Requests to trade, by what the gate said.",
                &["verdict"],
            )?,
            refusals: to.counters(
                "sandpit_gate_refusals_total",
                "Requests to trade that the gate refused, by the first rule that did.",
                &["rule"],
            )?,
            halted: to.gauge("sandpit_gate_halted", "Whether trading is halted.")?,
        };
        metrics.update();
        Ok(metrics)
    }

    /// Takes in how the gateway stands now.
    pub fn update(&self) {
        let status = self.gateway.status();
        for state in ConnectionState::ALL {
            let is_it = f64::from(u8::from(state == status.state));
            self.state.with_label_values(&[state.name()]).set(is_it);
        }
        self.connected.set(f64::from(u8::from(status.connected)));
        let counts = self.gateway.counts();
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        set(&self.connections, of(&counts.connections));
        set(&self.reconnections, of(&counts.reconnections));
        set(&self.failures, of(&counts.failures));
        set(&self.breaks, of(&counts.breaks));
        {
            let requests = counts.requests.lock();
            for (outcome, count) in requests.unwrap_or_else(PoisonError::into_inner).iter() {
                set(&self.requests.with_label_values(&[outcome]), *count);
            }
        }
        let data = self.gateway.data();
        for (kind, paced) in KINDS.iter().zip(&data.pacing.paced) {
            set(&self.sent.with_label_values(&[kind]), of(&paced.sent));
            set(&self.waits.with_label_values(&[kind]), of(&paced.waited));
            let seconds = of(&paced.waited_micros) as f64 / 1e6;
            set_to(&self.wait_seconds.with_label_values(&[kind]), seconds);
        }
        set(&self.received, data.pulse.beats());
        self.lines.set(data.quotes.count() as f64);
        self.max_lines.set(self.gateway.max_lines().into());
        self.halted
            .set(f64::from(u8::from(self.gateway.halted().is_some())));
        self.update_verdicts();
    }

    fn update_verdicts(&self) {
        let verdicts = self.gateway.trade().verdicts();
        let of = |by: &str| verdicts.stopped.get(by).copied().unwrap_or(0);
        let (preview, confirmation) = (of("preview"), of("confirmation"));
        let refused = verdicts.stopped.values().sum::<u64>() - preview - confirmation;
        for (verdict, count) in [
            ("passed", verdicts.passed),
            ("refused", refused),
            ("preview-needed", preview),
            ("confirmation-needed", confirmation),
        ] {
            set(&self.verdicts.with_label_values(&[verdict]), count);
        }
        let rules = verdicts.stopped.iter();
        for (rule, count) in
            rules.filter(|(by, _)| !["preview", "confirmation"].contains(&by.as_str()))
        {
            set(&self.refusals.with_label_values(&[rule.as_str()]), *count);
        }
    }
}

/// The metrics of the order journal.
pub struct JournalMetrics {
    journal: Option<Journal>,
    writable: Gauge,
    rows: Gauge,
    waiting: Gauge,
    writes: Counter,
    write_seconds: Counter,
    failures: Counter,
}

impl JournalMetrics {
    /// Registers the metrics of the journal of this host, if it has one.
    ///
    /// # Errors
    /// If there are such metrics already.
    pub fn register(journal: Option<&Journal>, registry: &Registry) -> Result<Self> {
        let to = To {
            registry,
            gateway: "",
        };
        let metrics = Self {
            journal: journal.cloned(),
            writable: to.gauge(
                "sandpit_journal_writable",
                "Whether the order journal is there and the latest write to it went well. \
                 While it is 0, no order goes out.",
            )?,
            rows: to.gauge("sandpit_journal_rows", "Rows in the order journal.")?,
            waiting: to.gauge(
                "sandpit_journal_waiting_rows",
                "Rows that wait to be written.",
            )?,
            writes: to.counter(
                "sandpit_journal_writes_total",
                "How often rows were written, several of them together.",
            )?,
            write_seconds: to.counter(
                "sandpit_journal_write_seconds_total",
                "How long these writes took in all, with the wait for the disk.",
            )?,
            failures: to.counter(
                "sandpit_journal_write_failures_total",
                "How often rows could not be written.",
            )?,
        };
        metrics.update();
        Ok(metrics)
    }

    /// Takes in how the journal stands now.
    pub fn update(&self) {
        let Some(journal) = &self.journal else {
            return;
        };
        let usage = journal.usage();
        self.writable.set(f64::from(u8::from(!usage.is_troubled)));
        self.rows.set(usage.rows as f64);
        self.waiting.set(usage.waiting as f64);
        set(&self.writes, usage.writes);
        set_to(&self.write_seconds, usage.write_time.as_secs_f64());
        set(&self.failures, usage.failures);
    }
}

/// Sets a counter to what was counted elsewhere.
fn set(counter: &Counter, count: u64) {
    set_to(counter, count as f64);
}

/// The same for what is no whole number. Only one may look at a time.
fn set_to(counter: &Counter, total: f64) {
    let more = total - counter.get();
    if more > 0.0 {
        counter.inc_by(more);
    }
}

/// Where metrics are registered, and the gateway that they are of: none if it
/// is empty.
struct To<'a> {
    registry: &'a Registry,
    gateway: &'a str,
}

impl To<'_> {
    fn options(&self, name: &str, help: &str) -> Opts {
        let options = Opts::new(name, help);
        if self.gateway.is_empty() {
            options
        } else {
            options.const_label("gateway", self.gateway)
        }
    }

    fn registered<M: Collector + Clone + 'static>(&self, metric: M) -> Result<M> {
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<Gauge> {
        self.registered(Gauge::with_opts(self.options(name, help))?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec> {
        self.registered(GaugeVec::new(self.options(name, help), labels)?)
    }

    fn counter(&self, name: &str, help: &str) -> Result<Counter> {
        self.registered(Counter::with_opts(self.options(name, help))?)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<CounterVec> {
        self.registered(CounterVec::new(self.options(name, help), labels)?)
    }
}
