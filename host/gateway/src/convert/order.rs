//! Orders and their states.

use ibapi::contracts::TagValue;
use ibapi::orders as ib;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use time_tz::Tz;

use super::{decimal, text, time};
use crate::model::{
    Action, Algorithm, Oca, OcaType, Order, OrderImpact, OrderStatus, OrderType, OtherOrderType,
    Pegged, StopAndLimit, TimeInForce, TrailBy, TrailingStop, TrailingStopLimit,
};

/// TWS's code of an order type.
pub(crate) fn order_type_code(order_type: &OrderType) -> &str {
    match order_type {
        OrderType::Market => "MKT",
        OrderType::Limit(_) => "LMT",
        OrderType::Stop(_) => "STP",
        OrderType::StopLimit(_) => "STP LMT",
        OrderType::TrailingStop(_) => "TRAIL",
        OrderType::TrailingStopLimit(_) => "TRAIL LIMIT",
        OrderType::MarketOnClose => "MOC",
        OrderType::LimitOnClose(_) => "LOC",
        OrderType::MarketIfTouched(_) => "MIT",
        OrderType::LimitIfTouched(_) => "LIT",
        OrderType::Relative(_) => "REL",
        OrderType::Midprice(_) => "MIDPRICE",
        OrderType::PeggedToMidpoint(_) => "PEG MID",
        OrderType::Other(other) => &other.code,
    }
}

/// An order as TWS takes it.
pub(crate) fn to_tws(order: &Order) -> ib::Order {
    let mut out = ib::Order {
        action: match order.action {
            Action::Buy => ib::Action::Buy,
            Action::Sell => ib::Action::Sell,
            Action::SellShort => ib::Action::SellShort,
        },
        total_quantity: decimal::float(order.quantity),
        order_type: order_type_code(&order.order_type).to_owned(),
        account: order.account.clone().unwrap_or_default(),
        outside_rth: order.outside_regular_hours,
        good_after_time: order.good_after.map(time::stamp).unwrap_or_default(),
        parent_id: order.parent_id.unwrap_or_default(),
        transmit: order.transmit,
        order_ref: order.reference.clone().unwrap_or_default(),
        display_size: order
            .display_quantity
            .and_then(|quantity| quantity.to_i32()),
        all_or_none: order.all_or_none,
        hidden: order.hidden,
        ..ib::Order::default()
    };
    set_prices(&mut out, &order.order_type);
    out.tif = match &order.time_in_force {
        TimeInForce::Day => ib::TimeInForce::Day,
        TimeInForce::GoodTillCancelled => ib::TimeInForce::GoodTillCanceled,
        TimeInForce::GoodTillDate(end) => {
            out.good_till_date = time::stamp(*end);
            ib::TimeInForce::GoodTillDate
        }
        TimeInForce::ImmediateOrCancel => ib::TimeInForce::ImmediateOrCancel,
        TimeInForce::FillOrKill => ib::TimeInForce::FillOrKill,
        TimeInForce::AtTheOpening => ib::TimeInForce::OnOpen,
        TimeInForce::Other(code) => ib::TimeInForce::from(code.as_str()),
    };
    if let Some(oca) = &order.oca {
        out.oca_group.clone_from(&oca.group);
        out.oca_type = match oca.oca_type {
            OcaType::CancelWithBlock => ib::OcaType::CancelWithBlock,
            OcaType::ReduceWithBlock => ib::OcaType::ReduceWithBlock,
            OcaType::ReduceNonBlock => ib::OcaType::ReduceWithoutBlock,
        };
    }
    if let Some(algorithm) = &order.algorithm {
        out.algo_strategy.clone_from(&algorithm.strategy);
        out.algo_params = algorithm
            .parameters
            .iter()
            .map(|(tag, value)| TagValue {
                tag: tag.clone(),
                value: value.clone(),
            })
            .collect();
    }
    out
}

fn set_prices(out: &mut ib::Order, order_type: &OrderType) {
    let price = |value: Decimal| Some(decimal::float(value));
    let trail = |out: &mut ib::Order, trail_by: TrailBy, start: Option<Decimal>| {
        match trail_by {
            TrailBy::Amount(amount) => out.aux_price = price(amount),
            TrailBy::Percent(percent) => out.trailing_percent = price(percent),
        }
        out.trail_stop_price = start.map(decimal::float);
    };
    match order_type {
        OrderType::Market | OrderType::MarketOnClose => {}
        OrderType::Limit(limit) | OrderType::LimitOnClose(limit) => out.limit_price = price(*limit),
        OrderType::Stop(stop) | OrderType::MarketIfTouched(stop) => out.aux_price = price(*stop),
        OrderType::StopLimit(prices) | OrderType::LimitIfTouched(prices) => {
            out.aux_price = price(prices.stop);
            out.limit_price = price(prices.limit);
        }
        OrderType::TrailingStop(stop) => trail(out, stop.trail_by, stop.initial_stop),
        OrderType::TrailingStopLimit(stop) => {
            trail(out, stop.trail_by, stop.initial_stop);
            out.limit_price_offset = price(stop.limit_offset);
        }
        OrderType::Relative(pegged) | OrderType::PeggedToMidpoint(pegged) => {
            out.aux_price = pegged.offset.map(decimal::float);
            out.limit_price = pegged.limit.map(decimal::float);
        }
        OrderType::Midprice(limit) => out.limit_price = limit.map(decimal::float),
        OrderType::Other(other) => {
            out.limit_price = other.limit.map(decimal::float);
            out.aux_price = other.auxiliary.map(decimal::float);
        }
    }
}

/// An order as TWS gave it. Times without a zone are in TWS's own.
pub(crate) fn from_tws(order: &ib::Order, zone: Option<&Tz>) -> Order {
    Order {
        action: match order.action {
            ib::Action::Buy | ib::Action::SellLong => Action::Buy,
            ib::Action::Sell => Action::Sell,
            ib::Action::SellShort => Action::SellShort,
        },
        quantity: decimal::decimal(order.total_quantity).unwrap_or_default(),
        order_type: order_type(order),
        time_in_force: time_in_force(order, zone),
        account: text(&order.account),
        outside_regular_hours: order.outside_rth,
        good_after: time::moment(&order.good_after_time, zone),
        parent_id: (order.parent_id != 0).then_some(order.parent_id),
        oca: text(&order.oca_group).map(|group| Oca {
            group,
            oca_type: match order.oca_type {
                ib::OcaType::ReduceWithBlock => OcaType::ReduceWithBlock,
                ib::OcaType::ReduceWithoutBlock => OcaType::ReduceNonBlock,
                // TWS's default for a group whose type it does not name.
                _ => OcaType::CancelWithBlock,
            },
        }),
        transmit: order.transmit,
        algorithm: text(&order.algo_strategy).map(|strategy| Algorithm {
            strategy,
            parameters: order
                .algo_params
                .iter()
                .map(|pair| (pair.tag.clone(), pair.value.clone()))
                .collect(),
        }),
        reference: text(&order.order_ref),
        display_quantity: order
            .display_size
            .filter(|size| *size > 0 && *size != i32::MAX)
            .map(Decimal::from),
        all_or_none: order.all_or_none,
        hidden: order.hidden,
    }
}

fn order_type(order: &ib::Order) -> OrderType {
    let limit = order.limit_price.and_then(decimal::decimal);
    let auxiliary = order.aux_price.and_then(decimal::decimal);
    let present = |price: Option<Decimal>| price.filter(|price| !price.is_zero());
    let other = || {
        OrderType::Other(OtherOrderType {
            code: order.order_type.clone(),
            limit: present(limit),
            auxiliary: present(auxiliary),
        })
    };
    let trail_by = || {
        let percent = order.trailing_percent.and_then(decimal::non_zero);
        percent
            .map(TrailBy::Percent)
            .or_else(|| present(auxiliary).map(TrailBy::Amount))
    };
    let initial_stop = order.trail_stop_price.and_then(decimal::non_zero);
    let stop_and_limit = || {
        Some(StopAndLimit {
            stop: auxiliary?,
            limit: limit?,
        })
    };
    let pegged = Pegged {
        offset: present(auxiliary),
        limit: present(limit),
    };
    match order.order_type.as_str() {
        "MKT" => Some(OrderType::Market),
        "LMT" => limit.map(OrderType::Limit),
        "STP" => auxiliary.map(OrderType::Stop),
        "STP LMT" => stop_and_limit().map(OrderType::StopLimit),
        "TRAIL" => trail_by().map(|trail_by| {
            OrderType::TrailingStop(TrailingStop {
                trail_by,
                initial_stop,
            })
        }),
        "TRAIL LIMIT" => trail_by().map(|trail_by| {
            OrderType::TrailingStopLimit(TrailingStopLimit {
                trail_by,
                initial_stop,
                limit_offset: decimal::maybe(order.limit_price_offset).unwrap_or_default(),
            })
        }),
        "MOC" => Some(OrderType::MarketOnClose),
        "LOC" => limit.map(OrderType::LimitOnClose),
        "MIT" => auxiliary.map(OrderType::MarketIfTouched),
        "LIT" => stop_and_limit().map(OrderType::LimitIfTouched),
        "REL" => Some(OrderType::Relative(pegged)),
        "MIDPRICE" => Some(OrderType::Midprice(present(limit))),
        "PEG MID" => Some(OrderType::PeggedToMidpoint(pegged)),
        _ => None,
    }
    .unwrap_or_else(other)
}

fn time_in_force(order: &ib::Order, zone: Option<&Tz>) -> TimeInForce {
    match &order.tif {
        ib::TimeInForce::Day => TimeInForce::Day,
        ib::TimeInForce::GoodTillCanceled => TimeInForce::GoodTillCancelled,
        ib::TimeInForce::GoodTillDate => time::moment(&order.good_till_date, zone).map_or_else(
            || TimeInForce::Other(format!("GTD {}", order.good_till_date)),
            TimeInForce::GoodTillDate,
        ),
        ib::TimeInForce::ImmediateOrCancel => TimeInForce::ImmediateOrCancel,
        ib::TimeInForce::FillOrKill => TimeInForce::FillOrKill,
        ib::TimeInForce::OnOpen => TimeInForce::AtTheOpening,
        other => TimeInForce::Other(other.as_str().to_owned()),
    }
}

/// An order's status.
pub(crate) fn status(status: &ib::OrderStatusKind) -> OrderStatus {
    use ib::OrderStatusKind as Kind;
    match status {
        Kind::ApiPending => OrderStatus::ApiPending,
        Kind::PendingSubmit => OrderStatus::PendingSubmit,
        Kind::PendingCancel => OrderStatus::PendingCancel,
        Kind::PreSubmitted => OrderStatus::PreSubmitted,
        Kind::Submitted => OrderStatus::Submitted,
        Kind::ApiCancelled => OrderStatus::ApiCancelled,
        Kind::Cancelled => OrderStatus::Cancelled,
        Kind::Filled => OrderStatus::Filled,
        Kind::Inactive => OrderStatus::Inactive,
        Kind::Unknown(code) => OrderStatus::Other(code.clone()),
    }
}

/// What an order would do, from the state that TWS sends for a what-if order.
pub(crate) fn impact(state: &ib::OrderState) -> OrderImpact {
    OrderImpact {
        margin_currency: text(&state.margin_currency),
        initial_margin_before: decimal::maybe(state.initial_margin_before),
        initial_margin_after: decimal::maybe(state.initial_margin_after),
        maintenance_margin_before: decimal::maybe(state.maintenance_margin_before),
        maintenance_margin_after: decimal::maybe(state.maintenance_margin_after),
        equity_before: decimal::maybe(state.equity_with_loan_before),
        equity_after: decimal::maybe(state.equity_with_loan_after),
        commission: decimal::maybe(state.commission),
        min_commission: decimal::maybe(state.minimum_commission),
        max_commission: decimal::maybe(state.maximum_commission),
        commission_currency: text(&state.commission_currency),
        warning: text(&state.warning_text),
    }
}

#[cfg(test)]
mod tests {
    use ::time::macros::datetime;
    use rust_decimal::Decimal;

    use super::*;

    fn n(coefficient: i64, scale: u32) -> Decimal {
        Decimal::new(coefficient, scale)
    }

    #[test]
    fn every_order_type_survives_the_way_to_tws_and_back() {
        let pair = StopAndLimit {
            stop: n(105, 1),
            limit: n(11, 0),
        };
        let pegged = Pegged {
            offset: Some(n(2, 2)),
            limit: None,
        };
        for order_type in [
            OrderType::Market,
            OrderType::Limit(n(10025, 2)),
            OrderType::Stop(n(99, 0)),
            OrderType::StopLimit(pair),
            OrderType::TrailingStop(TrailingStop {
                trail_by: TrailBy::Percent(n(15, 1)),
                initial_stop: None,
            }),
            OrderType::TrailingStop(TrailingStop {
                trail_by: TrailBy::Amount(n(2, 0)),
                initial_stop: Some(n(95, 0)),
            }),
            OrderType::TrailingStopLimit(TrailingStopLimit {
                trail_by: TrailBy::Amount(n(2, 0)),
                initial_stop: Some(n(95, 0)),
                limit_offset: n(5, 1),
            }),
            OrderType::MarketOnClose,
            OrderType::LimitOnClose(n(10, 0)),
            OrderType::MarketIfTouched(n(90, 0)),
            OrderType::LimitIfTouched(pair),
            OrderType::Relative(pegged),
            OrderType::Midprice(None),
            OrderType::Midprice(Some(n(5, 0))),
            OrderType::PeggedToMidpoint(pegged),
        ] {
            let order = Order {
                time_in_force: TimeInForce::GoodTillDate(datetime!(2026-12-01 15:00 UTC)),
                good_after: Some(datetime!(2026-11-30 15:00 UTC)),
                account: Some("DU1".into()),
                parent_id: Some(3),
                oca: Some(Oca {
                    group: "g".into(),
                    oca_type: OcaType::ReduceNonBlock,
                }),
                transmit: false,
                algorithm: Some(Algorithm {
                    strategy: "Adaptive".into(),
                    parameters: vec![("adaptivePriority".into(), "Normal".into())],
                }),
                reference: Some("mine".into()),
                display_quantity: Some(n(10, 0)),
                ..Order::new(Action::Sell, n(1005, 1), order_type)
            };
            assert_eq!(from_tws(&to_tws(&order), None), order);
        }
    }

    #[test]
    fn an_order_type_that_is_not_known_is_still_read() {
        let order = ib::Order {
            order_type: "VOL".into(),
            limit_price: Some(0.0),
            aux_price: Some(1.5),
            ..ib::Order::default()
        };
        assert_eq!(
            from_tws(&order, None).order_type,
            OrderType::Other(OtherOrderType {
                code: "VOL".into(),
                limit: None,
                auxiliary: Some(n(15, 1)),
            })
        );
    }

    #[test]
    fn margins_that_tws_does_not_know_are_absent() {
        let state = ib::OrderState {
            initial_margin_after: Some(1200.5),
            commission: Some(f64::MAX),
            ..ib::OrderState::default()
        };
        let impact = impact(&state);
        assert_eq!(impact.initial_margin_after, Some(n(12005, 1)));
        assert_eq!(impact.commission, None);
        assert_eq!(impact.warning, None);
    }
}
