//! Beginning a request, and the idempotency keys that have it done once.

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::entry::{About, Entry};
use super::error::{JournalError, ReadError};
use super::event::{Asked, Event};
use super::key::{IdempotencyKey, OrderKey, RequestId};
use super::standing::Standing;
use super::story::{RequestOutcome, RequestStory};
use super::table::{self, Link};
use super::{append, index};

/// What beginning a request comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is new, and it is in the journal.
    New {
        /// What the further rows of the request are about: the order's key,
        /// the request, the gateway, and the ids as far as they are known.
        about: About,
    },
    /// The same was asked under the same key before, and it was sent, or may be
    /// yet. Nothing was written, and
    /// nothing may be sent: answer what happened then.
    Repeated(Box<Told>),
    /// Something else was asked under the same key before, and it was sent, or
    /// may be yet. Nothing was written, and nothing may be sent.
    Conflict(Box<Told>),
}

/// What the journal tells of an earlier request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// What was asked, by whom, and what became of it.
    pub request: RequestStory,
    /// What was asked, exactly.
    pub asked: Asked,
    /// Where the order stands now, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
}

impl Told {
    /// Whether its idempotency key cannot be used for a new try: something was
    /// sent, or may be yet.
    fn uses_its_key(&self) -> bool {
        !matches!(
            self.request.outcome,
            RequestOutcome::Refused { .. } | RequestOutcome::NotSent { .. }
        )
    }

    /// Why another request under the same key is refused, in a sentence for
    /// the caller.
    #[must_use]
    pub fn conflict(&self) -> String {
        let key = self.asked.idempotency_key.as_ref();
        format!(
            "The idempotencyKey {} was used before, for another request ({}). Nothing was sent. \
             Use a new key for a new order; the same key only repeats the same order.",
            key.map_or("", IdempotencyKey::as_str),
            self.asked.request.as_str()
        )
    }
}

/// Writes that something was asked, unless its key was used before.
pub(super) fn begin(
    connection: &Connection,
    link: &mut Link,
    entry: &Entry,
) -> Result<Begun, JournalError> {
    let mut entry = entry.clone();
    let Event::Asked(asked) = &mut entry.event else {
        return Err(JournalError::BadRow(
            "only what was asked begins a request.".to_owned(),
        ));
    };
    asked.seal(entry.about.gateway.as_deref());
    if let Some(key) = &asked.idempotency_key
        && let Some(told) = by_key(connection, key).map_err(unreadable)?
        && told.uses_its_key()
    {
        let told = Box::new(told);
        return Ok(if told.asked.fingerprint == asked.fingerprint {
            Begun::Repeated(told)
        } else {
            Begun::Conflict(told)
        });
    }
    let about = &mut entry.about;
    about.request = Some(RequestId(link.seq + 1));
    if about.order.is_none() {
        about.order = order_of(connection, about, asked)?;
    }
    append::write(connection, link, &entry)?;
    Ok(Begun::New { about: entry.about })
}

/// The order that a request is about.
fn order_of(
    connection: &Connection,
    about: &mut About,
    asked: &Asked,
) -> Result<Option<OrderKey>, JournalError> {
    if asked.request.makes_an_order() {
        return Ok(Some(OrderKey::random()));
    }
    let Some(order_id) = asked.target else {
        return Ok(None);
    };
    about.order_id = Some(order_id);
    let known = match about.client_id {
        Some(client_id) => {
            index::by_order_id(connection, about.gateway.as_deref(), client_id, order_id)?
        }
        None => None,
    };
    Ok(Some(known.unwrap_or_else(OrderKey::random)))
}

/// What is told of the latest request with this key: those before it were
/// refused, or never left.
pub(super) fn by_key(
    connection: &Connection,
    key: &IdempotencyKey,
) -> Result<Option<Told>, ReadError> {
    let seq: Option<i64> = connection
        .prepare_cached(
            "SELECT seq FROM rows WHERE idempotency_key = ?1 ORDER BY seq DESC LIMIT 1",
        )?
        .query_row([key.as_str()], |row| row.get(0))
        .optional()?;
    match seq {
        Some(seq) => request(connection, RequestId(seq)),
        None => Ok(None),
    }
}

/// What is told of a request.
pub(super) fn request(connection: &Connection, id: RequestId) -> Result<Option<Told>, ReadError> {
    let rows = table::rows(connection, "WHERE request = ?1 ORDER BY seq", [id.0])?;
    let Some((Event::Asked(asked), about)) = rows.first().map(|row| (&row.event, &row.about))
    else {
        return Ok(None);
    };
    let standing = match &about.order {
        Some(key) => order(connection, key)?,
        None => None,
    };
    // The order's story has the request's, and knows a reconciliation too.
    let alone = OrderKey::random();
    let story = match &standing {
        Some(standing) => standing.requests.clone(),
        None => Standing::of(&alone, &rows).map_or(Vec::new(), |standing| standing.requests),
    };
    let story = story.into_iter().find(|story| story.id == id);
    Ok(story.map(|request| Told {
        request,
        asked: asked.clone(),
        standing,
    }))
}

/// Where an order stands.
pub(super) fn order(
    connection: &Connection,
    key: &OrderKey,
) -> Result<Option<Standing>, ReadError> {
    let rows = table::rows(
        connection,
        "WHERE order_key = ?1 ORDER BY seq",
        [key.as_str()],
    )?;
    Ok(Standing::of(key, &rows))
}

/// What was asked under a key before cannot be told, so nothing may be sent.
fn unreadable(error: ReadError) -> JournalError {
    JournalError::Unwritable {
        cause: super::error::Cause::Damaged,
        detail: error.to_string(),
    }
}
