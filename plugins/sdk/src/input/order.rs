//! Orders, as they are asked for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{filled, instant, one_of};
use crate::broker::orders::{
    Algorithm, Oca, OcaType, Order, OrderType, Pegged, StopAndLimit, TimeInForce, TrailBy,
    TrailingStop, TrailingStopLimit,
};
use crate::broker::types::Action;
use crate::schema::without_descriptions;
use crate::{Decimal, Failure};

/// The fields of an order (TWS `Order`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OrderFields {
    /// BUY, SELL or SSHORT
    pub action: Option<String>,
    /// Shares or contracts; for CASH units of the base currency
    pub quantity: Option<Decimal>,
    /// Same as quantity
    pub total_quantity: Option<Decimal>,
    /// MKT (default), LMT, STP, STP LMT, TRAIL, TRAIL LIMIT, MOC, LOC, MIT, LIT, REL, MIDPRICE or PEG MID
    pub order_type: Option<String>,
    /// Limit of LMT, LOC, STP LMT, LIT; cap of REL, MIDPRICE, PEG MID
    pub limit_price: Option<Decimal>,
    /// Same as limitPrice
    pub lmt_price: Option<Decimal>,
    /// Stop of STP, STP LMT; trigger of MIT, LIT; amount of TRAIL, TRAIL LIMIT; offset of REL, PEG MID
    pub aux_price: Option<Decimal>,
    /// Same as auxPrice
    pub stop_price: Option<Decimal>,
    /// TRAIL, TRAIL LIMIT: percent instead of auxPrice
    pub trailing_percent: Option<Decimal>,
    /// TRAIL, TRAIL LIMIT: first stop
    pub trail_stop_price: Option<Decimal>,
    /// TRAIL LIMIT: distance of the limit from the stop
    pub limit_offset: Option<Decimal>,
    /// DAY (default), GTC, GTD, IOC, FOK or OPG
    pub tif: Option<String>,
    /// End of GTD, with time zone, e.g. 2026-12-18T15:00:00Z
    pub good_till_date: Option<String>,
    /// Not before this time
    pub good_after_time: Option<String>,
    /// Fill outside regular trading hours too
    pub outside_rth: Option<bool>,
    /// Needed only if there are several
    pub account: Option<String>,
    /// false stages it in TWS: default true
    pub transmit: Option<bool>,
    /// orderId of the parent, for brackets
    pub parent_id: Option<i32>,
    /// One-cancels-all group
    pub oca_group: Option<String>,
    /// 1 cancel with block (default), 2 reduce with block, 3 reduce
    pub oca_type: Option<u8>,
    /// e.g. Adaptive, Vwap, Twap
    pub algo_strategy: Option<String>,
    /// e.g. {"adaptivePriority":"Normal"}
    #[schemars(schema_with = "any_object")]
    pub algo_params: Option<BTreeMap<String, Value>>,
    /// Your own note
    pub order_ref: Option<String>,
    /// How much of it is shown
    pub display_size: Option<Decimal>,
    /// In full or not at all
    pub all_or_none: Option<bool>,
    /// Not shown in the book
    pub hidden: Option<bool>,
    /// true: do not place it, answer its margin and commission
    pub what_if: Option<bool>,
    /// Of an order to modify or to transmit; leave out for a new one
    pub order_id: Option<i32>,
}

/// An order among the arguments of a tool: as flat fields, or as an object.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OrderArgument {
    #[serde(flatten)]
    fields: OrderFields,
    /// The order's fields as one object instead
    #[schemars(schema_with = "order_object")]
    order: Option<OrderFields>,
}

fn order_object(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    without_descriptions::<OrderFields>(generator)
}

fn any_object(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "object" })
}

impl OrderArgument {
    /// The order's fields, from wherever they were written.
    ///
    /// # Errors
    /// If they were written twice.
    pub fn fields(self) -> Result<OrderFields, Failure> {
        match self.order {
            None => Ok(self.fields),
            Some(object) if self.fields == OrderFields::default() => Ok(object),
            Some(_) => invalid(
                "The order was given twice: write its fields flat or as the object \
                 `order`, not both",
            ),
        }
    }
}

impl OrderFields {
    /// The order.
    ///
    /// # Errors
    /// If it cannot be right.
    pub fn order(&self) -> Result<Order, Failure> {
        let Some(action) = filled(self.action.clone()) else {
            return invalid("action is required: BUY or SELL");
        };
        let quantity = either(
            "quantity",
            self.quantity,
            "totalQuantity",
            self.total_quantity,
        )?;
        let Some(quantity) = quantity else {
            return invalid("quantity is required (totalQuantity in an `order` object)");
        };
        if !quantity.is_positive() {
            return invalid(format!(
                "quantity must be greater than 0; got {quantity}. To sell, use action SELL"
            ));
        }
        if self.display_size.is_some_and(|size| !size.is_positive()) {
            return invalid("displaySize must be greater than 0");
        }
        Ok(Order {
            action: one_of("action", &action, ACTIONS)?,
            quantity,
            order_type: self.order_type()?,
            time_in_force: self.time_in_force()?,
            account: filled(self.account.clone()),
            outside_regular_hours: self.outside_rth.unwrap_or(false),
            good_after: filled(self.good_after_time.clone())
                .map(|text| instant("goodAfterTime", &text))
                .transpose()?,
            parent_id: self.parent_id.filter(|id| *id != 0),
            oca: self.oca()?,
            transmit: self.transmit.unwrap_or(true),
            algorithm: self.algorithm()?,
            reference: filled(self.order_ref.clone()),
            display_quantity: self.display_size,
            all_or_none: self.all_or_none.unwrap_or(false),
            hidden: self.hidden.unwrap_or(false),
        })
    }

    /// The order type's code as it was written, or `MKT`.
    #[must_use]
    pub fn order_type_code(&self) -> String {
        filled(self.order_type.clone())
            .unwrap_or_else(|| "MKT".to_owned())
            .to_uppercase()
    }

    fn order_type(&self) -> Result<OrderType, Failure> {
        let code = self.order_type_code();
        let kind = one_of("orderType", &code, ORDER_TYPES)?;
        let mut prices = Prices {
            code: &code,
            limit: either("limitPrice", self.limit_price, "lmtPrice", self.lmt_price)?,
            auxiliary: either("auxPrice", self.aux_price, "stopPrice", self.stop_price)?,
            percent: self.trailing_percent,
            trail_stop: self.trail_stop_price,
            limit_offset: self.limit_offset,
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
                limit_offset: prices.required("limitOffset", prices.limit_offset)?,
            }),
            Kind::MarketOnClose => OrderType::MarketOnClose,
            Kind::LimitOnClose => OrderType::LimitOnClose(prices.limit()?),
            Kind::MarketIfTouched => OrderType::MarketIfTouched(prices.auxiliary()?),
            Kind::LimitIfTouched => OrderType::LimitIfTouched(prices.stop_and_limit()?),
            Kind::Relative => OrderType::Relative(prices.pegged()),
            Kind::Midprice => OrderType::Midprice(prices.limit.take()),
            Kind::PeggedToMidpoint => OrderType::PeggedToMidpoint(prices.pegged()),
        };
        if kind == Kind::TrailLimit {
            prices.limit_offset = None;
        }
        prices.check_all_used()?;
        Ok(order_type)
    }

    fn time_in_force(&self) -> Result<TimeInForce, Failure> {
        let date = filled(self.good_till_date.clone())
            .map(|text| instant("goodTillDate", &text))
            .transpose()?;
        let code = match filled(self.tif.clone()) {
            Some(code) => code,
            None if date.is_some() => "GTD".to_owned(),
            None => "DAY".to_owned(),
        };
        let good_till_date = TimeInForce::GoodTillDate(date.unwrap_or_default());
        let table = [
            ("DAY", TimeInForce::Day),
            ("GTC", TimeInForce::GoodTillCancelled),
            ("GTD", good_till_date),
            ("IOC", TimeInForce::ImmediateOrCancel),
            ("FOK", TimeInForce::FillOrKill),
            ("OPG", TimeInForce::AtTheOpening),
        ];
        match (one_of("tif", &code, &table)?, date) {
            (TimeInForce::GoodTillDate(_), None) => invalid("goodTillDate is required for tif GTD"),
            (tif @ TimeInForce::GoodTillDate(_), Some(_)) | (tif, None) => Ok(tif),
            (_, Some(_)) => invalid(format!(
                "goodTillDate belongs to tif GTD, but tif is {}",
                code.to_uppercase()
            )),
        }
    }

    fn oca(&self) -> Result<Option<Oca>, Failure> {
        let oca_type = match self.oca_type {
            None | Some(0 | 1) => OcaType::CancelWithBlock,
            Some(2) => OcaType::ReduceWithBlock,
            Some(3) => OcaType::ReduceNonBlock,
            Some(other) => return invalid(format!("ocaType must be 1, 2 or 3; got {other}")),
        };
        match filled(self.oca_group.clone()) {
            Some(group) => Ok(Some(Oca { group, oca_type })),
            None if matches!(self.oca_type, None | Some(0)) => Ok(None),
            None => invalid("ocaType needs an ocaGroup"),
        }
    }

    fn algorithm(&self) -> Result<Option<Algorithm>, Failure> {
        let parameters = self.algo_params.clone().unwrap_or_default();
        let Some(strategy) = filled(self.algo_strategy.clone()) else {
            if parameters.is_empty() {
                return Ok(None);
            }
            return invalid("algoParams need an algoStrategy");
        };
        let parameters = parameters
            .into_iter()
            .map(|(name, value)| match value {
                Value::String(text) => Ok((name, text)),
                // TWS takes flags as 1 and 0.
                Value::Bool(flag) => Ok((name, u8::from(flag).to_string())),
                Value::Number(number) => Ok((name, number.to_string())),
                _ => invalid(format!(
                    "algoParams.{name} must be a text, a number or true or false"
                )),
            })
            .collect::<Result<_, _>>()?;
        Ok(Some(Algorithm {
            strategy,
            parameters,
        }))
    }
}

const ACTIONS: &[(&str, Action)] = &[
    ("BUY", Action::Buy),
    ("SELL", Action::Sell),
    ("SSHORT", Action::SellShort),
];

/// The order types without their prices.
#[derive(Clone, Copy, PartialEq)]
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

const ORDER_TYPES: &[(&str, Kind)] = &[
    ("MKT", Kind::Market),
    ("LMT", Kind::Limit),
    ("STP", Kind::Stop),
    ("STP LMT", Kind::StopLimit),
    ("TRAIL", Kind::Trail),
    ("TRAIL LIMIT", Kind::TrailLimit),
    ("MOC", Kind::MarketOnClose),
    ("LOC", Kind::LimitOnClose),
    ("MIT", Kind::MarketIfTouched),
    ("LIT", Kind::LimitIfTouched),
    ("REL", Kind::Relative),
    ("MIDPRICE", Kind::Midprice),
    ("PEG MID", Kind::PeggedToMidpoint),
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

/// One value that has two names.
fn either(
    name: &str,
    value: Option<Decimal>,
    other_name: &str,
    other: Option<Decimal>,
) -> Result<Option<Decimal>, Failure> {
    match (value, other) {
        (Some(_), Some(_)) => invalid(format!(
            "{name} and {other_name} are the same thing: give one of them"
        )),
        (value, other) => Ok(value.or(other)),
    }
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::invalid_arguments(message))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn read(json: &str) -> Result<Order, Failure> {
        serde_json::from_str::<OrderArgument>(json)
            .unwrap()
            .fields()?
            .order()
    }

    fn buy(more: &str) -> Result<Order, Failure> {
        read(&format!(r#"{{"action":"BUY","quantity":1{more}}}"#))
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_least_order_is_a_market_order_for_the_day() {
        assert_eq!(
            buy("").unwrap(),
            Order {
                action: Action::Buy,
                quantity: decimal("1"),
                order_type: OrderType::Market,
                time_in_force: TimeInForce::Day,
                account: None,
                outside_regular_hours: false,
                good_after: None,
                parent_id: None,
                oca: None,
                transmit: true,
                algorithm: None,
                reference: None,
                display_quantity: None,
                all_or_none: false,
                hidden: false,
            }
        );
    }

    #[test]
    fn flat_and_nested_are_the_same() {
        let nested = read(
            r#"{"order":{"action":"buy","totalQuantity":1.5,"orderType":"lmt","lmtPrice":100.1}}"#,
        );
        let flat = read(r#"{"action":"BUY","quantity":1.5,"orderType":"LMT","limitPrice":100.1}"#);
        assert_eq!(nested, flat);
        assert_eq!(flat.unwrap().order_type, OrderType::Limit(decimal("100.1")));
    }

    #[test]
    fn every_order_type_has_its_prices() {
        let stop_and_limit = StopAndLimit {
            stop: decimal("95"),
            limit: decimal("94.5"),
        };
        let pegged = Pegged {
            offset: Some(decimal("0.02")),
            limit: Some(decimal("101")),
        };
        let cases = [
            ("MKT", "", OrderType::Market),
            (
                "LMT",
                r#","limitPrice":100.5"#,
                OrderType::Limit(decimal("100.5")),
            ),
            ("STP", r#","stopPrice":95"#, OrderType::Stop(decimal("95"))),
            (
                "STP LMT",
                r#","auxPrice":95,"limitPrice":94.5"#,
                OrderType::StopLimit(stop_and_limit),
            ),
            (
                "TRAIL",
                r#","trailingPercent":1.5,"trailStopPrice":95"#,
                OrderType::TrailingStop(TrailingStop {
                    trail_by: TrailBy::Percent(decimal("1.5")),
                    initial_stop: Some(decimal("95")),
                }),
            ),
            (
                "TRAIL",
                r#","auxPrice":2"#,
                OrderType::TrailingStop(TrailingStop {
                    trail_by: TrailBy::Amount(decimal("2")),
                    initial_stop: None,
                }),
            ),
            (
                "TRAIL LIMIT",
                r#","auxPrice":2,"trailStopPrice":95,"limitOffset":0.1"#,
                OrderType::TrailingStopLimit(TrailingStopLimit {
                    trail_by: TrailBy::Amount(decimal("2")),
                    initial_stop: Some(decimal("95")),
                    limit_offset: decimal("0.1"),
                }),
            ),
            ("MOC", "", OrderType::MarketOnClose),
            (
                "LOC",
                r#","limitPrice":100"#,
                OrderType::LimitOnClose(decimal("100")),
            ),
            (
                "MIT",
                r#","auxPrice":95"#,
                OrderType::MarketIfTouched(decimal("95")),
            ),
            (
                "LIT",
                r#","auxPrice":95,"limitPrice":94.5"#,
                OrderType::LimitIfTouched(stop_and_limit),
            ),
            (
                "REL",
                r#","auxPrice":0.02,"limitPrice":101"#,
                OrderType::Relative(pegged),
            ),
            (
                "MIDPRICE",
                r#","limitPrice":101"#,
                OrderType::Midprice(Some(decimal("101"))),
            ),
            ("MIDPRICE", "", OrderType::Midprice(None)),
            (
                "PEG MID",
                r#","auxPrice":0.02,"limitPrice":101"#,
                OrderType::PeggedToMidpoint(pegged),
            ),
        ];
        for (code, prices, expected) in cases {
            let order = buy(&format!(r#","orderType":"{code}"{prices}"#));
            assert_eq!(order.unwrap().order_type, expected, "{code}");
        }
    }

    #[test]
    fn a_negative_price_is_a_price() {
        let order = buy(r#","orderType":"LMT","limitPrice":-5"#).unwrap();
        assert_eq!(order.order_type, OrderType::Limit(decimal("-5")));
    }

    #[test]
    fn time_in_force_is_read() {
        let date = r#","goodTillDate":"2026-12-18T15:00:00Z""#;
        let cases = [
            (r#","tif":"gtc""#.to_owned(), TimeInForce::GoodTillCancelled),
            (r#","tif":"IOC""#.to_owned(), TimeInForce::ImmediateOrCancel),
            (r#","tif":"FOK""#.to_owned(), TimeInForce::FillOrKill),
            (r#","tif":"OPG""#.to_owned(), TimeInForce::AtTheOpening),
            (
                date.to_owned(),
                TimeInForce::GoodTillDate(1_797_606_000_000),
            ),
            (
                format!(r#","tif":"GTD"{date}"#),
                TimeInForce::GoodTillDate(1_797_606_000_000),
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(buy(&json).unwrap().time_in_force, expected, "{json}");
        }
    }

    #[test]
    fn everything_else_is_read() {
        let order = buy(
            r#","account":"DU1","outsideRth":true,"goodAfterTime":"20261218-15:00:00","parentId":7,
            "ocaGroup":"g","ocaType":3,"transmit":false,"algoStrategy":"Adaptive",
            "algoParams":{"adaptivePriority":"Normal","maxPct":0.1,"noTakeLiq":true},
            "orderRef":"mine","displaySize":10,"allOrNone":true,"hidden":true"#,
        )
        .unwrap();
        assert_eq!(order.account.as_deref(), Some("DU1"));
        assert!(order.outside_regular_hours && order.all_or_none && order.hidden);
        assert!(!order.transmit);
        assert_eq!(order.good_after, Some(1_797_606_000_000));
        assert_eq!(order.parent_id, Some(7));
        assert_eq!(
            order.oca,
            Some(Oca {
                group: "g".to_owned(),
                oca_type: OcaType::ReduceNonBlock
            })
        );
        let parameters = [
            ("adaptivePriority", "Normal"),
            ("maxPct", "0.1"),
            ("noTakeLiq", "1"),
        ];
        assert_eq!(
            order.algorithm,
            Some(Algorithm {
                strategy: "Adaptive".to_owned(),
                parameters: parameters
                    .map(|(n, v)| (n.to_owned(), v.to_owned()))
                    .to_vec(),
            })
        );
        assert_eq!(order.reference.as_deref(), Some("mine"));
        assert_eq!(order.display_quantity, Some(decimal("10")));
    }

    #[test]
    fn what_cannot_be_right_is_refused_in_words() {
        let cases = [
            (r#"{"quantity":1}"#, "action is required: BUY or SELL"),
            (
                r#"{"action":"HODL","quantity":1}"#,
                "action must be one of BUY, SELL, SSHORT; got \"HODL\"",
            ),
            (
                r#"{"action":"BUY"}"#,
                "quantity is required (totalQuantity in an `order` object)",
            ),
            (
                r#"{"action":"BUY","quantity":-5}"#,
                "quantity must be greater than 0; got -5. To sell, use action SELL",
            ),
            (
                r#"{"action":"BUY","quantity":0}"#,
                "quantity must be greater than 0; got 0. To sell, use action SELL",
            ),
            (
                r#"{"action":"BUY","quantity":1,"totalQuantity":1}"#,
                "quantity and totalQuantity are the same thing: give one of them",
            ),
            (
                r#"{"action":"BUY","order":{"action":"BUY"}}"#,
                "The order was given twice: write its fields flat or as the object `order`, not both",
            ),
            (
                r#"{"action":"BUY","quantity":1,"orderType":"LIMIT"}"#,
                "orderType must be one of MKT, LMT, STP, STP LMT, TRAIL, TRAIL LIMIT, MOC, LOC, MIT, LIT, REL, MIDPRICE, PEG MID; got \"LIMIT\"",
            ),
            (
                r#"{"action":"BUY","quantity":1,"orderType":"LMT"}"#,
                "limitPrice is required for LMT orders",
            ),
            (
                r#"{"action":"BUY","quantity":1,"orderType":"STP"}"#,
                "auxPrice is required for STP orders",
            ),
            (
                r#"{"action":"BUY","quantity":1,"orderType":"STP LMT","auxPrice":1}"#,
                "limitPrice is required for STP LMT orders",
            ),
            (
                r#"{"action":"BUY","quantity":1,"orderType":"TRAIL"}"#,
                "TRAIL orders need either auxPrice (an amount) or trailingPercent",
            ),
            (
                r#"{"action":"BUY","quantity":1,"orderType":"TRAIL","auxPrice":-1}"#,
                "TRAIL orders must trail by more than 0; got -1",
            ),
            (
                r#"{"action":"BUY","quantity":1,"orderType":"TRAIL LIMIT","auxPrice":1}"#,
                "limitOffset is required for TRAIL LIMIT orders",
            ),
            (
                r#"{"action":"BUY","quantity":1,"limitPrice":100}"#,
                "limitPrice does not belong to MKT orders: leave it out or choose another orderType",
            ),
            (
                r#"{"action":"BUY","quantity":1,"orderType":"LMT","limitPrice":1,"limitOffset":1}"#,
                "limitOffset does not belong to LMT orders: leave it out or choose another orderType",
            ),
            (
                r#"{"action":"BUY","quantity":1,"tif":"FOREVER"}"#,
                "tif must be one of DAY, GTC, GTD, IOC, FOK, OPG; got \"FOREVER\"",
            ),
            (
                r#"{"action":"BUY","quantity":1,"tif":"GTD"}"#,
                "goodTillDate is required for tif GTD",
            ),
            (
                r#"{"action":"BUY","quantity":1,"tif":"gtc","goodTillDate":"2026-12-18T15:00:00Z"}"#,
                "goodTillDate belongs to tif GTD, but tif is GTC",
            ),
            (
                r#"{"action":"BUY","quantity":1,"goodTillDate":"20261218"}"#,
                "goodTillDate \"20261218\" is not a time: write it with its time zone, for example \"2026-12-18T15:00:00Z\"",
            ),
            (
                r#"{"action":"BUY","quantity":1,"ocaGroup":"g","ocaType":4}"#,
                "ocaType must be 1, 2 or 3; got 4",
            ),
            (
                r#"{"action":"BUY","quantity":1,"ocaType":1}"#,
                "ocaType needs an ocaGroup",
            ),
            (
                r#"{"action":"BUY","quantity":1,"algoParams":{"a":"b"}}"#,
                "algoParams need an algoStrategy",
            ),
            (
                r#"{"action":"BUY","quantity":1,"algoStrategy":"Vwap","algoParams":{"a":[]}}"#,
                "algoParams.a must be a text, a number or true or false",
            ),
            (
                r#"{"action":"BUY","quantity":1,"displaySize":0}"#,
                "displaySize must be greater than 0",
            ),
        ];
        for (json, expected) in cases {
            let failure = read(json).unwrap_err();
            assert_eq!(failure.message, expected, "{json}");
        }
    }
}
