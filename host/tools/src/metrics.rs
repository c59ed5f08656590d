//! What the operator's monitoring sees of the tools.
//!
//! The label `tool` has the names of tools that were served, and no others: a
//! name that somebody calls in vain is not among them. What belongs to a name
//! is forgotten with it.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, Result,
};
use sandpit_sandbox::{FailureKind, Times};

use crate::status::ToolState;
use crate::tools::Tools;

/// Upper bounds in seconds: from a call that is answered from memory to one
/// that waits for a market.
const BUCKETS: [f64; 15] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ended {
    /// With an answer.
    Answer,
    /// With a question of the tool.
    InputRequired,
    /// With an order that a person has to confirm.
    ConfirmationNeeded,
    /// With a failure of this kind.
    Failure(FailureKind),
    /// Its caller left.
    Dropped,
}

impl Ended {
    /// All words for it.
    const NAMES: [&str; 5] = [
        "answer",
        "input-required",
        "confirmation-needed",
        "failure",
        "dropped",
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::InputRequired => "input-required",
            Self::ConfirmationNeeded => "confirmation-needed",
            Self::Failure(_) => "failure",
            Self::Dropped => "dropped",
        }
    }
}

/// The calls of all tools. Clones are the same.
#[derive(Clone)]
pub(crate) struct CallMetrics {
    calls: IntCounterVec,
    failures: IntCounterVec,
    duration: HistogramVec,
    queue: HistogramVec,
    sandbox: HistogramVec,
    gateway: HistogramVec,
}

impl CallMetrics {
    /// Nothing was called yet.
    pub(crate) fn new() -> Result<Self> {
        let histogram = |name: &str, help: &str| {
            let options = HistogramOpts::new(name, help).buckets(BUCKETS.to_vec());
            HistogramVec::new(options, &["tool"])
        };
        Ok(Self {
            calls: IntCounterVec::new(
                Opts::new(
                    "sandpit_tool_calls_total",
                    "Calls that ended, by how they did.",
                ),
                &["tool", "outcome"],
            )?,
            failures: IntCounterVec::new(
                Opts::new(
                    "sandpit_tool_failures_total",
                    "Calls that ended with a failure, by its kind.",
                ),
                &["tool", "kind"],
            )?,
            duration: histogram(
                "sandpit_tool_call_duration_seconds",
                "How long calls took, from their arguments to their outcome. \
                 A stream takes as long as somebody reads it.",
            )?,
            queue: histogram(
                "sandpit_tool_queue_seconds",
                "How long calls waited until they could begin.",
            )?,
            sandbox: histogram(
                "sandpit_tool_sandbox_seconds",
                "How long calls took in the sandbox, without their waits for the gateway.",
            )?,
            gateway: histogram(
                "sandpit_tool_gateway_seconds",
                "How long calls waited for the gateway.",
            )?,
        })
    }

    /// The calls of one tool.
    pub(crate) fn of(&self, tool: &str) -> ToolMetrics {
        for outcome in Ended::NAMES {
            // It exists from now on, so that the first one is seen to happen.
            self.calls.with_label_values(&[tool, outcome]);
        }
        ToolMetrics {
            duration: self.duration.with_label_values(&[tool]),
            queue: self.queue.with_label_values(&[tool]),
            sandbox: self.sandbox.with_label_values(&[tool]),
            gateway: self.gateway.with_label_values(&[tool]),
            tool: tool.to_owned(),
            all: self.clone(),
        }
    }

    fn collectors(&self) -> [Box<dyn Collector>; 6] {
        [
            Box::new(self.calls.clone()),
            Box::new(self.failures.clone()),
            Box::new(self.duration.clone()),
            Box::new(self.queue.clone()),
            Box::new(self.sandbox.clone()),
            Box::new(self.gateway.clone()),
        ]
    }
}

/// The calls of one tool. When it is dropped, they are forgotten.
pub(crate) struct ToolMetrics {
    tool: String,
    all: CallMetrics,
    duration: Histogram,
    queue: Histogram,
    sandbox: Histogram,
    gateway: Histogram,
}

impl ToolMetrics {
    /// A call has ended.
    pub(crate) fn ended(&self, how: Ended, duration: Duration, times: &Times) {
        let tool = self.tool.as_str();
        self.all.calls.with_label_values(&[tool, how.name()]).inc();
        if let Ended::Failure(kind) = how {
            let failures = &self.all.failures;
            failures.with_label_values(&[tool, kind.name()]).inc();
        }
        for (histogram, duration) in [
            (&self.duration, duration),
            (&self.queue, times.queue()),
            (&self.sandbox, times.sandbox()),
            (&self.gateway, times.gateway()),
        ] {
            histogram.observe(duration.as_secs_f64());
        }
    }
}

impl Drop for ToolMetrics {
    fn drop(&mut self) {
        let tool = self.tool.as_str();
        // What does not exist need not be removed.
        for outcome in Ended::NAMES {
            let _ = self.all.calls.remove_label_values(&[tool, outcome]);
        }
        for kind in FailureKind::ALL {
            let _ = self.all.failures.remove_label_values(&[tool, kind.name()]);
        }
        for histogram in [
            &self.all.duration,
            &self.all.queue,
            &self.all.sandbox,
            &self.all.gateway,
        ] {
            let _ = histogram.remove_label_values(&[tool]);
        }
    }
}

/// The metrics of a set of tools.
pub struct ToolsMetrics {
    tools: Tools,
    files: GaugeVec,
    running: GaugeVec,
    queued: GaugeVec,
    lines: GaugeVec,
    policy_fault: Gauge,
    folder_fault: Gauge,
}

impl ToolsMetrics {
    /// Registers the metrics of these tools.
    ///
    /// # Errors
    ///
    /// If a set of tools has registered its own already.
    pub fn register(tools: &Tools, registry: &Registry) -> Result<Self> {
        for collector in tools.call_metrics().collectors() {
            registry.register(collector)?;
        }
        let gauges = |name: &str, help: &str, label: &str| {
            let gauges = GaugeVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(gauges.clone()))?;
            Ok::<_, prometheus::Error>(gauges)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = Gauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let metrics = Self {
            tools: tools.clone(),
            files: gauges(
                "sandpit_tool_files",
                "Files of the tool folder, by what became of them.",
                "state",
            )?,
            running: gauges("sandpit_tool_running", "Calls that run now.", "tool")?,
            queued: gauges(
                "sandpit_tool_queued",
                "Calls that wait for a place among those of their tool.",
                "tool",
            )?,
            lines: gauges(
                "sandpit_tool_market_data_lines",
                "Market-data lines that the calls of a tool hold now.",
                "tool",
            )?,
            policy_fault: gauge(
                "sandpit_policy_fault",
                "Whether the configuration file was not taken over when it changed last.",
            )?,
            folder_fault: gauge(
                "sandpit_tool_folder_fault",
                "Whether the tool folder cannot be read.",
            )?,
        };
        metrics.update();
        Ok(metrics)
    }

    /// Takes in how the tools stand now.
    pub fn update(&self) {
        let status = self.tools.status();
        for state in ToolState::ALL {
            let count = status.tools.iter().filter(|tool| tool.state == state);
            let gauge = self.files.with_label_values(&[state.name()]);
            gauge.set(count.count() as f64);
        }
        for gauges in [&self.running, &self.queued, &self.lines] {
            gauges.reset();
        }
        let served = status.tools.iter();
        for tool in served.filter(|tool| tool.state == ToolState::Served) {
            let Some(name) = tool.name.as_deref() else {
                continue;
            };
            let usage = &tool.usage;
            let of = |gauges: &GaugeVec| gauges.with_label_values(&[name]);
            of(&self.running).set(usage.running as f64);
            of(&self.queued).set(usage.queued as f64);
            of(&self.lines).set(usage.market_data_lines.into());
        }
        let is_set = |fault: &Option<String>| f64::from(u8::from(fault.is_some()));
        self.policy_fault.set(is_set(&status.policy_fault));
        self.folder_fault.set(is_set(&status.folder_fault));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_name_is_forgotten_with_it() {
        let all = CallMetrics::new().unwrap();
        let (a, b) = (all.of("a"), all.of("b"));
        let second = Duration::from_secs(1);
        a.ended(Ended::Answer, second, &Times::default());
        for kind in FailureKind::ALL {
            b.ended(Ended::Failure(kind), second, &Times::default());
        }
        let count = |tool: &str, outcome: &str| all.calls.with_label_values(&[tool, outcome]).get();
        assert_eq!((count("a", "answer"), count("a", "failure")), (1, 0));
        assert_eq!(count("b", "failure"), FailureKind::ALL.len() as u64);
        assert_eq!(a.duration.get_sample_count(), 1);
        drop(b);
        for collector in all.collectors() {
            for family in collector.collect() {
                for metric in family.get_metric() {
                    let labels = metric.get_label().iter();
                    let tool = labels.filter(|label| label.name() == "tool");
                    assert!(tool.map(|label| label.value()).eq(["a"]), "{metric:?}");
                }
            }
        }
    }
}
