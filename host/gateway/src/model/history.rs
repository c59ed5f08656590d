//! Bars of the past.

use rust_decimal::Decimal;
use time::OffsetDateTime;

/// Unit of a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DurationUnit {
    /// Seconds (`S`).
    Seconds,
    /// Trading days (`D`).
    Days,
    /// Weeks (`W`).
    Weeks,
    /// Months (`M`).
    Months,
    /// Years (`Y`).
    Years,
}

/// How far back to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Duration {
    /// How many units; at least 1.
    pub amount: u32,
    /// The unit.
    pub unit: DurationUnit,
}

/// How long one bar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BarSize {
    /// 1 second.
    Sec1,
    /// 5 seconds.
    Sec5,
    /// 10 seconds.
    Sec10,
    /// 15 seconds.
    Sec15,
    /// 30 seconds.
    Sec30,
    /// 1 minute.
    Min1,
    /// 2 minutes.
    Min2,
    /// 3 minutes.
    Min3,
    /// 5 minutes.
    Min5,
    /// 10 minutes.
    Min10,
    /// 15 minutes.
    Min15,
    /// 20 minutes.
    Min20,
    /// 30 minutes.
    Min30,
    /// 1 hour.
    Hour1,
    /// 2 hours.
    Hour2,
    /// 3 hours.
    Hour3,
    /// 4 hours.
    Hour4,
    /// 8 hours.
    Hour8,
    /// 1 day.
    Day1,
    /// 1 week.
    Week1,
    /// 1 month.
    Month1,
}

/// What the bars are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WhatToShow {
    /// Trades.
    Trades,
    /// Midpoints of bid and ask.
    Midpoint,
    /// Bids.
    Bid,
    /// Asks.
    Ask,
    /// Time-averaged bid as open, maximum ask as high, minimum bid as low,
    /// time-averaged ask as close.
    BidAsk,
    /// Trades, adjusted for splits and dividends.
    AdjustedLast,
    /// Historical volatility.
    HistoricalVolatility,
    /// Implied volatility of the options.
    OptionImpliedVolatility,
}

/// What to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BarsRequest {
    /// How far back.
    pub duration: Duration,
    /// How long one bar is.
    pub bar_size: BarSize,
    /// What the bars are made of.
    pub what_to_show: WhatToShow,
    /// Only the regular trading hours.
    pub regular_trading_hours: bool,
    /// The end of the stretch; now if absent.
    pub end: Option<OffsetDateTime>,
}

/// What a bar's time means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BarTime {
    /// A whole day, or the last day of a longer bar, as ISO 8601 writes it.
    Day(String),
    /// The start of a bar within a day.
    Start(OffsetDateTime),
}

/// One bar. Prices are in the contract's currency (or a fraction for
/// volatilities).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Which stretch of time it covers.
    pub time: BarTime,
    /// First value.
    pub open: Decimal,
    /// Highest value.
    pub high: Decimal,
    /// Lowest value.
    pub low: Decimal,
    /// Last value.
    pub close: Decimal,
    /// Volume in shares or contracts; absent where bars have none.
    pub volume: Option<Decimal>,
    /// Volume-weighted average price; absent where bars have none.
    pub average: Option<Decimal>,
    /// Number of trades; absent where bars have none.
    pub count: Option<u32>,
}
