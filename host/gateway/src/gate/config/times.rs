//! Windows of the day.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, Time};
use time_tz::{Offset, TimeZone};

use super::faults::{Faults, GateConfigError};
use crate::convert::time::zone;

const MINUTES: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]");
const SECONDS: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second]");

/// A time of every day: without new orders, or in which TWS restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Blackout {
    /// When it begins, as `23:40` or `23:40:00`.
    #[schemars(regex(pattern = r"^\d\d:\d\d(:\d\d)?$"))]
    pub from: String,
    /// When it is over. A time before `from` is one of the next day.
    #[schemars(regex(pattern = r"^\d\d:\d\d(:\d\d)?$"))]
    pub to: String,
    /// The time zone of both, by its IANA name.
    pub zone: String,
}

impl Blackout {
    /// Whether the moment is in the window: from `from` on, before `to`. `None`
    /// if the window cannot be read, which [`check`](Self::check) would tell.
    pub(crate) fn holds(&self, now: OffsetDateTime) -> Option<bool> {
        let (from, to) = (clock(&self.from)?, clock(&self.to)?);
        let time = local(now, &self.zone)?.time();
        Some(if from <= to {
            from <= time && time < to
        } else {
            from <= time || time < to
        })
    }

    /// Whether it can be read. `key` is where it stands, for example
    /// `gateway.restart_window`.
    ///
    /// # Errors
    /// Every fault, in a sentence that names the key.
    pub fn validate(&self, key: &str) -> Result<(), GateConfigError> {
        let mut faults = Faults::default();
        self.check(key, &mut faults);
        faults.result()
    }

    pub(super) fn check(&self, key: &str, faults: &mut Faults) {
        for (name, text) in [("from", &self.from), ("to", &self.to)] {
            faults.unless(
                clock(text).is_some(),
                &format!("{key}.{name}"),
                &format!("{text:?}"),
                "a time of the day, for example 23:40",
            );
        }
        let same = clock(&self.from).is_some() && clock(&self.from) == clock(&self.to);
        faults.unless(
            !same,
            &format!("{key}.to"),
            &format!("{:?}", self.to),
            "another time than from",
        );
        faults.unless(
            zone(&self.zone).is_some(),
            &format!("{key}.zone"),
            &format!("{:?}", self.zone),
            "an IANA time zone, for example America/New_York",
        );
    }
}

fn clock(text: &str) -> Option<Time> {
    Time::parse(text, SECONDS)
        .or_else(|_| Time::parse(text, MINUTES))
        .ok()
}

/// A moment on the clocks of a time zone, named as IANA does.
pub(crate) fn local(now: OffsetDateTime, name: &str) -> Option<OffsetDateTime> {
    let offset = zone(name)?.get_offset_utc(&now).to_utc();
    now.checked_to_offset(offset)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn window(from: &str, to: &str) -> Blackout {
        Blackout {
            from: from.into(),
            to: to.into(),
            zone: "America/New_York".into(),
        }
    }

    #[test]
    fn the_first_moment_is_in_and_the_last_is_out() {
        let night = window("23:40", "00:10");
        for (moment, inside) in [
            (datetime!(2026-11-23 04:39:59.999 UTC), false),
            (datetime!(2026-11-23 04:40 UTC), true),
            (datetime!(2026-11-23 05:09:59.999 UTC), true),
            (datetime!(2026-11-23 05:10 UTC), false),
            // In summer the same clocks are an hour earlier in UTC.
            (datetime!(2026-07-01 03:40 UTC), true),
            (datetime!(2026-07-01 04:40 UTC), false),
        ] {
            assert_eq!(night.holds(moment), Some(inside), "{moment}");
        }
        let noon = window("12:00:30", "13:00");
        assert_eq!(noon.holds(datetime!(2026-11-23 17:00:29 UTC)), Some(false));
        assert_eq!(noon.holds(datetime!(2026-11-23 17:00:30 UTC)), Some(true));
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed() {
        assert_eq!(
            window("late", "13:00").holds(OffsetDateTime::UNIX_EPOCH),
            None
        );
    }
}
