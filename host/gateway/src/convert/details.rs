//! Contract details and bars.

use ibapi::contracts as ib;
use ibapi::market_data::historical as ibh;

use super::{contract, decimal, text, time};
use crate::model::{Bar, BarTime, ContractDetails};

/// Contract details as TWS gave them.
pub(crate) fn from_tws(details: &ib::ContractDetails) -> ContractDetails {
    let zone = time::zone(&details.time_zone_id);
    let sessions =
        |hours: &[String]| zone.map_or_else(Vec::new, |zone| time::sessions(hours, zone));
    let words = |list: &[String]| list.iter().filter_map(|word| text(word)).collect();
    ContractDetails {
        contract: contract::from_tws(&details.contract),
        long_name: text(&details.long_name),
        market_name: text(&details.market_name),
        industry: text(&details.industry),
        category: text(&details.category),
        subcategory: text(&details.subcategory),
        stock_type: text(&details.stock_type),
        min_tick: decimal::non_zero(details.min_tick),
        min_size: decimal::maybe(details.min_size),
        size_increment: decimal::maybe(details.size_increment),
        price_magnifier: details.price_magnifier.max(1),
        order_types: words(&details.order_types),
        valid_exchanges: words(&details.valid_exchanges),
        under_con_id: (details.under_contract_id != 0).then_some(details.under_contract_id),
        under_symbol: text(&details.under_symbol),
        contract_month: time::expiry_from_tws(&details.contract_month),
        time_zone: zone.map(|zone| time_tz::TimeZone::name(zone).to_owned()),
        trading_sessions: sessions(&details.trading_hours),
        liquid_sessions: sessions(&details.liquid_hours),
        identifiers: {
            let mut pairs: Vec<_> = details
                .sec_id_list
                .iter()
                .map(|pair| (pair.tag.clone(), pair.value.clone()))
                .collect();
            // TWS sends a map: without an order of its own.
            pairs.sort();
            pairs
        },
    }
}

/// A bar as TWS gave it; `None` if one of its prices is not a number.
pub(crate) fn bar_from_tws(bar: &ibh::Bar) -> Option<Bar> {
    // TWS writes 0 or -1 where a kind of bar has no volume, average or count.
    let positive = |value: f64| decimal::decimal(value).filter(|value| value.is_sign_positive());
    let count = u32::try_from(bar.count).ok();
    let traded = count.is_some();
    Some(Bar {
        time: match bar.date {
            ibh::BarTimestamp::Date(day) => BarTime::Day(time::iso_day(day)),
            ibh::BarTimestamp::DateTime(start) => BarTime::Start(start),
        },
        open: decimal::decimal(bar.open)?,
        high: decimal::decimal(bar.high)?,
        low: decimal::decimal(bar.low)?,
        close: decimal::decimal(bar.close)?,
        volume: positive(bar.volume).filter(|volume| traded || !volume.is_zero()),
        average: positive(bar.wap).filter(|average| !average.is_zero()),
        count,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says what it expects")]
mod tests {
    use ::time::macros::{date, datetime};
    use rust_decimal::Decimal;

    use super::*;

    fn bar(date: ibh::BarTimestamp) -> ibh::Bar {
        ibh::Bar {
            date,
            open: 1.5,
            high: 2.0,
            low: 1.25,
            close: 1.75,
            volume: 1000.0,
            wap: 1.6,
            count: 12,
        }
    }

    #[test]
    fn daily_bars_have_a_day_and_others_a_start() {
        let day = bar_from_tws(&bar(date!(2026 - 11 - 20).into())).unwrap();
        assert_eq!(day.time, BarTime::Day("2026-11-20".into()));
        let start = datetime!(2026-11-20 14:30 UTC);
        let minute = bar_from_tws(&bar(start.into())).unwrap();
        assert_eq!(minute.time, BarTime::Start(start));
        assert_eq!(minute.volume, Some(Decimal::from(1000)));
        assert_eq!(minute.count, Some(12));
    }

    #[test]
    fn what_a_bar_does_not_have_is_absent() {
        let midpoint = ibh::Bar {
            volume: -1.0,
            wap: -1.0,
            count: -1,
            ..bar(date!(2026 - 11 - 20).into())
        };
        let bar = bar_from_tws(&midpoint).unwrap();
        assert_eq!((bar.volume, bar.average, bar.count), (None, None, None));
        let broken = ibh::Bar {
            close: f64::MAX,
            ..midpoint
        };
        assert_eq!(bar_from_tws(&broken), None);
    }

    #[test]
    fn details_leave_out_what_tws_does_not_know() {
        let details = from_tws(&ib::ContractDetails {
            contract_month: "202612".into(),
            time_zone_id: "US/Eastern".into(),
            liquid_hours: vec!["20261123:0930-20261123:1600".into()],
            order_types: vec!["LMT".into(), String::new()],
            ..ib::ContractDetails::default()
        });
        assert_eq!(details.long_name, None);
        assert_eq!(details.min_tick, None);
        assert_eq!(details.under_con_id, None);
        assert_eq!(details.price_magnifier, 1);
        assert_eq!(details.contract_month.as_deref(), Some("2026-12"));
        assert_eq!(details.order_types, ["LMT"]);
        assert_eq!(details.liquid_sessions.len(), 1);
    }
}
