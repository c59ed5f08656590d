//! The way through the gate: what is known is fetched, the rules judge, and
//! what is demanded beside them is taken.

use std::sync::Arc;

use time::OffsetDateTime;
use tokio::sync::MutexGuard;

use super::rows::Rows;
use super::situation;
use super::trade::Trade;
use crate::connection::Gateway;
use crate::gate::state::{Halt, HaltSource};
use crate::gate::{
    GateConfig, Missing, OrderDigest, Outcome, Proposal, Situation, Verdict, confirmation, judge,
    needs,
};
use crate::journal::{self, Event};
use crate::model::{Approval, Confirmation, Error, Result};
use crate::pacing::urgently;
use crate::session::Session;

/// An order that may go out now, with the turn to send it.
pub(super) struct Passed<'a> {
    /// The connection that it takes.
    pub(super) session: Arc<Session>,
    /// What the gate said of it.
    pub(super) verdict: Verdict,
    /// Nobody else sends until this is dropped.
    _turn: MutexGuard<'a, ()>,
}

/// Why an order may not go out.
struct Stopped {
    /// By what, for the journal.
    by: String,
    error: Error,
    /// The halt that it set off.
    halt: Option<Halt>,
}

/// Holds a proposal against the rules and takes what is demanded beside them.
/// What is refused is in the journal by then; what may pass counts as sent from
/// here on, and the caller writes it down with [`Rows::verdict`] before it
/// sends.
pub(super) async fn pass<'a>(
    gateway: &Gateway,
    trade: &'a Trade,
    rows: &Rows,
    proposal: &Proposal,
    token: Option<&str>,
) -> Result<Passed<'a>> {
    let config = trade.config();
    let wanted = needs(&config, proposal);
    let (mut situation, pnl) =
        urgently(situation::fetch(gateway, &config, proposal, &wanted)).await;
    let turn = trade.turn.lock().await;
    trade.look_for_halt_file(&config).await;
    let session = rows.or_refused(trade, gateway.session()).await?;
    urgently(situation::fetch_last(gateway, &wanted, &mut situation)).await;
    // A request that took long is no order of now. What it was judged by is
    // dated, so that its age counts.
    let (verdict, stopped) = {
        let mut memory = trade.memory();
        if let Some(pnl) = pnl {
            pnl.observe(&mut memory.gate.peaks, &config.time_zone, &mut situation);
        }
        memory.gate.fill(&config, proposal, &mut situation);
        let verdict = judge(&config, proposal, &situation);
        let stopped = decide(
            trade,
            &mut memory,
            &config,
            proposal,
            &situation,
            &verdict,
            rows,
            token,
        );
        (verdict, stopped)
    };
    let by = stopped.as_ref().err().map(|stopped| stopped.by.as_str());
    trade.verdicts().count(by);
    let Err(stopped) = stopped else {
        return Ok(Passed {
            session,
            verdict,
            _turn: turn,
        });
    };
    let mut entries = rows.verdict(&verdict);
    entries.extend(rows.refused(&stopped.by, &stopped.error.to_string()));
    if let Some(halt) = &stopped.halt {
        entries.push(trade.halt_entry(halt, false));
    }
    trade.note(entries).await;
    Err(stopped.error)
}

/// Whether a proposal may pass, and if so, that it has.
#[expect(
    clippy::too_many_arguments,
    reason = "all of what an order is judged by"
)]
fn decide(
    trade: &Trade,
    memory: &mut super::trade::Memory,
    config: &GateConfig,
    proposal: &Proposal,
    situation: &Situation,
    verdict: &Verdict,
    rows: &Rows,
    token: Option<&str>,
) -> std::result::Result<(), Box<Stopped>> {
    let now = situation.now;
    let stop = |by: &str, error, halt| {
        Box::new(Stopped {
            by: by.to_owned(),
            error,
            halt,
        })
    };
    if !verdict.allowed {
        let halt = verdict.halt.as_ref().map(|why| loss(proposal, why, now));
        let halt = halt.filter(|halt| memory.gate.halts.set(halt.clone()));
        let sentence = verdict.sentence.clone().unwrap_or_default();
        let error = Error::NoPermission(sentence);
        return Err(stop(&refusing_rule(verdict), error, halt));
    }
    match memory.gate.release(config, proposal, token, now) {
        Ok(()) => {
            memory.gate.admit(config, proposal, now);
            Ok(())
        }
        Err(Missing::Token(error)) => {
            let error = Error::NoPermission(error.to_string());
            Err(stop("preview", error, None))
        }
        Err(Missing::Confirmation) => {
            let order = OrderDigest::of(proposal);
            let seconds = config.confirmation_seconds;
            let asked = memory
                .questions
                .ask(order, &proposal.caller, rows, seconds, now);
            let error = match asked {
                Ok(nonce) => Error::ConfirmationNeeded(Box::new(Confirmation {
                    message: confirmation(config, proposal, situation, verdict, None),
                    approval: Approval {
                        gateway: trade.gateway().to_owned(),
                        order,
                        nonce,
                    },
                })),
                Err(error) => Error::Other(error.to_string()),
            };
            Err(stop("confirmation", error, None))
        }
    }
}

/// The halt that losses call for.
pub(super) fn loss(proposal: &Proposal, why: &str, now: OffsetDateTime) -> Halt {
    Halt {
        source: HaltSource::Loss,
        who: format!("the losses of account {}", proposal.account),
        why: why.to_owned(),
        since: now,
    }
}

/// The first rule that refused, by its key.
fn refusing_rule(verdict: &Verdict) -> String {
    let recorded = journal::Verdict::from(verdict);
    let refused = verdict
        .checks
        .iter()
        .position(|check| check.outcome == Outcome::Refused);
    refused
        .and_then(|place| recorded.checks.get(place))
        .map_or_else(|| "gate".to_owned(), |check| check.rule.clone())
}

/// What stops an order between the gate and the socket: a halt of this moment.
pub(super) fn halted_now(trade: &Trade) -> Option<Error> {
    trade
        .halted()
        .map(|halt| Error::NoPermission(format!("{} Nothing was sent.", halt.sentence())))
}

/// The rows that stand before anything is handed to the socket.
pub(super) fn before_sending(
    rows: &Rows,
    verdict: &Verdict,
    sending: Vec<Event>,
) -> Vec<journal::Entry> {
    let now = OffsetDateTime::now_utc();
    let mut entries = rows.verdict(verdict);
    let about = rows.about.iter().cloned();
    entries.extend(
        about
            .zip(sending)
            .map(|(about, event)| journal::Entry::new(now, about, event)),
    );
    entries
}
