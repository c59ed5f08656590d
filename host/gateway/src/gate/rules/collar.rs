//! How far prices are from the market.

use rust_decimal::Decimal;

use super::plain;
use crate::gate::case::{Case, Item, Known, Lack, name};
use crate::gate::proposal::Request;
use crate::gate::verdict::{Check, Rule};
use crate::model::{OrderType, Quote, SecurityType, TrailBy};

/// A price of an order, or how far it trails.
enum Level {
    Price(&'static str, Decimal),
    Distance(&'static str, Decimal),
    Percent(&'static str, Decimal),
}

/// No price of the order is farther from the last price than this.
pub(super) fn collar(case: &Case<'_>) -> Option<Check> {
    let limit = case.rules().price_collar_percent?;
    let check = within(case, limit)
        .unwrap_or_else(|Lack(lack)| Check::refused(Rule::PriceCollarPercent, lack));
    Some(check)
}

fn within(case: &Case<'_>, limit: Decimal) -> Known<Check> {
    let rule = Rule::PriceCollarPercent;
    if let Request::Modify(change) = &case.proposal.request
        && change.existing.order.order_type == change.order.order_type
    {
        return Ok(Check::not_applicable(
            rule,
            "The change leaves all prices as they are.",
        ));
    }
    let mut farthest: Option<Decimal> = None;
    for item in case.items() {
        let levels = levels(&item)?;
        if levels.is_empty() {
            continue;
        }
        let market = market(case, &item)?;
        for level in levels {
            let (key, off) = match level {
                Level::Price(key, price) => (key, hundredfold_gap(price, market)?),
                Level::Distance(key, distance) => (key, hundredfold(distance.abs())?),
                Level::Percent(key, percent) => (
                    key,
                    percent
                        .abs()
                        .checked_mul(market.abs())
                        .ok_or_else(Lack::overflow)?,
                ),
            };
            let allowed = limit.checked_mul(market.abs()).ok_or_else(Lack::overflow)?;
            let percent = off.checked_div(market.abs()).ok_or_else(Lack::overflow)?;
            if off > allowed {
                return Ok(Check::refused(
                    rule,
                    format!(
                        "The {key} of the order for {} is {} % from the market at {}, and {} % \
                         are allowed. Set it closer.",
                        name(item.contract),
                        plain(percent),
                        plain(market),
                        plain(limit)
                    ),
                )
                .with(
                    format!("{} %", plain(limit)),
                    format!("{} %", plain(percent)),
                ));
            }
            farthest = Some(farthest.unwrap_or_default().max(percent));
        }
    }
    Ok(match farthest {
        Some(percent) => Check::passed(rule, "Every price is close enough to the market.").with(
            format!("{} %", plain(limit)),
            format!("{} %", plain(percent)),
        ),
        None => Check::not_applicable(rule, "The order names no price."),
    })
}

/// What is held against the collar.
fn levels(item: &Item<'_>) -> Known<Vec<Level>> {
    let limit = |price: Decimal| Level::Price("limit price", price);
    let stop = |price: Decimal| Level::Price("stop price", price);
    let trails = |by: TrailBy| match by {
        TrailBy::Amount(amount) => Level::Distance("trailing distance", amount),
        TrailBy::Percent(percent) => Level::Percent("trailing distance", percent),
    };
    Ok(match &item.order.order_type {
        OrderType::Market | OrderType::MarketOnClose => vec![],
        OrderType::Limit(price) | OrderType::LimitOnClose(price) => vec![limit(*price)],
        OrderType::Stop(price) | OrderType::MarketIfTouched(price) => vec![stop(*price)],
        OrderType::StopLimit(prices) | OrderType::LimitIfTouched(prices) => {
            vec![stop(prices.stop), limit(prices.limit)]
        }
        OrderType::TrailingStop(trailing) => {
            let mut levels = vec![trails(trailing.trail_by)];
            levels.extend(trailing.initial_stop.map(stop));
            levels
        }
        OrderType::TrailingStopLimit(trailing) => {
            let offset = Level::Distance("limit offset", trailing.limit_offset);
            let mut levels = vec![trails(trailing.trail_by), offset];
            levels.extend(trailing.initial_stop.map(stop));
            levels
        }
        OrderType::Relative(pegged) | OrderType::PeggedToMidpoint(pegged) => {
            let offset = pegged
                .offset
                .map(|offset| Level::Distance("offset", offset));
            offset.into_iter().chain(pegged.limit.map(limit)).collect()
        }
        OrderType::Midprice(price) => price.map(limit).into_iter().collect(),
        OrderType::Other(_) => {
            return Err(Lack::new("The prices of such an order are not understood."));
        }
    })
}

/// The price that others are measured by: the last, or else the middle.
fn market(case: &Case<'_>, item: &Item<'_>) -> Known<Decimal> {
    let contract = item.contract;
    let quote: &Quote = match (&contract.security_type, contract.con_id) {
        (SecurityType::Combo, _) => {
            let seen = case.situation.combo_quote.as_ref();
            case.fresh(seen, || name(contract))?
        }
        (_, Some(con_id)) => case.quote(con_id)?,
        (_, None) => return Err(Lack::new("The contract is not qualified.")),
    };
    let middle = || {
        let sum = quote.bid?.checked_add(quote.ask?)?;
        sum.checked_div(Decimal::TWO)
    };
    quote
        .last
        .or_else(middle)
        .filter(|price| !price.is_zero())
        .ok_or_else(|| {
            Lack::new(format!(
                "The quote for {} has neither a last price nor a bid and an ask.",
                name(contract)
            ))
        })
}

fn hundredfold(amount: Decimal) -> Known<Decimal> {
    amount
        .checked_mul(Decimal::ONE_HUNDRED)
        .ok_or_else(Lack::overflow)
}

fn hundredfold_gap(price: Decimal, market: Decimal) -> Known<Decimal> {
    let gap = price.checked_sub(market).ok_or_else(Lack::overflow)?;
    hundredfold(gap.abs())
}
