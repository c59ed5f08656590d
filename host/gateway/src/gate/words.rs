//! What a person is shown. It is built from facts; what a model wrote is marked
//! as such, in quotation marks, cut, and without characters that could make it
//! read as something else.

use std::fmt::Write;

use rust_decimal::Decimal;
use time::OffsetDateTime;
use time::macros::format_description;

use super::case::{Case, Item, legs};
use super::config::GateConfig;
use super::proposal::{Exercise, Proposal, Request, Role};
use super::situation::Situation;
use super::verdict::Verdict;
use crate::convert::order::order_type_code;
use crate::model::{
    Action, Contract, OptionRight, Order, OrderType, Pegged, SecurityType, TimeInForce, TrailBy,
};
use crate::visible::is_hidden;

/// How much of a text that a model wrote is shown, in characters.
const QUOTED: usize = 200;

/// A text of one line that is no longer than this many characters. Control
/// characters, line breaks, and what is invisible or turns the direction of
/// reading become `�`.
pub(crate) fn clean(text: &str, longest: usize) -> String {
    let mut out: String = text.chars().take(longest).map(harmless).collect();
    if text.chars().nth(longest).is_some() {
        out.push('…');
    }
    out
}

/// A text of somebody else in quotation marks that it cannot close.
pub fn quoted(text: &str) -> String {
    let inner = clean(text, QUOTED).replace(['“', '”', '„', '‟', '«', '»', '"', '＂', '″'], "'");
    format!("“{inner}”")
}

fn harmless(sign: char) -> char {
    let turned = sign.is_whitespace() && sign != ' ';
    if is_hidden(sign) || turned {
        '�'
    } else {
        sign
    }
}

/// What a person is asked to confirm: what is traded, how, on which account and
/// gateway, what it is worth, and who asks. `said` is what the model says of
/// it, if anything.
///
/// The names of instruments are those of TWS, as far as the situation has them
/// ([`needs`](super::needs) asks for them where a confirmation is demanded).
pub fn confirmation(
    config: &GateConfig,
    proposal: &Proposal,
    situation: &Situation,
    verdict: &Verdict,
    said: Option<&str>,
) -> String {
    let case = Case {
        config,
        proposal,
        situation,
    };
    let mut text = String::new();
    describe(&case, &mut text);
    let account = clean(&proposal.account, 20);
    let kind = if proposal.is_live() {
        "LIVE, real money"
    } else {
        "paper, no real money"
    };
    let gateway = clean(&proposal.gateway, 40);
    line(&mut text, format_args!("Account: {account} ({kind})"));
    line(&mut text, format_args!("Gateway: {gateway}"));
    if let Some(worth) = verdict.notional {
        let base = clean(&config.base_currency, 3);
        let worth = worth.round_dp(2).normalize();
        line(&mut text, format_args!("Worth at the most: {worth} {base}"));
    }
    let (tool, client) = (&proposal.caller.tool, &proposal.caller.client);
    let (tool, client) = (clean(tool, 64), quoted(client));
    line(
        &mut text,
        format_args!("Asked by: tool {tool}, for client {client}"),
    );
    for item in case.items() {
        if let Some(reference) = &item.order.reference {
            let reference = quoted(reference);
            line(
                &mut text,
                format_args!("Its reference, not checked: {reference}"),
            );
        }
    }
    if let Some(said) = said.filter(|said| !said.trim().is_empty()) {
        line(
            &mut text,
            format_args!("The model says, not checked: {}", quoted(said)),
        );
    }
    text.truncate(text.trim_end().len());
    text
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{words}");
}

fn describe(case: &Case<'_>, text: &mut String) {
    match &case.proposal.request {
        Request::Place(_) => {
            let items = case.items();
            for item in &items {
                let role = match item.role {
                    Role::Alone => "Order",
                    Role::Entry => "Entry",
                    Role::Exit => "Exit",
                };
                line(text, format_args!("{role}: {}", order_words(case, item)));
            }
        }
        Request::Modify(change) => {
            for item in case.items() {
                let id = change.existing.state.order_id;
                line(
                    text,
                    format_args!("Change order {id} to: {}", order_words(case, &item)),
                );
            }
            let before = Item {
                contract: &change.existing.contract,
                order: &change.existing.order,
                role: Role::Alone,
                open: change.existing.state.remaining,
            };
            let filled = change.existing.state.filled.normalize();
            line(
                text,
                format_args!("It is now: {}, {filled} filled", order_words(case, &before)),
            );
        }
        Request::Exercise(exercise) => {
            let Exercise {
                contract,
                quantity,
                exercise,
                ..
            } = &**exercise;
            let verb = if *exercise { "Exercise" } else { "Let lapse" };
            let what = instrument_words(case, contract);
            line(
                text,
                format_args!("{verb}: {} {what}", quantity.normalize()),
            );
        }
        Request::Cancel { order_id } => line(text, format_args!("Cancel order {order_id}")),
        Request::CancelAll => line(text, format_args!("Cancel all orders")),
    }
}

/// An order: `Buy 10 SPY (STK, SMART, USD), limit 500, until cancelled`.
fn order_words(case: &Case<'_>, item: &Item<'_>) -> String {
    let Item {
        contract, order, ..
    } = item;
    let verb = match order.action {
        Action::Buy => "Buy",
        Action::Sell => "Sell",
        Action::SellShort => "Sell short",
    };
    let mut words = vec![
        format!(
            "{verb} {} {}",
            order.quantity.normalize(),
            instrument_words(case, contract)
        ),
        type_words(&order.order_type),
        duration_words(&order.time_in_force),
    ];
    words.extend(special_words(order));
    words.join(", ")
}

/// Everything about an order that is not as usual.
fn special_words(order: &Order) -> Vec<String> {
    let mut words = Vec::new();
    if order.outside_regular_hours {
        words.push("also outside regular trading hours".to_owned());
    }
    if let Some(start) = order.good_after {
        words.push(format!("from {} on", moment(start)));
    }
    if let Some(parent) = order.parent_id {
        words.push(format!("once order {parent} has filled"));
    }
    if let Some(oca) = &order.oca {
        words.push(format!("one cancels all in group {}", quoted(&oca.group)));
    }
    if !order.transmit {
        words.push("held in TWS until it is transmitted".to_owned());
    }
    if let Some(algorithm) = &order.algorithm {
        let parameters = algorithm.parameters.iter();
        let parameters: Vec<_> = parameters
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        words.push(format!(
            "worked by algorithm {}",
            quoted(&format!("{} {}", algorithm.strategy, parameters.join(" ")))
        ));
    }
    if let Some(shown) = order.display_quantity {
        words.push(format!("{} shown", shown.normalize()));
    }
    if order.all_or_none {
        words.push("all or none".to_owned());
    }
    if order.hidden {
        words.push("hidden".to_owned());
    }
    words
}

fn type_words(order_type: &OrderType) -> String {
    let n = |number: Decimal| number.normalize().to_string();
    let trails = |by: TrailBy| match by {
        TrailBy::Amount(amount) => n(amount),
        TrailBy::Percent(percent) => format!("{} %", n(percent)),
    };
    let from =
        |stop: Option<Decimal>| stop.map_or_else(String::new, |stop| format!(" from {}", n(stop)));
    let pegged = |name: &str, pegged: &Pegged| {
        let mut words = name.to_owned();
        if let Some(offset) = pegged.offset {
            words.push_str(&format!(" with offset {}", n(offset)));
        }
        if let Some(limit) = pegged.limit {
            words.push_str(&format!(" up to limit {}", n(limit)));
        }
        words
    };
    match order_type {
        OrderType::Market => "at the market".to_owned(),
        OrderType::Limit(limit) => format!("limit {}", n(*limit)),
        OrderType::Stop(stop) => format!("stop {}", n(*stop)),
        OrderType::StopLimit(prices) => {
            format!("stop {}, then limit {}", n(prices.stop), n(prices.limit))
        }
        OrderType::TrailingStop(stop) => format!(
            "stop trailing by {}{}",
            trails(stop.trail_by),
            from(stop.initial_stop)
        ),
        OrderType::TrailingStopLimit(stop) => format!(
            "stop trailing by {}{}, then limit at an offset of {}",
            trails(stop.trail_by),
            from(stop.initial_stop),
            n(stop.limit_offset)
        ),
        OrderType::MarketOnClose => "at the close".to_owned(),
        OrderType::LimitOnClose(limit) => format!("at the close, limit {}", n(*limit)),
        OrderType::MarketIfTouched(price) => format!("at the market if {} is touched", n(*price)),
        OrderType::LimitIfTouched(prices) => {
            format!("limit {} if {} is touched", n(prices.limit), n(prices.stop))
        }
        OrderType::Relative(distance) => pegged("relative to the market", distance),
        OrderType::PeggedToMidpoint(distance) => pegged("pegged to the midpoint", distance),
        OrderType::Midprice(None) => "at the midprice".to_owned(),
        OrderType::Midprice(Some(limit)) => format!("at the midprice, up to {}", n(*limit)),
        OrderType::Other(_) => format!("of type {}", quoted(order_type_code(order_type))),
    }
}

fn duration_words(time_in_force: &TimeInForce) -> String {
    match time_in_force {
        TimeInForce::Day => "for the day".to_owned(),
        TimeInForce::GoodTillCancelled => "until cancelled".to_owned(),
        TimeInForce::GoodTillDate(end) => format!("until {}", moment(*end)),
        TimeInForce::ImmediateOrCancel => "immediate or cancel".to_owned(),
        TimeInForce::FillOrKill => "fill or kill".to_owned(),
        TimeInForce::AtTheOpening => "at the opening".to_owned(),
        TimeInForce::Other(code) => format!("time in force {}", quoted(code)),
    }
}

fn moment(time: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    let utc = time.checked_to_offset(time::UtcOffset::UTC).unwrap_or(time);
    utc.format(format).unwrap_or_default()
}

/// An instrument by TWS's word, or else by the word of who ordered it, which is
/// quoted.
fn instrument_words(case: &Case<'_>, contract: &Contract) -> String {
    let Ok(all) = legs(contract) else {
        return quoted(&contract.symbol);
    };
    let called = |con_id: i32| match case.instrument(con_id) {
        Ok(instrument) => facts(&instrument.contract),
        Err(_) if contract.security_type == SecurityType::Combo => format!("conId {con_id}"),
        Err(_) => format!("conId {con_id}, called {}", quoted(&contract.symbol)),
    };
    if contract.security_type != SecurityType::Combo {
        let one: Vec<_> = all.iter().map(|leg| called(leg.con_id)).collect();
        let route = contract.exchange.as_deref().map(|route| clean(route, 20));
        let route = route.map_or_else(String::new, |route| format!(" at {route}"));
        return format!("{}{route}", one.join(""));
    }
    let words: Vec<_> = all
        .iter()
        .map(|leg| {
            let side = if leg.with { "long" } else { "short" };
            format!("{side} {} {}", leg.ratio.normalize(), called(leg.con_id))
        })
        .collect();
    format!("of the combo [{}]", words.join("; "))
}

/// A contract in full: `SPY 2026-12-18 500 call (OPT, USD, 100 each)`.
fn facts(contract: &Contract) -> String {
    let mut words = clean(&contract.symbol, 24);
    if let Some(expiry) = &contract.expiry {
        words.push_str(&format!(" {}", clean(expiry, 12)));
    }
    if let Some(strike) = contract.strike {
        words.push_str(&format!(" {}", strike.normalize()));
    }
    words.push_str(match contract.right {
        Some(OptionRight::Call) => " call",
        Some(OptionRight::Put) => " put",
        None => "",
    });
    let mut notes = vec![clean(contract.security_type.code(), 12)];
    notes.extend(
        contract
            .currency
            .as_deref()
            .map(|currency| clean(currency, 8)),
    );
    let multiplier = contract.multiplier.filter(|each| *each != Decimal::ONE);
    notes.extend(multiplier.map(|each| format!("{} each", each.normalize())));
    format!("{words} ({})", notes.join(", "))
}
