//! Writing rows within a transaction.

use rusqlite::Connection;

use super::entry::{Appended, Entry};
use super::error::JournalError;
use super::event::Event;
use super::index;
use super::table::{self, Link};
use super::writer::Kept;

/// Writes rows, one after the other.
pub(super) fn all(
    connection: &Connection,
    link: &mut Link,
    entries: &[Entry],
) -> Result<Vec<Appended>, JournalError> {
    let write = |entry| one(connection, link, entry);
    entries.iter().map(write).collect()
}

fn one(connection: &Connection, link: &mut Link, entry: &Entry) -> Result<Appended, JournalError> {
    if matches!(entry.event, Event::Asked(_)) {
        return Err(JournalError::BadRow(
            "what was asked is written by `begin`.".to_owned(),
        ));
    }
    if let Some(seq) = told_before(connection, entry)? {
        return Ok(Appended { seq, new: false });
    }
    let seq = write(connection, link, entry)?;
    Ok(Appended { seq, new: true })
}

/// Writes a row and takes it into the index.
pub(super) fn write(
    connection: &Connection,
    link: &mut Link,
    entry: &Entry,
) -> Result<i64, JournalError> {
    *link = table::insert(connection, *link, entry)?;
    index::update(connection, link.seq, &entry.about, &entry.event)?;
    Ok(link.seq)
}

/// The row that told of this execution before, if one did.
fn told_before(connection: &Connection, entry: &Entry) -> Result<Option<i64>, JournalError> {
    let Some(exec_id) = entry.event.exec_id() else {
        return Ok(None);
    };
    let known = table::rows(
        connection,
        "WHERE exec_id = ?1 AND gateway IS ?2 AND kind = ?3 ORDER BY seq",
        (exec_id, &entry.about.gateway, entry.event.kind().as_str()),
    );
    // A row that cannot be read says nothing; `verify` tells of it.
    let known = known.unwrap_or_default();
    let same = known.iter().find(|row| row.event.repeats(&entry.event));
    Ok(same.map(|row| row.seq))
}

/// Keeps what a gate remembers, in the place of what was kept before.
pub(super) fn keep(connection: &Connection, kept: &Kept) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO kept (gateway, state) VALUES (?1, ?2)")?
        .execute([&kept.gateway, &kept.state])
        .map(drop)
}
