//! Bars.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Decimal;
use crate::broker::history as wit;
use crate::time::Timestamp;

/// One bar (TWS `historicalData`).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bar {
    date: String,
    open: Decimal,
    high: Decimal,
    low: Decimal,
    close: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    average: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bar_count: Option<u32>,
}

impl From<wit::Bar> for Bar {
    fn from(bar: wit::Bar) -> Self {
        Self {
            date: match bar.time {
                wit::BarTime::Day(day) => day,
                wit::BarTime::Start(start) => Timestamp(start).to_string(),
            },
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            volume: bar.volume,
            average: bar.average,
            bar_count: bar.count,
        }
    }
}
