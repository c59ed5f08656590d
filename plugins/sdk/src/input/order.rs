//! Orders, as they are asked for.

mod change;
mod options;
mod order_type;

pub use change::OrderChangeArgument;
pub use options::OptionsArgument;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::fields::{self, Field, Fields, flag, integer, number, object, text};
use super::invalid;
use crate::Failure;
use crate::broker::orders::{Algorithm, Oca, OcaType, Order, TimeInForce};
use crate::broker::types::Action;

/// The fields of an order (TWS `Order`).
const TERMS: &[Field] = &[
    text("action", "BUY, SELL or SSHORT"),
    number(
        "quantity",
        "Shares or contracts; for CASH units of the base currency",
    ),
    number("totalQuantity", "Same as quantity"),
    text(
        "orderType",
        "MKT (default), LMT, STP, STP LMT, TRAIL, TRAIL LIMIT, MOC, LOC, MIT, LIT, REL, \
         MIDPRICE or PEG MID",
    ),
    number(
        "limitPrice",
        "Limit of LMT, LOC, STP LMT, LIT; cap of REL, MIDPRICE, PEG MID",
    ),
    number("lmtPrice", "Same as limitPrice"),
    number(
        "auxPrice",
        "Stop of STP, STP LMT; trigger of MIT, LIT; trailing amount of TRAIL, TRAIL LIMIT; \
         offset of REL, PEG MID",
    ),
    number("stopPrice", "Same as auxPrice"),
    number("trailingPercent", "TRAIL, TRAIL LIMIT: instead of auxPrice"),
    number("trailStopPrice", "TRAIL, TRAIL LIMIT: first stop"),
    number("limitOffset", "TRAIL LIMIT: of the limit from the stop"),
    text("tif", "DAY (default), GTC, GTD, IOC, FOK or OPG"),
    text("goodTillDate", "Of GTD, e.g. 2026-12-18T15:00:00Z"),
    text("goodAfterTime", "Not before this time"),
    flag("outsideRth", "Outside regular hours too"),
    text("account", "Needed only if there are several"),
    flag("transmit", "Default true; false stages it in TWS"),
    integer("parentId", "orderId of a bracket's parent"),
    text("ocaGroup", "One-cancels-all group"),
    integer(
        "ocaType",
        "1 cancel with block (default), 2 reduce with block, 3 reduce",
    ),
    text("algoStrategy", "e.g. Adaptive, Vwap, Twap"),
    object("algoParams", "e.g. {\"adaptivePriority\":\"Normal\"}"),
    text("orderRef", "Your own note"),
    number("displaySize", "Shown part"),
    flag("allOrNone", ""),
    flag("hidden", ""),
];

/// What else a request to place an order may say.
const PLACING: &[Field] = &[
    flag("whatIf", "Only answer margin and commission, place nothing"),
    integer(
        "orderId",
        "Of an order to change or transmit; not for new ones",
    ),
];

/// All fields as an object.
const OBJECT: Field = object("order", "These order fields as an object instead");

/// All that a request to place an order may say.
fn placing() -> impl Iterator<Item = &'static Field> {
    TERMS.iter().chain(PLACING).chain([&OBJECT])
}

/// All that a preview of an order may say.
fn terms() -> impl Iterator<Item = &'static Field> {
    TERMS.iter().chain([&OBJECT])
}

/// An order among the arguments of a tool: as flat fields, or as an object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct OrderArgument(Map<String, Value>);

impl JsonSchema for OrderArgument {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OrderArgument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        fields::schema(placing())
    }
}

/// A new order among the arguments of a tool that does not place it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct OrderTermsArgument(Map<String, Value>);

impl JsonSchema for OrderTermsArgument {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OrderTermsArgument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        fields::schema(terms())
    }
}

impl OrderTermsArgument {
    /// The order.
    ///
    /// # Errors
    /// If it cannot be right.
    pub fn order(&self) -> Result<Order, Failure> {
        order(Fields::flat_or_in(&self.0, "order", terms())?)
    }
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderRequest {
    /// The order.
    pub order: Order,
    /// The order that it is to replace, if any.
    pub order_id: Option<i32>,
    /// Whether only to ask what it would do.
    pub what_if: bool,
}

impl OrderArgument {
    /// What was asked for.
    ///
    /// # Errors
    /// If it cannot be right.
    pub fn request(&self) -> Result<OrderRequest, Failure> {
        let fields = Fields::flat_or_in(&self.0, "order", placing())?;
        Ok(OrderRequest {
            order: order(fields)?,
            order_id: fields.id("orderId")?,
            what_if: fields.flag("whatIf")?.unwrap_or(false),
        })
    }
}

fn order(fields: Fields<'_>) -> Result<Order, Failure> {
    let Some(action) = fields.one_of("action", ACTIONS)? else {
        return invalid("action is required: BUY or SELL");
    };
    let Some(quantity) = fields.decimal_of_two_names("quantity", "totalQuantity")? else {
        return invalid("quantity is required (totalQuantity in an `order` object)");
    };
    if !quantity.is_positive() {
        return invalid(format!(
            "quantity must be greater than 0; got {quantity}. To sell, use action SELL"
        ));
    }
    Ok(Order {
        action,
        quantity,
        order_type: order_type::order_type(fields)?,
        time_in_force: time_in_force(fields)?,
        account: fields.text("account")?,
        outside_regular_hours: fields.flag("outsideRth")?.unwrap_or(false),
        good_after: fields.instant("goodAfterTime")?,
        parent_id: fields.id("parentId")?,
        oca: oca(fields)?,
        transmit: fields.flag("transmit")?.unwrap_or(true),
        algorithm: algorithm(fields)?,
        reference: fields.text("orderRef")?,
        display_quantity: fields.positive("displaySize")?,
        all_or_none: fields.flag("allOrNone")?.unwrap_or(false),
        hidden: fields.flag("hidden")?.unwrap_or(false),
    })
}

fn time_in_force(fields: Fields<'_>) -> Result<TimeInForce, Failure> {
    let date = fields.instant("goodTillDate")?;
    let tif = match fields.one_of("tif", TIMES_IN_FORCE)? {
        Some(tif) => tif,
        None => date.map_or(TimeInForce::Day, TimeInForce::GoodTillDate),
    };
    match (tif, date) {
        (TimeInForce::GoodTillDate(_), Some(date)) => Ok(TimeInForce::GoodTillDate(date)),
        (TimeInForce::GoodTillDate(_), None) => invalid("goodTillDate is required for tif GTD"),
        (_, Some(_)) => invalid("goodTillDate belongs to tif GTD: use that, or leave it out"),
        (tif, None) => Ok(tif),
    }
}

/// The date of `GTD` stands in an argument of its own.
const TIMES_IN_FORCE: &[(&str, TimeInForce)] = &[
    ("DAY", TimeInForce::Day),
    ("GTC", TimeInForce::GoodTillCancelled),
    ("GTD", TimeInForce::GoodTillDate(0)),
    ("IOC", TimeInForce::ImmediateOrCancel),
    ("FOK", TimeInForce::FillOrKill),
    ("OPG", TimeInForce::AtTheOpening),
];

fn oca(fields: Fields<'_>) -> Result<Option<Oca>, Failure> {
    let group = fields.text("ocaGroup")?;
    let oca_type = match fields.id("ocaType")? {
        None | Some(1) => OcaType::CancelWithBlock,
        Some(2) => OcaType::ReduceWithBlock,
        Some(3) => OcaType::ReduceNonBlock,
        Some(other) => return invalid(format!("ocaType must be 1, 2 or 3; got {other}")),
    };
    match group {
        Some(group) => Ok(Some(Oca { group, oca_type })),
        None if fields.id("ocaType")?.is_some() => invalid("ocaType needs an ocaGroup"),
        None => Ok(None),
    }
}

fn algorithm(fields: Fields<'_>) -> Result<Option<Algorithm>, Failure> {
    let parameters = match fields.get("algoParams") {
        None => Vec::new(),
        Some(Value::Object(parameters)) => parameters
            .iter()
            .map(|(name, value)| {
                let text = match value {
                    Value::String(text) => text.clone(),
                    // TWS takes flags as 1 and 0.
                    Value::Bool(flag) => u8::from(*flag).to_string(),
                    Value::Number(number) => number.to_string(),
                    _ => {
                        return invalid(format!(
                            "algoParams.{name} must be a text, a number, true or false"
                        ));
                    }
                };
                Ok((name.clone(), text))
            })
            .collect::<Result<_, _>>()?,
        Some(_) => return invalid("algoParams must be an object"),
    };
    match fields.text("algoStrategy")? {
        Some(strategy) => Ok(Some(Algorithm {
            strategy,
            parameters,
        })),
        None if parameters.is_empty() => Ok(None),
        None => invalid("algoParams need an algoStrategy"),
    }
}

const ACTIONS: &[(&str, Action)] = &[
    ("BUY", Action::Buy),
    ("SELL", Action::Sell),
    ("SSHORT", Action::SellShort),
];

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::Decimal;
    use crate::broker::orders::{
        OrderType, Pegged, StopAndLimit, TrailBy, TrailingStop, TrailingStopLimit,
    };

    fn read(json: &str) -> Result<Order, Failure> {
        serde_json::from_str::<OrderArgument>(json)
            .unwrap()
            .request()
            .map(|request| request.order)
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
                "The order was given twice, flat (action) and as the object `order`: give one of them",
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
                "goodTillDate belongs to tif GTD: use that, or leave it out",
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
                "algoParams.a must be a text, a number, true or false",
            ),
            (
                r#"{"action":"BUY","quantity":1,"displaySize":0}"#,
                "displaySize must be greater than 0; got 0",
            ),
        ];
        for (json, expected) in cases {
            let failure = read(json).unwrap_err();
            assert_eq!(failure.message, expected, "{json}");
        }
    }
}
