//! What a caller may use: tools by their names, and what these tools can do.
//!
//! The policy says what a tool may do, rights say which tools there are for a
//! caller. A tool that uses a capability which the caller is not granted does
//! not exist for that caller, so that no call of it ever reaches such a
//! capability, and no tool is cut off in the middle of a call.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use sandpit_sandbox::Capability;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::policy::ToolPattern;
use crate::tool::Tool;

/// Tools of these names that use no other capabilities than these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Right {
    /// Names of tools, or patterns of such names.
    pub tools: Vec<ToolPattern>,
    /// The capabilities that these tools may use; none: whichever they have by
    /// the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grants: Option<BTreeSet<Capability>>,
}

impl Right {
    /// To these tools, whatever they can do.
    pub fn to(tools: Vec<ToolPattern>) -> Self {
        Self {
            tools,
            grants: None,
        }
    }

    /// Whether a tool of this name that uses these capabilities is among them.
    pub fn allows(&self, name: &str, capabilities: &[Capability]) -> bool {
        let granted = |of: &Capability| match &self.grants {
            None => true,
            Some(grants) => grants.contains(of),
        };
        self.names(name) && capabilities.iter().all(granted)
    }

    /// Whether a tool of this name may be among them.
    fn names(&self, name: &str) -> bool {
        self.tools.iter().any(|pattern| pattern.matches(name))
    }
}

/// The rights of one caller. Each stands for itself: the tools of one are not
/// used with the capabilities of another.
#[derive(Debug, Clone)]
pub struct Rights(Option<Arc<[Right]>>);

impl Rights {
    /// To everything that is served.
    pub fn to_all() -> Self {
        Self(None)
    }

    /// Exactly these.
    pub fn of(rights: impl IntoIterator<Item = Right>) -> Self {
        Self(Some(rights.into_iter().collect()))
    }

    /// Whether this tool is there for the caller.
    pub fn allow(&self, tool: &Tool) -> bool {
        self.allow_use(tool.name(), tool.capabilities())
    }

    /// Whether something of this name that uses these capabilities is there for
    /// the caller.
    pub fn allow_use(&self, name: &str, capabilities: &[Capability]) -> bool {
        self.any(|right| right.allows(name, capabilities))
    }

    /// Whether the caller may know that there is something of this name,
    /// whatever it uses.
    pub fn allow_name(&self, name: &str) -> bool {
        self.any(|right| right.names(name))
    }

    fn any(&self, holds: impl FnMut(&Right) -> bool) -> bool {
        self.0
            .as_ref()
            .is_none_or(|rights| rights.iter().any(holds))
    }
}

/// A right as it is written: a list of tools, or a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    tools: Vec<ToolPattern>,
    #[serde(default)]
    grants: Option<BTreeSet<Capability>>,
}

impl<'de> Deserialize<'de> for Right {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = Right;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of tools, or a table with tools and grants")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Right, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Right::to)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Right, A::Error> {
                let Table { tools, grants } = Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Right { tools, grants })
            }
        }

        deserializer.deserialize_any(Written)
    }
}

impl JsonSchema for Right {
    fn schema_name() -> Cow<'static, str> {
        "Right".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let tools = generator.subschema_for::<Vec<ToolPattern>>();
        json_schema!({
            "description": "Tools by name, and what they may use: a list of tools stands for \
                            these tools with all that the policy grants them.",
            "anyOf": [
                tools,
                {
                    "type": "object",
                    "properties": {
                        "tools": tools,
                        "grants": {
                            "description": "A tool that uses more than these capabilities is \
                                            not there for the caller.",
                            "type": "array",
                            "items": { "enum": Capability::ALL.map(Capability::name) },
                            "uniqueItems": true,
                        },
                    },
                    "required": ["tools"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use serde_json::json;

    use super::*;

    fn right(written: serde_json::Value) -> Right {
        serde_json::from_value(written).unwrap()
    }

    #[test]
    fn a_right_is_to_tools_by_name_and_power() {
        let reading = right(json!({ "tools": ["ibkr_*"], "grants": ["account", "market-data"] }));
        assert!(reading.allows("ibkr_get_pnl", &[Capability::Account]));
        assert!(reading.allows("ibkr_nothing", &[]));
        assert!(!reading.allows("other", &[]));
        assert!(!reading.allows("ibkr_place_order", &[Capability::Trading]));
        let both = [Capability::Account, Capability::Trading];
        assert!(!reading.allows("ibkr_rebalance", &both));
        let list = right(json!(["ibkr_*"]));
        assert_eq!(list, Right::to(vec!["ibkr_*".parse().unwrap()]));
        assert!(list.allows("ibkr_rebalance", &both));
        let inert = right(json!({ "tools": ["*"], "grants": [] }));
        assert!(inert.allows("a", &[]) && !inert.allows("a", &[Capability::Contracts]));
    }

    #[test]
    fn rights_do_not_add_up_to_more_than_each() {
        let rights = Rights::of([
            right(json!({ "tools": ["read_*"], "grants": ["account"] })),
            right(json!({ "tools": ["trade_*"], "grants": ["trading"] })),
        ]);
        assert!(rights.allow_use("read_a", &[Capability::Account]));
        assert!(rights.allow_use("trade_a", &[Capability::Trading]));
        assert!(!rights.allow_use("read_a", &[Capability::Trading]));
        assert!(rights.allow_name("read_a") && !rights.allow_name("other"));
        assert!(Rights::to_all().allow_use("other", &Capability::ALL));
        assert!(!Rights::of([]).allow_name("other"));
    }

    #[test]
    fn what_is_no_right_is_a_fault() {
        for (wrong, words) in [
            (json!("ibkr_*"), "a list of tools, or a table"),
            (json!({ "grants": [] }), "tools"),
            (json!({ "tools": ["*"], "grants": ["trade"] }), "order-book"),
            (json!({ "tools": ["*"], "grant": [] }), "grants"),
            (json!(["Ibkr"]), "pattern of tools"),
        ] {
            let error = serde_json::from_value::<Right>(wrong).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        for written in [
            json!({ "tools": ["*"] }),
            json!({ "tools": ["a"], "grants": ["order-book"] }),
        ] {
            assert_eq!(
                serde_json::to_value(right(written.clone())).unwrap(),
                written
            );
        }
    }
}
