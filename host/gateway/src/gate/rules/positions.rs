//! How large a position can become.

use rust_decimal::Decimal;

use super::plain;
use super::size::limit_of;
use crate::gate::case::{Case, Item, Known, Lack, legs, name};
use crate::gate::price::{leg_price, unit_value, worst};
use crate::gate::reach::Reach;
use crate::gate::verdict::{Check, Rule};
use crate::model::OrderType;

/// One side of one instrument, before and after the order.
struct Move<'a> {
    con_id: i32,
    /// How long (or, of a sale, how short) the position can be now.
    before: Decimal,
    /// The same with the order.
    after: Decimal,
    /// By which order, unless it is an exercise.
    item: Option<Item<'a>>,
    buys: bool,
}

/// What the proposal does to positions. What makes none larger than it can be
/// without it is left out.
fn moves<'a>(case: &Case<'a>) -> Known<Vec<Move<'a>>> {
    let mut moves = Vec::new();
    let mut add = |con_id: i32, buys: bool, item: Option<Item<'a>>| {
        let (before, after) = (Reach::before(case, con_id)?, Reach::after(case, con_id)?);
        let held = case.position(con_id)?;
        let side = |reach: Reach| {
            if buys {
                held.checked_add(reach.up)
            } else {
                reach.down.checked_sub(held)
            }
            .ok_or_else(Lack::overflow)
        };
        let (before, after) = (side(before)?, side(after)?);
        if after > before {
            moves.push(Move {
                con_id,
                before,
                after,
                item,
                buys,
            });
        }
        Ok(())
    };
    for item in case.items() {
        for leg in legs(item.contract)? {
            add(leg.con_id, leg.bought(item.buys()), Some(item))?;
        }
    }
    if let Some(exercise) = case.exercise().filter(|exercise| exercise.exercise)
        && let Some(underlying) = &exercise.underlying
    {
        let (_, buys) = crate::gate::reach::delivered(case, exercise)?;
        for leg in legs(underlying)? {
            add(leg.con_id, buys, None)?;
        }
    }
    Ok(moves)
}

fn side(buys: bool) -> &'static str {
    if buys { "long" } else { "short" }
}

/// No position becomes larger than this quantity.
pub(super) fn position(case: &Case<'_>) -> Option<Check> {
    let rules = case.rules();
    if rules.max_position.is_none() && rules.max_position_of.is_empty() {
        return None;
    }
    let check =
        within_quantity(case).unwrap_or_else(|Lack(lack)| Check::refused(Rule::MaxPosition, lack));
    Some(check)
}

fn within_quantity(case: &Case<'_>) -> Known<Check> {
    let rule = Rule::MaxPosition;
    let rules = case.rules();
    let mut largest: Option<(Decimal, Decimal)> = None;
    for change in moves(case)? {
        let (by_type, general) = (&rules.max_position_of, rules.max_position);
        let Some(limit) = limit_of(case, change.con_id, by_type, general)? else {
            continue;
        };
        if change.after > limit {
            return Ok(Check::refused(
                rule,
                format!(
                    "With this order the position in {} could become {} {} (it could be {} \
                     without it), and {} are allowed. Order less, or cancel open orders.",
                    called(case, change.con_id),
                    plain(change.after),
                    side(change.buys),
                    plain(change.before),
                    plain(limit)
                ),
            )
            .with(plain(limit), plain(change.after)));
        }
        if largest.is_none_or(|(_, most)| change.after > most) {
            largest = Some((limit, change.after));
        }
    }
    Ok(match largest {
        Some((limit, after)) => {
            Check::passed(rule, "No position can become larger than it may be.")
                .with(plain(limit), plain(after))
        }
        None => Check::not_applicable(rule, "The order makes no limited position larger."),
    })
}

/// No position becomes worth more than this.
pub(super) fn position_notional(case: &Case<'_>) -> Option<Check> {
    let limit = case.rules().max_position_notional?;
    let check = within_value(case, limit)
        .unwrap_or_else(|Lack(lack)| Check::refused(Rule::MaxPositionNotional, lack));
    Some(check)
}

fn within_value(case: &Case<'_>, limit: Decimal) -> Known<Check> {
    let rule = Rule::MaxPositionNotional;
    let money = |amount| format!("{} {}", plain(amount), case.config.base_currency);
    let mut largest: Option<Decimal> = None;
    for change in moves(case)? {
        let instrument = case.instrument(change.con_id)?;
        let kind = &instrument.contract.security_type;
        let called = name(&instrument.contract);
        // What is held already is worth the market's price, not the order's.
        let quote = || case.quote(change.con_id).cloned();
        let mut price = worst(&OrderType::Market, change.buys, kind, &called, quote)?;
        if let Some(item) = change.item {
            for leg in legs(item.contract)? {
                if leg.con_id == change.con_id {
                    price = price.max(leg_price(case, &item, &leg, instrument)?);
                }
            }
        }
        let worth = unit_value(case, instrument, price)?
            .checked_mul(change.after.max(Decimal::ZERO))
            .ok_or_else(Lack::overflow)?;
        if worth > limit {
            return Ok(Check::refused(
                rule,
                format!(
                    "With this order the position in {called} could be worth {} {}, and {} are \
                     allowed. Order less, or cancel open orders.",
                    money(worth),
                    side(change.buys),
                    money(limit)
                ),
            )
            .with(money(limit), money(worth)));
        }
        largest = Some(largest.unwrap_or_default().max(worth));
    }
    Ok(match largest {
        Some(worth) => Check::passed(rule, "No position can become worth more than it may be.")
            .with(money(limit), money(worth)),
        None => Check::not_applicable(rule, "The order makes no position larger."),
    })
}

fn called(case: &Case<'_>, con_id: i32) -> String {
    match case.instrument(con_id) {
        Ok(instrument) => name(&instrument.contract),
        Err(_) => format!("conId {con_id}"),
    }
}
