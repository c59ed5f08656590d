//! Moments and days as text: RFC 3339 and ISO 8601 out, and in also what TWS
//! writes. Everything is UTC.

use std::borrow::Cow;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::Instant;

const DAY: i64 = 86_400_000;

/// A moment that is written as RFC 3339 in UTC, with milliseconds only where
/// it has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub Instant);

impl Timestamp {
    /// The moment that it is, by the host's clock.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let milliseconds = since.map_or(0, |since| since.as_millis());
        Self(Instant::try_from(milliseconds).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = day_of(self.0.div_euclid(DAY));
        let rest = self.0.rem_euclid(DAY);
        let (seconds, milliseconds) = (rest / 1000, rest % 1000);
        write!(
            formatter,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )?;
        if milliseconds != 0 {
            write!(formatter, ".{milliseconds:03}")?;
        }
        formatter.write_str("Z")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// Reads a moment: RFC 3339 with `Z` or an offset, or TWS's
/// `20261218-15:00:00` and `20261218 15:00:00 UTC`. A time without a zone is
/// ambiguous, and is not read.
#[must_use]
pub fn parse_instant(text: &str) -> Option<Instant> {
    let text = text.trim();
    let at = text.find(['T', 't', ' ']).or_else(|| {
        // TWS's dash stands behind eight digits; it means UTC.
        (text.find('-') == Some(8)).then_some(8)
    })?;
    let (date, rest) = text.split_at(at);
    let utc_by_form = rest.starts_with('-');
    let rest = rest.get(1..)?;
    let day = day_number(&parse_day(date)?)?;

    let (clock, zone) = match rest.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.') {
        Some(at) => rest.split_at(at),
        None => (rest, if utc_by_form { "Z" } else { "" }),
    };
    let offset_minutes = match zone.trim() {
        "Z" | "z" | "UTC" | "GMT" => 0,
        zone => parse_offset(zone)?,
    };
    Some(day * DAY + parse_clock(clock)? - offset_minutes * 60_000)
}

/// Milliseconds since midnight of `HH:MM:SS` or `HH:MM:SS.fff`.
fn parse_clock(clock: &str) -> Option<i64> {
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':');
    let hour = two_digits(parts.next()?, 23)?;
    let minute = two_digits(parts.next()?, 59)?;
    let second = two_digits(parts.next()?, 59)?;
    if parts.next().is_some() || fraction.is_empty() || !is_digits(fraction) {
        return None;
    }
    let milliseconds: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(((hour * 60 + minute) * 60 + second) * 1000 + milliseconds)
}

/// Minutes east of UTC of `+HH:MM` or `-HH:MM`.
fn parse_offset(zone: &str) -> Option<i64> {
    let (sign, rest) = match zone.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, zone.strip_prefix('-')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    Some(sign * (two_digits(hours, 23)? * 60 + two_digits(minutes, 59)?))
}

/// Reads a day, `2026-12-18` or TWS's `20261218`, and answers it as ISO 8601
/// writes it.
#[must_use]
pub fn parse_day(text: &str) -> Option<String> {
    let iso = with_dashes(text.trim(), 8)?;
    let number = day_number(&iso)?;
    // A day that does not exist comes back as another one.
    let (year, month, day) = day_of(number);
    (format!("{year:04}-{month:02}-{day:02}") == iso).then_some(iso)
}

/// Reads when a derivative expires: a day, or a month (`2026-12`, `202612`),
/// and answers it as ISO 8601 writes it.
#[must_use]
pub fn parse_expiry(text: &str) -> Option<String> {
    parse_day(text).or_else(|| {
        let iso = with_dashes(text.trim(), 6)?;
        parse_day(&format!("{iso}-01")).map(|_| iso)
    })
}

/// `20261218` and `2026-12-18` as `2026-12-18`; with six digits the same for a
/// month.
fn with_dashes(text: &str, digits: usize) -> Option<String> {
    let plain: String = text.chars().filter(|c| *c != '-').collect();
    if plain.len() != digits || !is_digits(&plain) {
        return None;
    }
    let mut iso = plain.get(..4)?.to_owned();
    let mut rest = plain.get(4..)?;
    while let Some(part) = rest.get(..2).filter(|part| !part.is_empty()) {
        iso = format!("{iso}-{part}");
        rest = rest.get(2..)?;
    }
    (text == plain || text == iso).then_some(iso)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn two_digits(text: &str, max: i64) -> Option<i64> {
    (text.len() == 2 && is_digits(text))
        .then(|| text.parse().ok())?
        .filter(|number| *number <= max)
}

/// Days since 1970-01-01 of an ISO day. Years are counted from March, so that
/// the leap day is the last one.
fn day_number(iso: &str) -> Option<i64> {
    let year: i64 = iso.get(..4)?.parse().ok()?;
    let month: i64 = iso.get(5..7)?.parse().ok()?;
    let day: i64 = iso.get(8..10)?.parse().ok()?;
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days_before_month = (153 * month + 2) / 5;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leap_days + days_before_month + day - 1 - EPOCH)
}

/// 1970-01-01, counted from 0000-03-01.
const EPOCH: i64 = 719_468;

/// Days in 400 years.
const CYCLE: i64 = 146_097;

/// Year, month and day of a number of days since 1970-01-01.
fn day_of(number: i64) -> (i64, i64, i64) {
    let number = number + EPOCH;
    let day_of_cycle = number.rem_euclid(CYCLE);
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = number.div_euclid(CYCLE) * 400 + year_of_cycle;
    if month < 10 {
        (year, month + 3, day)
    } else {
        (year + 1, month - 9, day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_rfc_3339() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_363_486_007, "2026-11-22T16:04:46.007Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ];
        for (instant, text) in cases {
            assert_eq!(Timestamp(instant).to_string(), text);
            assert_eq!(parse_instant(text), Some(instant), "{text}");
        }
    }

    #[test]
    fn every_day_comes_back() {
        for number in -200_000..200_000 {
            let (year, month, day) = day_of(number);
            assert_eq!(
                day_number(&format!("{year:04}-{month:02}-{day:02}")),
                Some(number)
            );
        }
    }

    #[test]
    fn moments_are_read_in_every_form_that_says_its_zone() {
        let noon = parse_instant("2026-12-18T12:00:00Z");
        for text in [
            "2026-12-18T13:00:00+01:00",
            "2026-12-18T06:30:00-05:30",
            "2026-12-18 12:00:00Z",
            "2026-12-18t12:00:00.000z",
            "20261218-12:00:00",
            "20261218 12:00:00 UTC",
            " 20261218 12:00:00 GMT ",
        ] {
            assert_eq!(parse_instant(text), noon, "{text}");
        }
        assert_eq!(
            parse_instant("2026-12-18T12:00:00.25Z"),
            noon.map(|noon| noon + 250)
        );
        for text in [
            "",
            "2026-12-18",
            "2026-12-18T12:00:00",
            "20261218 12:00:00",
            "20261218 12:00:00 US/Eastern",
            "2026-02-30T12:00:00Z",
            "2026-12-18T24:00:00Z",
            "2026-12-18T12:60:00Z",
            "2026-12-18T12:00Z",
            "2026-12-18T12:00:00.Z",
            "2026-12-18T12:00:00+1:00",
            "tomorrow",
            "é",
        ] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }

    #[test]
    fn expiries_are_days_or_months() {
        let cases = [
            ("20261218", "2026-12-18"),
            ("2026-12-18", "2026-12-18"),
            ("202612", "2026-12"),
            ("2026-12", "2026-12"),
            ("20240229", "2024-02-29"),
        ];
        for (text, expiry) in cases {
            assert_eq!(parse_expiry(text).as_deref(), Some(expiry));
        }
        for text in [
            "2026",
            "202613",
            "20260230",
            "2026-1218",
            "DEC26",
            "",
            "2026-12-",
            "20é612",
        ] {
            assert_eq!(parse_expiry(text), None, "{text}");
        }
    }
}
