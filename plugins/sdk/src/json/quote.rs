//! Quotes.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Decimal;
use crate::broker::{market_data as wit, types};
use crate::time::Timestamp;

/// Everything known of a quote. Prices are in the contract's currency.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_size: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bid: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bid_size: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask_size: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume: Option<Decimal>,
    market_data_type: &'static str,
    // Milliseconds since the values held for certain
    #[serde(skip_serializing_if = "Option::is_none")]
    age_ms: Option<u64>,
    // Whether changes may be missing, because a link is broken.
    stale: bool,
}

impl Quote {
    /// Whether changes may be missing, because a link is broken.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale
    }
}

/// A time in which changes may have been missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Gap {
    since: Timestamp,
    until: Timestamp,
}

impl From<types::Gap> for Gap {
    fn from(gap: types::Gap) -> Self {
        Self {
            since: Timestamp(gap.since),
            until: Timestamp(gap.until),
        }
    }
}

impl From<wit::Quote> for Quote {
    fn from(quote: wit::Quote) -> Self {
        Self {
            time: quote.updated.map(Timestamp),
            last_price: quote.last,
            last_size: quote.last_size,
            last_time: quote.last_time.map(Timestamp),
            bid: quote.bid,
            bid_size: quote.bid_size,
            ask: quote.ask,
            ask_size: quote.ask_size,
            open: quote.open,
            high: quote.high,
            low: quote.low,
            close: quote.close,
            volume: quote.volume,
            market_data_type: match quote.data_type {
                wit::DataType::Live => "live",
                wit::DataType::Frozen => "frozen",
                wit::DataType::Delayed => "delayed",
                wit::DataType::DelayedFrozen => "delayed-frozen",
            },
            age_ms: quote.age_ms,
            stale: quote.stale,
        }
    }
}
