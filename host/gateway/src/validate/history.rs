//! Requests for bars.

use time::OffsetDateTime;

use crate::model::{
    BarSize, BarsRequest, Contract, DurationUnit, Error, Result, SecurityType, WhatToShow,
};

/// A request for bars that TWS can answer. The limits are those that TWS
/// answers with code 321 or a pacing violation, and IBKR's table of durations
/// for bars of less than a minute; those of longer bars were lifted.
pub(crate) fn bars(contract: &Contract, request: &BarsRequest) -> Result<()> {
    super::contract(contract)?;
    duration(request)?;
    what(contract, request)?;
    if let Some(end) = request.end {
        end_of(contract, request, end)?;
    }
    Ok(())
}

fn duration(request: &BarsRequest) -> Result<()> {
    let amount = request.duration.amount;
    let (most, unit, instead) = match request.duration.unit {
        DurationUnit::Seconds => (86_400, "seconds", "Give it in days, for example `2 D`."),
        DurationUnit::Days => (365, "days", "Give it in years, for example `2 Y`."),
        DurationUnit::Weeks => (52, "weeks", "Give it in years, for example `2 Y`."),
        DurationUnit::Months => (12, "months", "Give it in years, for example `2 Y`."),
        DurationUnit::Years => (100, "years", "Ask for less."),
    };
    if amount == 0 {
        return Err(Error::invalid(
            "A duration of 0 has no bars. Give at least 1, for example `30 D`.",
        ));
    }
    if amount > most {
        return Err(Error::invalid(format!(
            "A duration of {amount} {unit} is more than TWS accepts: at most {most} {unit}. \
             {instead}"
        )));
    }
    let bar = seconds_of(request.bar_size);
    if request.duration.unit == DurationUnit::Seconds && amount < bar {
        return Err(Error::invalid(format!(
            "A duration of {amount} seconds is shorter than one bar of {bar} seconds. Reach \
             further back, or choose a smaller bar."
        )));
    }
    let reach = u64::from(amount)
        * match request.duration.unit {
            DurationUnit::Seconds => 1,
            DurationUnit::Days => 86_400,
            DurationUnit::Weeks => 7 * 86_400,
            DurationUnit::Months => 30 * 86_400,
            DurationUnit::Years => 365 * 86_400,
        };
    let longest = match request.bar_size {
        BarSize::Sec1 => 1_800,
        BarSize::Sec5 => 3_600,
        BarSize::Sec10 | BarSize::Sec15 => 14_400,
        BarSize::Sec30 => 28_800,
        _ => return Ok(()),
    };
    if reach > longest {
        return Err(Error::invalid(format!(
            "Bars of {bar} seconds reach back {longest} seconds at most. Ask for less, for example \
             `{longest} S`, or choose a larger bar."
        )));
    }
    Ok(())
}

fn what(contract: &Contract, request: &BarsRequest) -> Result<()> {
    use WhatToShow as W;
    match (&contract.security_type, request.what_to_show) {
        (SecurityType::Forex, W::Trades | W::AdjustedLast) => Err(Error::invalid(
            "Currency pairs have no bars of trades. Set whatToShow to MIDPOINT, BID or ASK.",
        )),
        (SecurityType::Index, W::Midpoint | W::Bid | W::Ask | W::BidAsk) => Err(Error::invalid(
            "An index has no bids and asks. Set whatToShow to TRADES.",
        )),
        (
            SecurityType::Forex | SecurityType::Bond | SecurityType::Crypto,
            W::HistoricalVolatility | W::OptionImpliedVolatility,
        ) => Err(Error::invalid(
            "There are volatilities of stocks, funds and indices only. Set whatToShow to \
                 MIDPOINT.",
        )),
        _ => Ok(()),
    }
}

fn end_of(contract: &Contract, request: &BarsRequest, end: OffsetDateTime) -> Result<()> {
    if request.what_to_show == WhatToShow::AdjustedLast {
        return Err(Error::invalid(
            "Adjusted bars end now. Leave the end out, or set whatToShow to TRADES.",
        ));
    }
    if contract.security_type == SecurityType::ContinuousFuture {
        return Err(Error::invalid(
            "Bars of a continuous future end now. Leave the end out, or name the future of one \
             expiry.",
        ));
    }
    if end.year() < 1970 {
        return Err(Error::invalid(format!(
            "The end {end} is before 1970. Give a date for which there are bars."
        )));
    }
    Ok(())
}

/// How long a bar is, in seconds.
fn seconds_of(size: BarSize) -> u32 {
    match size {
        BarSize::Sec1 => 1,
        BarSize::Sec5 => 5,
        BarSize::Sec10 => 10,
        BarSize::Sec15 => 15,
        BarSize::Sec30 => 30,
        BarSize::Min1 => 60,
        BarSize::Min2 => 120,
        BarSize::Min3 => 180,
        BarSize::Min5 => 300,
        BarSize::Min10 => 600,
        BarSize::Min15 => 900,
        BarSize::Min20 => 1_200,
        BarSize::Min30 => 1_800,
        BarSize::Hour1 => 3_600,
        BarSize::Hour2 => 7_200,
        BarSize::Hour3 => 10_800,
        BarSize::Hour4 => 14_400,
        BarSize::Hour8 => 28_800,
        BarSize::Day1 => 86_400,
        BarSize::Week1 => 604_800,
        BarSize::Month1 => 2_592_000,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::model::Duration;

    fn request(amount: u32, unit: DurationUnit, bar_size: BarSize) -> BarsRequest {
        BarsRequest {
            duration: Duration { amount, unit },
            bar_size,
            what_to_show: WhatToShow::Trades,
            regular_trading_hours: true,
            end: None,
        }
    }

    #[test]
    fn what_tws_answers_passes() {
        use DurationUnit::{Days, Months, Seconds, Years};
        for request in [
            request(30, Days, BarSize::Day1),
            request(10, Days, BarSize::Min1),
            request(1, Years, BarSize::Hour1),
            request(20, Years, BarSize::Month1),
            request(12, Months, BarSize::Week1),
            request(1_800, Seconds, BarSize::Sec1),
            request(86_400, Seconds, BarSize::Min5),
        ] {
            assert_eq!(
                bars(&Contract::us_stock("SPY"), &request),
                Ok(()),
                "{request:?}"
            );
        }
    }

    #[test]
    fn what_tws_refuses_does_not_reach_it() {
        use DurationUnit::{Days, Months, Seconds, Weeks, Years};
        for request in [
            request(0, Days, BarSize::Day1),
            request(366, Days, BarSize::Day1),
            request(53, Weeks, BarSize::Day1),
            request(13, Months, BarSize::Day1),
            request(101, Years, BarSize::Month1),
            request(90_000, Seconds, BarSize::Min1),
            request(60, Seconds, BarSize::Hour1),
            request(1, Days, BarSize::Sec1),
            request(2, Days, BarSize::Sec30),
            request(u32::MAX, Years, BarSize::Sec1),
        ] {
            assert!(
                matches!(
                    bars(&Contract::us_stock("SPY"), &request),
                    Err(Error::InvalidRequest(_))
                ),
                "{request:?}"
            );
        }
    }

    #[test]
    fn some_things_have_no_such_bars() {
        let day = request(30, DurationUnit::Days, BarSize::Day1);
        let ended = BarsRequest {
            end: Some(datetime!(2026-11-20 21:00 UTC)),
            ..day
        };
        let pair = Contract {
            security_type: SecurityType::Forex,
            ..Contract::us_stock("EUR")
        };
        let rolled = Contract {
            security_type: SecurityType::ContinuousFuture,
            ..Contract::us_stock("ES")
        };
        let adjusted = BarsRequest {
            what_to_show: WhatToShow::AdjustedLast,
            ..ended
        };
        assert!(bars(&pair, &day).is_err());
        assert!(bars(&rolled, &ended).is_err());
        assert!(bars(&Contract::us_stock("SPY"), &adjusted).is_err());
        assert_eq!(bars(&Contract::us_stock("SPY"), &ended), Ok(()));
    }
}
