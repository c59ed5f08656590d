//! The tables, and how an older journal becomes a present one.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction};

use super::error::OpenError;
use super::index;

/// What marks a SQLite file as an order journal: "SPOJ".
const APPLICATION: i64 = 0x5350_4F4A;

/// One step from a version to the next.
type Migration = fn(&Transaction<'_>) -> rusqlite::Result<()>;

/// Step `n` makes version `n + 1`. Steps are added, never changed.
const MIGRATIONS: &[Migration] = &[create_rows, create_orders, create_kept];

/// The version that this code reads and writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// How long a lock of another process is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

fn create_rows(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE journal (name TEXT NOT NULL) STRICT;
         CREATE TABLE rows (
             seq INTEGER PRIMARY KEY,
             time INTEGER NOT NULL,
             kind TEXT NOT NULL,
             order_key TEXT,
             request INTEGER,
             gateway TEXT,
             account TEXT,
             client_id INTEGER,
             order_id INTEGER,
             perm_id INTEGER,
             exec_id TEXT,
             idempotency_key TEXT,
             payload TEXT NOT NULL,
             previous BLOB NOT NULL,
             hash BLOB NOT NULL
         ) STRICT;
         CREATE INDEX rows_by_order ON rows (order_key, seq) WHERE order_key IS NOT NULL;
         CREATE INDEX rows_by_request ON rows (request, seq) WHERE request IS NOT NULL;
         CREATE INDEX rows_by_time ON rows (time);
         CREATE INDEX rows_by_kind ON rows (kind, time);
         CREATE INDEX rows_by_execution ON rows (exec_id) WHERE exec_id IS NOT NULL;
         CREATE UNIQUE INDEX rows_by_idempotency_key ON rows (idempotency_key)
             WHERE idempotency_key IS NOT NULL;",
    )?;
    let name = format!("{:032x}", rand::random::<u128>());
    transaction.execute("INSERT INTO journal (name) VALUES (?1)", [name])?;
    transaction.pragma_update(None, "application_id", APPLICATION)
}

/// The index of orders can be made from the rows at any time.
fn create_orders(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE orders (
             order_key TEXT PRIMARY KEY,
             gateway TEXT,
             client_id INTEGER,
             order_id INTEGER,
             perm_id INTEGER,
             sent INTEGER NOT NULL,
             ended INTEGER NOT NULL,
             first_seq INTEGER NOT NULL,
             last_seq INTEGER NOT NULL
         ) STRICT, WITHOUT ROWID;
         CREATE INDEX orders_by_id ON orders (gateway, client_id, order_id);
         CREATE INDEX orders_by_perm_id ON orders (gateway, perm_id);
         CREATE INDEX orders_open ON orders (first_seq) WHERE ended = 0;",
    )?;
    index::rebuild(transaction)
}

/// What a gate remembers is no history, and changes: it is kept beside the
/// rows. A request that was refused leaves its idempotency key to the next.
fn create_kept(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE kept (
             gateway TEXT PRIMARY KEY,
             state TEXT NOT NULL
         ) STRICT, WITHOUT ROWID;
         DROP INDEX rows_by_idempotency_key;
         CREATE INDEX rows_by_idempotency_key ON rows (idempotency_key, seq)
             WHERE idempotency_key IS NOT NULL;",
    )
}

/// Opens a connection that writes, and brings the tables to the present
/// version.
pub(super) fn open_to_write(path: &Path, max_bytes: Option<u64>) -> Result<Connection, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::sqlite(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    let found = version(&connection, path)?;
    let prepare = |connection: &mut Connection| {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Where a plain fsync does not reach the platter.
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        connection.set_prepared_statement_cache_capacity(64);
        if let Some(bytes) = max_bytes {
            let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
            connection.pragma_update_and_check(None, "max_page_count", pages.max(1), |_| Ok(()))?;
        }
        if found < VERSION {
            migrate(connection, found)?;
        }
        Ok(())
    };
    prepare(&mut connection).map_err(failed)?;
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(failed)?;
    if mode != "wal" {
        return Err(OpenError::files(
            path,
            "its disk does not allow a write-ahead log",
        ));
    }
    Ok(connection)
}

/// Opens a connection that reads, beside a writer or without one.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::sqlite(path, &error);
    if !path.exists() {
        return Err(OpenError::Missing {
            path: path.to_owned(),
        });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    let found = version(&connection, path)?;
    if found == VERSION {
        return Ok(connection);
    }
    Err(OpenError::NotAJournal {
        path: path.to_owned(),
        found: format!(
            "its format is {found}, and {VERSION} is the present one; the host brings it up to \
             date when it starts"
        ),
    })
}

/// The version of the tables, 0 for a file without any.
fn version(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::sqlite(path, &error);
    let pragma = |name: &str| -> Result<i64, OpenError> {
        let value = connection.pragma_query_value(None, name, |row| row.get(0));
        value.map_err(failed)
    };
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    let (found, application) = (pragma("user_version")?, pragma("application_id")?);
    if tables == 0 && found == 0 {
        return Ok(0);
    }
    if application != APPLICATION {
        return Err(OpenError::NotAJournal {
            path: path.to_owned(),
            found: "it is a SQLite file of another program".to_owned(),
        });
    }
    if found > VERSION {
        return Err(OpenError::TooNew {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    Ok(found)
}

/// All steps from a version to the present one, or none.
fn migrate(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for step in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        step(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    // The tables and the journal's name shall not hang on the WAL file alone.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// The name of a journal: different for each, made when it is begun.
pub(super) fn name(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("SELECT name FROM journal LIMIT 1", [], |row| row.get(0))
}
