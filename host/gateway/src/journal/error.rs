//! Why the journal did not do what it was asked to.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// What stands in the way of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// No space is left on the disk, or the journal has reached its bound.
    Full,
    /// The file or its disk may only be read.
    ReadOnly,
    /// The file is damaged.
    Damaged,
    /// Rows were changed, added or removed behind the host's back.
    Altered,
    /// The file was moved or removed while the host ran.
    Moved,
    /// Another program holds the file locked.
    Locked,
    /// The disk failed.
    Disk,
    /// More rows wait to be written than the disk keeps up with.
    Overloaded,
    /// The journal was closed.
    Closed,
}

impl Cause {
    /// What is wrong, in words that follow "because".
    fn what(self) -> &'static str {
        match self {
            Self::Full => "there is no space left for it",
            Self::ReadOnly => "its file or its disk may only be read",
            Self::Damaged => "its file is damaged",
            Self::Altered => "something else than this host has changed its rows",
            Self::Moved => "its file was moved or removed while the host ran",
            Self::Locked => "another program holds its file locked",
            Self::Disk => "its disk reports an error",
            Self::Overloaded => "more rows wait than its disk keeps up with",
            Self::Closed => "the host is stopping",
        }
    }

    /// What to do about it.
    fn remedy(self) -> &'static str {
        match self {
            Self::Full => "Free some space on that disk; the next order tries again by itself.",
            Self::ReadOnly => {
                "Let the host write to it again; the next order tries again by itself."
            }
            Self::Damaged => {
                "Stop the host, keep the file for evidence, and see `sandpit journal verify`."
            }
            Self::Altered => "Stop the host and see `sandpit journal verify`.",
            Self::Moved => "Put it back, or restart the host to begin a new one.",
            Self::Locked => {
                "End the program that has it open; the next order tries again by itself."
            }
            Self::Disk => "See to the disk; the next order tries again by itself.",
            Self::Overloaded => "Wait a little and try again.",
            Self::Closed => "Start it again.",
        }
    }

    pub(super) fn of(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::CannotOpen) => Self::Moved,
            Some(ErrorCode::ConstraintViolation) => Self::Altered,
            _ => Self::Disk,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what())
    }
}

/// Why a row is not in the journal. Whoever gets it must not send anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// It could not be written, or not durably.
    #[error(
        "The order journal cannot be written, because {cause}. No order goes out until it can be. \
         {}", .cause.remedy()
    )]
    Unwritable {
        /// What stands in the way.
        cause: Cause,
        /// The words of the library below, for the log.
        detail: String,
    },
    /// The row itself cannot be.
    #[error("The order journal does not take this row: {0} Nothing was sent.")]
    BadRow(String),
}

impl JournalError {
    pub(super) fn because(cause: Cause) -> Self {
        Self::Unwritable {
            cause,
            detail: String::new(),
        }
    }
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unwritable {
            cause: Cause::of(&error),
            detail: error.to_string(),
        }
    }
}

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another host has it open.
    #[error(
        "The order journal {} is in use by another Sandpit{}. Stop that one, or give this one a \
         journal of its own.",
        path.display(),
        holder.map(|process| format!(" (process {process})")).unwrap_or_default()
    )]
    InUse {
        /// The journal.
        path: PathBuf,
        /// The process that has it open, as far as it is known.
        holder: Option<u32>,
    },
    /// It was written by a later version.
    #[error(
        "The order journal {} was written by a later version of Sandpit: its format is {found}, \
         and this version knows up to {known}. Use the later version.",
        path.display()
    )]
    TooNew {
        /// The journal.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The latest version that is known here.
        known: i64,
    },
    /// It is something else.
    #[error(
        "{} is not an order journal: {found}. Name another file, or move this one away to begin a \
         new journal.",
        path.display()
    )]
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// The rows and the separately kept head do not agree.
    #[error(
        "The order journal {} is not whole: {found} Put back the files that belong together, or \
         accept the journal as it is: then a row says so.",
        path.display()
    )]
    Tail {
        /// The journal.
        path: PathBuf,
        /// What does not agree, in sentences.
        found: String,
    },
    /// There is none, where one was to be read.
    #[error("There is no order journal at {}. One is begun when the host starts.", path.display())]
    Missing {
        /// The file that is not there.
        path: PathBuf,
    },
    /// The files cannot be opened or written.
    #[error("The order journal {} cannot be opened: {cause}", path.display())]
    Files {
        /// The journal.
        path: PathBuf,
        /// Why.
        cause: String,
    },
}

impl OpenError {
    pub(super) fn files(path: &Path, cause: impl fmt::Display) -> Self {
        Self::Files {
            path: path.to_owned(),
            cause: format!(
                "{cause}. See that the folder exists and that the host may write to it."
            ),
        }
    }

    pub(super) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        match Cause::of(error) {
            Cause::Damaged => Self::NotAJournal {
                path: path.to_owned(),
                found: format!("it is damaged, or no SQLite file ({error})"),
            },
            _ => Self::files(path, error),
        }
    }
}

/// Why the journal could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read.
    #[error("The order journal cannot be read: {0}. See `sandpit journal verify`.")]
    File(String),
    /// A row could not be understood.
    #[error("Row {seq} of the order journal cannot be read: {why}. See `sandpit journal verify`.")]
    Row {
        /// The row's number.
        seq: i64,
        /// What is wrong with it.
        why: String,
    },
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::File(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_of_the_file_has_its_cause_and_says_that_no_order_goes_out() {
        // SQLite's result codes, extended ones among them.
        for (code, cause) in [
            (13, Cause::Full),
            (8, Cause::ReadOnly),
            (8 | 4 << 8, Cause::ReadOnly),
            (3, Cause::ReadOnly),
            (11, Cause::Damaged),
            (26, Cause::Damaged),
            (5, Cause::Locked),
            (6, Cause::Locked),
            (14, Cause::Moved),
            (19 | 8 << 8, Cause::Altered),
            (10, Cause::Disk),
            (10 | 3 << 8, Cause::Disk),
        ] {
            let code = rusqlite::ffi::Error::new(code);
            let error = JournalError::from(rusqlite::Error::SqliteFailure(code, None));
            assert!(
                matches!(&error, JournalError::Unwritable { cause: found, .. } if *found == cause),
                "{code:?} {error:?}"
            );
            let words = error.to_string();
            assert!(
                words.contains("No order goes out until it can be."),
                "{words}"
            );
            assert!(
                words.ends_with('.') && words.contains(cause.what()),
                "{words}"
            );
        }
    }
}
