//! Orders and where they stand.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Contract, is_false};
use crate::Decimal;
use crate::broker::orders as wit;
use crate::broker::trading::OrderImpact as WitOrderImpact;
use crate::broker::types::Action;
use crate::time::Timestamp;

/// TWS's code of an action.
#[must_use]
pub fn action_code(action: Action) -> &'static str {
    match action {
        Action::Buy => "BUY",
        Action::Sell => "SELL",
        Action::SellShort => "SSHORT",
    }
}

/// TWS's code of an order status. `Staged` is ours: TWS has none for an order
/// that waits to be transmitted.
fn status_code(status: wit::OrderStatus) -> String {
    match status {
        wit::OrderStatus::ApiPending => "ApiPending",
        wit::OrderStatus::PendingSubmit => "PendingSubmit",
        wit::OrderStatus::PendingCancel => "PendingCancel",
        wit::OrderStatus::PreSubmitted => "PreSubmitted",
        wit::OrderStatus::Submitted => "Submitted",
        wit::OrderStatus::ApiCancelled => "ApiCancelled",
        wit::OrderStatus::Cancelled => "Cancelled",
        wit::OrderStatus::Filled => "Filled",
        wit::OrderStatus::Inactive => "Inactive",
        wit::OrderStatus::Staged => "Staged",
        wit::OrderStatus::Other(code) => return code,
    }
    .to_owned()
}

/// An order (TWS `Order`). Prices are in the contract's currency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    action: &'static str,
    total_quantity: Decimal,
    order_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aux_price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trailing_percent: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trail_stop_price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_offset: Option<Decimal>,
    tif: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    good_till_date: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    good_after_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    outside_rth: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oca_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oca_type: Option<u8>,
    transmit: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    algo_strategy: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(skip)]
    algo_params: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_size: Option<Decimal>,
    #[serde(skip_serializing_if = "is_false")]
    all_or_none: bool,
    #[serde(skip_serializing_if = "is_false")]
    hidden: bool,
}

impl From<wit::Order> for Order {
    fn from(order: wit::Order) -> Self {
        let (algo_strategy, algo_params) = match order.algorithm {
            Some(algorithm) => (
                Some(algorithm.strategy),
                algorithm.parameters.into_iter().collect(),
            ),
            None => (None, BTreeMap::new()),
        };
        let (oca_group, oca_type) = match order.oca {
            Some(oca) => (
                Some(oca.group),
                Some(match oca.oca_type {
                    wit::OcaType::CancelWithBlock => 1,
                    wit::OcaType::ReduceWithBlock => 2,
                    wit::OcaType::ReduceNonBlock => 3,
                }),
            ),
            None => (None, None),
        };
        let mut good_till_date = None;
        let tif = match order.time_in_force {
            wit::TimeInForce::Day => "DAY".to_owned(),
            wit::TimeInForce::GoodTillCancelled => "GTC".to_owned(),
            wit::TimeInForce::GoodTillDate(date) => {
                good_till_date = Some(Timestamp(date));
                "GTD".to_owned()
            }
            wit::TimeInForce::ImmediateOrCancel => "IOC".to_owned(),
            wit::TimeInForce::FillOrKill => "FOK".to_owned(),
            wit::TimeInForce::AtTheOpening => "OPG".to_owned(),
            wit::TimeInForce::Other(code) => code,
        };
        Self {
            action: action_code(order.action),
            total_quantity: order.quantity,
            tif,
            good_till_date,
            good_after_time: order.good_after.map(Timestamp),
            account: order.account,
            outside_rth: order.outside_regular_hours,
            parent_id: order.parent_id,
            oca_group,
            oca_type,
            transmit: order.transmit,
            algo_strategy,
            algo_params,
            order_ref: order.reference,
            display_size: order.display_quantity,
            all_or_none: order.all_or_none,
            hidden: order.hidden,
            ..Self::of_type(&order.order_type)
        }
    }
}

impl Order {
    /// The order as the arguments that ask for it, its decimals as texts, which
    /// are exact.
    pub(crate) fn into_arguments(self) -> Map<String, Value> {
        let decimal = |decimal: Decimal| Value::from(decimal.to_string());
        let time = |time: Timestamp| serde_json::to_value(time).unwrap_or_default();
        let fields = [
            ("action", Some(self.action.into())),
            ("quantity", Some(decimal(self.total_quantity))),
            ("orderType", Some(self.order_type.into())),
            ("limitPrice", self.limit_price.map(decimal)),
            ("auxPrice", self.aux_price.map(decimal)),
            ("trailingPercent", self.trailing_percent.map(decimal)),
            ("trailStopPrice", self.trail_stop_price.map(decimal)),
            ("limitOffset", self.limit_offset.map(decimal)),
            ("tif", Some(self.tif.into())),
            ("goodTillDate", self.good_till_date.map(time)),
            ("goodAfterTime", self.good_after_time.map(time)),
            ("account", self.account.map(Value::from)),
            ("outsideRth", Some(self.outside_rth.into())),
            ("parentId", self.parent_id.map(Value::from)),
            ("ocaGroup", self.oca_group.map(Value::from)),
            ("ocaType", self.oca_type.map(Value::from)),
            ("transmit", Some(self.transmit.into())),
            ("algoStrategy", self.algo_strategy.map(Value::from)),
            ("algoParams", Some(Value::from_iter(self.algo_params))),
            ("orderRef", self.order_ref.map(Value::from)),
            ("displaySize", self.display_size.map(decimal)),
            ("allOrNone", Some(self.all_or_none.into())),
            ("hidden", Some(self.hidden.into())),
        ];
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }
}

/// TWS's code of an order type.
#[must_use]
pub fn order_type_code(order_type: &wit::OrderType) -> &str {
    match order_type {
        wit::OrderType::Market => "MKT",
        wit::OrderType::Limit(_) => "LMT",
        wit::OrderType::Stop(_) => "STP",
        wit::OrderType::StopLimit(_) => "STP LMT",
        wit::OrderType::TrailingStop(_) => "TRAIL",
        wit::OrderType::TrailingStopLimit(_) => "TRAIL LIMIT",
        wit::OrderType::MarketOnClose => "MOC",
        wit::OrderType::LimitOnClose(_) => "LOC",
        wit::OrderType::MarketIfTouched(_) => "MIT",
        wit::OrderType::LimitIfTouched(_) => "LIT",
        wit::OrderType::Relative(_) => "REL",
        wit::OrderType::Midprice(_) => "MIDPRICE",
        wit::OrderType::PeggedToMidpoint(_) => "PEG MID",
        wit::OrderType::Other(other) => &other.code,
    }
}

impl Order {
    /// Of an order only its type, with the prices that belong to it.
    fn of_type(order_type: &wit::OrderType) -> Self {
        let mut order = Self {
            order_type: order_type_code(order_type).to_owned(),
            ..Self::default()
        };
        match *order_type {
            wit::OrderType::Market | wit::OrderType::MarketOnClose => {}
            wit::OrderType::Limit(limit) | wit::OrderType::LimitOnClose(limit) => {
                order.limit_price = Some(limit);
            }
            wit::OrderType::Midprice(limit) => order.limit_price = limit,
            wit::OrderType::Stop(price) | wit::OrderType::MarketIfTouched(price) => {
                order.aux_price = Some(price);
            }
            wit::OrderType::StopLimit(both) | wit::OrderType::LimitIfTouched(both) => {
                order.limit_price = Some(both.limit);
                order.aux_price = Some(both.stop);
            }
            wit::OrderType::Relative(pegged) | wit::OrderType::PeggedToMidpoint(pegged) => {
                order.limit_price = pegged.limit;
                order.aux_price = pegged.offset;
            }
            wit::OrderType::TrailingStop(trail) => {
                order.trail_by(trail.trail_by);
                order.trail_stop_price = trail.initial_stop;
            }
            wit::OrderType::TrailingStopLimit(trail) => {
                order.trail_by(trail.trail_by);
                order.trail_stop_price = trail.initial_stop;
                order.limit_offset = Some(trail.limit_offset);
            }
            wit::OrderType::Other(ref other) => {
                order.limit_price = other.limit;
                order.aux_price = other.auxiliary;
            }
        }
        order
    }

    fn trail_by(&mut self, trail_by: wit::TrailBy) {
        match trail_by {
            wit::TrailBy::Amount(amount) => self.aux_price = Some(amount),
            wit::TrailBy::Percent(percent) => self.trailing_percent = Some(percent),
        }
    }
}

/// Where an order stands (TWS `orderStatus`).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderState {
    order_id: i32,
    status: String,
    filled: Decimal,
    remaining: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_fill_price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_fill_price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    perm_id: Option<i64>,
    client_id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_held: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl OrderState {
    /// The order's id.
    #[must_use]
    pub fn order_id(&self) -> i32 {
        self.order_id
    }

    /// TWS's code of what it is doing, or `Staged`.
    #[must_use]
    pub fn status(&self) -> &str {
        &self.status
    }
}

impl From<wit::OrderState> for OrderState {
    fn from(state: wit::OrderState) -> Self {
        Self {
            order_id: state.order_id,
            status: status_code(state.status),
            filled: state.filled,
            remaining: state.remaining,
            avg_fill_price: state.average_fill_price,
            last_fill_price: state.last_fill_price,
            perm_id: state.perm_id,
            client_id: state.client_id,
            why_held: state.why_held,
            warnings: state.warnings,
        }
    }
}

/// An order with its contract and where it stands (TWS `openOrder`).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct OpenOrder {
    #[serde(flatten)]
    state: OrderState,
    contract: Contract,
    #[serde(flatten)]
    order: Order,
}

impl From<wit::PlacedOrder> for OpenOrder {
    fn from(placed: wit::PlacedOrder) -> Self {
        Self {
            state: placed.state.into(),
            contract: placed.contract.into(),
            order: placed.order.into(),
        }
    }
}

/// What an order would do to the account (TWS `OrderState` of a what-if).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderImpact {
    #[serde(skip_serializing_if = "Option::is_none")]
    margin_currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    init_margin_before: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    init_margin_after: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maint_margin_before: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maint_margin_after: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    equity_with_loan_before: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    equity_with_loan_after: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commission: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_commission: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_commission: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commission_currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning_text: Option<String>,
}

impl From<WitOrderImpact> for OrderImpact {
    fn from(impact: WitOrderImpact) -> Self {
        Self {
            margin_currency: impact.margin_currency,
            init_margin_before: impact.initial_margin_before,
            init_margin_after: impact.initial_margin_after,
            maint_margin_before: impact.maintenance_margin_before,
            maint_margin_after: impact.maintenance_margin_after,
            equity_with_loan_before: impact.equity_before,
            equity_with_loan_after: impact.equity_after,
            commission: impact.commission,
            min_commission: impact.min_commission,
            max_commission: impact.max_commission,
            commission_currency: impact.commission_currency,
            warning_text: impact.warning,
        }
    }
}
