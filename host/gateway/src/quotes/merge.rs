//! Ticks, one by one, and the quote that they add up to.

use std::collections::{BTreeMap, VecDeque};

use ibapi::contracts::OptionComputation;
use ibapi::contracts::tick_types::TickType;
use ibapi::market_data::MarketDataType;
use ibapi::market_data::realtime::TickTypes;
use rust_decimal::Decimal;
use time::OffsetDateTime;

use crate::convert::{decimal, time as convert_time};
use crate::feed::{Freshness, Pending};
use crate::model::{DataType, Quote, QuoteBatch, Tick, TickValue};

/// How many ticks wait for a slow reader before the oldest are dropped. The
/// quote always has the latest values.
const WAITING: usize = 1_000;

/// Everything known of one instrument's quote.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ticker {
    ticks: VecDeque<Tick>,
    /// The latest tick of each name: what a later reader begins with.
    latest: BTreeMap<String, Tick>,
    quote: Quote,
    lost: u32,
    /// Whether something changed that is no tick, such as the data type.
    changed: bool,
}

impl Pending for Ticker {
    type Batch = QuoteBatch;

    fn is_empty(&self) -> bool {
        self.ticks.is_empty() && self.lost == 0 && !self.changed
    }

    fn take(&mut self, freshness: Freshness) -> QuoteBatch {
        self.changed = false;
        let mut quote = self.quote.clone();
        quote.stale = freshness.is_stale;
        quote.age_ms = quote.updated.map(|updated| {
            let age = OffsetDateTime::now_utc() - freshness.as_of(updated);
            u64::try_from(age.whole_milliseconds()).unwrap_or(0)
        });
        QuoteBatch {
            ticks: std::mem::take(&mut self.ticks).into(),
            quote,
            lost: std::mem::take(&mut self.lost),
            gap: freshness.gap,
        }
    }
}

/// Which field of the quote a tick belongs to.
#[derive(Clone, Copy)]
enum Field {
    Bid,
    BidSize,
    Ask,
    AskSize,
    Last,
    LastSize,
    Open,
    High,
    Low,
    Close,
    Volume,
}

/// The field, and whether the tick is a delayed one.
fn field(kind: TickType) -> Option<(Field, bool)> {
    Some(match kind {
        TickType::Bid => (Field::Bid, false),
        TickType::BidSize => (Field::BidSize, false),
        TickType::Ask => (Field::Ask, false),
        TickType::AskSize => (Field::AskSize, false),
        TickType::Last => (Field::Last, false),
        TickType::LastSize => (Field::LastSize, false),
        TickType::Open => (Field::Open, false),
        TickType::High => (Field::High, false),
        TickType::Low => (Field::Low, false),
        TickType::Close => (Field::Close, false),
        TickType::Volume => (Field::Volume, false),
        TickType::DelayedBid => (Field::Bid, true),
        TickType::DelayedBidSize => (Field::BidSize, true),
        TickType::DelayedAsk => (Field::Ask, true),
        TickType::DelayedAskSize => (Field::AskSize, true),
        TickType::DelayedLast => (Field::Last, true),
        TickType::DelayedLastSize => (Field::LastSize, true),
        TickType::DelayedOpen => (Field::Open, true),
        TickType::DelayedHigh => (Field::High, true),
        TickType::DelayedLow => (Field::Low, true),
        TickType::DelayedClose => (Field::Close, true),
        TickType::DelayedVolume => (Field::Volume, true),
        _ => return None,
    })
}

/// The name of a tick, in camelCase: `bid`, `lastSize`, `delayedClose`.
fn name(kind: TickType) -> String {
    let variant = format!("{kind:?}");
    let mut letters = variant.chars();
    match letters.next() {
        Some(first) => first.to_ascii_lowercase().to_string() + letters.as_str(),
        None => variant,
    }
}

impl Ticker {
    /// Takes in what TWS sent.
    pub(super) fn add(&mut self, tick: &TickTypes, now: OffsetDateTime) {
        match tick {
            TickTypes::Price(tick) => self.price(tick.tick_type, tick.price, None, now),
            TickTypes::PriceSize(tick) => {
                self.price(tick.price_tick_type, tick.price, Some(tick.size), now);
                self.size(tick.size_tick_type, tick.size, now);
            }
            TickTypes::Size(tick) => self.size(tick.tick_type, tick.size, now),
            TickTypes::String(tick) => self.string(tick.tick_type, &tick.value, now),
            TickTypes::Generic(tick) => {
                if tick.value.is_finite() && tick.value != f64::MAX {
                    self.push(name(tick.tick_type), TickValue::Number(tick.value), now);
                }
            }
            TickTypes::OptionComputation(tick) => self.option(tick, now),
            TickTypes::MarketDataType(kind) => self.data_type(*kind),
            TickTypes::SnapshotEnd | TickTypes::RequestParameters(_) => {}
        }
    }

    /// Keeps of the ticks only the latest of each name.
    pub(super) fn settle(&mut self) {
        for tick in self.ticks.drain(..) {
            self.latest.insert(tick.name.clone(), tick);
        }
        self.lost = 0;
        self.changed = false;
    }

    /// The same quote for a reader that has seen nothing of it.
    pub(super) fn as_news(&self) -> Self {
        let mut ticks: Vec<_> = self.latest.values().cloned().collect();
        ticks.sort_by_key(|tick| tick.received);
        Self {
            ticks: ticks.into(),
            quote: self.quote.clone(),
            ..Self::default()
        }
    }

    /// Forgets the quote: it will be told anew, and what is not told does not
    /// hold any more.
    pub(super) fn renew(&mut self) {
        self.latest.clear();
        self.quote = Quote::default();
        self.changed = true;
    }

    /// Whether the values are late ones.
    pub(super) fn is_delayed(&self) -> bool {
        matches!(
            self.quote.data_type,
            DataType::Delayed | DataType::DelayedFrozen
        )
    }

    /// Counts what was lost before it came here.
    pub(super) fn lose(&mut self, count: u32) {
        self.lost = self.lost.saturating_add(count);
    }

    fn push(&mut self, name: String, value: TickValue, now: OffsetDateTime) {
        if self.ticks.len() == WAITING {
            self.ticks.pop_front();
            self.lose(1);
        }
        self.ticks.push_back(Tick {
            name,
            value,
            received: now,
        });
        self.quote.updated = Some(now);
    }

    fn price(&mut self, kind: TickType, price: f64, size: Option<f64>, now: OffsetDateTime) {
        // TWS writes -1 with no size where there is no price. A spread may
        // really cost -1: then it has a size.
        let absent = price == -1.0 && size.is_none_or(|size| size == 0.0);
        let price = decimal::decimal(price).filter(|_| !absent);
        if let Some(price) = price {
            self.push(name(kind), TickValue::Price(price), now);
        } else {
            self.latest.remove(&name(kind));
            self.changed = true;
        }
        self.set(kind, price);
    }

    fn size(&mut self, kind: TickType, size: f64, now: OffsetDateTime) {
        let Some(size) = decimal::decimal(size).filter(|size| !size.is_sign_negative()) else {
            return;
        };
        self.push(name(kind), TickValue::Size(size), now);
        self.set(kind, Some(size));
    }

    fn string(&mut self, kind: TickType, value: &str, now: OffsetDateTime) {
        if matches!(
            kind,
            TickType::LastTimestamp | TickType::DelayedLastTimestamp
        ) && let Some(moment) = convert_time::moment(value, None)
        {
            self.quote.last_time = Some(moment);
        }
        self.push(name(kind), TickValue::Text(value.to_owned()), now);
    }

    fn option(&mut self, tick: &OptionComputation, now: OffsetDateTime) {
        // The model's numbers are the option's; the others belong to one side.
        let side = match tick.field {
            TickType::BidOption | TickType::DelayedBidOption => "bid",
            TickType::AskOption | TickType::DelayedAskOption => "ask",
            TickType::LastOption | TickType::DelayedLastOption => "last",
            _ => "",
        };
        for (number, value) in [
            ("impliedVol", tick.implied_volatility),
            ("delta", tick.delta),
            ("gamma", tick.gamma),
            ("vega", tick.vega),
            ("theta", tick.theta),
            ("optPrice", tick.option_price),
            ("pvDividend", tick.present_value_dividend),
            ("undPrice", tick.underlying_price),
        ] {
            if let Some(value) = value.filter(|value| value.is_finite()) {
                let name = match number.split_at_checked(1) {
                    Some((first, rest)) if !side.is_empty() => {
                        format!("{side}{}{rest}", first.to_ascii_uppercase())
                    }
                    _ => number.to_owned(),
                };
                self.push(name, TickValue::Number(value), now);
            }
        }
    }

    fn data_type(&mut self, kind: MarketDataType) {
        self.quote.data_type = match kind {
            MarketDataType::Realtime => DataType::Live,
            MarketDataType::Frozen => DataType::Frozen,
            MarketDataType::Delayed => DataType::Delayed,
            MarketDataType::DelayedFrozen => DataType::DelayedFrozen,
            MarketDataType::Unknown => return,
        };
        self.changed = true;
    }

    fn set(&mut self, kind: TickType, value: Option<Decimal>) {
        let Some((field, delayed)) = field(kind) else {
            return;
        };
        let quote = &mut self.quote;
        if delayed && quote.data_type == DataType::Live {
            quote.data_type = DataType::Delayed;
        }
        *match field {
            Field::Bid => &mut quote.bid,
            Field::BidSize => &mut quote.bid_size,
            Field::Ask => &mut quote.ask,
            Field::AskSize => &mut quote.ask_size,
            Field::Last => &mut quote.last,
            Field::LastSize => &mut quote.last_size,
            Field::Open => &mut quote.open,
            Field::High => &mut quote.high,
            Field::Low => &mut quote.low,
            Field::Close => &mut quote.close,
            Field::Volume => &mut quote.volume,
        } = value;
    }
}

#[cfg(test)]
mod tests {
    use ibapi::market_data::realtime::{TickPrice, TickPriceSize, TickSize, TickString};
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 15:00 UTC);

    fn price(tick_type: TickType, price: f64) -> TickTypes {
        TickTypes::Price(TickPrice {
            tick_type,
            price,
            ..TickPrice::default()
        })
    }

    fn n(coefficient: i64, scale: u32) -> Option<Decimal> {
        Some(Decimal::new(coefficient, scale))
    }

    #[test]
    fn ticks_add_up_to_a_quote() {
        let mut ticker = Ticker::default();
        let both = TickTypes::PriceSize(TickPriceSize {
            price_tick_type: TickType::Bid,
            price: 500.25,
            size_tick_type: TickType::BidSize,
            size: 300.0,
            ..TickPriceSize::default()
        });
        let stamp = TickTypes::String(TickString {
            tick_type: TickType::LastTimestamp,
            value: "1795356182".into(),
        });
        for tick in [both, price(TickType::Last, 500.3), stamp] {
            ticker.add(&tick, NOW);
        }
        let batch = ticker.take(Freshness::default());
        let names: Vec<_> = batch.ticks.iter().map(|tick| tick.name.as_str()).collect();
        assert_eq!(names, ["bid", "bidSize", "last", "lastTimestamp"]);
        assert_eq!(batch.quote.bid, n(50025, 2));
        assert_eq!(batch.quote.bid_size, n(300, 0));
        assert_eq!(batch.quote.last, n(5003, 1));
        assert_eq!(
            batch.quote.last_time,
            Some(datetime!(2026-11-22 14:03:02 UTC))
        );
        assert_eq!(batch.quote.data_type, DataType::Live);
        assert!(ticker.is_empty());
        let again = ticker.take(Freshness::default()).quote;
        assert_eq!((again.bid, again.last), (batch.quote.bid, batch.quote.last));
    }

    #[test]
    fn delayed_ticks_fill_the_same_fields() {
        let mut ticker = Ticker::default();
        ticker.add(&price(TickType::DelayedBid, 10.0), NOW);
        let quote = ticker.take(Freshness::default()).quote;
        assert_eq!((quote.bid, quote.data_type), (n(10, 0), DataType::Delayed));
        ticker.add(
            &TickTypes::MarketDataType(MarketDataType::DelayedFrozen),
            NOW,
        );
        ticker.add(&price(TickType::DelayedAsk, 11.0), NOW);
        assert_eq!(
            ticker.take(Freshness::default()).quote.data_type,
            DataType::DelayedFrozen
        );
    }

    #[test]
    fn minus_one_without_a_size_is_no_price() {
        let mut ticker = Ticker::default();
        ticker.add(&price(TickType::Bid, 10.0), NOW);
        ticker.add(&price(TickType::Bid, -1.0), NOW);
        let batch = ticker.take(Freshness::default());
        assert_eq!((batch.ticks.len(), batch.quote.bid), (1, None));
        let spread = TickTypes::PriceSize(TickPriceSize {
            price_tick_type: TickType::Bid,
            price: -1.0,
            size_tick_type: TickType::BidSize,
            size: 5.0,
            ..TickPriceSize::default()
        });
        ticker.add(&spread, NOW);
        assert_eq!(ticker.take(Freshness::default()).quote.bid, n(-1, 0));
    }

    #[test]
    fn a_slow_reader_loses_the_oldest_ticks_and_never_the_quote() {
        let mut ticker = Ticker::default();
        for size in 0..=WAITING {
            let tick = TickTypes::Size(TickSize {
                tick_type: TickType::Volume,
                size: size as f64,
            });
            ticker.add(&tick, NOW);
        }
        let batch = ticker.take(Freshness::default());
        assert_eq!((batch.ticks.len(), batch.lost), (WAITING, 1));
        assert_eq!(batch.quote.volume, Some(Decimal::from(WAITING)));
    }

    #[test]
    fn the_greeks_have_names() {
        let mut ticker = Ticker::default();
        let greeks = |field| {
            TickTypes::OptionComputation(OptionComputation {
                field,
                delta: Some(0.5),
                ..OptionComputation::default()
            })
        };
        ticker.add(&greeks(TickType::ModelOption), NOW);
        ticker.add(&greeks(TickType::BidOption), NOW);
        let names: Vec<_> = ticker
            .take(Freshness::default())
            .ticks
            .into_iter()
            .map(|tick| tick.name)
            .collect();
        assert_eq!(names, ["delta", "bidDelta"]);
    }

    #[test]
    fn a_later_reader_begins_with_the_latest_of_each() {
        let mut known = Ticker::default();
        for bid in [10.0, 11.0, 12.0] {
            known.add(&price(TickType::Bid, bid), NOW);
            known.settle();
        }
        known.add(&price(TickType::Ask, 13.0), NOW);
        known.settle();
        known.add(&price(TickType::Ask, -1.0), NOW);
        known.settle();
        let mut later = known.as_news();
        assert!(!later.is_empty());
        let batch = later.take(Freshness::default());
        let ticks: Vec<_> = batch.ticks.iter().map(|tick| tick.name.as_str()).collect();
        assert_eq!((ticks, batch.lost), (vec!["bid"], 0));
        assert_eq!((batch.quote.bid, batch.quote.ask), (n(12, 0), None));
        known.renew();
        assert!(known.as_news().is_empty());
    }

    #[test]
    fn the_age_counts_from_the_latest_sign_of_life() {
        let mut ticker = Ticker::default();
        assert_eq!(ticker.take(Freshness::default()).quote.age_ms, None);
        let now = OffsetDateTime::now_utc();
        ticker.add(&price(TickType::Bid, 10.0), now - time::Duration::HOUR);
        let since = |certain_at| Freshness {
            is_stale: true,
            certain_at,
            gap: None,
        };
        let old = ticker.take(since(None)).quote;
        assert!(old.stale && old.age_ms >= Some(3_600_000));
        let alive = ticker.take(since(Some(now))).quote;
        assert!(alive.age_ms < Some(3_600_000));
    }
}
