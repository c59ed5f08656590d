//! What a request for bars asks: TWS's texts for bar sizes, durations and what to show.

use time::{Date, Duration, Month, OffsetDateTime};

use super::search::Refusal;

/// How long a bar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BarSize {
    Seconds(i64),
    Day,
    Week,
    Month,
}

impl BarSize {
    /// Reads a bar size as TWS writes them.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        Ok(match text {
            "1 secs" | "1 sec" => Self::Seconds(1),
            "5 secs" => Self::Seconds(5),
            "10 secs" => Self::Seconds(10),
            "15 secs" => Self::Seconds(15),
            "30 secs" => Self::Seconds(30),
            "1 min" => Self::Seconds(60),
            "2 mins" => Self::Seconds(120),
            "3 mins" => Self::Seconds(180),
            "4 mins" => Self::Seconds(240),
            "5 mins" => Self::Seconds(300),
            "10 mins" => Self::Seconds(600),
            "15 mins" => Self::Seconds(900),
            "20 mins" => Self::Seconds(1_200),
            "30 mins" => Self::Seconds(1_800),
            "1 hour" => Self::Seconds(3_600),
            "2 hours" => Self::Seconds(7_200),
            "3 hours" => Self::Seconds(10_800),
            "4 hours" => Self::Seconds(14_400),
            "8 hours" => Self::Seconds(28_800),
            "1 day" => Self::Day,
            "1 week" | "1W" => Self::Week,
            "1 month" | "1M" => Self::Month,
            _ => {
                return Err(Refusal::validation(
                    "Historical data bar size setting is invalid. Legal ones are: 1 secs, 5 secs, 10 secs, 15 secs, 30 secs, 1 min, 2 mins, 3 mins, 5 mins, 10 mins, 15 mins, 20 mins, 30 mins, 1 hour, 2 hours, 3 hours, 4 hours, 8 hours, 1 day, 1W, 1M",
                ));
            }
        })
    }
}

/// How far back a request reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    Seconds(i64),
    /// Trading days.
    Days(i64),
    Weeks(i64),
    Months(i64),
}

impl Span {
    /// Reads a duration: a number, a space, and S, D, W, M or Y.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let invalid = || {
            Refusal::validation(
                "Historical data query duration format is invalid. Format should be \"integer{SPACE}unit (S|D|W|M|Y)\".",
            )
        };
        let (count, unit) = text.trim().split_once(' ').ok_or_else(invalid)?;
        let count: i64 = count.parse().map_err(|_| invalid())?;
        if !(1..=1_000_000).contains(&count) {
            return Err(invalid());
        }
        match unit {
            "S" => Ok(Self::Seconds(count)),
            "D" if count <= 365 => Ok(Self::Days(count)),
            "D" => Err(Refusal::validation(
                "Historical data requests for durations longer than 365 days must be made in years.",
            )),
            "W" if count <= 520 => Ok(Self::Weeks(count)),
            "M" if count <= 120 => Ok(Self::Months(count)),
            "Y" if count <= 30 => Ok(Self::Months(count * 12)),
            _ => Err(invalid()),
        }
    }

    /// Where the span begins on the calendar.
    pub(crate) fn start(self, end: OffsetDateTime) -> OffsetDateTime {
        match self {
            Self::Seconds(count) => end - Duration::seconds(count),
            Self::Days(count) => end - Duration::days(count),
            Self::Weeks(count) => end - Duration::weeks(count),
            Self::Months(count) => months_before(end, count),
        }
    }
}

fn months_before(end: OffsetDateTime, count: i64) -> OffsetDateTime {
    let months = i64::from(end.year()) * 12 + i64::from(u8::from(end.month())) - 1 - count;
    let year = i32::try_from(months.div_euclid(12)).unwrap_or(end.year());
    let month = u8::try_from(months.rem_euclid(12) + 1)
        .ok()
        .and_then(|month| Month::try_from(month).ok());
    let month = month.unwrap_or(Month::January);
    let day = end.day().min(month.length(year));
    Date::from_calendar_date(year, month, day).map_or(end, |date| end.replace_date(date))
}

/// What the bars show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    Trades,
    Midpoint,
    Bid,
    Ask,
    BidAsk,
    Volatility,
    FeeRate,
}

impl Shows {
    /// Reads TWS's name; a schedule is not bars and is answered elsewhere.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        Ok(match text {
            "TRADES" | "ADJUSTED_LAST" | "AGGTRADES" => Self::Trades,
            "MIDPOINT" => Self::Midpoint,
            "BID" => Self::Bid,
            "ASK" => Self::Ask,
            "BID_ASK" => Self::BidAsk,
            "HISTORICAL_VOLATILITY" | "OPTION_IMPLIED_VOLATILITY" => Self::Volatility,
            "FEE_RATE" => Self::FeeRate,
            _ => {
                return Err(Refusal::validation(
                    "Historical data: what to show field is missing or incorrect.",
                ));
            }
        })
    }
}

/// A request for bars.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BarRequest {
    pub(crate) size: BarSize,
    pub(crate) span: Span,
    pub(crate) shows: Shows,
    pub(crate) end: OffsetDateTime,
    pub(crate) regular_hours: bool,
}
