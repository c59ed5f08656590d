//! What an order can be worth at the worst.

use rust_decimal::Decimal;

use super::case::{Case, Item, Known, Lack, Leg, legs, name};
use super::reach::Reach;
use super::situation::Instrument;
use crate::convert::order::order_type_code;
use crate::model::{OrderType, Pegged, Quote, SecurityType, TrailBy};

fn plus(one: Decimal, other: Decimal) -> Known<Decimal> {
    one.checked_add(other).ok_or_else(Lack::overflow)
}

fn times(one: Decimal, other: Decimal) -> Known<Decimal> {
    one.checked_mul(other).ok_or_else(Lack::overflow)
}

/// Whether prices below zero are possible.
fn may_be_negative(kind: &SecurityType) -> bool {
    matches!(
        kind,
        SecurityType::Combo
            | SecurityType::Future
            | SecurityType::FutureOption
            | SecurityType::Other(_)
    )
}

/// The limit of an order that only it bounds: one that buys, at a price that
/// cannot be below zero.
fn bound(order_type: &OrderType, buys: bool, kind: &SecurityType) -> Option<Decimal> {
    if !buys || may_be_negative(kind) {
        return None;
    }
    match order_type {
        OrderType::Limit(limit) | OrderType::LimitOnClose(limit) => Some(*limit),
        OrderType::StopLimit(prices) | OrderType::LimitIfTouched(prices) => Some(prices.limit),
        OrderType::Relative(pegged) | OrderType::PeggedToMidpoint(pegged) => pegged.limit,
        OrderType::Midprice(limit) => *limit,
        _ => None,
    }
    .map(|limit| limit.abs())
}

/// Whether the order can only be valued by a quote.
pub(super) fn needs_quote(order_type: &OrderType, buys: bool, kind: &SecurityType) -> bool {
    bound(order_type, buys, kind).is_none()
}

/// The highest price that the quote names, for who buys or sells there.
fn top(quote: &Quote, buys: bool, name: &str) -> Known<Decimal> {
    let side = if buys { quote.ask } else { quote.bid };
    side.or(quote.last).ok_or_else(|| {
        let side = if buys { "ask" } else { "bid" };
        Lack::new(format!(
            "The quote for {name} has neither {side} nor last price."
        ))
    })?;
    let prices = [quote.bid, quote.ask, quote.last].into_iter().flatten();
    Ok(prices.map(|price| price.abs()).max().unwrap_or_default())
}

/// How far a stop is from the market.
fn distance(trail_by: TrailBy, market: Decimal) -> Known<Decimal> {
    match trail_by {
        TrailBy::Amount(amount) => Ok(amount.abs()),
        TrailBy::Percent(percent) => times(market, percent.abs())?
            .checked_div(Decimal::ONE_HUNDRED)
            .ok_or_else(Lack::overflow),
    }
}

/// The worst price of one instrument for an order of this type: the one that
/// makes it worth the most, as a number from 0 on.
pub(super) fn worst(
    order_type: &OrderType,
    buys: bool,
    kind: &SecurityType,
    name: &str,
    quote: impl FnOnce() -> Known<Quote>,
) -> Known<Decimal> {
    if let OrderType::Other(_) = order_type {
        return Err(Lack::new(format!(
            "What an order of type {:?} is worth cannot be known.",
            super::words::clean(order_type_code(order_type), 20)
        )));
    }
    if let Some(limit) = bound(order_type, buys, kind) {
        return Ok(limit);
    }
    let top = top(&quote()?, buys, name)?;
    let higher = |price: Decimal| top.max(price.abs());
    // What sells at a distance from the market sells below it.
    let above = |start: Decimal, by: Decimal| if buys { plus(start, by) } else { Ok(start) };
    let pegged = |pegged: &Pegged| {
        let at = above(top, pegged.offset.unwrap_or_default().abs())?;
        Ok(pegged.limit.map_or(at, |limit| at.max(limit.abs())))
    };
    match order_type {
        OrderType::Market | OrderType::MarketOnClose | OrderType::Other(_) => Ok(top),
        OrderType::Limit(price)
        | OrderType::LimitOnClose(price)
        | OrderType::Stop(price)
        | OrderType::MarketIfTouched(price) => Ok(higher(*price)),
        OrderType::StopLimit(prices) | OrderType::LimitIfTouched(prices) => {
            Ok(higher(prices.stop).max(prices.limit.abs()))
        }
        OrderType::TrailingStop(stop) => {
            let at = above(top, distance(stop.trail_by, top)?)?;
            Ok(at.max(stop.initial_stop.unwrap_or_default().abs()))
        }
        OrderType::TrailingStopLimit(stop) => {
            let at = above(top, distance(stop.trail_by, top)?)?;
            let stop_at = at.max(stop.initial_stop.unwrap_or_default().abs());
            above(stop_at, stop.limit_offset.abs())
        }
        OrderType::Relative(distance) | OrderType::PeggedToMidpoint(distance) => pegged(distance),
        OrderType::Midprice(limit) => Ok(limit.map_or(top, higher)),
    }
}

/// What one unit of an instrument is worth in the base currency at a price.
pub(super) fn unit_value(
    case: &Case<'_>,
    instrument: &Instrument,
    price: Decimal,
) -> Known<Decimal> {
    let contract = &instrument.contract;
    let multiplier = match (&contract.security_type, contract.multiplier) {
        (_, Some(multiplier)) => multiplier.abs(),
        (
            SecurityType::Stock
            | SecurityType::Forex
            | SecurityType::Cfd
            | SecurityType::Fund
            | SecurityType::Crypto
            | SecurityType::Commodity,
            None,
        ) => Decimal::ONE,
        _ => {
            return Err(Lack::new(format!(
                "The multiplier of {} is not known.",
                name(contract)
            )));
        }
    };
    let currency = contract
        .currency
        .as_deref()
        .ok_or_else(|| Lack::new(format!("The currency of {} is not known.", name(contract))))?;
    let magnified = times(price.abs(), multiplier)?;
    let value = match instrument.price_magnifier {
        ..=1 => magnified,
        magnifier => magnified
            .checked_div(Decimal::from(magnifier))
            .ok_or_else(Lack::overflow)?,
    };
    case.base_amount(value, currency)
}

/// The worst price of one leg of an order.
pub(super) fn leg_price(
    case: &Case<'_>,
    item: &Item<'_>,
    leg: &Leg<'_>,
    instrument: &Instrument,
) -> Known<Decimal> {
    let contract = &instrument.contract;
    let quote = || case.quote(leg.con_id).cloned();
    // The prices of a combo's order are those of the whole, which say nothing
    // of a leg.
    let market = OrderType::Market;
    let order_type = match item.contract.security_type {
        SecurityType::Combo => &market,
        _ => &item.order.order_type,
    };
    let buys = leg.bought(item.buys());
    worst(
        order_type,
        buys,
        &contract.security_type,
        &name(contract),
        quote,
    )
}

/// Whether the instrument is an option of some kind.
pub(super) fn is_option(kind: &SecurityType) -> bool {
    matches!(kind, SecurityType::Option | SecurityType::FutureOption)
}

/// What an order is worth in the base currency at the worst: see
/// [`Rules::max_notional`](super::Rules::max_notional).
pub(super) fn value(case: &Case<'_>, item: &Item<'_>) -> Known<Decimal> {
    let mut sum = Decimal::ZERO;
    for leg in legs(item.contract)? {
        let instrument = case.instrument(leg.con_id)?;
        let price = leg_price(case, item, &leg, instrument)?;
        let units = leg.units(item.open)?;
        let contract = &instrument.contract;
        let sells = !leg.bought(item.buys());
        let mut worth = times(units, unit_value(case, instrument, price)?)?;
        if sells && is_option(&contract.security_type) {
            let strike = contract.strike.ok_or_else(|| {
                Lack::new(format!("The strike of {} is not known.", name(contract)))
            })?;
            // The part that sells what is held closes it. The rest writes options.
            let closed = closable(case, leg.con_id)?.min(units);
            let written = units.checked_sub(closed).ok_or_else(Lack::overflow)?;
            let each = unit_value(case, instrument, price.max(strike.abs()))?;
            worth = plus(
                times(closed, unit_value(case, instrument, price)?)?,
                times(written, each)?,
            )?;
        }
        sum = plus(sum, worth)?;
    }
    Ok(sum)
}

/// How much of a long position no other open order sells.
fn closable(case: &Case<'_>, con_id: i32) -> Known<Decimal> {
    let others = Reach::of_open(case, con_id)?;
    let left = case
        .position(con_id)?
        .checked_sub(others.down)
        .ok_or_else(Lack::overflow)?;
    Ok(left.max(Decimal::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{StopAndLimit, TrailingStop, TrailingStopLimit};

    fn n(value: i64) -> Decimal {
        Decimal::from(value)
    }

    fn quote() -> Quote {
        Quote {
            bid: Some(n(99)),
            ask: Some(n(101)),
            last: Some(n(100)),
            ..Quote::default()
        }
    }

    fn price(order_type: OrderType, buys: bool) -> Option<Decimal> {
        worst(&order_type, buys, &SecurityType::Stock, "X", || Ok(quote())).ok()
    }

    #[test]
    fn only_a_buy_is_bounded_by_its_limit() {
        assert_eq!(price(OrderType::Limit(n(50)), true), Some(n(50)));
        assert_eq!(price(OrderType::Limit(n(50)), false), Some(n(101)));
        assert_eq!(price(OrderType::Limit(n(200)), false), Some(n(200)));
        let future = worst(
            &OrderType::Limit(n(-300)),
            true,
            &SecurityType::Future,
            "X",
            || Ok(quote()),
        );
        assert_eq!(future, Ok(n(300)));
    }

    #[test]
    fn everything_else_is_worth_what_it_can_become() {
        let trail = TrailingStop {
            trail_by: TrailBy::Percent(n(10)),
            initial_stop: None,
        };
        let trail_limit = TrailingStopLimit {
            trail_by: TrailBy::Amount(n(5)),
            initial_stop: Some(n(120)),
            limit_offset: n(2),
        };
        let both = StopAndLimit {
            stop: n(130),
            limit: n(110),
        };
        let pegged = Pegged {
            offset: Some(n(1)),
            limit: None,
        };
        for (order_type, bought, sold) in [
            (OrderType::Market, n(101), n(101)),
            (OrderType::Stop(n(150)), n(150), n(150)),
            (OrderType::Stop(n(50)), n(101), n(101)),
            (OrderType::StopLimit(both), n(110), n(130)),
            (
                OrderType::TrailingStop(trail),
                Decimal::new(1111, 1),
                n(101),
            ),
            (OrderType::TrailingStopLimit(trail_limit), n(122), n(120)),
            (OrderType::Relative(pegged), n(102), n(101)),
            (OrderType::Midprice(None), n(101), n(101)),
        ] {
            let name = format!("{order_type:?}");
            assert_eq!(price(order_type.clone(), true), Some(bought), "{name}");
            assert_eq!(price(order_type, false), Some(sold), "{name}");
        }
    }

    #[test]
    fn a_quote_without_its_side_is_no_quote() {
        let empty = || {
            Ok(Quote {
                bid: Some(n(1)),
                ..Quote::default()
            })
        };
        let kind = SecurityType::Stock;
        assert!(worst(&OrderType::Market, true, &kind, "X", empty).is_err());
        assert_eq!(
            worst(&OrderType::Market, false, &kind, "X", empty),
            Ok(n(1))
        );
    }
}
