//! Patterns of tool names. `*` stands for any characters, also for none;
//! everything else stands for itself.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The longest pattern, in characters. A name has at most 64.
const LENGTH: usize = 128;

/// The name of a tool, or a pattern of such names: `ibkr_get_*`. It is valid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ToolPattern(String);

/// A text that is not a [`ToolPattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a pattern of tools; it must be {expected}")]
pub struct PatternError {
    /// The text, cut to a sensible length.
    found: String,
    /// What it must be.
    expected: String,
}

impl ToolPattern {
    /// Whether a tool of this name is meant.
    pub fn matches(&self, name: &str) -> bool {
        matches(&self.0, name)
    }

    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ToolPattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        match check(&text) {
            Ok(()) => Ok(Self(text)),
            Err(expected) => Err(PatternError {
                found: text.chars().take(LENGTH).collect(),
                expected,
            }),
        }
    }
}

impl FromStr for ToolPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        text.to_owned().try_into()
    }
}

impl From<ToolPattern> for String {
    fn from(pattern: ToolPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for ToolPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl JsonSchema for ToolPattern {
    fn schema_name() -> Cow<'static, str> {
        "ToolPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The name of a tool, or a pattern of such names; * stands for any \
                            characters.",
            "type": "string",
            "pattern": "^[a-z0-9_*]+$",
            "maxLength": LENGTH,
        })
    }
}

/// Whether a tool of this name is meant.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(name) = name.strip_prefix(first) else {
        return false;
    };
    let (between, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut name) = name.strip_suffix(last) else {
        return false;
    };
    // Taking the first place where a part fits leaves the most for the others.
    for part in between.split('*') {
        match name.split_once(part) {
            Some((_, after)) => name = after,
            None if part.is_empty() => {}
            None => return false,
        }
    }
    true
}

/// How specific a pattern is, in ascending order: an exact name is the most
/// specific, then the number of literal characters counts.
pub(super) fn specificity(pattern: &str) -> (bool, usize) {
    let literal = pattern.chars().filter(|c| *c != '*').count();
    (!pattern.contains('*'), literal)
}

/// Whether it can match any tool at all.
///
/// # Errors
///
/// What is expected instead.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '*';
    if !pattern.is_empty() && pattern.len() <= LENGTH && pattern.chars().all(allowed) {
        return Ok(());
    }
    Err(format!(
        "the name of a tool (a-z, 0-9 and _), or a pattern of such names with *, of at most \
         {LENGTH} characters"
    ))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same question, answered in the plainest way.
    fn plainly(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            (['*', rest @ ..], _) => {
                plainly(rest, name) || matches!(name, [_, name @ ..] if plainly(pattern, name))
            }
            ([p, pattern @ ..], [n, name @ ..]) => p == n && plainly(pattern, name),
            _ => false,
        }
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, expected) in [
            ("*", "ibkr_get_pnl", true),
            ("ibkr_get_*", "ibkr_get_pnl", true),
            ("ibkr_get_*", "ibkr_get_", true),
            ("ibkr_get_*", "ibkr_place_order", false),
            ("*_order", "ibkr_place_order", true),
            ("ibkr_*_order", "ibkr_order", false),
            ("a*b*c", "aXbYbc", true),
            ("ab*ba", "aba", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn the_exact_name_is_the_strongest() {
        let mut patterns = ["ab", "*", "abc*", "a*b*c*d", "abcd_*"];
        patterns.sort_by_key(|pattern| specificity(pattern));
        assert_eq!(patterns, ["*", "abc*", "a*b*c*d", "abcd_*", "ab"]);
    }

    #[test]
    fn what_cannot_match_is_a_fault() {
        for good in ["*", "ibkr_get_*", "a", "x_9"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "IBKR", "a b", "a?", "é", &"x".repeat(LENGTH + 1)] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pattern_is_checked_where_it_is_read() {
        let pattern: ToolPattern = serde_json::from_str("\"ibkr_get_*\"").unwrap();
        assert!(pattern.matches("ibkr_get_pnl") && !pattern.matches("ibkr_place_order"));
        assert_eq!(serde_json::to_string(&pattern).unwrap(), "\"ibkr_get_*\"");
        let error = serde_json::from_str::<ToolPattern>("\"Get*\"").unwrap_err();
        assert!(error.to_string().contains("a-z, 0-9"), "{error}");
        assert!("".parse::<ToolPattern>().is_err());
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_plain_way(pattern in "[ab*]{0,8}", name in "[ab]{0,10}") {
            let letters: Vec<char> = pattern.chars().collect();
            let of_name: Vec<char> = name.chars().collect();
            prop_assert_eq!(matches(&pattern, &name), plainly(&letters, &of_name));
        }

        #[test]
        fn a_name_matches_itself_and_no_other(a in "[a-z0-9_]{1,64}", b in "[a-z0-9_]{1,64}") {
            prop_assert!(matches(&a, &a));
            prop_assert_eq!(matches(&a, &b), a == b);
        }
    }
}
