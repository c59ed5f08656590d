//! Orders.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use time::OffsetDateTime;

use super::{plain, plain_if_given};
use crate::convert::order::order_type_code;
use crate::journal::OrderKey;
use crate::model::{
    Action, Contract, Error, Order, OrderType, Pegged, Result, SecurityType, StopAndLimit,
    TimeInForce, TrailBy,
};

/// An order that TWS can take, on a contract that an order can name.
pub(crate) fn order(contract: &Contract, order: &Order, now: OffsetDateTime) -> Result<()> {
    super::tradable(contract)?;
    quantity(order.quantity)?;
    prices(contract, &order.order_type)?;
    time_in_force(order, now)?;
    shown(order)?;
    links(order)?;
    let stock = match &contract.security_type {
        SecurityType::Stock => true,
        SecurityType::Other(code) => code.is_empty(),
        _ => false,
    };
    if order.action == Action::SellShort && !stock {
        return Err(Error::invalid(
            "Only stocks are sold short by SSHORT. Set action to SELL.",
        ));
    }
    Ok(())
}

fn quantity(quantity: Decimal) -> Result<()> {
    if quantity <= Decimal::ZERO {
        return Err(Error::invalid(format!(
            "A quantity of {quantity} cannot be ordered. Give a number above 0; to sell, set \
             action to SELL."
        )));
    }
    // More than any market holds, and exact on the wire.
    if quantity > Decimal::from(1_000_000_000_000_i64) {
        return Err(Error::invalid(format!(
            "A quantity of {quantity} is beyond what can be ordered. Give a smaller number."
        )));
    }
    Ok(())
}

/// Combos and some futures trade at prices below zero. So may what is not
/// known yet, because only its conId is given.
fn may_be_negative(contract: &Contract) -> bool {
    match &contract.security_type {
        SecurityType::Combo | SecurityType::Future | SecurityType::FutureOption => true,
        SecurityType::Other(code) => code.is_empty(),
        _ => false,
    }
}

fn prices(contract: &Contract, order_type: &OrderType) -> Result<()> {
    let code = order_type_code(order_type);
    let price = |field: &str, value: Decimal| {
        if value > Decimal::ZERO || may_be_negative(contract) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "{field} {value} of a {code} order is not a price. Give a number above 0, in the \
             contract's currency."
        )))
    };
    let pair = |prices: &StopAndLimit| {
        price("stopPrice", prices.stop)?;
        price("limitPrice", prices.limit)
    };
    let pegged = |pegged: &Pegged| {
        if let Some(offset) = pegged.offset
            && offset.is_sign_negative()
            && !offset.is_zero()
        {
            return Err(Error::invalid(format!(
                "An offset of {offset} is negative. Give the distance as a number from 0 on."
            )));
        }
        pegged
            .limit
            .map_or(Ok(()), |limit| price("limitPrice", limit))
    };
    let trail = |trail_by: TrailBy, start: Option<Decimal>| {
        match trail_by {
            TrailBy::Amount(amount) if amount <= Decimal::ZERO => {
                return Err(Error::invalid(format!(
                    "A stop cannot trail by {amount}. Give an amount above 0, in the contract's \
                     currency."
                )));
            }
            TrailBy::Percent(percent)
                if percent <= Decimal::ZERO || percent >= Decimal::ONE_HUNDRED =>
            {
                return Err(Error::invalid(format!(
                    "A stop cannot trail by {percent} per cent. Give a number above 0 and below \
                     100: 1.5 is one and a half per cent."
                )));
            }
            _ => {}
        }
        start.map_or(Ok(()), |start| price("trailStopPrice", start))
    };
    match order_type {
        OrderType::Market | OrderType::MarketOnClose => Ok(()),
        OrderType::Limit(limit) | OrderType::LimitOnClose(limit) => price("limitPrice", *limit),
        OrderType::Stop(stop) | OrderType::MarketIfTouched(stop) => price("stopPrice", *stop),
        OrderType::StopLimit(prices) | OrderType::LimitIfTouched(prices) => pair(prices),
        OrderType::TrailingStop(stop) => trail(stop.trail_by, stop.initial_stop),
        OrderType::TrailingStopLimit(stop) => {
            trail(stop.trail_by, stop.initial_stop)?;
            if stop.limit_offset.is_sign_negative() && !stop.limit_offset.is_zero() {
                return Err(Error::invalid(format!(
                    "A limit offset of {} is negative. Give the distance as a number from 0 on.",
                    stop.limit_offset
                )));
            }
            Ok(())
        }
        OrderType::Relative(distance) | OrderType::PeggedToMidpoint(distance) => pegged(distance),
        OrderType::Midprice(limit) => limit.map_or(Ok(()), |limit| price("limitPrice", limit)),
        OrderType::Other(other) => Err(Error::invalid(format!(
            "Orders of type {:?} can be read but not placed. Use MKT, LMT, STP, STP LMT, TRAIL, \
             TRAIL LIMIT, MOC, LOC, MIT, LIT, REL, MIDPRICE or PEG MID.",
            other.code
        ))),
    }
}

fn time_in_force(order: &Order, now: OffsetDateTime) -> Result<()> {
    let end = match &order.time_in_force {
        TimeInForce::Other(code) => {
            return Err(Error::invalid(format!(
                "A time in force of {code:?} can be read but not placed. Use DAY, GTC, GTD, IOC, \
                 FOK or OPG."
            )));
        }
        TimeInForce::GoodTillDate(end) if *end <= now => {
            return Err(Error::invalid(format!(
                "The order would end at {end}, which is past. Give a moment that is still to come."
            )));
        }
        TimeInForce::GoodTillDate(end) => Some(*end),
        _ => None,
    };
    if let (Some(start), Some(end)) = (order.good_after, end)
        && start >= end
    {
        return Err(Error::invalid(format!(
            "The order would start at {start}, after its end at {end}. Let it start earlier, or \
             end later."
        )));
    }
    let at_close = matches!(
        order.order_type,
        OrderType::MarketOnClose | OrderType::LimitOnClose(_)
    );
    let brief = matches!(
        order.time_in_force,
        TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill | TimeInForce::AtTheOpening
    );
    if at_close && brief {
        return Err(Error::invalid(
            "An order for the close cannot end before it. Set the time in force to DAY.",
        ));
    }
    Ok(())
}

fn shown(order: &Order) -> Result<()> {
    let Some(display) = order.display_quantity else {
        return Ok(());
    };
    let whole = display.is_integer() && display.to_i32().is_some_and(|display| display > 0);
    if !whole || display > order.quantity {
        return Err(Error::invalid(format!(
            "A display quantity of {display} does not fit an order of {}. Give a whole number from \
             1 up to the quantity.",
            order.quantity
        )));
    }
    if order.hidden {
        return Err(Error::invalid(
            "A hidden order shows nothing. Leave the display quantity out, or hidden.",
        ));
    }
    Ok(())
}

fn links(order: &Order) -> Result<()> {
    plain_if_given("account", order.account.as_ref())?;
    plain_if_given("reference", order.reference.as_ref())?;
    let key = order.reference.as_deref().map(str::parse::<OrderKey>);
    if let Some(Ok(key)) = key {
        return Err(Error::invalid(format!(
            "The reference {key} looks like the host's own name of an order. Choose another one."
        )));
    }
    if let Some(parent) = order.parent_id
        && parent <= 0
    {
        return Err(Error::invalid(format!(
            "parentId {parent} is not an order id. Give the id of the order that must fill first."
        )));
    }
    if let Some(oca) = &order.oca {
        plain_if_given("ocaGroup", Some(&oca.group))?;
    }
    if let Some(algorithm) = &order.algorithm {
        plain_if_given("algoStrategy", Some(&algorithm.strategy))?;
        for (name, value) in &algorithm.parameters {
            plain_if_given("the name of an algorithm's parameter", Some(name))?;
            plain("an algorithm's parameter", value)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::model::{Algorithm, Oca, OcaType, OtherOrderType, TrailingStop, TrailingStopLimit};

    const NOW: OffsetDateTime = datetime!(2026-11-22 15:00 UTC);

    fn n(value: i64) -> Decimal {
        Decimal::from(value)
    }

    fn buy(order_type: OrderType) -> Order {
        Order::new(Action::Buy, n(10), order_type)
    }

    fn check(order_: &Order) -> Result<()> {
        order(&Contract::us_stock("SPY"), order_, NOW)
    }

    #[test]
    fn every_sensible_type_passes() {
        let trail = TrailingStop {
            trail_by: TrailBy::Percent(n(2)),
            initial_stop: None,
        };
        for order_type in [
            OrderType::Market,
            OrderType::Limit(n(500)),
            OrderType::TrailingStop(trail),
            OrderType::Midprice(None),
            OrderType::Relative(Pegged {
                offset: Some(Decimal::ZERO),
                limit: None,
            }),
        ] {
            assert_eq!(check(&buy(order_type)), Ok(()));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let market = || buy(OrderType::Market);
        let trail = |trail_by| TrailingStop {
            trail_by,
            initial_stop: None,
        };
        let wrong = [
            Order {
                quantity: n(0),
                ..market()
            },
            Order {
                quantity: n(-5),
                ..market()
            },
            Order {
                quantity: n(i64::MAX),
                ..market()
            },
            buy(OrderType::Limit(n(0))),
            buy(OrderType::Limit(n(-1))),
            buy(OrderType::StopLimit(StopAndLimit {
                stop: n(1),
                limit: n(0),
            })),
            buy(OrderType::TrailingStop(trail(TrailBy::Amount(n(-1))))),
            buy(OrderType::TrailingStop(trail(TrailBy::Percent(n(100))))),
            buy(OrderType::TrailingStopLimit(TrailingStopLimit {
                trail_by: TrailBy::Amount(n(1)),
                initial_stop: None,
                limit_offset: n(-1),
            })),
            buy(OrderType::Other(OtherOrderType {
                code: "VOL".into(),
                limit: None,
                auxiliary: None,
            })),
            Order {
                time_in_force: TimeInForce::Other("AUC".into()),
                ..market()
            },
            Order {
                time_in_force: TimeInForce::GoodTillDate(NOW),
                ..market()
            },
            Order {
                time_in_force: TimeInForce::GoodTillDate(datetime!(2026-11-23 15:00 UTC)),
                good_after: Some(datetime!(2026-11-24 15:00 UTC)),
                ..market()
            },
            Order {
                time_in_force: TimeInForce::FillOrKill,
                ..buy(OrderType::MarketOnClose)
            },
            Order {
                display_quantity: Some(n(11)),
                ..market()
            },
            Order {
                display_quantity: Some(Decimal::new(15, 1)),
                ..market()
            },
            Order {
                display_quantity: Some(n(5)),
                hidden: true,
                ..market()
            },
            Order {
                parent_id: Some(0),
                ..market()
            },
            Order {
                reference: Some("a\nb".into()),
                ..market()
            },
            Order {
                oca: Some(Oca {
                    group: " ".into(),
                    oca_type: OcaType::CancelWithBlock,
                }),
                ..market()
            },
            Order {
                algorithm: Some(Algorithm {
                    strategy: String::new(),
                    parameters: vec![],
                }),
                ..market()
            },
        ];
        for order in wrong {
            assert!(
                matches!(check(&order), Err(Error::InvalidRequest(_))),
                "{order:?}"
            );
        }
    }

    #[test]
    fn a_combo_may_cost_less_than_nothing() {
        let future = Contract {
            security_type: SecurityType::Future,
            ..Contract::us_stock("CL")
        };
        assert_eq!(order(&future, &buy(OrderType::Limit(n(-37))), NOW), Ok(()));
    }

    #[test]
    fn only_stocks_are_sold_short_by_name() {
        let future = Contract {
            security_type: SecurityType::Future,
            ..Contract::us_stock("ES")
        };
        let short = Order {
            action: Action::SellShort,
            ..buy(OrderType::Market)
        };
        assert!(order(&future, &short, NOW).is_err());
        assert_eq!(check(&short), Ok(()));
    }
}
