//! The verdict.

use super::case::Case;
use super::config::{Demand, GateConfig};
use super::proposal::{Proposal, Request};
use super::rules;
use super::situation::Situation;
use super::verdict::{Outcome, Verdict};

/// Holds a proposal against all rules. Every rule that is set is in the
/// verdict, also after one has refused. It looks nothing up, changes nothing,
/// and cannot fail.
pub fn judge(config: &GateConfig, proposal: &Proposal, situation: &Situation) -> Verdict {
    let case = Case {
        config,
        proposal,
        situation,
    };
    let cancels = proposal.request.is_cancel();
    let checks = if cancels {
        rules::of_cancel(&case)
    } else {
        rules::of_order(&case)
    };
    let refused = checks
        .iter()
        .find(|check| check.outcome == Outcome::Refused)
        .map(|check| check.sentence.clone());
    Verdict {
        allowed: refused.is_none(),
        sentence: refused,
        notional: rules::worth(&case).ok().flatten().filter(|_| !cancels),
        base_currency: config.base_currency.clone(),
        halt: rules::loss(&case).filter(|_| !cancels),
        checks,
    }
}

/// Why the losses of an account call for a halt, if they do: for who watches
/// profit and loss between the orders. It looks at the time, at profit and loss,
/// and at exchange rates.
pub fn loss_halt(config: &GateConfig, account: &str, situation: &Situation) -> Option<String> {
    let proposal = Proposal {
        caller: crate::model::Caller {
            tool: String::new(),
            digest: String::new(),
            client: String::new(),
            call_id: String::new(),
        },
        gateway: String::new(),
        account: account.to_owned(),
        request: Request::CancelAll,
    };
    rules::loss(&Case {
        config,
        proposal: &proposal,
        situation,
    })
}

/// What is demanded of an order beside the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demands {
    /// The token of a preview.
    pub token: bool,
    /// The confirmation of a person.
    pub confirmation: bool,
}

impl Demands {
    /// What the configuration demands of a proposal. Cancels need nothing. TWS
    /// previews no exercise: where a preview is demanded of it, a person has to
    /// confirm it instead.
    pub fn of(config: &GateConfig, proposal: &Proposal) -> Self {
        let order = !proposal.request.is_cancel();
        let applies = |demand: Demand| order && demand.applies(proposal.is_live());
        let exercise = matches!(proposal.request, Request::Exercise(_));
        let preview = applies(config.preview);
        Self {
            token: preview && !exercise,
            confirmation: applies(config.confirmation) || (preview && exercise),
        }
    }
}
