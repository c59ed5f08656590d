//! The powers that a tool can ask for, and which of them are granted.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One power over the broker: one interface of the WIT package
/// `sandpit:broker`. A component asks for it by importing the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Opening, closing and describing the connection to TWS.
    Connection,
    /// Finding instruments.
    Contracts,
    /// Quotes as they change.
    MarketData,
    /// Bars of the past.
    History,
    /// What the accounts hold and what they are worth.
    Account,
    /// Reading orders and their executions.
    OrderBook,
    /// Placing, modifying and cancelling orders.
    Trading,
}

impl Capability {
    /// Every capability there is.
    pub const ALL: [Self; 7] = [
        Self::Connection,
        Self::Contracts,
        Self::MarketData,
        Self::History,
        Self::Account,
        Self::OrderBook,
        Self::Trading,
    ];

    /// The name of its WIT interface in `sandpit:broker`, which is also its
    /// name in a policy.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Contracts => "contracts",
            Self::MarketData => "market-data",
            Self::History => "history",
            Self::Account => "account",
            Self::OrderBook => "order-book",
            Self::Trading => "trading",
        }
    }

    /// What it lets a tool do, in words for people.
    pub fn powers(self) -> &'static str {
        match self {
            Self::Connection => {
                "Open and close the connection to TWS, and see where it leads and which accounts \
                 it reaches"
            }
            Self::Contracts => "Find instruments",
            Self::MarketData => "Watch quotes, with market-data lines of the account",
            Self::History => "Read past prices",
            Self::Account => "See accounts, balances, positions, and profit and loss",
            Self::OrderBook => "See orders and executions",
            Self::Trading => "Place, change and cancel orders",
        }
    }

    /// The capability of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.name() == name)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Which capabilities a component may use. An import that is not granted is a
/// refusal to link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    capabilities: BTreeSet<Capability>,
}

impl Grants {
    /// Everything that the host offers.
    pub fn all() -> Self {
        Self::of(Capability::ALL)
    }

    /// Exactly these capabilities.
    pub fn of(capabilities: impl IntoIterator<Item = Capability>) -> Self {
        Self {
            capabilities: capabilities.into_iter().collect(),
        }
    }

    /// Whether the capability is granted.
    pub fn allow(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_capability_is_written_by_its_name() {
        for capability in Capability::ALL {
            let written = serde_json::to_value(capability).unwrap();
            assert_eq!(written, capability.name());
            assert_eq!(Capability::from_name(capability.name()), Some(capability));
        }
    }
}
