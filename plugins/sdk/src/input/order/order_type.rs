//! The type of an order, with the prices that belong to it.

use super::super::fields::Fields;
use super::super::{invalid, one_of};
use crate::broker::orders::{
    OrderType, Pegged, StopAndLimit, TrailBy, TrailingStop, TrailingStopLimit,
};
use crate::{Decimal, Failure};

/// Reads `orderType` and exactly the prices that it needs.
pub(super) fn order_type(fields: Fields<'_>) -> Result<OrderType, Failure> {
    let code = fields
        .text("orderType")?
        .unwrap_or_else(|| "MKT".to_owned());
    let (code, kind) = one_of("orderType", &code, ORDER_TYPES)?;
    let mut prices = Prices {
        code,
        limit: fields.decimal_of_two_names("limitPrice", "lmtPrice")?,
        auxiliary: fields.decimal_of_two_names("auxPrice", "stopPrice")?,
        percent: fields.decimal("trailingPercent")?,
        trail_stop: fields.decimal("trailStopPrice")?,
        limit_offset: fields.decimal("limitOffset")?,
    };
    let order_type = match kind {
        Kind::Market => OrderType::Market,
        Kind::Limit => OrderType::Limit(prices.limit()?),
        Kind::Stop => OrderType::Stop(prices.auxiliary()?),
        Kind::StopLimit => OrderType::StopLimit(prices.stop_and_limit()?),
        Kind::Trail => OrderType::TrailingStop(TrailingStop {
            trail_by: prices.trail_by()?,
            initial_stop: prices.trail_stop.take(),
        }),
        Kind::TrailLimit => OrderType::TrailingStopLimit(TrailingStopLimit {
            trail_by: prices.trail_by()?,
            initial_stop: prices.trail_stop.take(),
            limit_offset: prices.limit_offset()?,
        }),
        Kind::MarketOnClose => OrderType::MarketOnClose,
        Kind::LimitOnClose => OrderType::LimitOnClose(prices.limit()?),
        Kind::MarketIfTouched => OrderType::MarketIfTouched(prices.auxiliary()?),
        Kind::LimitIfTouched => OrderType::LimitIfTouched(prices.stop_and_limit()?),
        Kind::Relative => OrderType::Relative(prices.pegged()),
        Kind::Midprice => OrderType::Midprice(prices.limit.take()),
        Kind::PeggedToMidpoint => OrderType::PeggedToMidpoint(prices.pegged()),
    };
    prices.check_all_used()?;
    Ok(order_type)
}

/// The order types without their prices.
#[derive(Clone, Copy)]
enum Kind {
    Market,
    Limit,
    Stop,
    StopLimit,
    Trail,
    TrailLimit,
    MarketOnClose,
    LimitOnClose,
    MarketIfTouched,
    LimitIfTouched,
    Relative,
    Midprice,
    PeggedToMidpoint,
}

/// By TWS's code, which messages repeat.
const ORDER_TYPES: &[(&str, (&str, Kind))] = &[
    ("MKT", ("MKT", Kind::Market)),
    ("LMT", ("LMT", Kind::Limit)),
    ("STP", ("STP", Kind::Stop)),
    ("STP LMT", ("STP LMT", Kind::StopLimit)),
    ("TRAIL", ("TRAIL", Kind::Trail)),
    ("TRAIL LIMIT", ("TRAIL LIMIT", Kind::TrailLimit)),
    ("MOC", ("MOC", Kind::MarketOnClose)),
    ("LOC", ("LOC", Kind::LimitOnClose)),
    ("MIT", ("MIT", Kind::MarketIfTouched)),
    ("LIT", ("LIT", Kind::LimitIfTouched)),
    ("REL", ("REL", Kind::Relative)),
    ("MIDPRICE", ("MIDPRICE", Kind::Midprice)),
    ("PEG MID", ("PEG MID", Kind::PeggedToMidpoint)),
];

/// The prices that were given. Each order type takes out what belongs to it;
/// what is left over is a mistake, and perhaps an expensive one.
struct Prices<'a> {
    code: &'a str,
    limit: Option<Decimal>,
    auxiliary: Option<Decimal>,
    percent: Option<Decimal>,
    trail_stop: Option<Decimal>,
    limit_offset: Option<Decimal>,
}

impl Prices<'_> {
    fn required(&self, name: &str, price: Option<Decimal>) -> Result<Decimal, Failure> {
        match price {
            Some(price) => Ok(price),
            None => invalid(format!("{name} is required for {} orders", self.code)),
        }
    }

    fn limit(&mut self) -> Result<Decimal, Failure> {
        let limit = self.limit.take();
        self.required("limitPrice", limit)
    }

    fn limit_offset(&mut self) -> Result<Decimal, Failure> {
        let limit_offset = self.limit_offset.take();
        self.required("limitOffset", limit_offset)
    }

    fn auxiliary(&mut self) -> Result<Decimal, Failure> {
        let auxiliary = self.auxiliary.take();
        self.required("auxPrice", auxiliary)
    }

    fn stop_and_limit(&mut self) -> Result<StopAndLimit, Failure> {
        Ok(StopAndLimit {
            stop: self.auxiliary()?,
            limit: self.limit()?,
        })
    }

    fn pegged(&mut self) -> Pegged {
        Pegged {
            offset: self.auxiliary.take(),
            limit: self.limit.take(),
        }
    }

    fn trail_by(&mut self) -> Result<TrailBy, Failure> {
        let trail_by = match (self.auxiliary.take(), self.percent.take()) {
            (Some(amount), None) => TrailBy::Amount(amount),
            (None, Some(percent)) => TrailBy::Percent(percent),
            _ => {
                return invalid(format!(
                    "{} orders need either auxPrice (an amount) or trailingPercent",
                    self.code
                ));
            }
        };
        let (TrailBy::Amount(distance) | TrailBy::Percent(distance)) = &trail_by;
        if distance.is_positive() {
            Ok(trail_by)
        } else {
            invalid(format!(
                "{} orders must trail by more than 0; got {distance}",
                self.code
            ))
        }
    }

    fn check_all_used(&self) -> Result<(), Failure> {
        let left_over = [
            ("limitPrice", self.limit),
            ("auxPrice", self.auxiliary),
            ("trailingPercent", self.percent),
            ("trailStopPrice", self.trail_stop),
            ("limitOffset", self.limit_offset),
        ];
        match left_over.iter().find(|(_, price)| price.is_some()) {
            Some((name, _)) => invalid(format!(
                "{name} does not belong to {} orders: leave it out or choose another orderType",
                self.code
            )),
            None => Ok(()),
        }
    }
}
