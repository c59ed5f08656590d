//! Quotes as they change.

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::Gap;

/// How fresh quotes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataType {
    /// Real time.
    #[default]
    Live,
    /// The last values before the market closed.
    Frozen,
    /// Late by 10 to 20 minutes.
    Delayed,
    /// The last delayed values before the market closed.
    DelayedFrozen,
}

/// The value of one tick.
#[derive(Clone, Debug, PartialEq)]
pub enum TickValue {
    /// A price, in the contract's currency.
    Price(Decimal),
    /// A size, in shares or contracts.
    Size(Decimal),
    /// Some other number, such as a volatility or a ratio.
    Number(f64),
    /// A text, such as the exchanges behind a quote.
    Text(String),
}

/// One change, as TWS sent it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// TWS's name of the tick, for example `bid`, `lastSize`, `impliedVol`.
    pub name: String,
    /// Its value.
    pub value: TickValue,
    /// When the host received it.
    pub received: OffsetDateTime,
}

/// Everything known of the quote so far. Prices are in the contract's
/// currency, sizes in shares or contracts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quote {
    /// Highest bid.
    pub bid: Option<Decimal>,
    /// Size of the bid.
    pub bid_size: Option<Decimal>,
    /// Lowest ask.
    pub ask: Option<Decimal>,
    /// Size of the ask.
    pub ask_size: Option<Decimal>,
    /// Price of the last trade.
    pub last: Option<Decimal>,
    /// Size of the last trade.
    pub last_size: Option<Decimal>,
    /// When the last trade happened.
    pub last_time: Option<OffsetDateTime>,
    /// Today's opening price.
    pub open: Option<Decimal>,
    /// Today's high.
    pub high: Option<Decimal>,
    /// Today's low.
    pub low: Option<Decimal>,
    /// The previous session's close.
    pub close: Option<Decimal>,
    /// Today's volume.
    pub volume: Option<Decimal>,
    /// How fresh the values are.
    pub data_type: DataType,
    /// When the host received the latest change.
    pub updated: Option<OffsetDateTime>,
    /// How long ago, in milliseconds, the quote held for certain: the time
    /// since its latest change, or since a later sign of life of TWS. Absent
    /// as long as nothing has come.
    pub age_ms: Option<u64>,
    /// Whether changes may be missing at the moment, because the connection,
    /// TWS's link to IBKR or a data farm is broken.
    pub stale: bool,
}

/// What has happened since the last `next`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuoteBatch {
    /// Every change, oldest first; empty when the time-out passed quietly.
    pub ticks: Vec<Tick>,
    /// The quote after those changes.
    pub quote: Quote,
    /// How many changes were dropped because the reader was slow.
    pub lost: u32,
    /// A time that has just ended in which changes may have been missed.
    pub gap: Option<Gap>,
}
