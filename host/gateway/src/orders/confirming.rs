//! What persons are asked about orders, and their answers. Each question is
//! answered once.

use rand::TryRngCore;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::rows::Rows;
use crate::connection::Gateway;
use crate::gate::OrderDigest;
use crate::gate::state::NoRandomness;
use crate::journal::{About, Entry, Event, Note, OrderKey, RequestId, RequestKind};
use crate::model::{Approval, Caller, Error, Result};

/// How many questions are kept. Beyond it the oldest are forgotten.
const KEPT: usize = 256;

/// One question to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Question {
    nonce: String,
    order: OrderDigest,
    client: String,
    tool: String,
    tool_digest: String,
    expires: OffsetDateTime,
    of: RequestKind,
    /// The orders in the journal, each with its request.
    about: Vec<(Option<OrderKey>, Option<RequestId>)>,
}

/// The questions that were not answered yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Questions(Vec<Question>);

impl Questions {
    /// A new question about an order. Answers what names it.
    pub(super) fn ask(
        &mut self,
        order: OrderDigest,
        caller: &Caller,
        rows: &Rows,
        seconds: u32,
        now: OffsetDateTime,
    ) -> std::result::Result<String, NoRandomness> {
        let mut secret = [0_u8; 16];
        OsRng
            .try_fill_bytes(&mut secret)
            .map_err(|_| NoRandomness)?;
        let nonce: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let life = Duration::seconds(i64::from(seconds));
        self.0.retain(|question| now < question.expires);
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        let about = rows.about.iter();
        self.0.push(Question {
            nonce: nonce.clone(),
            order,
            client: caller.client.clone(),
            tool: caller.tool.clone(),
            tool_digest: caller.digest.clone(),
            expires: now.checked_add(life).unwrap_or(now),
            of: rows.of,
            about: about
                .map(|about| (about.order.clone(), about.request))
                .collect(),
        });
        Ok(nonce)
    }

    /// Takes the question out that is answered.
    fn answer(&mut self, approval: &Approval, now: OffsetDateTime) -> Option<Question> {
        self.0.retain(|question| now < question.expires);
        let place = self.0.iter().position(|question| {
            question.nonce == approval.nonce && question.order == approval.order
        })?;
        Some(self.0.remove(place))
    }
}

impl Question {
    fn caller(&self) -> Caller {
        Caller {
            tool: self.tool.clone(),
            digest: self.tool_digest.clone(),
            client: self.client.clone(),
            call_id: String::new(),
        }
    }

    fn rows(&self, gateway: &str) -> Rows {
        let about = self.about.iter().map(|(order, request)| About {
            order: order.clone(),
            request: *request,
            ..About::gateway(gateway)
        });
        Rows {
            of: self.of,
            about: about.collect(),
        }
    }
}

impl Gateway {
    /// A person has confirmed the order that was asked about. It can be placed
    /// once now, by who wanted to: run the request again.
    ///
    /// # Errors
    /// `NoPermission` if the question is no longer open: it was answered, or too
    /// much time has passed. `Other` if the journal cannot be written.
    pub async fn approve(&self, approval: &Approval) -> Result<()> {
        let trade = self.trade();
        let (now, seconds) = (
            OffsetDateTime::now_utc(),
            trade.config().confirmation_seconds,
        );
        let question = {
            let mut memory = trade.memory();
            let question = memory.questions.answer(approval, now).ok_or_else(closed)?;
            let caller = question.caller();
            let order = approval.order;
            memory.gate.approvals.grant(order, &caller, seconds, now);
            question
        };
        let client = question.client.clone();
        tracing::info!(tool = question.tool, client, "a person confirmed an order");
        let note = Event::Note(Note {
            who: client,
            text: "A person confirmed it.".to_owned(),
        });
        let entries: Vec<Entry> = question.rows(trade.gateway()).entries(&note);
        trade.write(entries).await.map_err(super::rows::unwritable)
    }

    /// A person has declined the order that was asked about.
    ///
    /// # Errors
    /// As for [`approve`](Self::approve).
    pub async fn decline(&self, approval: &Approval) -> Result<()> {
        let trade = self.trade();
        let question = trade
            .memory()
            .questions
            .answer(approval, OffsetDateTime::now_utc())
            .ok_or_else(closed)?;
        let (tool, client) = (&question.tool, &question.client);
        tracing::info!(tool, client, "a person declined an order");
        let rows = question.rows(trade.gateway());
        let entries = rows.refused("confirmation", "A person declined it.");
        trade.write(entries).await.map_err(super::rows::unwritable)
    }
}

fn closed() -> Error {
    Error::NoPermission(
        "The question that this answers is no longer open: it was answered before, or too much \
         time has passed. Ask for the order again."
            .to_owned(),
    )
}
