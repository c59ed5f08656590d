//! How much a tool may use, as the policy writes it.

use std::ops::RangeInclusive;
use std::time::Duration;

use sandpit_sandbox::{CallLimits, Rate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::take;
use super::error::Faults;

/// How many calls of one tool run at a time when the policy does not say.
const CONCURRENT_CALLS: u64 = 64;
/// How many calls of one tool wait for a place when the policy does not say.
const QUEUED_CALLS: u64 = 256;
/// How many market-data lines one tool holds when the policy does not say.
const MARKET_DATA_LINES: u32 = 50;

/// How much a tool may use. What exceeds a limit is refused with a sentence
/// that names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Memory of one call in MiB, at most what memory_mib of `[sandbox]` allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_024))]
    pub memory_mib: Option<u64>,
    /// How long one call may take in seconds, also of a tool that streams.
    /// Default: call_deadline_seconds or stream_deadline_seconds of `[tools]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 604_800))]
    pub deadline_seconds: Option<u64>,
    /// How many calls of the tool run at a time; further ones wait. Default: 64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrent_calls: Option<u64>,
    /// How many calls of the tool may wait; further ones are refused.
    /// Default: 256.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100_000))]
    pub queued_calls: Option<u64>,
    /// How many calls of the tool may begin within any 60 seconds. Default: as
    /// many as come.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub calls_per_minute: Option<u64>,
    /// How many requests one call may make of the broker in all. Default: 2000,
    /// and 50 more with every second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1_000_000_000))]
    pub host_calls: Option<u64>,
    /// The largest answer in bytes. Default: 8388608.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 268_435_456))]
    pub answer_bytes: Option<u64>,
    /// How many bytes one call may write to its log in all. Default: 262144,
    /// and 4096 more with every second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1_099_511_627_776_u64))]
    pub log_bytes: Option<u64>,
    /// How many bytes of stream events one call may send in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1_099_511_627_776_u64))]
    pub stream_bytes: Option<u64>,
    /// How many market-data lines all calls of the tool may hold together.
    /// Default: 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100_000))]
    pub market_data_lines: Option<u32>,
}

/// What a call that lasts long may write in all, at the most: 1 TiB.
const BYTES: u64 = 1 << 40;

impl Limits {
    pub(super) fn check(&self, key: &str, faults: &mut Faults) {
        let in_range: [(&str, Option<u64>, RangeInclusive<u64>); 10] = [
            ("memory_mib", self.memory_mib, 1..=1_024),
            ("deadline_seconds", self.deadline_seconds, 1..=604_800),
            ("concurrent_calls", self.concurrent_calls, 1..=10_000),
            ("queued_calls", self.queued_calls, 0..=100_000),
            ("calls_per_minute", self.calls_per_minute, 1..=100_000),
            ("host_calls", self.host_calls, 0..=1_000_000_000),
            ("answer_bytes", self.answer_bytes, 1..=268_435_456),
            ("log_bytes", self.log_bytes, 0..=BYTES),
            ("stream_bytes", self.stream_bytes, 0..=BYTES),
            (
                "market_data_lines",
                self.market_data_lines.map(u64::from),
                0..=100_000,
            ),
        ];
        for (name, value, range) in in_range {
            if let Some(value) = value
                && !range.contains(&value)
            {
                let (least, most) = (range.start(), range.end());
                faults.add(
                    &format!("{key}.{name}"),
                    &value.to_string(),
                    format!("a number from {least} to {most}"),
                );
            }
        }
    }

    pub(super) fn override_with(&mut self, stronger: &Self) {
        take(&mut self.memory_mib, &stronger.memory_mib);
        take(&mut self.deadline_seconds, &stronger.deadline_seconds);
        take(&mut self.concurrent_calls, &stronger.concurrent_calls);
        take(&mut self.queued_calls, &stronger.queued_calls);
        take(&mut self.calls_per_minute, &stronger.calls_per_minute);
        take(&mut self.host_calls, &stronger.host_calls);
        take(&mut self.answer_bytes, &stronger.answer_bytes);
        take(&mut self.log_bytes, &stronger.log_bytes);
        take(&mut self.stream_bytes, &stronger.stream_bytes);
        take(&mut self.market_data_lines, &stronger.market_data_lines);
    }

    /// How many calls run at a time.
    pub(crate) fn concurrent(&self) -> usize {
        size(self.concurrent_calls.unwrap_or(CONCURRENT_CALLS))
    }

    /// How many calls may wait for a place.
    pub(crate) fn queued(&self) -> usize {
        size(self.queued_calls.unwrap_or(QUEUED_CALLS))
    }

    /// How many calls may begin within a minute, if that is bounded.
    pub(crate) fn per_minute(&self) -> Option<usize> {
        self.calls_per_minute.map(size)
    }

    /// How many market-data lines all calls hold together.
    pub(crate) fn lines(&self) -> u32 {
        self.market_data_lines.unwrap_or(MARKET_DATA_LINES)
    }

    /// The bounds of one call: those of `usual` where nothing else is said.
    pub(crate) fn of_call(&self, usual: &CallLimits) -> CallLimits {
        let rate = |limit: Option<u64>, usual| limit.map_or(usual, in_all);
        CallLimits {
            deadline: self
                .deadline_seconds
                .map_or(usual.deadline, Duration::from_secs),
            memory: self
                .memory_mib
                .map_or(usual.memory, |mib| size(mib.saturating_mul(1 << 20))),
            answer_bytes: self.answer_bytes.map_or(usual.answer_bytes, size),
            broker_requests: rate(self.host_calls, usual.broker_requests),
            log_bytes: rate(self.log_bytes, usual.log_bytes),
            stream_bytes: rate(self.stream_bytes, usual.stream_bytes),
            ..usual.clone()
        }
    }
}

/// So much for a whole call, however long it lasts.
fn in_all(limit: u64) -> Rate {
    Rate {
        at_once: limit,
        per_second: 0,
    }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
