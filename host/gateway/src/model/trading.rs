//! Writing orders: who asks, and what an order would do.

use rust_decimal::Decimal;

/// Who asks for something that can move money. It is made by the host, never
/// by a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Name of the tool.
    pub tool: String,
    /// Digest of the tool's component.
    pub digest: String,
    /// The client that called the tool.
    pub client: String,
    /// The call.
    pub call_id: String,
}

/// What an order would do to the account, if it were placed. Amounts are in
/// `margin_currency`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderImpact {
    /// Currency of the margins and of the equity.
    pub margin_currency: Option<String>,
    /// Initial margin now.
    pub initial_margin_before: Option<Decimal>,
    /// Initial margin after.
    pub initial_margin_after: Option<Decimal>,
    /// Maintenance margin now.
    pub maintenance_margin_before: Option<Decimal>,
    /// Maintenance margin after.
    pub maintenance_margin_after: Option<Decimal>,
    /// Equity with loan value now.
    pub equity_before: Option<Decimal>,
    /// Equity with loan value after.
    pub equity_after: Option<Decimal>,
    /// The commission, where it is known exactly.
    pub commission: Option<Decimal>,
    /// The least it can be.
    pub min_commission: Option<Decimal>,
    /// The most it can be.
    pub max_commission: Option<Decimal>,
    /// Currency of the commission.
    pub commission_currency: Option<String>,
    /// What TWS warns of.
    pub warning: Option<String>,
}
