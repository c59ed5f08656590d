//! What the account has lost today.

use rust_decimal::Decimal;

use super::plain;
use crate::gate::case::{Case, Known, Lack};
use crate::gate::config::GateConfig;
use crate::gate::situation::PnlSeen;
use crate::gate::verdict::{Check, Outcome, Rule};

/// The account has not lost more than this today.
pub(super) fn daily_loss(case: &Case<'_>) -> Option<Check> {
    let limit = case.rules().max_daily_loss?;
    let lost = |pnl: &PnlSeen| Decimal::ZERO.checked_sub(pnl.daily);
    let words = "lost since the last daily reset";
    Some(judge(case, Rule::MaxDailyLoss, limit, words, lost))
}

/// The account has not fallen farther from its best today than this.
pub(super) fn drawdown(case: &Case<'_>) -> Option<Check> {
    let limit = case.rules().max_drawdown?;
    let fallen = |pnl: &PnlSeen| pnl.peak.max(Decimal::ZERO).checked_sub(pnl.daily);
    let words = "fallen from its best of today by";
    Some(judge(case, Rule::MaxDrawdown, limit, words, fallen))
}

/// Why the losses of the proposal's account call for a halt, if they do.
pub(in crate::gate) fn loss(case: &Case<'_>) -> Option<String> {
    [daily_loss(case), drawdown(case)]
        .into_iter()
        .flatten()
        // Without a value it refused because it knew nothing.
        .find(|check| check.outcome == Outcome::Refused && check.value.is_some())
        .map(|check| check.sentence)
}

fn judge(
    case: &Case<'_>,
    rule: Rule,
    limit: Decimal,
    words: &str,
    of: impl FnOnce(&PnlSeen) -> Option<Decimal>,
) -> Check {
    let money = |amount| money(case.config, amount);
    match in_base(case, of) {
        Err(Lack(lack)) => Check::refused(rule, lack),
        Ok(amount) => {
            let shown = amount.max(Decimal::ZERO);
            if amount <= limit {
                Check::passed(rule, format!("The account has {words} {}.", money(shown)))
            } else {
                Check::refused(
                    rule,
                    format!(
                        "Account {} has {words} {}, and {} are allowed. Trading stops until an \
                         operator resumes it.",
                        crate::gate::words::clean(&case.proposal.account, 20),
                        money(shown),
                        money(limit)
                    ),
                )
            }
            .with(money(limit), money(shown))
        }
    }
}

fn money(config: &GateConfig, amount: Decimal) -> String {
    format!("{} {}", plain(amount), config.base_currency)
}

fn in_base(case: &Case<'_>, of: impl FnOnce(&PnlSeen) -> Option<Decimal>) -> Known<Decimal> {
    let seconds = case.config.account_seconds;
    let seen = case.situation.pnl.get(&case.proposal.account);
    let seen = seen
        .filter(|seen| case.is_fresh(seen.as_of, seconds))
        .ok_or_else(|| {
            Lack::new(format!(
                "The account's profit and loss of today is not known, or older than {seconds} s."
            ))
        })?;
    case.base_amount(of(seen).ok_or_else(Lack::overflow)?, &seen.currency)
}
