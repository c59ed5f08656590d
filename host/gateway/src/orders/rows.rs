//! The rows that one request leaves in the journal, of one order or of a group.

use time::OffsetDateTime;

use super::trade::Trade;
use crate::gate;
use crate::journal::{
    About, Acknowledged, Asked, Begun, Entry, Event, NotSent, Refused, Rejected, RequestKind,
    StateRecord, Told, Uncertain, Verdict,
};
use crate::model::{Error, OrderState, Result};

/// TWS's code for a request about an order that it does not know.
const NO_SUCH_ORDER: i32 = 135;

/// What a request is about, for the journal: one entry for each order.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) of: RequestKind,
    pub(super) about: Vec<About>,
}

/// What asking for something comes to.
pub(super) enum Begin {
    /// It is new, and it is in the journal.
    New(Rows),
    /// The same was asked before under its idempotency key.
    Repeated(Box<Told>),
}

impl Rows {
    /// Writes what is asked, one entry for each order of a group; the first one
    /// has the idempotency key.
    pub(super) async fn begin(trade: &Trade, about: &About, asked: Vec<Asked>) -> Result<Begin> {
        let journal = trade.needed_journal()?;
        let mut asked = asked.into_iter();
        let Some(first) = asked.next() else {
            return Err(Error::invalid(
                "There is no order in the group. Give at least one.",
            ));
        };
        let of = first.request;
        let begin = |asked| journal.begin(OffsetDateTime::now_utc(), about.clone(), asked);
        let mut rows = match begin(first).await.map_err(unwritable)? {
            Begun::New { about } => Self {
                of,
                about: vec![about],
            },
            Begun::Repeated(told) => return Ok(Begin::Repeated(told)),
            Begun::Conflict(told) => return Err(Error::invalid(told.conflict())),
        };
        // All are handed over before the first is waited for: one wait serves all.
        let others: Vec<_> = asked.map(begin).collect();
        for other in others {
            match other.await {
                Ok(Begun::New { about }) => rows.about.push(about),
                Ok(Begun::Repeated(_) | Begun::Conflict(_)) => {}
                Err(error) => {
                    let error = unwritable(error);
                    rows.refuse(trade, "journal", &error.to_string()).await;
                    return Err(error);
                }
            }
        }
        Ok(Begin::New(rows))
    }

    /// One row of each order.
    pub(super) fn entries(&self, event: &Event) -> Vec<Entry> {
        let now = OffsetDateTime::now_utc();
        let about = self.about.iter();
        about
            .map(|about| Entry::new(now, about.clone(), event.clone()))
            .collect()
    }

    /// What the gate said.
    pub(super) fn verdict(&self, verdict: &gate::Verdict) -> Vec<Entry> {
        self.entries(&Event::Verdict(Verdict::from(verdict)))
    }

    /// That it was refused before anything was sent.
    pub(super) fn refused(&self, by: &str, sentence: &str) -> Vec<Entry> {
        self.entries(&Event::Refused(Refused {
            of: self.of,
            by: by.to_owned(),
            sentence: sentence.to_owned(),
        }))
    }

    /// Writes that it was refused.
    pub(super) async fn refuse(&self, trade: &Trade, by: &str, sentence: &str) {
        trade.note(self.refused(by, sentence)).await;
    }

    /// Hands an error on, once it is written that the request ended with it
    /// before anything was sent.
    pub(super) async fn or_refused<T>(&self, trade: &Trade, outcome: Result<T>) -> Result<T> {
        if let Err(error) = &outcome {
            self.refuse(trade, "host", &error.to_string()).await;
        }
        outcome
    }

    /// That it never left.
    pub(super) fn not_sent(&self, sentence: &str) -> Event {
        Event::NotSent(NotSent {
            of: self.of,
            sentence: sentence.to_owned(),
        })
    }

    /// What became of a request that was handed to the socket.
    pub(super) fn outcome(&self, outcome: &Sent) -> Event {
        let of = self.of;
        match outcome {
            Ok(state) => Event::Acknowledged(Acknowledged {
                of,
                state: StateRecord::from(state),
            }),
            Err(Failed::Never(error)) => self.not_sent(&error.to_string()),
            Err(Failed::Told(Error::Rejected(message))) => Event::Rejected(Rejected {
                of,
                code: message.code,
                text: message.text.clone(),
            }),
            Err(Failed::Told(Error::NotFound(text))) => Event::Rejected(Rejected {
                of,
                code: NO_SUCH_ORDER,
                text: text.clone(),
            }),
            Err(Failed::Told(error)) => Event::Uncertain(Uncertain {
                of,
                sentence: error.to_string(),
            }),
        }
    }
}

/// What became of something that was about to be handed to the socket.
pub(super) type Sent = std::result::Result<OrderState, Failed>;

/// Why an order that was about to be sent does not stand.
#[derive(Clone, Debug)]
pub(super) enum Failed {
    /// It certainly never left.
    Never(Error),
    /// It left: TWS refused it, or its fate is not known.
    Told(Error),
}

impl Failed {
    /// Why, for the caller.
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Never(error) | Self::Told(error) => error,
        }
    }
}

/// The journal cannot be written: what to say to who wanted to trade.
pub(super) fn unwritable(error: crate::journal::JournalError) -> Error {
    Error::Other(error.to_string())
}
