//! The breaker: orders that TWS refuses one after the other.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::gate::config::Rules;

/// A pause after orders that TWS refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// When it is over.
    pub until: OffsetDateTime,
    /// How many were refused in a row.
    pub rejections: u32,
}

/// Counts the orders that TWS refused in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rejections {
    row: u32,
    last: Option<OffsetDateTime>,
}

impl Rejections {
    /// TWS refused an order. What the gate itself refuses does not count.
    pub fn rejected(&mut self, now: OffsetDateTime) {
        self.row = self.row.saturating_add(1);
        self.last = Some(now);
    }

    /// TWS took an order; or an operator lets trading go on.
    pub fn accepted(&mut self) {
        *self = Self::default();
    }

    /// The pause, while it lasts.
    pub fn pause(&self, rules: &Rules, now: OffsetDateTime) -> Option<Pause> {
        let limit = rules.max_rejections?;
        if self.row < limit {
            return None;
        }
        let pause = Duration::seconds(i64::from(rules.rejection_pause_seconds));
        let until = self.last?.checked_add(pause)?;
        (now < until).then_some(Pause {
            until,
            rejections: self.row,
        })
    }
}
