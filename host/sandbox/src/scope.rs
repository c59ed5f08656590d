//! What a tool may reach: which accounts and which instruments. The rules
//! alone; the capabilities apply them.

use std::collections::BTreeSet;

/// What the operator lets one tool reach. [`Default`] is no limit at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Binds everything that the tool asks of the broker.
    pub reach: Reach,
    /// Narrows [`Scope::reach`] further for placing, modifying and cancelling
    /// orders, and for asking what an order would do.
    pub trade: Reach,
}

/// A choice of accounts and instruments. What is `None` is not limited; an
/// empty set lets nothing through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Account ids, for example `DU1234567`.
    pub accounts: Option<BTreeSet<String>>,
    /// Ticker symbols; of derivatives, the symbol of the underlying.
    pub symbols: Option<BTreeSet<String>>,
    /// TWS's codes of security types, for example `STK`, `OPT`, `BAG`.
    pub security_types: Option<BTreeSet<String>>,
}
