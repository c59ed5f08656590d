//! Walking the chain.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row as SqlRow};
use serde::Serialize;

use super::chain::{self, Hash};
use super::error::{Cause, ReadError};
use super::head;
use super::options::tail_fault;
use super::table::{COVERED, Link};
use super::{index, schema, table};

/// What walking the chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// How many rows were walked: all of them, or those before the fault.
    pub rows: i64,
    /// The hash of the last good row. Kept elsewhere, it proves all rows up to
    /// it.
    pub hash: Hash,
    /// The first thing that is not as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

impl Verified {
    /// Whether everything is as it was written.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.fault.is_none()
    }
}

/// What is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Fault {
    /// A row was changed.
    Altered {
        /// Its number.
        seq: i64,
    },
    /// Rows are missing.
    Missing {
        /// The first that is missing.
        from: i64,
        /// The last that is missing.
        to: i64,
    },
    /// A row was put in that was not written.
    Inserted {
        /// The number where it stands.
        seq: i64,
    },
    /// A row stands where it was not written.
    Reordered {
        /// The number where it stands.
        seq: i64,
        /// The number under which it was written.
        written_as: i64,
    },
    /// The rows and the head file do not agree: rows were cut off the end, or
    /// the journal or its head file was replaced.
    Tail {
        /// What does not agree, in sentences.
        found: String,
    },
    /// The rows are whole; the index of orders that is made from them is not.
    Index {
        /// The first order that it has otherwise.
        order: String,
    },
    /// The file is damaged.
    Damaged {
        /// What SQLite says of it.
        found: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered { seq } => write!(f, "Row {seq} was changed after it was written."),
            Self::Missing { from, to } if from == to => write!(f, "Row {from} is missing."),
            Self::Missing { from, to } => write!(f, "Rows {from} to {to} are missing."),
            Self::Inserted { seq } => {
                write!(f, "Row {seq} was put in: the host did not write it there.")
            }
            Self::Reordered { seq, written_as } => {
                write!(
                    f,
                    "Row {seq} was written as row {written_as}: rows were moved."
                )
            }
            Self::Tail { found } => f.write_str(found),
            Self::Index { order } => write!(
                f,
                "The rows are whole, but the index of orders made from them has order {order} \
                 otherwise than they do."
            ),
            Self::Damaged { found } => write!(f, "The file is damaged: {found}."),
        }
    }
}

/// A row as it lies there, whatever is in its columns.
struct Raw {
    cells: Vec<Value>,
    previous: Value,
    hash: Value,
}

impl Raw {
    fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        let cells = (0..COVERED).map(|column| row.get_ref(column).map(owned));
        Ok(Self {
            cells: cells.collect::<rusqlite::Result<_>>()?,
            previous: owned(row.get_ref(COVERED)?),
            hash: owned(row.get_ref(COVERED + 1)?),
        })
    }

    fn seq(&self) -> i64 {
        match self.cells.first() {
            Some(Value::Integer(seq)) => *seq,
            _ => 0,
        }
    }

    /// The hash that its columns make, under this number.
    fn hash_as(&self, seq: i64) -> Hash {
        let number = std::iter::once(ValueRef::Integer(seq));
        let others = self.cells.iter().skip(1).map(ValueRef::from);
        let cells: Vec<_> = number.chain(others).collect();
        chain::row_hash(&cells, ValueRef::from(&self.previous))
    }

    fn is(value: &Value, hash: Hash) -> bool {
        matches!(value, Value::Blob(bytes) if *bytes == hash.0)
    }

    /// Whether its columns make the hash that it carries, under this number.
    fn fits_as(&self, seq: i64) -> bool {
        Self::is(&self.hash, self.hash_as(seq))
    }

    fn follows(&self, hash: Hash) -> bool {
        Self::is(&self.previous, hash)
    }
}

/// The value of a column. A text that is no UTF-8 was not written by a host:
/// as a blob it makes another hash.
fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        ValueRef::Text(bytes) => String::from_utf8(bytes.to_vec())
            .map_or_else(|error| Value::Blob(error.into_bytes()), Value::Text),
    }
}

/// Walks the chain, in one look at the journal as it is now.
pub(super) fn verify(connection: &Connection, path: &Path) -> Result<Verified, ReadError> {
    // The head first: rows are durable before the head says so, and may grow
    // meanwhile.
    let head = head::look(path).map_err(|error| ReadError::File(error.to_string()))?;
    let look = connection.unchecked_transaction()?;
    let mut walk = Walk::default();
    let outcome = walk.go(&look, &head);
    let fault = match outcome {
        Ok(fault) => fault,
        Err(error) if Cause::of(&error) == Cause::Damaged => Some(Fault::Damaged {
            found: error.to_string(),
        }),
        Err(error) => return Err(error.into()),
    };
    Ok(Verified {
        rows: walk.last.seq,
        hash: walk.last.hash,
        fault,
    })
}

struct Walk {
    last: Link,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            last: Link {
                seq: 0,
                hash: Hash([0; 32]),
            },
        }
    }
}

impl Walk {
    fn go(
        &mut self,
        connection: &Connection,
        head: &head::Found,
    ) -> rusqlite::Result<Option<Fault>> {
        let name = schema::name(connection)?;
        let genesis = chain::genesis(&name);
        self.last.hash = genesis;
        let mut statement = connection.prepare(&table::select("ORDER BY seq"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let raw = Raw::read(row)?;
            let seq = self.last.seq + 1;
            if raw.seq() == seq && raw.follows(self.last.hash) && raw.fits_as(seq) {
                self.last = Link {
                    seq,
                    hash: raw.hash_as(seq),
                };
                continue;
            }
            drop(rows);
            return self.explain(connection, &raw, head).map(Some);
        }
        drop(rows);
        if let Some(found) = tail_fault(connection, &name, genesis, self.last, head)? {
            return Ok(Some(Fault::Tail { found }));
        }
        if let Some(found) = damage(connection)? {
            return Ok(Some(Fault::Damaged { found }));
        }
        index_fault(connection)
    }

    /// What is wrong with the first row that does not follow.
    fn explain(
        &self,
        connection: &Connection,
        raw: &Raw,
        head: &head::Found,
    ) -> rusqlite::Result<Fault> {
        let (seq, expected) = (raw.seq(), self.last.seq + 1);
        if seq > expected {
            return Ok(Fault::Missing {
                from: expected,
                to: seq - 1,
            });
        }
        if seq < expected {
            // Row numbers begin with 1 and rise.
            return Ok(Fault::Inserted { seq });
        }
        let next = at(connection, seq + 1)?;
        if raw.fits_as(seq) {
            // It is whole, and it follows something else than what is there.
            let hash = raw.hash_as(seq);
            let is_head = matches!(head, head::Found::Head(head)
                if head.link == Link { seq, hash });
            return Ok(match next {
                // What follows skips it.
                Some(next) if next.follows(self.last.hash) => Fault::Inserted { seq },
                // What follows, or the head, bears it out: the one before lies.
                Some(next) if next.follows(hash) && seq > 1 => Fault::Altered { seq: seq - 1 },
                None if is_head && seq > 1 => Fault::Altered { seq: seq - 1 },
                _ => Fault::Altered { seq },
            });
        }
        let end = connection.query_row("SELECT max(seq) FROM rows", [], |row| row.get(0))?;
        if let Some(written_as) = written_as(connection, raw, end)? {
            let third = at(connection, seq + 2)?;
            return Ok(self.moved(raw, written_as, next.as_ref(), third.as_ref()));
        }
        Ok(match next {
            // What follows was written in its place.
            Some(next) if next.fits_as(seq) => Fault::Inserted { seq },
            _ => Fault::Altered { seq },
        })
    }
}

impl Walk {
    /// What it means that a row was written under another number.
    fn moved(&self, raw: &Raw, written_as: i64, next: Option<&Raw>, third: Option<&Raw>) -> Fault {
        let seq = raw.seq();
        if written_as < seq {
            // All before it are good. Either it makes room for the one before
            // it, which is new, or it is a copy.
            let copy = Raw::is(&raw.hash, self.last.hash);
            return if written_as == seq - 1 && !copy {
                Fault::Inserted { seq: seq - 1 }
            } else {
                Fault::Inserted { seq }
            };
        }
        // When both behind it have made room, it is a copy of one further on.
        let moved_on = |row: Option<&Raw>| row.is_some_and(|row| row.fits_as(row.seq() - 1));
        if moved_on(next) && moved_on(third) {
            return Fault::Inserted { seq };
        }
        // When those behind it have moved up alike, rows were taken out.
        let shift = written_as - seq;
        if next.is_none_or(|next| next.fits_as(next.seq() + shift)) {
            Fault::Missing {
                from: seq,
                to: written_as - 1,
            }
        } else {
            Fault::Reordered { seq, written_as }
        }
    }
}

/// The row with this number.
fn at(connection: &Connection, seq: i64) -> rusqlite::Result<Option<Raw>> {
    let mut statement = connection.prepare(&table::select("WHERE seq = ?1"))?;
    let mut rows = statement.query([seq])?;
    rows.next()?.map(Raw::read).transpose()
}

/// The number under which a row was written, if it was moved: the row that it
/// follows tells, and if that one was moved too, trying does.
fn written_as(connection: &Connection, raw: &Raw, end: i64) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare("SELECT seq FROM rows WHERE hash = ?1")?;
    let mut rows = statement.query([&raw.previous])?;
    if let Some(row) = rows.next()? {
        let before: i64 = row.get(0)?;
        if raw.fits_as(before.saturating_add(1)) {
            return Ok(Some(before + 1));
        }
    }
    // Rows that are missing too make numbers beyond the end possible.
    let mut numbers = 1..=end.saturating_add(1000);
    Ok(numbers.find(|seq| raw.fits_as(*seq)))
}

/// What SQLite finds wrong with the file.
fn damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}

/// Whether the index of orders is what the rows make it.
fn index_fault(connection: &Connection) -> rusqlite::Result<Option<Fault>> {
    let (made, stored) = (index::from_rows(connection)?, index::stored(connection)?);
    if made == stored {
        return Ok(None);
    }
    let all: HashMap<_, _> = made.iter().chain(&stored).collect();
    let mut differing: Vec<_> = all
        .into_keys()
        .filter(|key| made.get(*key) != stored.get(*key))
        .collect();
    differing.sort();
    let order = differing.first().map(|key| (*key).clone());
    Ok(order.map(|order| Fault::Index { order }))
}
