//! Moments as a person writes them.

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime};

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// A moment: a day or a time in RFC 3339, or so long ago.
///
/// # Errors
/// What can be written.
pub fn when(text: &str) -> Result<OffsetDateTime, String> {
    at(text, OffsetDateTime::now_utc()).ok_or_else(|| {
        "write a day (2026-11-22, in UTC), a time (2026-11-22T14:30:00Z), or how long ago (90m, \
         12h, 7d)"
            .to_owned()
    })
}

fn at(text: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Some(time);
    }
    if let Ok(day) = Date::parse(text, DAY) {
        return Some(day.midnight().assume_utc());
    }
    let unit = text.chars().next_back()?;
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    let count = i64::from(count);
    let ago = match unit {
        's' => Duration::seconds(count),
        'm' => Duration::minutes(count),
        'h' => Duration::hours(count),
        'd' => Duration::days(count),
        _ => return None,
    };
    now.checked_sub(ago)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn days_times_and_how_long_ago() {
        let now = datetime!(2026-11-22 12:00 UTC);
        for (text, moment) in [
            ("2026-11-21", Some(datetime!(2026-11-21 00:00 UTC))),
            (
                "2026-11-21T10:00:00+01:00",
                Some(datetime!(2026-11-21 09:00 UTC)),
            ),
            ("90m", Some(datetime!(2026-11-22 10:30 UTC))),
            ("7d", Some(datetime!(2026-11-15 12:00 UTC))),
            ("30s", Some(datetime!(2026-11-22 11:59:30 UTC))),
            ("4294967295d", None),
            ("-1h", None),
            ("h", None),
            ("", None),
            ("5é", None),
            ("yesterday", None),
        ] {
            assert_eq!(at(text, now), moment, "{text}");
        }
    }
}
