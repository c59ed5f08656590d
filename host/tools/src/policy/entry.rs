//! One entry of a policy.

use std::collections::BTreeSet;

use sandpit_sandbox::Capability;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::error::Faults;
use super::limits::Limits;
use super::scope::ScopeEntry;

/// The longest addition to a description, in characters.
const DESCRIPTION: usize = 2_000;

/// What the operator says of one tool, or of all tools that a pattern matches.
/// What is left out is as a less specific entry says, or as it is without any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyEntry {
    /// The capabilities that the tool may use. An empty list lets it run and
    /// reach nothing. A tool for which no entry has grants is not served.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "capabilities")]
    pub grants: Option<Vec<String>>,
    /// Whether the tool may be served. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether the tool is left out of tools/list, of /api/v1/tools and of the
    /// OpenAPI document. It can be called all the same. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// The SHA-256 of the only file that is accepted, as 64 hexadecimal digits.
    /// A file with another digest is not served.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-fA-F]{64}$"))]
    pub pin: Option<String>,
    /// Words of the operator, added to the tool's description as a paragraph of
    /// their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2_000))]
    pub description: Option<String>,
    /// Which gateways, accounts and instruments the tool's capabilities reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopeEntry>,
    /// How much the tool may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

impl PolicyEntry {
    /// An entry that grants exactly these capabilities and says nothing else.
    pub fn granting(capabilities: impl IntoIterator<Item = Capability>) -> Self {
        let names = capabilities.into_iter().map(|of| of.name().to_owned());
        Self {
            grants: Some(names.collect()),
            ..Self::default()
        }
    }

    pub(super) fn check(&self, key: &str, faults: &mut Faults) {
        for name in self.grants.iter().flatten() {
            if Capability::from_name(name).is_none() {
                faults.add(
                    &format!("{key}.grants"),
                    &format!("{name:?}"),
                    format!("a list of capabilities: {}", known()),
                );
            }
        }
        if let Some(pin) = &self.pin
            && !(pin.len() == 64 && pin.chars().all(|c| c.is_ascii_hexdigit()))
        {
            faults.add(
                &format!("{key}.pin"),
                &format!("{pin:?}"),
                "the SHA-256 of a file as 64 hexadecimal digits",
            );
        }
        if let Some(text) = &self.description {
            let control = |c: char| c.is_control() && c != '\n';
            if text.trim().is_empty()
                || text.chars().count() > DESCRIPTION
                || text.chars().any(control)
            {
                faults.add(
                    &format!("{key}.description"),
                    &format!("{text:?}"),
                    format!(
                        "a text of 1 to {DESCRIPTION} characters, without control characters \
                         other than line breaks"
                    ),
                );
            }
        }
        if let Some(scope) = &self.scope {
            scope.check(&format!("{key}.scope"), faults);
        }
        if let Some(limits) = &self.limits {
            limits.check(&format!("{key}.limits"), faults);
        }
    }

    /// Takes over every key that a more specific entry sets.
    pub(super) fn override_with(&mut self, stronger: &Self) {
        take(&mut self.grants, &stronger.grants);
        take(&mut self.enabled, &stronger.enabled);
        take(&mut self.hidden, &stronger.hidden);
        take(&mut self.pin, &stronger.pin);
        take(&mut self.description, &stronger.description);
        if let Some(stronger) = &stronger.scope {
            self.scope.get_or_insert_default().override_with(stronger);
        }
        if let Some(stronger) = &stronger.limits {
            self.limits.get_or_insert_default().override_with(stronger);
        }
    }
}

/// Takes a key over if the stronger entry sets it.
pub(super) fn take<T: Clone>(weaker: &mut Option<T>, stronger: &Option<T>) {
    if stronger.is_some() {
        weaker.clone_from(stronger);
    }
}

fn known() -> String {
    Capability::ALL.map(Capability::name).join(", ")
}

fn capabilities(_: &mut SchemaGenerator) -> Schema {
    let names: BTreeSet<_> = Capability::ALL.map(Capability::name).into();
    json_schema!({
        "type": ["array", "null"],
        "items": { "enum": names },
        "uniqueItems": true,
    })
}
