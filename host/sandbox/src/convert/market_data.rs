//! Quotes as they change.

use sandpit_gateway::model;

use super::{record, variant};
use crate::bindings::sandpit::broker::market_data as wit;

variant!(model::DataType => wit::DataType { Live, Frozen, Delayed, DelayedFrozen } {});

variant!(model::TickValue => wit::TickValue {} { Price, Size, Number, Text });

record!(model::Tick => wit::Tick { name, value, received });

record!(model::Quote => wit::Quote {
    bid, bid_size, ask, ask_size, last, last_size, last_time, open, high, low,
    close, volume, data_type, updated, age_ms, stale,
});

record!(model::QuoteBatch => wit::QuoteBatch { ticks, quote, lost, gap });
