//! Bars of the past.

use sandpit_gateway::model;

use super::{record, variant};
use crate::bindings::sandpit::broker::history as wit;

variant!(wit::DurationUnit => model::DurationUnit { Seconds, Days, Weeks, Months, Years } {});

record!(wit::Duration => model::Duration { amount, unit });

variant!(wit::BarSize => model::BarSize {
    Sec1, Sec5, Sec10, Sec15, Sec30, Min1, Min2, Min3, Min5, Min10, Min15,
    Min20, Min30, Hour1, Hour2, Hour3, Hour4, Hour8, Day1, Week1, Month1,
} {});

variant!(wit::WhatToShow => model::WhatToShow {
    Trades, Midpoint, Bid, Ask, BidAsk, AdjustedLast, HistoricalVolatility,
    OptionImpliedVolatility,
} {});

record!(wit::BarsRequest => model::BarsRequest {
    duration, bar_size, what_to_show, regular_trading_hours, end,
});

variant!(model::BarTime => wit::BarTime {} { Day, Start });

record!(model::Bar => wit::Bar {
    time, open, high, low, close, volume, average, count,
});
