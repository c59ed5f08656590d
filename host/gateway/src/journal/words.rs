//! What a row says, in a line for people.

use super::event::{Event, Found, GapKind, Outcome};
use super::record::{ContractRecord, OrderRecord, StateRecord};
use crate::visible::spelled_out;

/// A row's event in a line. Signs that steer a terminal or turn the direction
/// of text are shown, not sent: some of it was written by a model.
#[must_use]
pub fn line(event: &Event) -> String {
    spelled_out(&sentence(event))
}

fn sentence(event: &Event) -> String {
    match event {
        Event::Asked(asked) => {
            let caller = &asked.caller;
            let target = asked.target.map(|id| format!(" {id}")).unwrap_or_default();
            let what = order(asked.contract.as_ref(), asked.order.as_ref());
            let kind = asked.request.as_str();
            let (client, tool) = (&caller.client, &caller.tool);
            format!("{client} asks by {tool}: {kind}{target}{what}")
        }
        Event::Verdict(verdict) => {
            let refused = verdict.checks.iter();
            let mut refused = refused.filter(|check| check.outcome == Outcome::Refused);
            match (verdict.allowed, refused.next()) {
                (true, _) => format!("the gate allows it ({} rules)", verdict.checks.len()),
                (false, Some(check)) => format!("the gate refuses it: {}", check.sentence),
                (false, None) => "the gate refuses it".to_owned(),
            }
        }
        Event::Refused(refused) => format!("refused by {}: {}", refused.by, refused.sentence),
        Event::Sending(sending) => {
            let what = order(sending.contract.as_ref(), sending.order.as_ref());
            format!("sending: {}{what}", sending.of.as_str())
        }
        Event::NotSent(not_sent) => format!("not sent: {}", not_sent.sentence),
        Event::Acknowledged(acknowledged) => {
            let what = acknowledged.of.as_str();
            format!("TWS took it ({what}): {}", state(&acknowledged.state))
        }
        Event::Status(status) => state(status),
        Event::Fill(fill) => format!(
            "{} {} {} at {} on {} ({})",
            fill.side,
            fill.shares,
            fill.contract.words(),
            fill.price,
            fill.exchange,
            fill.exec_id
        ),
        Event::Commission(commission) => format!(
            "commission {} {} ({})",
            commission.amount, commission.currency, commission.exec_id
        ),
        Event::Correction(correction) => match &correction.fill {
            Some(fill) => format!(
                "corrected to {} {} at {} ({})",
                fill.side, fill.shares, fill.price, correction.exec_id
            ),
            None => format!("busted ({})", correction.exec_id),
        },
        Event::Rejected(rejected) => {
            let what = rejected.of.as_str();
            format!(
                "TWS refused it ({what}, {}): {}",
                rejected.code, rejected.text
            )
        }
        Event::Cancelled(cancelled) => match &cancelled.text {
            Some(text) => format!("cancelled: {text}"),
            None => "cancelled".to_owned(),
        },
        Event::Uncertain(uncertain) => format!("uncertain: {}", uncertain.sentence),
        Event::Reconciled(reconciled) => {
            format!(
                "looked up, {}: {}",
                found(reconciled.found),
                reconciled.sentence
            )
        }
        Event::Seen(seen) => format!(
            "seen in TWS:{}, {}",
            order(Some(&seen.contract), Some(&seen.order)),
            state(&seen.state)
        ),
        Event::Halt(halt) => format!("halted by {}: {}", halt.who, halt.why),
        Event::Resume(resume) => format!("resumed by {}: {}", resume.who, resume.why),
        Event::Gap(gap) => match (gap.what, gap.length_ns) {
            (GapKind::Lost, _) => format!("connection lost: {}", gap.reason),
            (GapKind::Back, None) => format!("connection back: {}", gap.reason),
            (GapKind::Back, Some(length)) => format!(
                "connection back after {}.{:03} s: {}",
                length / 1_000_000_000,
                length / 1_000_000 % 1000,
                gap.reason
            ),
        },
        Event::Note(note) => format!("{}: {}", note.who, note.text),
    }
}

fn order(contract: Option<&ContractRecord>, order: Option<&OrderRecord>) -> String {
    let contract = contract.map(|contract| format!(" {}", contract.words()));
    let order = order.map(|order| format!(" {}", order.words()));
    contract.unwrap_or_default() + &order.unwrap_or_default()
}

fn state(state: &StateRecord) -> String {
    format!(
        "{}, {} filled, {} left",
        state.status, state.filled, state.remaining
    )
}

fn found(found: Found) -> &'static str {
    match found {
        Found::Working => "it works",
        Found::Filled => "it is filled",
        Found::Cancelled => "it is cancelled",
        Found::Rejected => "it was refused",
        Found::NeverArrived => "it never arrived",
        Found::Gone => "it is gone",
        Found::StillUncertain => "still uncertain",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::event::Note;

    #[test]
    fn what_steers_a_terminal_is_shown() {
        let note = Note {
            who: "client".into(),
            text: "a\u{1b}[2Jb\nc\u{202e}d é".into(),
        };
        assert_eq!(
            line(&Event::Note(note)),
            "client: a\\u{1b}[2Jb\\u{a}c\\u{202e}d é"
        );
    }
}
