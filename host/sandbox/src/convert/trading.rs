//! Writing orders: what comes along with them, and what they would do.

use rust_decimal::Decimal;
use sandpit_gateway::{gate, model};

use super::{Convert, record, variant};
use crate::bindings::sandpit::broker::trading as wit;
use crate::bindings::sandpit::broker::types::{Decimal as WitDecimal, Error, TwsMessage};

record!(model::OrderImpact => wit::OrderImpact {
    margin_currency, initial_margin_before, initial_margin_after,
    maintenance_margin_before, maintenance_margin_after, equity_before,
    equity_after, commission, min_commission, max_commission,
    commission_currency, warning,
});

record!(wit::OrderOptions => model::OrderOptions { idempotency_key, preview_token });

variant!(wit::Role => gate::Role { Alone, Entry, Exit } {});

record!(wit::NewOrder => gate::NewOrder { contract, order, role });

variant!(gate::Outcome => wit::CheckOutcome { Passed, Refused, NotApplicable } {});

/// The key of a rule in `[gate.rules]`.
fn key(rule: gate::Rule) -> String {
    let key = serde_json::to_value(rule).ok();
    key.as_ref()
        .and_then(|key| key.as_str())
        .unwrap_or_default()
        .to_owned()
}

impl Convert<wit::Check> for gate::Check {
    fn convert(self) -> Result<wit::Check, Error> {
        Ok(wit::Check {
            rule: key(self.rule),
            outcome: self.outcome.convert()?,
            limit: self.limit,
            value: self.value,
            sentence: self.sentence,
        })
    }
}

impl Convert<wit::Verdict> for gate::Verdict {
    fn convert(self) -> Result<wit::Verdict, Error> {
        let notional: Option<Decimal> = self.notional;
        Ok(wit::Verdict {
            allowed: self.allowed,
            checks: self.checks.convert()?,
            sentence: self.sentence,
            notional: Convert::<Option<WitDecimal>>::convert(notional)?,
            base_currency: self.base_currency,
        })
    }
}

record!(gate::Demands => wit::Demands { token, confirmation });

record!(model::PreviewToken => wit::PreviewToken { token, expires });

impl Convert<wit::OrderPreview> for model::Preview {
    fn convert(self) -> Result<wit::OrderPreview, Error> {
        let impact = match self.impact {
            Ok(impact) => Ok(impact.convert()?),
            Err(message) => Err(Convert::<TwsMessage>::convert(message)?),
        };
        Ok(wit::OrderPreview {
            verdict: self.verdict.convert()?,
            impact,
            demands: self.demands.convert()?,
            token: self.token.convert()?,
        })
    }
}
