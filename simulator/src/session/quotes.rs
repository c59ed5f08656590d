//! Market data: streaming and snapshots.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::Client;
use crate::config::MarketDataPermission;
use crate::exchange::instrument::{Instrument, SecType};
use crate::exchange::search::Refusal;
use crate::exchange::{Exchange, OptionModel, option_model};
use crate::number;
use crate::wire::message::Reply;
use crate::wire::proto;

/// A subscription to one instrument's market data.
#[derive(Debug)]
pub(crate) struct QuoteSubscription {
    pub(crate) instrument: Arc<Instrument>,
    is_delayed: bool,
    /// What was sent last, by tick type.
    shown: BTreeMap<i32, Tick>,
}

/// The value of one tick.
#[derive(Debug, Clone, PartialEq)]
enum Tick {
    Price(Decimal, Option<Decimal>),
    Size(Decimal),
    Text(String),
    Generic(f64),
    Model(OptionModel, Decimal),
}

const BID_SIZE: i32 = 0;
const BID: i32 = 1;
const ASK: i32 = 2;
const ASK_SIZE: i32 = 3;
const LAST: i32 = 4;
const LAST_SIZE: i32 = 5;
const HIGH: i32 = 6;
const LOW: i32 = 7;
const VOLUME: i32 = 8;
const CLOSE: i32 = 9;
const MODEL: i32 = 13;
const OPEN: i32 = 14;
const LAST_TIMESTAMP: i32 = 45;
const HALTED: i32 = 49;

/// The tick type that stands for the same value when it is delayed.
fn delayed(tick_type: i32) -> i32 {
    match tick_type {
        BID => 66,
        ASK => 67,
        LAST => 68,
        BID_SIZE => 69,
        ASK_SIZE => 70,
        LAST_SIZE => 71,
        HIGH => 72,
        LOW => 73,
        VOLUME => 74,
        CLOSE => 75,
        OPEN => 76,
        MODEL => 83,
        LAST_TIMESTAMP => 88,
        HALTED => 90,
        other => other,
    }
}

/// Market data (1).
pub(super) fn request(
    client: &mut Client,
    exchange: &Exchange,
    request: &proto::MarketDataRequest,
    permission: MarketDataPermission,
    now: OffsetDateTime,
) -> Result<(), Refusal> {
    let id = request.req_id.unwrap_or_default();
    if client.subscriptions.quotes.contains_key(&id) {
        return Err(Refusal::processing("Duplicate ticker id"));
    }
    let instrument = exchange.market.resolve(request.contract.as_ref())?;
    let is_snapshot =
        request.snapshot.unwrap_or_default() || request.regulatory_snapshot.unwrap_or_default();
    if is_snapshot
        && request
            .generic_tick_list
            .as_deref()
            .is_some_and(|list| !list.is_empty())
    {
        return Err(Refusal::validation(
            "Snapshot market data subscription is not applicable to generic ticks",
        ));
    }
    let wants_delayed = matches!(client.market_data_type, 3 | 4);
    let is_delayed = permission == MarketDataPermission::Delayed;
    if is_delayed && !wants_delayed {
        return Err(Refusal::new(
            354,
            format!(
                "Requested market data is not subscribed. Delayed market data is available.{} {}",
                instrument.symbol, instrument.exchange
            ),
        ));
    }
    client.send(proto::TickReqParams {
        req_id: Some(id),
        min_tick: Some(number::to_text(instrument.min_tick)),
        bbo_exchange: Some(String::from("9c0001")),
        snapshot_permissions: Some(3),
        ..proto::TickReqParams::default()
    });
    if is_delayed {
        client.notice(
            id,
            10167,
            "Requested market data is not subscribed. Displaying delayed market data.",
        );
    }
    let kind = match (is_delayed, client.market_data_type) {
        (true, kind) => kind,
        // Delayed data was asked for and better is there.
        (false, 3) => 1,
        (false, 4) => 2,
        (false, kind) => kind,
    };
    client.send(proto::MarketDataType {
        req_id: Some(id),
        market_data_type: Some(kind),
    });
    let mut subscription = QuoteSubscription {
        instrument,
        is_delayed,
        shown: BTreeMap::new(),
    };
    for tick in subscription.changes(id, exchange, now) {
        client.send(tick);
    }
    if is_snapshot {
        client.send(proto::TickSnapshotEnd { req_id: Some(id) });
    } else {
        client.subscriptions.quotes.insert(id, subscription);
    }
    Ok(())
}

/// Ends a subscription (2).
pub(super) fn cancel(client: &mut Client, id: i32) -> Result<(), Refusal> {
    match client.subscriptions.quotes.remove(&id) {
        Some(_) => Ok(()),
        None => Err(Refusal::new(
            300,
            format!("Can't find EId with tickerId:{id}"),
        )),
    }
}

/// Sends what changed in every subscription.
pub(super) fn publish(client: &mut Client, exchange: &Exchange, now: OffsetDateTime) {
    let mut changes = Vec::new();
    for (&id, subscription) in &mut client.subscriptions.quotes {
        changes.extend(subscription.changes(id, exchange, now));
    }
    for change in changes {
        client.send(change);
    }
}

impl QuoteSubscription {
    /// The ticks that differ from what was sent last.
    fn changes(&mut self, id: i32, exchange: &Exchange, now: OffsetDateTime) -> Vec<Reply> {
        let mut changes = Vec::new();
        let ticks = self.ticks(exchange, now);
        let traded = ticks
            .iter()
            .any(|(tick_type, tick)| *tick_type == LAST && self.shown.get(&LAST) != Some(tick));
        for (tick_type, tick) in ticks {
            // The time of the last trade is news only with a trade.
            let is_news = if tick_type == LAST_TIMESTAMP {
                traded
            } else {
                self.shown.get(&tick_type) != Some(&tick)
            };
            if is_news {
                let wire_type = if self.is_delayed {
                    delayed(tick_type)
                } else {
                    tick_type
                };
                changes.push(write(id, wire_type, &tick));
                self.shown.insert(tick_type, tick);
            }
        }
        changes
    }

    /// Every tick as it stands, prices first.
    fn ticks(&self, exchange: &Exchange, now: OffsetDateTime) -> Vec<(i32, Tick)> {
        let instrument = &self.instrument;
        let Some(quote) = exchange.market.quote_of(instrument) else {
            return Vec::new();
        };
        let mut ticks = Vec::new();
        if instrument.is_tradable() {
            ticks.push((BID, Tick::Price(quote.bid, Some(quote.bid_size))));
            ticks.push((ASK, Tick::Price(quote.ask, Some(quote.ask_size))));
            ticks.push((BID_SIZE, Tick::Size(quote.bid_size)));
            ticks.push((ASK_SIZE, Tick::Size(quote.ask_size)));
        }
        // A combination is quoted by its legs, and nothing else is published of it.
        if instrument.is_combo() {
            return ticks;
        }
        // Currencies are quoted, but no last trade is published.
        if instrument.sec_type != SecType::Forex {
            let last_size = instrument.is_tradable().then_some(quote.last_size);
            ticks.push((LAST, Tick::Price(quote.last, last_size)));
            ticks.push((LAST_TIMESTAMP, Tick::Text(now.unix_timestamp().to_string())));
            if let Some(size) = last_size {
                ticks.push((LAST_SIZE, Tick::Size(size)));
                ticks.push((VOLUME, Tick::Size(quote.volume)));
            }
            ticks.push((OPEN, Tick::Price(quote.open, None)));
            ticks.push((HALTED, Tick::Generic(0.0)));
        }
        ticks.push((HIGH, Tick::Price(quote.high, None)));
        ticks.push((LOW, Tick::Price(quote.low, None)));
        ticks.push((CLOSE, Tick::Price(quote.close, None)));
        if let Some(underlying) = instrument
            .underlying
            .map(|con_id| exchange.market.mark(con_id))
            && let Some(model) = option_model(instrument, underlying, now)
        {
            ticks.push((MODEL, Tick::Model(model, underlying)));
        }
        ticks
    }
}

fn write(id: i32, tick_type: i32, tick: &Tick) -> Reply {
    let (req_id, tick_type_field) = (Some(id), Some(tick_type));
    match tick {
        Tick::Price(price, size) => proto::TickPrice {
            req_id,
            tick_type: tick_type_field,
            price: Some(number::to_double(*price)),
            size: size.map(number::to_text),
            // Bit 0: an order at this price can execute automatically.
            attr_mask: Some(i32::from(matches!(tick_type, BID | ASK))),
        }
        .into(),
        Tick::Size(size) => proto::TickSize {
            req_id,
            tick_type: tick_type_field,
            size: Some(number::to_text(*size)),
        }
        .into(),
        Tick::Text(text) => proto::TickString {
            req_id,
            tick_type: tick_type_field,
            value: Some(text.clone()),
        }
        .into(),
        Tick::Generic(value) => proto::TickGeneric {
            req_id,
            tick_type: tick_type_field,
            value: Some(*value),
        }
        .into(),
        Tick::Model(model, underlying) => proto::TickOptionComputation {
            req_id,
            tick_type: tick_type_field,
            tick_attrib: Some(0),
            implied_vol: None,
            delta: Some(model.delta),
            opt_price: Some(model.price),
            pv_dividend: Some(0.0),
            gamma: Some(model.gamma),
            vega: Some(model.vega),
            theta: Some(model.theta),
            und_price: Some(number::to_double(*underlying)),
        }
        .into(),
    }
}
