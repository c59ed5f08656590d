//! Opening a journal: what is checked before the first row is written.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};

use rusqlite::{Connection, OptionalExtension};
use time::OffsetDateTime;

use super::chain::{self, Hash};
use super::entry::About;
use super::error::OpenError;
use super::event::{Event, Note};
use super::handle::{Journal, Shared};
use super::head::{self, Found, HeadFile};
use super::table::{self, Link};
use super::writer::Writer;
use super::{index, schema};

/// How a journal is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How large the file may become, in bytes. Beyond it every append fails
    /// as on a full disk. Absent: as large as the disk allows.
    pub max_bytes: Option<u64>,
    /// Set by an operator who has seen that rows are missing at the end, and
    /// takes the journal as it is, from this moment on. A row says so.
    pub accept_tail: Option<OffsetDateTime>,
}

/// Opens a journal and sets its writer to work.
pub(super) fn open(path: &Path, options: &Options) -> Result<Journal, OpenError> {
    let failed = |error: io::Error| OpenError::files(path, error);
    let (head, found) = HeadFile::open(path)?;
    if options.accept_tail.is_none()
        && let Some(fault) = lost(path, &found)
    {
        return Err(OpenError::Tail {
            path: path.to_owned(),
            found: fault,
        });
    }
    create(path).map_err(failed)?;
    let identity = head::identity(path).map_err(failed)?;
    let connection = schema::open_to_write(path, options.max_bytes)?;
    close_to_others(path).map_err(failed)?;
    let sqlite = |error: rusqlite::Error| OpenError::sqlite(path, &error);
    let name = schema::name(&connection).map_err(sqlite)?;
    let genesis = chain::genesis(&name);
    let last = table::last(&connection, genesis).map_err(sqlite)?;
    let fault = tail_fault(&connection, &name, genesis, last, &found).map_err(sqlite)?;
    if let (Some(fault), None) = (&fault, options.accept_tail) {
        return Err(OpenError::Tail {
            path: path.to_owned(),
            found: fault.clone(),
        });
    }
    if fault.is_some() {
        // It may hold what rows said that are gone.
        rebuild_index(&connection).map_err(sqlite)?;
    }
    head.renew(&name, last).map_err(failed)?;
    sync_folder(path).map_err(failed)?;

    let shared = Arc::new(Shared::default());
    shared.last.store(last.seq, Ordering::Relaxed);
    let writer = Writer {
        path: path.to_owned(),
        max_bytes: options.max_bytes,
        connection: Some(connection),
        head,
        identity,
        name,
        genesis,
        last,
        perhaps: None,
        shared: Arc::clone(&shared),
    };
    let (jobs, receiver) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || writer.run(&receiver))
        .map_err(failed)?;
    let journal = Journal::new(path.to_owned(), last.seq, shared, jobs, thread);
    if let (Some(fault), Some(now)) = (fault, options.accept_tail) {
        let note = Note {
            who: "operator".to_owned(),
            text: format!("Accepted the journal as it is: {fault}"),
        };
        // In the log if it fails, and so does the first order then.
        journal
            .append(now, About::default(), Event::Note(note))
            .detach();
    }
    Ok(journal)
}

/// Makes the index of orders what the rows make it.
fn rebuild_index(connection: &Connection) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    index::rebuild(&transaction)?;
    transaction.commit()
}

/// Whether the file is not there although it was written. It must not be begun
/// anew then: that would throw away what its WAL file still holds.
fn lost(path: &Path, head: &Found) -> Option<String> {
    let empty = std::fs::metadata(path).map_or(true, |file| file.len() == 0);
    match head {
        Found::Head(head) if empty && head.link.seq > 0 => Some(format!(
            "Row {} was written, and the file is gone or empty.",
            head.link.seq
        )),
        _ => None,
    }
}

/// Makes sure that the file is there.
fn create(path: &Path) -> io::Result<()> {
    let new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match new {
        Ok(file) => file.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes sure that the files are nobody else's to read. SQLite gives new ones
/// beside the journal the rights that the journal has.
fn close_to_others(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm", ".head"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let mut rights = match std::fs::metadata(&name) {
            Ok(file) => file.permissions(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if rights.mode() & 0o077 != 0 {
            tracing::warn!(
                "{} was open to other users; it is closed to them now",
                Path::new(&name).display()
            );
            rights.set_mode(0o600);
            std::fs::set_permissions(&name, rights)?;
        }
    }
    Ok(())
}

/// Makes sure that a power cut does not lose the names of new files.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// What does not agree between the end of the chain and the head file, in
/// sentences.
pub(super) fn tail_fault(
    connection: &Connection,
    name: &str,
    genesis: Hash,
    last: Link,
    found: &Found,
) -> rusqlite::Result<Option<String>> {
    let head = match found {
        Found::Nothing if last.seq == 0 => return Ok(None),
        Found::Nothing => {
            return Ok(Some(format!(
                "It has {} rows, and its head file, which says how many there were, is missing.",
                last.seq
            )));
        }
        Found::Unreadable => {
            return Ok(Some(
                "Its head file, which says how many rows there were, was changed by something \
                 else than a host."
                    .to_owned(),
            ));
        }
        Found::Head(head) => head,
    };
    if head.journal != name {
        return Ok(Some(
            "Its head file belongs to another journal: one of the two was replaced.".to_owned(),
        ));
    }
    if head.link.seq > last.seq {
        return Ok(Some(format!(
            "It ends with row {}, and row {} was written: what lies between was removed.",
            last.seq, head.link.seq
        )));
    }
    let there: Option<Vec<u8>> = if head.link.seq == 0 {
        Some(genesis.0.to_vec())
    } else {
        connection
            .query_row(
                "SELECT hash FROM rows WHERE seq = ?1",
                [head.link.seq],
                |row| row.get(0),
            )
            .optional()?
    };
    if there.is_some_and(|hash| hash == head.link.hash.0) {
        return Ok(None);
    }
    Ok(Some(format!(
        "Row {} is not the one that was written: it and the rows before or after it were replaced.",
        head.link.seq
    )))
}
