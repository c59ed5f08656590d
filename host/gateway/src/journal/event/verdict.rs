//! What the gate said, as the journal keeps it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::gate;
use crate::journal::exact;

/// What one rule said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It allows the order.
    Passed,
    /// It refuses it.
    Refused,
    /// It has nothing to say of it.
    NotApplicable,
}

/// One rule of the gate, and what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckRecord {
    /// The rule.
    pub rule: String,
    /// What it said.
    pub outcome: Outcome,
    /// Its limit, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// What was held against the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Both, in a sentence.
    #[serde(default)]
    pub sentence: String,
}

/// What the gate said of a request, rule by rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Whether it may be sent.
    pub allowed: bool,
    /// Rule by rule.
    pub checks: Vec<CheckRecord>,
    /// Why not, in the words of the first rule that refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentence: Option<String>,
    /// What the order is worth in the base currency, where that is known.
    #[serde(
        default,
        with = "exact::maybe_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub notional: Option<Decimal>,
    /// The gate's base currency, as an ISO 4217 code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_currency: Option<String>,
}

impl From<&gate::Verdict> for Verdict {
    fn from(verdict: &gate::Verdict) -> Self {
        let checks = verdict.checks.iter().map(|check| CheckRecord {
            rule: rule_name(check.rule),
            outcome: match check.outcome {
                gate::Outcome::Passed => Outcome::Passed,
                gate::Outcome::Refused => Outcome::Refused,
                gate::Outcome::NotApplicable => Outcome::NotApplicable,
            },
            limit: check.limit.clone(),
            value: check.value.clone(),
            sentence: check.sentence.clone(),
        });
        Self {
            allowed: verdict.allowed,
            checks: checks.collect(),
            sentence: verdict.sentence.clone(),
            notional: verdict.notional,
            base_currency: Some(verdict.base_currency.clone()),
        }
    }
}

/// A rule by its key in the configuration.
fn rule_name(rule: gate::Rule) -> String {
    let value = serde_json::to_value(rule).ok();
    let name = value.as_ref().and_then(serde_json::Value::as_str);
    name.map_or_else(|| format!("{rule:?}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_of_the_gate_is_kept_rule_by_rule() {
        let verdict = gate::Verdict {
            allowed: false,
            checks: vec![gate::Check {
                rule: gate::Rule::MaxQuantity,
                outcome: gate::Outcome::Refused,
                limit: Some("100".into()),
                value: Some("101".into()),
                sentence: "Too much.".into(),
            }],
            sentence: Some("Too much.".into()),
            notional: Some(Decimal::TEN),
            base_currency: "USD".into(),
            halt: None,
        };
        let kept = Verdict::from(&verdict);
        let json = serde_json::to_value(&kept).ok();
        // The same words as the gate's own.
        assert_eq!(json, serde_json::to_value(&verdict).ok());
        let rule = kept.checks.first().map(|check| check.rule.as_str());
        assert_eq!(rule, Some("max_quantity"));
    }
}
