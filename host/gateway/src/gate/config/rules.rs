//! The limits: `[gate.rules]`.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::Blackout;
use super::faults::Faults;
use super::lists::{Allowance, ORDER_TYPES, SECURITY_TYPES};

/// Which hours of an instrument's exchange count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Hours {
    /// Regular trading hours.
    Regular,
    /// All trading hours.
    Extended,
}

/// The limits of every order. A value at the limit passes, one above it is
/// refused. What is left out is not limited. What a rule needs to know and
/// cannot, for example because there is no fresh quote, makes it refuse.
///
/// Of a bracket the entry counts, not its exits: they must be on the other side
/// and no larger than it. Of one-cancels-all orders the largest counts. A combo
/// counts by its legs. A change counts as the order that it leads to, and passes
/// a limit of size that the order exceeded before if it does not add to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// The largest quantity of one order, in shares or contracts; for forex in
    /// units of the pair's first currency; of each leg for a combo.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "amount")]
    pub max_quantity: Option<Decimal>,
    /// The same for one security type, by TWS's code, instead of max_quantity.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "amounts")]
    pub max_quantity_of: BTreeMap<String, Decimal>,
    /// The largest value of one order in base_currency: quantity × price ×
    /// multiplier × exchange rate. The price is the worst that the order can
    /// mean: of a buy its limit, of all others the highest of bid, ask, last
    /// price and the order's own prices, by a fresh quote. An option counts by
    /// its premium, but by its strike where that is higher and the order sells
    /// what is not held. The legs of a combo add up, whichever way they go.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "amount")]
    pub max_notional: Option<Decimal>,
    /// The largest value of one order (as for max_notional), in per cent of the
    /// account's net liquidation value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "amount")]
    pub max_percent_of_net_liquidation: Option<Decimal>,
    /// The largest position in one instrument, long or short, in shares or
    /// contracts, after the order and all open orders of the same side have
    /// filled; those of the other side do not count. Orders that make a position
    /// smaller pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "amount")]
    pub max_position: Option<Decimal>,
    /// The same for one security type, by TWS's code, instead of max_position.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "amounts")]
    pub max_position_of: BTreeMap<String, Decimal>,
    /// The largest value of such a position in base_currency, at the price of
    /// max_notional.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "amount")]
    pub max_position_notional: Option<Decimal>,
    /// The symbols that may be traded: of the underlying for derivatives, of
    /// each leg for combos.
    #[serde(skip_serializing_if = "unset")]
    pub symbols: Allowance,
    /// The security types that may be traded, by TWS's codes. A combo needs
    /// those of its legs; to deny all combos, deny BAG.
    #[serde(skip_serializing_if = "unset")]
    pub security_types: Allowance,
    /// The currencies that may be traded in, by ISO 4217 codes; for forex the
    /// currency that is paid.
    #[serde(skip_serializing_if = "unset")]
    pub currencies: Allowance,
    /// The exchanges that orders and the legs of combos may be routed to, for
    /// example SMART. A denied one may not be the primary listing either.
    #[serde(skip_serializing_if = "unset")]
    pub exchanges: Allowance,
    /// The order types that may be used, by TWS's codes, for example LMT.
    #[serde(skip_serializing_if = "unset")]
    pub order_types: Allowance,
    /// How far any price of an order (limit, stop, the distance of a trailing
    /// stop) may be from the last price, either way, in per cent of it. Where
    /// nothing was traded, the middle of bid and ask stands in for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "amount")]
    pub price_collar_percent: Option<Decimal>,
    /// How many orders and changes may be sent within any 60 seconds. Every
    /// order of a bracket is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub orders_per_minute: Option<u32>,
    /// How many orders and changes may be sent in one day of time_zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub orders_per_day: Option<u32>,
    /// How many orders may be open or staged at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_open_orders: Option<u32>,
    /// The largest loss of the account today in base_currency, realized or not.
    /// A larger one halts trading until an operator resumes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "amount")]
    pub max_daily_loss: Option<Decimal>,
    /// How far the account's profit and loss of today may fall from the highest
    /// it was today, in base_currency. A deeper fall halts trading until an
    /// operator resumes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "amount")]
    pub max_drawdown: Option<Decimal>,
    /// When orders may be sent: in the `regular` or in all (`extended`) trading
    /// hours of the instrument. With regular, orders that may fill outside of
    /// them are refused too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// Times of the day without new orders, for example around the restart of
    /// TWS.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blackout: Vec<Blackout>,
    /// For how many seconds after an order another that is alike in everything
    /// but its reference and the name of its OCA group is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub duplicate_seconds: Option<u32>,
    /// After how many orders refused by TWS in a row there is a pause. After it
    /// one more refusal starts the next pause, one success ends the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_rejections: Option<u32>,
    /// How long that pause is, in seconds. Default: 300.
    #[schemars(range(min = 1, max = 604_800))]
    pub rejection_pause_seconds: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            max_quantity: None,
            max_quantity_of: BTreeMap::new(),
            max_notional: None,
            max_percent_of_net_liquidation: None,
            max_position: None,
            max_position_of: BTreeMap::new(),
            max_position_notional: None,
            symbols: Allowance::default(),
            security_types: Allowance::default(),
            currencies: Allowance::default(),
            exchanges: Allowance::default(),
            order_types: Allowance::default(),
            price_collar_percent: None,
            orders_per_minute: None,
            orders_per_day: None,
            max_open_orders: None,
            max_daily_loss: None,
            max_drawdown: None,
            hours: None,
            blackout: Vec::new(),
            duplicate_seconds: None,
            max_rejections: None,
            rejection_pause_seconds: 300,
        }
    }
}

impl Rules {
    /// Whether an order has to be valued in money.
    pub(crate) fn values_orders(&self) -> bool {
        self.max_notional.is_some() || self.max_percent_of_net_liquidation.is_some()
    }

    /// Whether positions are limited.
    pub(crate) fn limits_positions(&self) -> bool {
        self.max_position.is_some()
            || !self.max_position_of.is_empty()
            || self.max_position_notional.is_some()
    }

    pub(super) fn check(&self, key: &str, faults: &mut Faults) {
        for (name, found) in [
            ("max_quantity", self.max_quantity),
            ("max_notional", self.max_notional),
            (
                "max_percent_of_net_liquidation",
                self.max_percent_of_net_liquidation,
            ),
            ("max_position", self.max_position),
            ("max_position_notional", self.max_position_notional),
            ("price_collar_percent", self.price_collar_percent),
            ("max_daily_loss", self.max_daily_loss),
            ("max_drawdown", self.max_drawdown),
        ] {
            above_zero(&format!("{key}.{name}"), found, faults);
        }
        for (name, found) in [
            ("max_quantity_of", &self.max_quantity_of),
            ("max_position_of", &self.max_position_of),
        ] {
            for (code, found) in found {
                let key = format!("{key}.{name}.{code}");
                above_zero(&key, Some(*found), faults);
                let known = SECURITY_TYPES.contains(&code.as_str()) && code != "BAG";
                faults.unless(
                    known,
                    &key,
                    "for no security type",
                    "for one that a position can be in, for example STK, OPT or FUT",
                );
            }
        }
        for (name, list, known) in [
            ("symbols", &self.symbols, None),
            ("security_types", &self.security_types, Some(SECURITY_TYPES)),
            ("currencies", &self.currencies, None),
            ("exchanges", &self.exchanges, None),
            ("order_types", &self.order_types, Some(ORDER_TYPES)),
        ] {
            list.check(&format!("{key}.{name}"), known, faults);
        }
        for (name, found, most) in [
            ("orders_per_minute", self.orders_per_minute, u32::MAX),
            ("orders_per_day", self.orders_per_day, u32::MAX),
            ("max_open_orders", self.max_open_orders, u32::MAX),
            ("duplicate_seconds", self.duplicate_seconds, 86_400),
            ("max_rejections", self.max_rejections, u32::MAX),
            (
                "rejection_pause_seconds",
                Some(self.rejection_pause_seconds),
                604_800,
            ),
        ] {
            if let Some(found) = found {
                faults.unless(
                    (1..=most).contains(&found),
                    &format!("{key}.{name}"),
                    &found.to_string(),
                    format!("a whole number from 1 to {most}"),
                );
            }
        }
        for (number, window) in self.blackout.iter().enumerate() {
            window.check(&format!("{key}.blackout[{number}]"), faults);
        }
    }
}

fn above_zero(key: &str, found: Option<Decimal>, faults: &mut Faults) {
    if let Some(found) = found {
        faults.unless(
            found > Decimal::ZERO,
            key,
            &found.to_string(),
            "a number above 0",
        );
    }
}

fn unset(list: &Allowance) -> bool {
    !list.is_set()
}

fn amount(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["number", "string", "null"], "exclusiveMinimum": 0 })
}

fn amounts(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": { "type": ["number", "string"], "exclusiveMinimum": 0 },
    })
}
