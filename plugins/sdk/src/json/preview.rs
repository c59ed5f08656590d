//! An order before it is placed.

use schemars::JsonSchema;
use serde::Serialize;

use super::OrderImpact;
use crate::Decimal;
use crate::broker::trading as wit;
use crate::time::Timestamp;

/// One rule of the host's risk gate, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Check {
    rule: String,
    /// passed, refused or not-applicable
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    sentence: String,
}

impl From<wit::Check> for Check {
    fn from(check: wit::Check) -> Self {
        Self {
            rule: check.rule,
            outcome: match check.outcome {
                wit::CheckOutcome::Passed => "passed",
                wit::CheckOutcome::Refused => "refused",
                wit::CheckOutcome::NotApplicable => "not-applicable",
            },
            limit: check.limit,
            value: check.value,
            sentence: check.sentence,
        }
    }
}

/// What the risk gate and TWS say of an order.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderPreview {
    /// By the risk gate and by TWS
    allowed: bool,
    /// Why not
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    checks: Vec<Check>,
    /// In baseCurrency
    #[serde(skip_serializing_if = "Option::is_none")]
    notional: Option<Decimal>,
    base_currency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    impact: Option<OrderImpact>,
    /// Whether previewToken is demanded
    needs_token: bool,
    /// Whether the host will ask a person
    needs_confirmation: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    preview_token: Option<String>,
    /// Of previewToken
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
}

/// The schema of an [`OrderPreview`] where its fields need not be repeated.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub struct PreviewObject {}

impl From<wit::OrderPreview> for OrderPreview {
    fn from(preview: wit::OrderPreview) -> Self {
        let verdict = preview.verdict;
        let (impact, refused) = match preview.impact {
            Ok(impact) => (Some(impact.into()), None),
            Err(message) => (
                None,
                Some(format!(
                    "TWS would refuse it (code {}): {}",
                    message.code, message.text
                )),
            ),
        };
        let (preview_token, expires) = preview
            .token
            .map(|token| (token.token, Timestamp(token.expires)))
            .unzip();
        Self {
            allowed: verdict.allowed && refused.is_none(),
            refusal: verdict.sentence.or(refused),
            checks: verdict.checks.into_iter().map(Check::from).collect(),
            notional: verdict.notional,
            base_currency: verdict.base_currency,
            impact,
            needs_token: preview.demands.token,
            needs_confirmation: preview.demands.confirmation,
            preview_token,
            expires,
        }
    }
}
