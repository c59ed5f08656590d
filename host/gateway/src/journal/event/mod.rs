//! What a row says: one kind for each thing that happens to an order, or to
//! the host while it trades.

mod kind;
mod operation;
mod order;
mod request;
mod verdict;

pub use kind::{Kind, UnknownKind};
pub use operation::{Gap, GapKind, Halt, Note, Resume};
pub use order::{
    Cancelled, CommissionRecord, Correction, FillRecord, Found, Reconciled, Seen, Uncertain,
};
pub use request::{
    Acknowledged, Asked, CallerRecord, NotSent, Refused, Rejected, RequestKind, Sending,
};
pub use verdict::{CheckRecord, Outcome, Verdict};

use serde::{Deserialize, Serialize};

use super::record::StateRecord;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload", rename_all = "kebab-case")]
pub enum Event {
    /// A caller asked for something that can move money.
    Asked(Asked),
    /// What the gate said of it, rule by rule.
    Verdict(Verdict),
    /// It was refused before anything was sent.
    Refused(Refused),
    /// It is about to be handed to the socket. Written before it is.
    Sending(Sending),
    /// It certainly never reached the socket after all.
    NotSent(NotSent),
    /// TWS's first word on a request: it took it.
    Acknowledged(Acknowledged),
    /// TWS told of an order's state.
    Status(StateRecord),
    /// A fill, or a part of one.
    Fill(FillRecord),
    /// What a fill cost.
    Commission(CommissionRecord),
    /// A fill was corrected or busted.
    Correction(Correction),
    /// TWS refused a request.
    Rejected(Rejected),
    /// An order was cancelled.
    Cancelled(Cancelled),
    /// A request was sent and TWS's word on it never came.
    Uncertain(Uncertain),
    /// What looking it up in TWS found of an order.
    Reconciled(Reconciled),
    /// An order that this journal did not place was seen in TWS.
    Seen(Seen),
    /// Trading was halted.
    Halt(Halt),
    /// Trading was resumed.
    Resume(Resume),
    /// The connection to TWS was lost, or came back.
    Gap(Gap),
    /// Anything else worth keeping.
    Note(Note),
}

impl Event {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Asked(_) => Kind::Asked,
            Self::Verdict(_) => Kind::Verdict,
            Self::Refused(_) => Kind::Refused,
            Self::Sending(_) => Kind::Sending,
            Self::NotSent(_) => Kind::NotSent,
            Self::Acknowledged(_) => Kind::Acknowledged,
            Self::Status(_) => Kind::Status,
            Self::Fill(_) => Kind::Fill,
            Self::Commission(_) => Kind::Commission,
            Self::Correction(_) => Kind::Correction,
            Self::Rejected(_) => Kind::Rejected,
            Self::Cancelled(_) => Kind::Cancelled,
            Self::Uncertain(_) => Kind::Uncertain,
            Self::Reconciled(_) => Kind::Reconciled,
            Self::Seen(_) => Kind::Seen,
            Self::Halt(_) => Kind::Halt,
            Self::Resume(_) => Kind::Resume,
            Self::Gap(_) => Kind::Gap,
            Self::Note(_) => Kind::Note,
        }
    }

    /// TWS's id of the execution that it tells of.
    pub(super) fn exec_id(&self) -> Option<&str> {
        match self {
            Self::Fill(fill) => Some(&fill.exec_id),
            Self::Commission(commission) => Some(&commission.exec_id),
            Self::Correction(correction) => Some(&correction.exec_id),
            _ => None,
        }
    }

    /// Whether it tells of an execution what `other` told of it: TWS repeats
    /// fills and commissions after each reconnect.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fill(a), Self::Fill(b)) => a.repeats(b),
            (Self::Correction(a), Self::Correction(b)) => a.repeats(b),
            (Self::Commission(a), Self::Commission(b)) => {
                (a.amount, &a.currency) == (b.amount, &b.currency)
            }
            _ => false,
        }
    }

    /// What it does to the order that it is about.
    pub(super) fn effect(&self) -> Effect {
        let quiet = Effect::default();
        match self {
            Self::Sending(_) => Effect {
                sent: true,
                ..quiet
            },
            Self::Refused(Refused { of, .. })
            | Self::NotSent(NotSent { of, .. })
            | Self::Rejected(Rejected { of, .. }) => Effect {
                ended: of.makes_an_order().then_some(true),
                ..quiet
            },
            Self::Acknowledged(Acknowledged { state, .. }) | Self::Status(state) => Effect {
                ended: state.is_final().then_some(true),
                ..quiet
            },
            Self::Cancelled(_) => Effect {
                ended: Some(true),
                ..quiet
            },
            Self::Reconciled(reconciled) => Effect {
                ended: Some(reconciled.found.is_end()),
                ..quiet
            },
            Self::Seen(seen) => Effect {
                sent: true,
                ended: Some(seen.state.is_final()),
            },
            _ => quiet,
        }
    }
}

/// What an event does to its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// Whether TWS may know the order from here on.
    pub(super) sent: bool,
    /// Whether the order is at its end from here on. TWS repeats statuses, now
    /// and then out of order: only a look-up brings an order back.
    pub(super) ended: Option<bool>,
}
