//! What TWS knows of instruments.

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::Contract;

/// A stretch of time in which an instrument trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// When it opens.
    pub opens: OffsetDateTime,
    /// When it closes.
    pub closes: OffsetDateTime,
}

/// What TWS knows of an instrument (TWS `contractDetails`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractDetails {
    /// The contract, with its `con_id`.
    pub contract: Contract,
    /// Name of the company, fund or product.
    pub long_name: Option<String>,
    /// TWS's market name, for example `NMS`.
    pub market_name: Option<String>,
    /// Industry, for example `Technology`.
    pub industry: Option<String>,
    /// Category within the industry.
    pub category: Option<String>,
    /// Category within the category.
    pub subcategory: Option<String>,
    /// `COMMON`, `ETF`, `ADR` and so on.
    pub stock_type: Option<String>,
    /// The smallest price step.
    pub min_tick: Option<Decimal>,
    /// The smallest order quantity.
    pub min_size: Option<Decimal>,
    /// The step of order quantities.
    pub size_increment: Option<Decimal>,
    /// By how much TWS multiplies quoted prices; 1 for most.
    pub price_magnifier: i32,
    /// Order types that it accepts, by TWS's codes.
    pub order_types: Vec<String>,
    /// Exchanges that it can be routed to.
    pub valid_exchanges: Vec<String>,
    /// `con_id` of the underlying of a derivative.
    pub under_con_id: Option<i32>,
    /// Symbol of the underlying of a derivative.
    pub under_symbol: Option<String>,
    /// Contract month of a future, for example `2026-12`.
    pub contract_month: Option<String>,
    /// IANA name of the time zone that the exchange keeps.
    pub time_zone: Option<String>,
    /// When it trades, today and the next days.
    pub trading_sessions: Vec<Session>,
    /// When it trades in regular hours, today and the next days.
    pub liquid_sessions: Vec<Session>,
    /// Other identifiers as (kind, value), for example (`ISIN`, …).
    pub identifiers: Vec<(String, String)>,
}
