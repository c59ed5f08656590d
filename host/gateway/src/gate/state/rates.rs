//! How many orders were sent, and which.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime};

use crate::gate::config::local;
use crate::gate::digest::OrderDigest;

/// How many orders and changes were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Less than 60 seconds ago.
    pub last_minute: u32,
    /// Since midnight in the gate's time zone.
    pub today: u32,
}

/// Counts what is sent, by the minute and by the day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rates {
    /// What was sent in the last minute.
    recent: VecDeque<(OffsetDateTime, u32)>,
    /// The latest day on which something was sent, and how much.
    day: Option<(Date, u32)>,
}

impl Rates {
    /// Notes that so many were sent.
    pub fn record(&mut self, messages: u32, zone: &str, now: OffsetDateTime) {
        self.recent.retain(|(sent, _)| within_minute(*sent, now));
        self.recent.push_back((now, messages));
        let today = day(zone, now);
        let before = self.counts(zone, now).today;
        // A clock that was put back does not begin a new day.
        let latest = self.day.map_or(today, |(latest, _)| latest.max(today));
        self.day = Some((latest, before.saturating_add(messages)));
    }

    /// How many were sent, by now.
    pub fn counts(&self, zone: &str, now: OffsetDateTime) -> Counts {
        let last_minute = self
            .recent
            .iter()
            .filter(|(sent, _)| within_minute(*sent, now))
            .fold(0_u32, |sum, (_, messages)| sum.saturating_add(*messages));
        let today = self
            .day
            .filter(|(latest, _)| *latest >= day(zone, now))
            .map_or(0, |(_, sent)| sent);
        Counts { last_minute, today }
    }
}

fn within_minute(sent: OffsetDateTime, now: OffsetDateTime) -> bool {
    now - sent < Duration::MINUTE
}

fn day(zone: &str, now: OffsetDateTime) -> Date {
    local(now, zone).unwrap_or(now).date()
}

/// When which order was last sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Duplicates(BTreeMap<OrderDigest, OffsetDateTime>);

impl Duplicates {
    /// Notes that an order was sent. It is remembered for as long as the rule
    /// asks for it.
    pub fn record(&mut self, alike: OrderDigest, seconds: u32, now: OffsetDateTime) {
        let kept = Duration::seconds(i64::from(seconds));
        self.0.retain(|_, sent| now - *sent < kept);
        self.0.insert(alike, now);
    }

    /// When an order like this was last sent.
    pub fn last(&self, alike: &OrderDigest) -> Option<OffsetDateTime> {
        self.0.get(alike).copied()
    }
}
