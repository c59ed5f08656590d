//! A change of an order: what is given, on top of what it is.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::fields::{self, Field, Fields};
use super::super::invalid;
use super::TERMS;
use crate::broker::orders::Order;
use crate::{Failure, json};

/// The fields that can be changed. What an order is for (its side, its account,
/// its parent and its group) stays.
const CHANGEABLE: &[&str] = &[
    "quantity",
    "orderType",
    "limitPrice",
    "auxPrice",
    "trailingPercent",
    "trailStopPrice",
    "limitOffset",
    "tif",
    "goodTillDate",
    "goodAfterTime",
    "outsideRth",
    "transmit",
    "displaySize",
    "allOrNone",
    "hidden",
];

/// The prices, which belong to the type of an order.
const PRICES: &[&str] = &[
    "limitPrice",
    "auxPrice",
    "trailingPercent",
    "trailStopPrice",
    "limitOffset",
];

/// A change of an order among the arguments of a tool.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct OrderChangeArgument(Map<String, Value>);

impl JsonSchema for OrderChangeArgument {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OrderChangeArgument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        fields::schema(TERMS.iter().filter(|field| is_changeable(field)))
    }
}

fn is_changeable(field: &Field) -> bool {
    CHANGEABLE.contains(&field.name())
}

impl OrderChangeArgument {
    /// The order that it makes of `existing`. What is not given stays as it is;
    /// but prices belong to a type, so that with another type they are given
    /// anew.
    ///
    /// # Errors
    /// If nothing is given, or the order cannot be right.
    pub fn apply(&self, existing: &Order) -> Result<Order, Failure> {
        let given: Map<String, Value> = self
            .0
            .iter()
            .filter(|(name, value)| CHANGEABLE.contains(&name.as_str()) && !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if given.is_empty() {
            return invalid(format!(
                "Say what to change: one or more of {}",
                CHANGEABLE.join(", ")
            ));
        }
        let mut fields = json::Order::from(existing.clone()).into_arguments();
        let mut drop = |names: &[&str]| names.iter().for_each(|name| _ = fields.remove(*name));
        let code = json::order_type_code(&existing.order_type);
        if let Some(Value::String(new)) = given.get("orderType")
            && !new.trim().eq_ignore_ascii_case(code)
        {
            drop(PRICES);
        }
        // Either of them says how a trailing stop trails.
        if given.contains_key("auxPrice") {
            drop(&["trailingPercent"]);
        }
        if given.contains_key("trailingPercent") {
            drop(&["auxPrice"]);
        }
        // A date belongs to GTD alone.
        if given.contains_key("tif") {
            drop(&["goodTillDate"]);
        } else if given.contains_key("goodTillDate") {
            drop(&["tif"]);
        }
        fields.extend(given);
        super::order(Fields::new(&fields))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::input::OrderArgument;

    fn order(json: &str) -> Order {
        let argument: OrderArgument = serde_json::from_str(json).unwrap();
        argument.request().unwrap().order
    }

    fn changed(existing: &str, change: &str) -> Result<Order, Failure> {
        let change: OrderChangeArgument = serde_json::from_str(change).unwrap();
        change.apply(&order(existing))
    }

    #[test]
    fn what_is_not_given_stays() {
        let existing = r#"{"action":"SELL","quantity":"12345.678901234567","orderType":"LMT",
            "limitPrice":100.25,"tif":"GTD","goodTillDate":"2026-12-18T15:00:00Z","account":"DU1",
            "outsideRth":true,"goodAfterTime":"2026-12-01T15:00:00Z","parentId":7,"ocaGroup":"g",
            "ocaType":2,"transmit":false,"algoStrategy":"Adaptive",
            "algoParams":{"adaptivePriority":"Normal"},"orderRef":"mine","displaySize":5,
            "allOrNone":true,"hidden":true}"#;
        let mut expected = order(existing);
        // The limit alone changes, and everything else survives the way.
        let new = changed(existing, r#"{"limitPrice":100.5,"orderId":3,"tif":null}"#);
        expected.order_type = crate::broker::orders::OrderType::Limit("100.5".parse().unwrap());
        assert_eq!(new.unwrap(), expected);
    }

    #[test]
    fn every_order_type_survives_a_change_of_its_quantity() {
        for prices in [
            r#""orderType":"MKT""#,
            r#""orderType":"STP","auxPrice":9"#,
            r#""orderType":"STP LMT","auxPrice":9,"limitPrice":8.5"#,
            r#""orderType":"TRAIL","auxPrice":2,"trailStopPrice":95"#,
            r#""orderType":"TRAIL","trailingPercent":1.5"#,
            r#""orderType":"TRAIL LIMIT","auxPrice":2,"trailStopPrice":95,"limitOffset":0.1"#,
            r#""orderType":"MOC""#,
            r#""orderType":"LOC","limitPrice":10"#,
            r#""orderType":"MIT","auxPrice":9"#,
            r#""orderType":"LIT","auxPrice":9,"limitPrice":8.5"#,
            r#""orderType":"REL","auxPrice":0.02,"limitPrice":11"#,
            r#""orderType":"MIDPRICE","limitPrice":11"#,
            r#""orderType":"MIDPRICE""#,
            r#""orderType":"PEG MID","auxPrice":0.02"#,
        ] {
            let existing = format!(r#"{{"action":"BUY","quantity":1,{prices}}}"#);
            let mut expected = order(&existing);
            expected.quantity = "2".parse().unwrap();
            let new = changed(&existing, r#"{"quantity":2}"#);
            assert_eq!(new.unwrap(), expected, "{prices}");
        }
    }

    #[test]
    fn another_type_brings_its_own_prices() {
        let limit = r#"{"action":"BUY","quantity":1,"orderType":"LMT","limitPrice":10}"#;
        let market = order(r#"{"action":"BUY","quantity":1,"orderType":"MKT"}"#);
        assert_eq!(changed(limit, r#"{"orderType":"mkt"}"#).unwrap(), market);
        let failure = changed(limit, r#"{"orderType":"STP LMT","auxPrice":9}"#).unwrap_err();
        assert_eq!(failure.message, "limitPrice is required for STP LMT orders");
        let trail = r#"{"action":"BUY","quantity":1,"orderType":"TRAIL","auxPrice":2}"#;
        let percent = r#"{"action":"BUY","quantity":1,"orderType":"TRAIL","trailingPercent":1}"#;
        let by_percent = changed(trail, r#"{"trailingPercent":1}"#).unwrap();
        assert_eq!(by_percent, order(percent));
        assert_eq!(changed(percent, r#"{"auxPrice":2}"#).unwrap(), order(trail));
    }

    #[test]
    fn a_date_goes_with_its_time_in_force() {
        let day = r#"{"action":"BUY","quantity":1}"#;
        let dated = r#"{"action":"BUY","quantity":1,"tif":"GTD",
            "goodTillDate":"2026-12-18T15:00:00Z"}"#;
        let until = r#"{"goodTillDate":"2026-12-18T15:00:00Z"}"#;
        assert_eq!(changed(day, until).unwrap(), order(dated));
        assert_eq!(changed(dated, r#"{"tif":"DAY"}"#).unwrap(), order(day));
    }

    #[test]
    fn nothing_is_no_change() {
        let failure = changed(r#"{"action":"BUY","quantity":1}"#, r#"{"orderId":1}"#).unwrap_err();
        assert!(
            failure.message.starts_with("Say what to change:"),
            "{}",
            failure.message
        );
    }
}
