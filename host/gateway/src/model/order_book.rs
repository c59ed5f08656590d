//! Executions and what they cost.

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::Contract;

/// Which side was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Bought (`BOT`).
    Bought,
    /// Sold (`SLD`).
    Sold,
}

/// What an execution cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commission {
    /// The commission.
    pub amount: Decimal,
    /// ISO 4217 code of its currency.
    pub currency: String,
    /// Profit realized by this execution, in the same currency.
    pub realized_pnl: Option<Decimal>,
}

/// One fill, or one part of a fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// TWS's id of the execution. A correction differs behind the last dot.
    pub exec_id: String,
    /// The order that was filled.
    pub order_id: i32,
    /// TWS's permanent id of that order.
    pub perm_id: Option<i64>,
    /// The API client id that placed the order.
    pub client_id: i32,
    /// The account.
    pub account: String,
    /// What was traded.
    pub contract: Contract,
    /// Bought or sold.
    pub side: Side,
    /// How much.
    pub quantity: Decimal,
    /// At which price, in the contract's currency, without commission.
    pub price: Decimal,
    /// When.
    pub time: OffsetDateTime,
    /// Where.
    pub exchange: String,
    /// How much of the order is filled after it.
    pub cumulative_quantity: Decimal,
    /// Average price of the order after it.
    pub average_price: Option<Decimal>,
    /// The order's `reference`.
    pub reference: Option<String>,
    /// What it cost; absent until TWS has reported it, and for a combo, where
    /// TWS reports it of each leg.
    pub commission: Option<Commission>,
}

/// Which executions to list. What is absent does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecutionFilter {
    /// Only of this account.
    pub account: Option<String>,
    /// Only of this symbol.
    pub symbol: Option<String>,
    /// Only of this side.
    pub side: Option<Side>,
    /// Only after this moment. TWS keeps those since midnight.
    pub after: Option<OffsetDateTime>,
}
