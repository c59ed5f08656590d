//! Rows in SQLite: writing one, and reading it back.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row as SqlRow, params};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::chain::{self, Hash};
use super::entry::{About, Entry, Row};
use super::error::{JournalError, ReadError};
use super::event::Event;
use super::exact;
use super::key::{OrderKey, RequestId};

/// The columns that a row's hash covers, beside the previous hash.
pub(super) const COVERED: usize = 13;

/// A query for whole rows.
pub(super) fn select(what: &str) -> String {
    format!(
        "SELECT seq, time, kind, order_key, request, gateway, account, client_id, order_id, \
         perm_id, exec_id, idempotency_key, payload, previous, hash FROM rows {what}"
    )
}

/// The end of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// The last row's number, 0 before the first.
    pub(super) seq: i64,
    /// Its hash.
    pub(super) hash: Hash,
}

/// The end of the chain, as the table has it.
pub(super) fn last(connection: &Connection, genesis: Hash) -> rusqlite::Result<Link> {
    let mut statement =
        connection.prepare_cached("SELECT seq, hash FROM rows ORDER BY seq DESC LIMIT 1")?;
    let mut rows = statement.query([])?;
    match rows.next()? {
        Some(row) => Ok(Link {
            seq: row.get(0)?,
            hash: Hash(row.get(1)?),
        }),
        None => Ok(Link {
            seq: 0,
            hash: genesis,
        }),
    }
}

/// An event as its kind and its payload.
pub(super) fn payload(event: &Event) -> Result<String, JournalError> {
    let broken = || JournalError::BadRow("it has no form in JSON.".to_owned());
    let mut value = serde_json::to_value(event).map_err(|_| broken())?;
    let payload = value.get_mut("payload").map(Value::take);
    Ok(exact::canonical(&payload.ok_or_else(broken)?))
}

/// Writes the row that follows `previous`.
pub(super) fn insert(
    connection: &Connection,
    previous: Link,
    entry: &Entry,
) -> Result<Link, JournalError> {
    let Entry { time, about, event } = entry;
    let seq = previous.seq + 1;
    let time = i64::try_from(time.unix_timestamp_nanos())
        .map_err(|_| JournalError::BadRow("its time lies outside 1678 to 2262.".to_owned()))?;
    let payload = payload(event)?;
    let idempotency_key = match event {
        Event::Asked(asked) => asked.idempotency_key.as_ref().map(|key| key.as_str()),
        _ => None,
    };
    let text = |text: Option<&str>| text.map(str::to_owned);
    let columns: [rusqlite::types::Value; COVERED] = [
        seq.into(),
        time.into(),
        event.kind().as_str().to_owned().into(),
        text(about.order.as_ref().map(OrderKey::as_str)).into(),
        about.request.map(|RequestId(seq)| seq).into(),
        about.gateway.clone().into(),
        about.account.clone().into(),
        about.client_id.into(),
        about.order_id.into(),
        about.perm_id.into(),
        text(event.exec_id()).into(),
        text(idempotency_key).into(),
        payload.into(),
    ];
    let cells: Vec<ValueRef<'_>> = columns.iter().map(ValueRef::from).collect();
    let hash = chain::row_hash(&cells, ValueRef::Blob(&previous.hash.0));
    let [c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13] = &columns;
    connection
        .prepare_cached(
            "INSERT INTO rows (seq, time, kind, order_key, request, gateway, account, client_id,
                 order_id, perm_id, exec_id, idempotency_key, payload, previous, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            c1,
            c2,
            c3,
            c4,
            c5,
            c6,
            c7,
            c8,
            c9,
            c10,
            c11,
            c12,
            c13,
            previous.hash.0,
            hash.0
        ])?;
    Ok(Link { seq, hash })
}

/// Reads a row that [`select`] found.
pub(super) fn read(row: &SqlRow<'_>) -> Result<Row, ReadError> {
    let seq: i64 = row.get(0)?;
    let bad = |why: String| ReadError::Row { seq, why };
    let read = || -> rusqlite::Result<_> {
        let time: i64 = row.get(1)?;
        let kind: String = row.get(2)?;
        let order: Option<String> = row.get(3)?;
        let about = About {
            order: None,
            request: row.get::<_, Option<i64>>(4)?.map(RequestId),
            gateway: row.get(5)?,
            account: row.get(6)?,
            client_id: row.get(7)?,
            order_id: row.get(8)?,
            perm_id: row.get(9)?,
        };
        let payload: String = row.get(12)?;
        let hashes = (Hash(row.get(13)?), Hash(row.get(14)?));
        Ok((time, kind, order, about, payload, hashes))
    };
    let (time, kind, order, mut about, payload, (previous, hash)) =
        read().map_err(|error| bad(error.to_string()))?;
    about.order = order
        .map(|key| key.parse())
        .transpose()
        .map_err(|_| bad("its order has no key of this journal".to_owned()))?;
    let payload: Value = serde_json::from_str(&payload)
        .map_err(|error| bad(format!("its payload is not JSON ({error})")))?;
    let event = serde_json::from_value(json!({"kind": kind, "payload": payload}))
        .map_err(|error| bad(format!("its payload is none of a row {kind:?} ({error})")))?;
    let time = OffsetDateTime::from_unix_timestamp_nanos(time.into())
        .map_err(|_| bad("its time is none".to_owned()))?;
    Ok(Row {
        seq,
        time,
        about,
        event,
        previous,
        hash,
    })
}

/// The rows that a query finds.
pub(super) fn rows(
    connection: &Connection,
    what: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Row>, ReadError> {
    let mut statement = connection.prepare_cached(&select(what))?;
    let mut found = statement.query(parameters)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(read(row)?);
    }
    Ok(rows)
}
