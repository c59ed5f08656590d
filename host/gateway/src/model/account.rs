//! What the accounts hold and what they are worth.

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::{Contract, Gap};

/// A number or a word of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number: an amount of the record's currency, a ratio or a count.
    Number(Decimal),
    /// Anything else.
    Text(String),
}

/// One value of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountValue {
    /// The account.
    pub account: String,
    /// TWS's name, for example `NetLiquidation`.
    pub tag: String,
    /// The value.
    pub value: Value,
    /// ISO 4217 code, or `BASE` for the account's own currency; absent for
    /// what is not money.
    pub currency: Option<String>,
}

/// One position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The account that holds it.
    pub account: String,
    /// What is held.
    pub contract: Contract,
    /// How much, in shares or contracts; negative when short.
    pub quantity: Decimal,
    /// Average cost of one, in the contract's currency, with commissions and
    /// multiplied by the contract's multiplier.
    pub average_cost: Option<Decimal>,
}

/// One position with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortfolioItem {
    /// The position.
    pub position: Position,
    /// Price of one, in the contract's currency.
    pub market_price: Option<Decimal>,
    /// Value of all, in the contract's currency.
    pub market_value: Option<Decimal>,
    /// Profit not yet realized, in the contract's currency.
    pub unrealized_pnl: Option<Decimal>,
    /// Profit realized today, in the contract's currency.
    pub realized_pnl: Option<Decimal>,
}

/// Profit and loss of an account, in its base currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountPnl {
    /// Since the last daily reset.
    pub daily: Option<Decimal>,
    /// On what is held, since it was bought.
    pub unrealized: Option<Decimal>,
    /// On what was closed since the last daily reset.
    pub realized: Option<Decimal>,
    /// When this held for certain: when the host received it, or a later sign
    /// of life of TWS.
    pub as_of: OffsetDateTime,
    /// Whether changes may be missing at the moment, because the connection,
    /// TWS's link to IBKR or a data farm is broken.
    pub stale: bool,
}

/// Profit and loss of one position, in the account's base currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionPnl {
    /// How much is held, in shares or contracts.
    pub quantity: Decimal,
    /// Since the last daily reset.
    pub daily: Option<Decimal>,
    /// On what is held, since it was bought.
    pub unrealized: Option<Decimal>,
    /// On what was closed since the last daily reset.
    pub realized: Option<Decimal>,
    /// Market value of the position.
    pub value: Option<Decimal>,
    /// When this held for certain: when the host received it, or a later sign
    /// of life of TWS.
    pub as_of: OffsetDateTime,
    /// Whether changes may be missing at the moment, because the connection,
    /// TWS's link to IBKR or a data farm is broken.
    pub stale: bool,
}

/// What has changed since the last `next`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountBatch {
    /// Values that changed.
    pub values: Vec<AccountValue>,
    /// Positions that changed, with their values.
    pub portfolio: Vec<PortfolioItem>,
    /// Whether everything was sent once by now: from then on the stream
    /// carries changes.
    pub complete: bool,
    /// How many changes were dropped because the reader was slow.
    pub lost: u32,
    /// When the host received the latest of all values so far.
    pub updated: Option<OffsetDateTime>,
    /// Whether changes may be missing at the moment, because the connection or
    /// TWS's link to IBKR is broken.
    pub stale: bool,
    /// A time that has just ended in which changes may have been missed.
    pub gap: Option<Gap>,
}
