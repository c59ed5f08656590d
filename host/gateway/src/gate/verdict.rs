//! What the gate says.

use rust_decimal::Decimal;
use serde::Serialize;

/// A rule, by its key in `[gate.rules]` where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The connection stands and may write.
    Connection,
    /// `[gate] mode`.
    Mode,
    /// `[gate] accounts`, and that the account is one of the connection.
    Accounts,
    /// No halt.
    Halt,
    /// There is an order, and it is one of something.
    Order,
    /// `max_rejections`.
    MaxRejections,
    /// `blackout`.
    Blackout,
    /// `hours`.
    Hours,
    /// `symbols`.
    Symbols,
    /// `security_types`.
    SecurityTypes,
    /// `currencies`.
    Currencies,
    /// `exchanges`.
    Exchanges,
    /// `order_types`.
    OrderTypes,
    /// What closes a position does no more than that.
    Exits,
    /// `max_quantity` and `max_quantity_of`.
    MaxQuantity,
    /// `max_open_orders`.
    MaxOpenOrders,
    /// `orders_per_minute`.
    OrdersPerMinute,
    /// `orders_per_day`.
    OrdersPerDay,
    /// `duplicate_seconds`.
    DuplicateSeconds,
    /// `price_collar_percent`.
    PriceCollarPercent,
    /// `max_notional`.
    MaxNotional,
    /// `max_percent_of_net_liquidation`.
    MaxPercentOfNetLiquidation,
    /// `max_position` and `max_position_of`.
    MaxPosition,
    /// `max_position_notional`.
    MaxPositionNotional,
    /// `max_daily_loss`.
    MaxDailyLoss,
    /// `max_drawdown`.
    MaxDrawdown,
}

/// What became of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The order keeps it.
    Passed,
    /// The order breaks it, or whether it does cannot be known.
    Refused,
    /// It does not concern the order.
    NotApplicable,
}

/// One rule, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// The rule.
    pub rule: Rule,
    /// What became of it.
    pub outcome: Outcome,
    /// The limit, with its unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// What it was held against, with its unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// All of it in a sentence.
    pub sentence: String,
}

impl Check {
    pub(super) fn new(rule: Rule, outcome: Outcome, sentence: impl Into<String>) -> Self {
        Self {
            rule,
            outcome,
            limit: None,
            value: None,
            sentence: sentence.into(),
        }
    }

    pub(super) fn passed(rule: Rule, sentence: impl Into<String>) -> Self {
        Self::new(rule, Outcome::Passed, sentence)
    }

    pub(super) fn refused(rule: Rule, sentence: impl Into<String>) -> Self {
        Self::new(rule, Outcome::Refused, sentence)
    }

    pub(super) fn not_applicable(rule: Rule, sentence: impl Into<String>) -> Self {
        Self::new(rule, Outcome::NotApplicable, sentence)
    }

    /// With the limit, and what it was held against.
    pub(super) fn with(mut self, limit: impl ToString, value: impl ToString) -> Self {
        self.limit = Some(limit.to_string());
        self.value = Some(value.to_string());
        self
    }
}

/// What the gate says of a proposal. It serialises as `ibkr_preview_order` and
/// the journal show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Whether the rules allow it. A token and a confirmation may be demanded
    /// beside: see [`Demands`](super::Demands).
    pub allowed: bool,
    /// Every rule that is set, in the order in which they are looked at.
    pub checks: Vec<Check>,
    /// Why not, for the caller: the sentence of the first rule that refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentence: Option<String>,
    /// What the order is worth in the gate's base currency, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notional: Option<Decimal>,
    /// The gate's base currency.
    pub base_currency: String,
    /// Set where a loss calls for a halt: set it, with this as its reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halt: Option<String>,
}

impl Verdict {
    /// The check of a rule, if it is set.
    pub fn check(&self, rule: Rule) -> Option<&Check> {
        self.checks.iter().find(|check| check.rule == rule)
    }
}
