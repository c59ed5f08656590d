//! An order as the journal writes it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{action, action_code};
use crate::convert::order::order_type_code;
use crate::journal::exact;
use crate::model::{
    Algorithm, Oca, OcaType, Order, OrderType, OtherOrderType, Pegged, StopAndLimit, TimeInForce,
    TrailBy, TrailingStop, TrailingStopLimit,
};

/// An order ([`Order`]) as the journal writes it. Prices are in the contract's
/// currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRecord {
    /// `BUY`, `SELL` or `SSHORT`.
    pub action: String,
    /// How much, in shares or contracts.
    #[serde(with = "exact::decimal")]
    pub total_quantity: Decimal,
    /// TWS's code, for example `LMT`.
    pub order_type: String,
    /// The limit.
    #[serde(
        default,
        with = "exact::maybe_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub limit_price: Option<Decimal>,
    /// The stop, the trigger, the trailing amount or the offset, as the order
    /// type has it.
    #[serde(
        default,
        with = "exact::maybe_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub aux_price: Option<Decimal>,
    /// By how many per cent a stop trails.
    #[serde(
        default,
        with = "exact::maybe_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub trailing_percent: Option<Decimal>,
    /// Where a trailing stop starts.
    #[serde(
        default,
        with = "exact::maybe_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub trail_stop_price: Option<Decimal>,
    /// How far the limit stays from a trailing stop.
    #[serde(
        default,
        with = "exact::maybe_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub limit_offset: Option<Decimal>,
    /// TWS's code of the time in force, for example `DAY`.
    pub tif: String,
    /// The end of a `GTD` order.
    #[serde(
        default,
        with = "exact::maybe_moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub good_till_date: Option<OffsetDateTime>,
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Whether it may fill outside regular hours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outside_rth: bool,
    /// The moment before which it does not work.
    #[serde(
        default,
        with = "exact::maybe_moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub good_after_time: Option<OffsetDateTime>,
    /// The order id of its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<i32>,
    /// One-cancels-all group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oca_group: Option<String>,
    /// TWS's number of what a fill does to the group: 1, 2 or 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oca_type: Option<u8>,
    /// False holds it in TWS.
    pub transmit: bool,
    /// TWS's name of the algorithm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algo_strategy: Option<String>,
    /// Its parameters, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub algo_params: Vec<(String, String)>,
    /// The text that travels with the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_ref: Option<String>,
    /// How much of it is shown.
    #[serde(
        default,
        with = "exact::maybe_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub display_size: Option<Decimal>,
    /// Fill in full or not at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all_or_none: bool,
    /// Not shown in the book.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

impl From<&Order> for OrderRecord {
    fn from(order: &Order) -> Self {
        let (tif, good_till_date) = match &order.time_in_force {
            TimeInForce::Day => ("DAY", None),
            TimeInForce::GoodTillCancelled => ("GTC", None),
            TimeInForce::GoodTillDate(end) => ("GTD", Some(*end)),
            TimeInForce::ImmediateOrCancel => ("IOC", None),
            TimeInForce::FillOrKill => ("FOK", None),
            TimeInForce::AtTheOpening => ("OPG", None),
            TimeInForce::Other(code) => (code.as_str(), None),
        };
        let mut record = Self {
            action: action_code(order.action).to_owned(),
            total_quantity: order.quantity,
            order_type: order_type_code(&order.order_type).to_owned(),
            limit_price: None,
            aux_price: None,
            trailing_percent: None,
            trail_stop_price: None,
            limit_offset: None,
            tif: tif.to_owned(),
            good_till_date,
            account: order.account.clone(),
            outside_rth: order.outside_regular_hours,
            good_after_time: order.good_after,
            parent_id: order.parent_id,
            oca_group: order.oca.as_ref().map(|oca| oca.group.clone()),
            oca_type: order.oca.as_ref().map(|oca| match oca.oca_type {
                OcaType::CancelWithBlock => 1,
                OcaType::ReduceWithBlock => 2,
                OcaType::ReduceNonBlock => 3,
            }),
            transmit: order.transmit,
            algo_strategy: order.algorithm.as_ref().map(|it| it.strategy.clone()),
            algo_params: order
                .algorithm
                .as_ref()
                .map(|it| it.parameters.clone())
                .unwrap_or_default(),
            order_ref: order.reference.clone(),
            display_size: order.display_quantity,
            all_or_none: order.all_or_none,
            hidden: order.hidden,
        };
        record.set_prices(&order.order_type);
        record
    }
}

impl OrderRecord {
    fn set_prices(&mut self, order_type: &OrderType) {
        match order_type {
            OrderType::Market | OrderType::MarketOnClose => {}
            OrderType::Limit(limit) | OrderType::LimitOnClose(limit) => {
                self.limit_price = Some(*limit);
            }
            OrderType::Stop(stop) | OrderType::MarketIfTouched(stop) => {
                self.aux_price = Some(*stop);
            }
            OrderType::StopLimit(prices) | OrderType::LimitIfTouched(prices) => {
                self.aux_price = Some(prices.stop);
                self.limit_price = Some(prices.limit);
            }
            OrderType::TrailingStop(trailing) => {
                self.set_trail(trailing.trail_by, trailing.initial_stop);
            }
            OrderType::TrailingStopLimit(trailing) => {
                self.set_trail(trailing.trail_by, trailing.initial_stop);
                self.limit_offset = Some(trailing.limit_offset);
            }
            OrderType::Relative(pegged) | OrderType::PeggedToMidpoint(pegged) => {
                self.aux_price = pegged.offset;
                self.limit_price = pegged.limit;
            }
            OrderType::Midprice(limit) => self.limit_price = *limit,
            OrderType::Other(other) => {
                self.limit_price = other.limit;
                self.aux_price = other.auxiliary;
            }
        }
    }

    fn set_trail(&mut self, trail_by: TrailBy, initial_stop: Option<Decimal>) {
        match trail_by {
            TrailBy::Amount(amount) => self.aux_price = Some(amount),
            TrailBy::Percent(percent) => self.trailing_percent = Some(percent),
        }
        self.trail_stop_price = initial_stop;
    }

    /// The order. `None` if it lacks what its type needs, or has a code that
    /// is not one of TWS's.
    #[must_use]
    pub fn to_order(&self) -> Option<Order> {
        let time_in_force = match (self.tif.as_str(), self.good_till_date) {
            ("DAY", _) => TimeInForce::Day,
            ("GTC", _) => TimeInForce::GoodTillCancelled,
            ("GTD", end) => TimeInForce::GoodTillDate(end?),
            ("IOC", _) => TimeInForce::ImmediateOrCancel,
            ("FOK", _) => TimeInForce::FillOrKill,
            ("OPG", _) => TimeInForce::AtTheOpening,
            (code, _) => TimeInForce::Other(code.to_owned()),
        };
        let oca = match (&self.oca_group, self.oca_type) {
            (None, _) => None,
            (Some(group), number) => Some(Oca {
                group: group.clone(),
                oca_type: match number? {
                    1 => OcaType::CancelWithBlock,
                    2 => OcaType::ReduceWithBlock,
                    3 => OcaType::ReduceNonBlock,
                    _ => return None,
                },
            }),
        };
        Some(Order {
            action: action(&self.action)?,
            quantity: self.total_quantity,
            order_type: self.to_order_type()?,
            time_in_force,
            account: self.account.clone(),
            outside_regular_hours: self.outside_rth,
            good_after: self.good_after_time,
            parent_id: self.parent_id,
            oca,
            transmit: self.transmit,
            algorithm: self.algo_strategy.as_ref().map(|strategy| Algorithm {
                strategy: strategy.clone(),
                parameters: self.algo_params.clone(),
            }),
            reference: self.order_ref.clone(),
            display_quantity: self.display_size,
            all_or_none: self.all_or_none,
            hidden: self.hidden,
        })
    }

    fn to_order_type(&self) -> Option<OrderType> {
        let pegged = Pegged {
            offset: self.aux_price,
            limit: self.limit_price,
        };
        let stop_and_limit = || {
            Some(StopAndLimit {
                stop: self.aux_price?,
                limit: self.limit_price?,
            })
        };
        let trail_by = || match self.trailing_percent {
            Some(percent) => Some(TrailBy::Percent(percent)),
            None => self.aux_price.map(TrailBy::Amount),
        };
        Some(match self.order_type.as_str() {
            "MKT" => OrderType::Market,
            "LMT" => OrderType::Limit(self.limit_price?),
            "STP" => OrderType::Stop(self.aux_price?),
            "STP LMT" => OrderType::StopLimit(stop_and_limit()?),
            "TRAIL" => OrderType::TrailingStop(TrailingStop {
                trail_by: trail_by()?,
                initial_stop: self.trail_stop_price,
            }),
            "TRAIL LIMIT" => OrderType::TrailingStopLimit(TrailingStopLimit {
                trail_by: trail_by()?,
                initial_stop: self.trail_stop_price,
                limit_offset: self.limit_offset?,
            }),
            "MOC" => OrderType::MarketOnClose,
            "LOC" => OrderType::LimitOnClose(self.limit_price?),
            "MIT" => OrderType::MarketIfTouched(self.aux_price?),
            "LIT" => OrderType::LimitIfTouched(stop_and_limit()?),
            "REL" => OrderType::Relative(pegged),
            "MIDPRICE" => OrderType::Midprice(self.limit_price),
            "PEG MID" => OrderType::PeggedToMidpoint(pegged),
            code => OrderType::Other(OtherOrderType {
                code: code.to_owned(),
                limit: self.limit_price,
                auxiliary: self.aux_price,
            }),
        })
    }

    /// The order in a few words: `BUY 10 LMT 101.50 DAY`. The instrument is
    /// said elsewhere.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = format!(
            "{} {} {}",
            self.action, self.total_quantity, self.order_type
        );
        let mut say = |before: &str, value: Option<Decimal>, behind: &str| {
            if let Some(value) = value {
                words.push_str(&format!(" {before}{value}{behind}"));
            }
        };
        say("", self.limit_price, "");
        say("aux ", self.aux_price, "");
        say("trailing ", self.trailing_percent, "%");
        say("from ", self.trail_stop_price, "");
        say("offset ", self.limit_offset, "");
        format!("{words} {}", self.tif)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
