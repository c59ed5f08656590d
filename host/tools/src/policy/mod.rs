//! The operator's policy: what each tool may do, how much of it, and whether
//! it is served at all.
//!
//! A policy is a set of entries, each under the name of a tool or under a
//! pattern such as `ibkr_get_*`. [`Policy::of`] merges all entries that match
//! a tool, key by key, from the least to the most specific one.

mod entry;
mod error;
mod limits;
mod pattern;
mod scope;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use sandpit_sandbox::{Capability, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use entry::PolicyEntry;
pub use error::PolicyError;
pub use limits::Limits;
pub use pattern::{PatternError, ToolPattern};
pub use scope::{ReachEntry, ScopeEntry};

use error::Faults;

/// What each tool may do. The keys are names of tools, or patterns in which
/// `*` stands for any characters.
///
/// Every entry that matches a tool applies, from the least to the most
/// specific: the more literal characters, the more specific, and the exact
/// name is the strongest; of two that are equally specific the one whose name
/// sorts later. Each key overrides the same key of a less specific entry. A
/// tool for which no matching entry has `grants` is quarantined: listed to the
/// operator and not served.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Policy {
    /// The entries by name or pattern.
    pub entries: BTreeMap<String, PolicyEntry>,
}

impl Policy {
    /// Whether the policy makes sense.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, each fault in a sentence that names the key,
    /// what was found, and what is expected.
    pub fn check(&self) -> Result<(), PolicyError> {
        let mut faults = Faults::default();
        for (name, entry) in &self.entries {
            let key = format!("policy.{}", key(name));
            if let Err(expected) = pattern::check(name) {
                faults.add(&key, &format!("{name:?}"), expected);
            }
            entry.check(&key, &mut faults);
        }
        faults.result()
    }

    /// What applies to the tool of this name. Values that [`Policy::check`]
    /// refuses grant nothing here.
    pub fn of(&self, tool: &str) -> ToolPolicy {
        let mut matching: Vec<_> = self
            .entries
            .iter()
            .filter(|(name, _)| pattern::matches(name, tool))
            .collect();
        matching.sort_by_key(|(name, _)| (pattern::specificity(name), name.as_str()));
        let mut merged = PolicyEntry::default();
        for (_, entry) in matching {
            merged.override_with(entry);
        }
        ToolPolicy::from(merged)
    }
}

impl<N: Into<String>> FromIterator<(N, PolicyEntry)> for Policy {
    fn from_iter<I: IntoIterator<Item = (N, PolicyEntry)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        Self {
            entries: entries.map(|(name, entry)| (name.into(), entry)).collect(),
        }
    }
}

/// What applies to one tool, once all entries that match it are merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolPolicy {
    /// Whether it may be served at all.
    pub enabled: bool,
    /// Whether it is left out of the lists that clients see. It can be called
    /// all the same.
    pub hidden: bool,
    /// What it may reach; none if no entry says so, which is a quarantine.
    pub grants: Option<BTreeSet<Capability>>,
    /// The only digest that is accepted (SHA-256, lowercase hexadecimal).
    pub pin: Option<String>,
    /// The operator's words for its description.
    pub description: Option<String>,
    /// Which gateways, accounts and instruments its capabilities reach.
    pub scope: Scope,
    /// Its bounds, as far as an entry sets them.
    pub limits: Limits,
}

impl From<PolicyEntry> for ToolPolicy {
    fn from(entry: PolicyEntry) -> Self {
        let capability = |name: &String| Capability::from_name(name);
        Self {
            enabled: entry.enabled.unwrap_or(true),
            hidden: entry.hidden.unwrap_or(false),
            grants: entry
                .grants
                .map(|grants| grants.iter().filter_map(capability).collect()),
            pin: entry.pin.map(|pin| pin.to_ascii_lowercase()),
            description: entry.description,
            scope: entry.scope.map(ScopeEntry::into_scope).unwrap_or_default(),
            limits: entry.limits.unwrap_or_default(),
        }
    }
}

/// A name as TOML writes it in a key.
fn key(name: &str) -> Cow<'_, str> {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("{name:?}"))
    }
}

#[cfg(test)]
mod tests;
