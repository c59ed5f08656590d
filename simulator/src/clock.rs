//! TWS's ways of writing a time.

use time::format_description::FormatItem;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time, Weekday};
use time_tz::{OffsetDateTimeExt, OffsetResult, PrimitiveDateTimeExt, TimeZone, timezones};

/// The exchange's time zone, as TWS names it in messages.
pub(crate) const EASTERN: &str = "US/Eastern";

const DATE: &[FormatItem<'static>] = format_description!("[year][month][day]");
const DATE_TIME: &[FormatItem<'static>] =
    format_description!("[year][month][day] [hour]:[minute]:[second]");
const DASHED: &[FormatItem<'static>] =
    format_description!("[year][month][day]-[hour]:[minute]:[second]");
const TIME_OF_DAY: &[FormatItem<'static>] = format_description!("[hour]:[minute]:[second]");

/// New York's wall clock at this instant.
pub(crate) fn eastern(at: OffsetDateTime) -> OffsetDateTime {
    at.to_timezone(timezones::db::america::NEW_YORK)
}

/// The instant at which New York's wall clock shows this time. A time that daylight saving
/// skips is taken an hour later.
pub(crate) fn from_eastern(wall: PrimitiveDateTime) -> OffsetDateTime {
    resolve(wall, timezones::db::america::NEW_YORK)
}

fn resolve(wall: PrimitiveDateTime, zone: &impl TimeZone) -> OffsetDateTime {
    match wall.assume_timezone(zone) {
        OffsetResult::Some(at) | OffsetResult::Ambiguous(at, _) => at,
        OffsetResult::None => (wall + time::Duration::HOUR)
            .assume_timezone(zone)
            .take_first()
            .unwrap_or_else(|| wall.assume_utc()),
    }
}

/// The time in the handshake: `20261122 11:07:30 EST`.
pub(crate) fn handshake(at: OffsetDateTime) -> String {
    let local = eastern(at);
    let zone = if local.offset().whole_hours() == -4 {
        "EDT"
    } else {
        "EST"
    };
    format!("{} {zone}", date_time(local))
}

/// The time of an execution or of a history's bounds: `20261122 11:07:30 US/Eastern`.
pub(crate) fn with_zone(at: OffsetDateTime) -> String {
    format!("{} {EASTERN}", date_time(eastern(at)))
}

/// `YYYYMMDD`.
pub(crate) fn date(day: Date) -> String {
    day.format(DATE).unwrap_or_default()
}

/// `YYYYMMDD-HH:MM:SS` on the clock of the given time's own offset.
pub(crate) fn dashed(at: OffsetDateTime) -> String {
    at.format(DASHED).unwrap_or_default()
}

/// `HH:MM` on New York's clock, as an account update's time stamp.
pub(crate) fn hour_minute(at: OffsetDateTime) -> String {
    let local = eastern(at);
    format!("{:02}:{:02}", local.hour(), local.minute())
}

fn date_time(local: OffsetDateTime) -> String {
    local.format(DATE_TIME).unwrap_or_default()
}

/// A time as a client may write it: `YYYYMMDD HH:MM:SS [zone]` (New York when no zone is
/// given), `YYYYMMDD-HH:MM:SS` (UTC), or `YYYYMMDD` (its midnight in New York).
pub(crate) fn parse(text: &str) -> Option<OffsetDateTime> {
    let text = text.trim();
    if let Ok(utc) = PrimitiveDateTime::parse(text, DASHED) {
        return Some(utc.assume_utc());
    }
    let mut parts = text.splitn(3, ' ');
    let day = Date::parse(parts.next()?, DATE).ok()?;
    let Some(time) = parts.next() else {
        return Some(from_eastern(PrimitiveDateTime::new(day, Time::MIDNIGHT)));
    };
    let wall = PrimitiveDateTime::new(day, Time::parse(time, TIME_OF_DAY).ok()?);
    match parts.next().map(str::trim).filter(|zone| !zone.is_empty()) {
        None | Some("EST" | "EDT") => Some(from_eastern(wall)),
        Some(zone) => Some(resolve(wall, timezones::get_by_name(zone)?)),
    }
}

/// Whether the stock exchanges trade on this day. Holidays are not known here.
pub(crate) fn is_trading_day(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}
