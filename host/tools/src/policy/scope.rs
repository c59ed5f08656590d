//! Which gateways, accounts and instruments a tool's capabilities reach, as the
//! policy writes it. The rules are the sandbox's.

use std::collections::BTreeSet;

use sandpit_sandbox::{Reach, Scope};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::entry::take;
use super::error::Faults;

/// TWS's codes of security types.
const SECURITY_TYPES: [&str; 14] = [
    "STK", "OPT", "FUT", "CONTFUT", "FOP", "CASH", "IND", "CFD", "BOND", "FUND", "WAR", "CMDTY",
    "CRYPTO", "BAG",
];

/// The longest account or symbol, in characters.
const NAME: usize = 64;

/// Which gateways, accounts and instruments the tool's capabilities reach. A
/// list that is left out limits nothing; an empty list lets nothing through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScopeEntry {
    /// Names of gateways, for example paper.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateways: Option<Vec<String>>,
    /// Account ids, for example DU1234567.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
    /// Symbols of instruments as TWS knows them, for example SPY.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbols: Option<Vec<String>>,
    /// TWS's security types, for example STK. BAG is a combo.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "security_types")]
    pub security_types: Option<Vec<String>>,
    /// What narrows the reach further for orders: placing, changing,
    /// cancelling, and what-if.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trade: Option<ReachEntry>,
}

/// Which accounts and instruments orders reach, within the scope around it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReachEntry {
    /// Account ids, for example DU1234567.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
    /// Symbols of instruments as TWS knows them, for example SPY.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbols: Option<Vec<String>>,
    /// TWS's security types, for example STK. BAG is a combo.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "security_types")]
    pub security_types: Option<Vec<String>>,
}

impl ScopeEntry {
    pub(super) fn check(&self, key: &str, faults: &mut Faults) {
        check_list(
            &self.gateways,
            &format!("{key}.gateways"),
            is_name,
            faults,
            || names("names of gateways"),
        );
        self.reach().check(key, faults);
        if let Some(trade) = &self.trade {
            trade.check(&format!("{key}.trade"), faults);
        }
    }

    pub(super) fn override_with(&mut self, stronger: &Self) {
        take(&mut self.gateways, &stronger.gateways);
        take(&mut self.accounts, &stronger.accounts);
        take(&mut self.symbols, &stronger.symbols);
        take(&mut self.security_types, &stronger.security_types);
        if let Some(stronger) = &stronger.trade {
            let trade = self.trade.get_or_insert_default();
            take(&mut trade.accounts, &stronger.accounts);
            take(&mut trade.symbols, &stronger.symbols);
            take(&mut trade.security_types, &stronger.security_types);
        }
    }

    pub(super) fn into_scope(self) -> Scope {
        Scope {
            reach: self.reach().into_reach(),
            gateways: set(self.gateways),
            trade: self.trade.unwrap_or_default().into_reach(),
        }
    }

    /// What it says of everything, orders or not.
    fn reach(&self) -> ReachEntry {
        ReachEntry {
            accounts: self.accounts.clone(),
            symbols: self.symbols.clone(),
            security_types: self.security_types.clone(),
        }
    }
}

impl ReachEntry {
    fn check(&self, key: &str, faults: &mut Faults) {
        let known = |text: &str| {
            SECURITY_TYPES
                .iter()
                .any(|code| code.eq_ignore_ascii_case(text))
        };
        check_list(
            &self.accounts,
            &format!("{key}.accounts"),
            is_name,
            faults,
            || names("account ids"),
        );
        check_list(
            &self.symbols,
            &format!("{key}.symbols"),
            is_name,
            faults,
            || names("symbols"),
        );
        let key = format!("{key}.security_types");
        check_list(&self.security_types, &key, known, faults, || {
            format!(
                "a list of TWS's security types: {}",
                SECURITY_TYPES.join(", ")
            )
        });
    }

    fn into_reach(self) -> Reach {
        Reach {
            accounts: set(self.accounts),
            symbols: set(self.symbols),
            security_types: set(self.security_types),
        }
    }
}

fn set(list: Option<Vec<String>>) -> Option<BTreeSet<String>> {
    list.map(|list| list.into_iter().collect())
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && text.chars().count() <= NAME
        && !text.chars().any(char::is_control)
}

fn names(what: &str) -> String {
    format!("a list of {what}, each of 1 to {NAME} characters")
}

fn check_list(
    list: &Option<Vec<String>>,
    key: &str,
    good: impl Fn(&str) -> bool,
    faults: &mut Faults,
    expected: impl Fn() -> String,
) {
    for text in list.iter().flatten() {
        if !good(text) {
            faults.add(key, &format!("{text:?}"), expected());
        }
    }
}

fn security_types(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["array", "null"],
        "items": { "enum": SECURITY_TYPES },
        "uniqueItems": true,
    })
}
