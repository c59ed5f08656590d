//! TWS's dates, times and trading hours.

use ::time::format_description::BorrowedFormatItem;
use ::time::macros::format_description;
use ::time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time};
use time_tz::{OffsetResult, PrimitiveDateTimeExt, Tz, timezones};

use crate::model::Session;

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]");
const CLOCK: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second]");
const ISO_DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const UTC_STAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]-[hour]:[minute]:[second]");

/// A time zone by the name that TWS gives it.
pub(crate) fn zone(name: &str) -> Option<&'static Tz> {
    let name = match name.trim() {
        "EST" | "EDT" => "America/New_York",
        "CST" | "CDT" => "America/Chicago",
        "MST" | "MDT" => "America/Denver",
        "PST" | "PDT" => "America/Los_Angeles",
        "JST" => "Asia/Tokyo",
        "HKT" => "Asia/Hong_Kong",
        "BST" => "Europe/London",
        "MET" | "CET" | "CEST" => "Europe/Berlin",
        other => other,
    };
    timezones::get_by_name(name)
}

/// A wall clock time of a zone as a moment. Of the two moments that an hour
/// named twice can mean, the earlier; an hour that is skipped counts from its
/// end.
fn local(wall: PrimitiveDateTime, zone: &Tz) -> OffsetDateTime {
    match wall.assume_timezone(zone) {
        OffsetResult::Some(moment) => moment,
        OffsetResult::Ambiguous(earlier, _) => earlier,
        OffsetResult::None => match (wall + Duration::HOUR).assume_timezone(zone) {
            OffsetResult::Some(moment) | OffsetResult::Ambiguous(moment, _) => moment,
            OffsetResult::None => wall.assume_utc(),
        },
    }
    .to_offset(::time::UtcOffset::UTC)
}

/// A moment as TWS writes it: `20261122 14:03:02 US/Eastern`,
/// `20261122-14:03:02` (UTC), `20261122  14:03:02` (in `default`'s zone, or
/// else UTC) or seconds since 1970.
pub(crate) fn moment(text: &str, default: Option<&Tz>) -> Option<OffsetDateTime> {
    let text = text.trim();
    if let Ok(utc) = PrimitiveDateTime::parse(text, UTC_STAMP) {
        return Some(utc.assume_utc());
    }
    let mut parts = text.split_whitespace();
    let (first, clock) = (parts.next()?, parts.next());
    let Some(clock) = clock else {
        let seconds = first
            .parse()
            .ok()
            .filter(|seconds| *seconds > 99_999_999_i64)?;
        return OffsetDateTime::from_unix_timestamp(seconds).ok();
    };
    let wall = PrimitiveDateTime::new(
        Date::parse(first, DAY).ok()?,
        Time::parse(clock, CLOCK).ok()?,
    );
    match parts.next() {
        Some(name) => Some(local(wall, zone(name)?)),
        None => Some(default.map_or_else(|| wall.assume_utc(), |zone| local(wall, zone))),
    }
}

/// A moment as an order or a filter carries it: UTC, to the second.
pub(crate) fn stamp(moment: OffsetDateTime) -> String {
    moment
        .to_offset(::time::UtcOffset::UTC)
        .format(UTC_STAMP)
        .unwrap_or_default()
}

/// A moment for a person: `2026-11-23 04:50:10 UTC`.
pub(crate) fn clock(moment: OffsetDateTime) -> String {
    moment
        .to_offset(::time::UtcOffset::UTC)
        .format(format_description!(
            "[year]-[month]-[day] [hour]:[minute]:[second] UTC"
        ))
        .unwrap_or_default()
}

/// A day as ISO 8601 writes it.
pub(crate) fn iso_day(day: Date) -> String {
    day.format(ISO_DAY).unwrap_or_default()
}

/// An expiry of TWS, `20261218` or `202612`, as `2026-12-18` or `2026-12`.
pub(crate) fn expiry_from_tws(text: &str) -> Option<String> {
    let digits = text.split([' ', '-']).next()?;
    if !digits.is_ascii() {
        return None;
    }
    match digits.len() {
        8 => Date::parse(digits, DAY).ok().map(iso_day),
        6 => {
            let (year, month) = (digits.get(..4)?, digits.get(4..)?);
            is_month(year, month).then(|| format!("{year}-{month}"))
        }
        _ => None,
    }
}

/// An expiry of ours, `2026-12-18` or `2026-12`, as TWS writes it.
pub(crate) fn expiry_to_tws(text: &str) -> Option<String> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next());
    if parts.next().is_some() {
        return None;
    }
    match day {
        Some(_) => Date::parse(text, ISO_DAY)
            .ok()
            .and_then(|day| day.format(DAY).ok()),
        None => is_month(year, month).then(|| format!("{year}{month}")),
    }
}

fn is_month(year: &str, month: &str) -> bool {
    year.len() == 4
        && month.len() == 2
        && year.parse::<u16>().is_ok()
        && month
            .parse::<u8>()
            .is_ok_and(|month| Month::try_from(month).is_ok())
}

/// The sessions in TWS's trading hours, one element for a day:
/// `20261122:0400-20261122:2000`, `20261122:0930-1600,1700-1800` or
/// `20261122:CLOSED`. What cannot be read is left out.
pub(crate) fn sessions(hours: &[String], zone: &Tz) -> Vec<Session> {
    hours
        .iter()
        .flat_map(|day| day_sessions(day, zone))
        .collect()
}

fn day_sessions(text: &str, zone: &Tz) -> Vec<Session> {
    let Some((day, _)) = text.trim().split_once(':') else {
        return Vec::new();
    };
    let moment = |text: &str| {
        let (day, clock) = text.split_once(':').unwrap_or((day, text));
        let hour = clock.get(..2)?.parse().ok()?;
        let minute = clock.get(2..)?.parse().ok()?;
        let wall = PrimitiveDateTime::new(
            Date::parse(day, DAY).ok()?,
            Time::from_hms(hour, minute, 0).ok()?,
        );
        Some(local(wall, zone))
    };
    text.trim()
        .split(',')
        .filter_map(|span| {
            let (opens, closes) = span.split_once('-')?;
            let session = Session {
                opens: moment(opens)?,
                closes: moment(closes)?,
            };
            (session.closes > session.opens).then_some(session)
        })
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says what it expects")]
mod tests {
    use ::time::macros::datetime;

    use super::*;

    #[test]
    fn every_spelling_of_a_moment_is_utc() {
        let eastern = zone("US/Eastern");
        for (text, default, expected) in [
            (
                "20261122-14:03:02",
                None,
                datetime!(2026-11-22 14:03:02 UTC),
            ),
            (
                "20261122 14:03:02 US/Eastern",
                None,
                datetime!(2026-11-22 19:03:02 UTC),
            ),
            (
                "20260722 14:03:02 America/New_York",
                None,
                datetime!(2026-07-22 18:03:02 UTC),
            ),
            (
                "20261122  14:03:02",
                eastern,
                datetime!(2026-11-22 19:03:02 UTC),
            ),
            (
                "20261122  14:03:02",
                None,
                datetime!(2026-11-22 14:03:02 UTC),
            ),
            (
                "20261122 14:03:02 EST",
                None,
                datetime!(2026-11-22 19:03:02 UTC),
            ),
            ("1795356182", None, datetime!(2026-11-22 14:03:02 UTC)),
        ] {
            assert_eq!(moment(text, default), Some(expected), "{text}");
        }
        for text in [
            "",
            "soon",
            "20261122",
            "20261122 25:00:00",
            "20261122 14:03:02 Mars/Base",
        ] {
            assert_eq!(moment(text, None), None, "{text}");
        }
        let written = stamp(datetime!(2026-11-22 09:03:02 -5));
        assert_eq!(written, "20261122-14:03:02");
    }

    #[test]
    fn an_hour_that_is_named_twice_or_never_still_has_a_moment() {
        let eastern = zone("US/Eastern");
        assert_eq!(
            moment("20261101 01:30:00", eastern),
            Some(datetime!(2026-11-01 05:30:00 UTC))
        );
        assert_eq!(
            moment("20260308 02:30:00", eastern),
            Some(datetime!(2026-03-08 07:30:00 UTC))
        );
    }

    #[test]
    fn expiries_go_both_ways() {
        for (tws, ours) in [("20261218", "2026-12-18"), ("202612", "2026-12")] {
            assert_eq!(expiry_from_tws(tws).as_deref(), Some(ours));
            assert_eq!(expiry_to_tws(ours).as_deref(), Some(tws));
        }
        assert_eq!(
            expiry_from_tws("20261218 15:00:00 US/Central").as_deref(),
            Some("2026-12-18")
        );
        for text in [
            "2026",
            "2026-13",
            "2026-02-30",
            "2026-12-18-01",
            "20261218",
            "26-1",
        ] {
            assert_eq!(expiry_to_tws(text), None, "{text}");
        }
    }

    #[test]
    fn trading_hours_become_sessions() {
        let eastern = zone("US/Eastern").unwrap();
        let hours = [
            "20261122:CLOSED",
            "20261123:0930-20261123:1600",
            "20261124:0930-1200,1300-1600",
            "20261125:1800-20261126:1700",
            "",
            "nonsense",
            "20261126:0930-20261126:0930",
        ]
        .map(str::to_owned);
        let of = |opens, closes| Session { opens, closes };
        assert_eq!(
            sessions(&hours, eastern),
            [
                of(
                    datetime!(2026-11-23 14:30 UTC),
                    datetime!(2026-11-23 21:00 UTC)
                ),
                of(
                    datetime!(2026-11-24 14:30 UTC),
                    datetime!(2026-11-24 17:00 UTC)
                ),
                of(
                    datetime!(2026-11-24 18:00 UTC),
                    datetime!(2026-11-24 21:00 UTC)
                ),
                of(
                    datetime!(2026-11-25 23:00 UTC),
                    datetime!(2026-11-26 22:00 UTC)
                ),
            ]
        );
    }
}
