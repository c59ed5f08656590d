//! Contract details, option chains, symbol search, market rules.

use std::collections::BTreeSet;

use time::{Date, Duration, OffsetDateTime};

use super::Client;
use crate::clock;
use crate::exchange::Exchange;
use crate::exchange::instrument::{Instrument, SecType};
use crate::exchange::search::Refusal;
use crate::number;
use crate::wire::proto;

const ORDER_TYPES: &str = "ACTIVETIM,AD,ADJUST,ALGO,ALLOC,AON,AVGCOST,BASKET,COND,DAY,FOK,GAT,GTC,GTD,IOC,LIT,LMT,LOC,MIDPX,MIT,MKT,MOC,OCA,OPG,PEGMID,REL,STP,STPLMT,TRAIL,TRAILLMT,WHATIF";

/// Contract details (9): every match, then the end.
pub(super) fn details(
    client: &Client,
    exchange: &Exchange,
    request: &proto::ContractDataRequest,
    now: OffsetDateTime,
) -> Result<(), Refusal> {
    let contract = request
        .contract
        .as_ref()
        .ok_or_else(|| Refusal::validation("Please enter a contract"))?;
    for instrument in exchange.market.find(contract)? {
        let routed = contract.exchange.clone().filter(|name| !name.is_empty());
        let mut found = instrument.contract();
        if routed.is_some() {
            found.exchange = routed;
        }
        client.send(proto::ContractData {
            req_id: request.req_id,
            contract: Some(found),
            contract_details: Some(describe(&instrument, exchange, now)),
        });
    }
    client.send(proto::ContractDataEnd {
        req_id: request.req_id,
    });
    Ok(())
}

fn describe(
    instrument: &Instrument,
    exchange: &Exchange,
    now: OffsetDateTime,
) -> proto::ContractDetails {
    let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    let underlying = instrument
        .underlying
        .and_then(|con_id| exchange.market.instrument(con_id));
    let expiry = instrument.last_trade_date.map(clock::date);
    let market_name = match instrument.sec_type {
        SecType::Stock if instrument.primary_exchange == "NASDAQ" => "NMS",
        SecType::Stock => instrument.symbol.as_str(),
        _ => instrument.trading_class.as_str(),
    };
    let today = clock::eastern(now).date();
    proto::ContractDetails {
        market_name: text(market_name),
        min_tick: Some(number::to_text(instrument.min_tick)),
        order_types: text(ORDER_TYPES),
        valid_exchanges: text(instrument.valid_exchanges),
        price_magnifier: Some(1),
        under_con_id: underlying.map(|underlying| underlying.con_id),
        under_symbol: underlying.map(|underlying| underlying.symbol.clone()),
        under_sec_type: underlying.map(|underlying| underlying.sec_type.to_string()),
        long_name: text(&instrument.long_name),
        contract_month: expiry
            .as_ref()
            .and_then(|day| day.get(..6))
            .map(str::to_owned),
        real_expiration_date: expiry,
        industry: text(instrument.industry),
        category: text(instrument.category),
        subcategory: text(instrument.subcategory),
        time_zone_id: text(clock::EASTERN),
        trading_hours: Some(hours(instrument, today, false)),
        liquid_hours: Some(hours(instrument, today, true)),
        agg_group: Some(1),
        market_rule_ids: Some(rules(instrument)),
        stock_type: text(instrument.stock_type),
        min_size: Some(String::from("1")),
        size_increment: Some(String::from("1")),
        suggested_size_increment: Some(String::from(if instrument.sec_type == SecType::Stock {
            "100"
        } else {
            "1"
        })),
        ..proto::ContractDetails::default()
    }
}

/// The sessions of today and the five days after it, as TWS writes them.
fn hours(instrument: &Instrument, today: Date, liquid: bool) -> String {
    let (from, to) = match (instrument.sec_type, liquid) {
        (SecType::Forex, _) => ("0015", "1700"),
        (SecType::Future, false) => ("0000", "1700"),
        (SecType::Stock, false) => ("0400", "2000"),
        _ => ("0930", "1600"),
    };
    let days = (0..6).map(|offset| {
        let day = today + Duration::days(offset);
        let date = clock::date(day);
        if clock::is_trading_day(day) {
            format!("{date}:{from}-{date}:{to}")
        } else {
            format!("{date}:CLOSED")
        }
    });
    days.collect::<Vec<_>>().join(";")
}

/// The market rule of every valid exchange: the same one for all.
fn rules(instrument: &Instrument) -> String {
    let rule = rule_id(instrument).to_string();
    vec![rule; instrument.valid_exchanges.split(',').count()].join(",")
}

fn rule_id(instrument: &Instrument) -> i32 {
    match instrument.sec_type {
        SecType::Stock | SecType::Option | SecType::Index | SecType::Combo => 26,
        SecType::Future => 67,
        SecType::Forex => 239,
    }
}

/// A market rule (91): the price increments that its id stands for.
pub(super) fn market_rule(
    client: &Client,
    request: &proto::MarketRuleRequest,
) -> Result<(), Refusal> {
    let id = request.market_rule_id.unwrap_or_default();
    let increment = match id {
        26 => 0.01,
        67 => 0.25,
        239 => 0.00005,
        _ => return Err(Refusal::validation(format!("Invalid market rule id {id}"))),
    };
    client.send(proto::MarketRule {
        market_rule_id: Some(id),
        price_increments: vec![proto::PriceIncrement {
            low_edge: Some(0.0),
            increment: Some(increment),
        }],
    });
    Ok(())
}

/// Option chains (78): expirations and strikes of an underlying's options.
pub(super) fn option_chain(
    client: &Client,
    exchange: &Exchange,
    request: &proto::SecDefOptParamsRequest,
) {
    let underlying = request.underlying_con_id.unwrap_or_default();
    let options: Vec<_> = exchange
        .market
        .instruments()
        .filter(|instrument| {
            instrument.underlying == Some(underlying) && instrument.option.is_some()
        })
        .collect();
    let expirations: BTreeSet<String> = options
        .iter()
        .filter_map(|option| option.last_trade_date)
        .map(clock::date)
        .collect();
    let strikes: BTreeSet<_> = options
        .iter()
        .filter_map(|option| option.option)
        .map(|terms| terms.strike)
        .collect();
    if let Some(option) = options.first() {
        for venue in ["SMART", "CBOE"] {
            client.send(proto::SecDefOptParameter {
                req_id: request.req_id,
                exchange: Some(venue.to_owned()),
                underlying_con_id: Some(underlying),
                trading_class: Some(option.trading_class.clone()),
                multiplier: Some(number::to_text(option.multiplier)),
                expirations: expirations.iter().cloned().collect(),
                strikes: strikes
                    .iter()
                    .map(|&strike| number::to_double(strike))
                    .collect(),
            });
        }
    }
    client.send(proto::SecDefOptParameterEnd {
        req_id: request.req_id,
    });
}

/// Symbol search (81): stocks, indices and currencies whose symbol or name begins with a pattern.
pub(super) fn matching_symbols(
    client: &Client,
    exchange: &Exchange,
    request: &proto::MatchingSymbolsRequest,
) {
    let pattern = request
        .pattern
        .as_deref()
        .unwrap_or_default()
        .to_uppercase();
    let found = exchange.market.instruments().filter(|instrument| {
        instrument.underlying.is_none()
            && !pattern.is_empty()
            && (instrument.symbol.starts_with(&pattern)
                || instrument.long_name.to_uppercase().starts_with(&pattern))
    });
    let descriptions = found.take(16).map(|instrument| {
        let has_options = exchange
            .market
            .instruments()
            .any(|other| other.underlying == Some(instrument.con_id));
        let full = instrument.contract();
        proto::ContractDescription {
            contract: Some(proto::Contract {
                con_id: full.con_id,
                symbol: full.symbol,
                sec_type: full.sec_type,
                primary_exch: full.primary_exch,
                currency: full.currency,
                description: Some(instrument.long_name.clone()),
                ..proto::Contract::default()
            }),
            derivative_sec_types: if has_options {
                vec![String::from("OPT")]
            } else {
                Vec::new()
            },
        }
    });
    client.send(proto::SymbolSamples {
        req_id: request.req_id,
        contract_descriptions: descriptions.collect(),
    });
}
