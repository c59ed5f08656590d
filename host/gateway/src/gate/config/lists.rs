//! What is allowed and what is denied, by name.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::faults::Faults;

/// TWS's codes of what can be traded.
pub(super) const SECURITY_TYPES: &[&str] = &[
    "STK", "OPT", "FUT", "FOP", "CASH", "CFD", "BOND", "FUND", "WAR", "CMDTY", "CRYPTO", "BAG",
];

/// TWS's codes of the order types that can be placed.
pub(super) const ORDER_TYPES: &[&str] = &[
    "MKT",
    "LMT",
    "STP",
    "STP LMT",
    "TRAIL",
    "TRAIL LIMIT",
    "MOC",
    "LOC",
    "MIT",
    "LIT",
    "REL",
    "MIDPRICE",
    "PEG MID",
];

/// How many names of a list a sentence repeats.
const SHOWN: usize = 12;

/// The longest name in a list, in characters.
const LONGEST: usize = 64;

/// What is allowed and what is denied. Upper and lower case are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Allowance {
    /// Only these. Default: all. An empty list allows none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<BTreeSet<String>>,
    /// Not these, even where `allow` has them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub deny: BTreeSet<String>,
}

impl Allowance {
    /// Whether it limits anything.
    pub fn is_set(&self) -> bool {
        self.allow.is_some() || !self.deny.is_empty()
    }

    /// Whether the name is denied.
    pub(crate) fn denies(&self, name: &str) -> bool {
        has(&self.deny, name)
    }

    /// Whether the name is allowed.
    pub(crate) fn permits(&self, name: &str) -> bool {
        !self.denies(name) && self.allow.as_ref().is_none_or(|allow| has(allow, name))
    }

    /// What it says, in a few words.
    pub(crate) fn words(&self) -> String {
        let join = |names: &BTreeSet<String>| {
            let mut names: Vec<_> = names.iter().map(String::as_str).collect();
            let more = names.len().saturating_sub(SHOWN);
            names.truncate(SHOWN);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!("{}{more}", names.join(", "))
        };
        let allowed = match &self.allow {
            None => "all".to_owned(),
            Some(allow) if allow.is_empty() => "none".to_owned(),
            Some(allow) => format!("only {}", join(allow)),
        };
        if self.deny.is_empty() {
            return allowed;
        }
        format!("{allowed}, but not {}", join(&self.deny))
    }

    pub(super) fn check(&self, key: &str, known: Option<&[&str]>, faults: &mut Faults) {
        let lists = [("allow", self.allow.as_ref()), ("deny", Some(&self.deny))];
        for (list, names) in lists {
            for name in names.into_iter().flatten() {
                let key = format!("{key}.{list}");
                let found = format!("{name:?}");
                match known {
                    Some(known) => faults.unless(
                        known.iter().any(|one| one.eq_ignore_ascii_case(name)),
                        &key,
                        &found,
                        format!("a list of TWS's codes: {}", known.join(", ")),
                    ),
                    None => faults.unless(
                        !name.trim().is_empty()
                            && name.chars().count() <= LONGEST
                            && !name.chars().any(char::is_control),
                        &key,
                        &found,
                        format!("a list of names of 1 to {LONGEST} characters"),
                    ),
                }
            }
        }
    }
}

fn has(names: &BTreeSet<String>, name: &str) -> bool {
    names.iter().any(|one| one.eq_ignore_ascii_case(name))
}
