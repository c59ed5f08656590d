//! The head file: the last row's number and hash, kept beside the journal, so
//! that rows cut off its end are missed. It is also what one host holds locked
//! while it writes.
//!
//! It is overwritten in place, after the row is durable and with a line that
//! always has the same length: it may lag behind the rows after a crash, and
//! never runs ahead of them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::OpenError;
use super::table::Link;

/// What the line begins with: what it is, and its format.
const MARK: &str = "sandpit-journal-head-1";

/// How often a head file is looked at again that changes while it is read.
const TRIES: usize = 100;

/// What the head file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The journal's name.
    pub(super) journal: String,
    /// The end of its chain.
    pub(super) link: Link,
    /// The process that wrote it.
    process: u32,
}

impl Head {
    fn line(&self) -> String {
        let Self {
            journal,
            link: Link { seq, hash },
            process,
        } = self;
        format!("{MARK} {journal} {seq:019} {hash} {process:010}\n")
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        if words.next()? != MARK {
            return None;
        }
        let head = Self {
            journal: words.next()?.to_owned(),
            link: Link {
                seq: words.next()?.parse().ok()?,
                hash: words.next()?.parse().ok()?,
            },
            process: words.next()?.parse().ok()?,
        };
        // What is not written exactly so was not written by a host.
        (head.line() == line).then_some(head)
    }
}

/// What reading a head file gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// There is none, or it is empty.
    Nothing,
    /// It cannot be read as one.
    Unreadable,
    /// It says this.
    Head(Head),
}

/// The head file that belongs to a journal.
pub(super) fn path_of(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".head");
    PathBuf::from(name)
}

/// What the head file of a journal says.
pub(super) fn look(journal: &Path) -> io::Result<Found> {
    match File::open(path_of(journal)) {
        Ok(file) => read(&file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(error),
    }
}

fn read(file: &File) -> io::Result<Found> {
    let mut line = at_a_time(file)?;
    // A host may write in the middle of a look. Two alike are what it wrote.
    for _ in 0..TRIES {
        let again = at_a_time(file)?;
        if again == line {
            break;
        }
        line = again;
    }
    if line.is_empty() {
        return Ok(Found::Nothing);
    }
    let head = std::str::from_utf8(&line).ok().and_then(Head::parse);
    Ok(head.map_or(Found::Unreadable, Found::Head))
}

fn at_a_time(file: &File) -> io::Result<Vec<u8>> {
    let mut file = file;
    file.seek(SeekFrom::Start(0))?;
    let mut line = Vec::new();
    // A little more than any head has: what is longer is none.
    file.take(1024).read_to_end(&mut line)?;
    Ok(line)
}

/// The head file of a journal that this host writes.
#[derive(Debug)]
pub(super) struct HeadFile {
    file: File,
    path: PathBuf,
    identity: (u64, u64),
}

impl HeadFile {
    /// Opens it, or begins it, and holds it locked.
    pub(super) fn open(journal: &Path) -> Result<(Self, Found), OpenError> {
        let path = path_of(journal);
        let failed = |error: io::Error| OpenError::files(journal, error);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = match read(&file).map_err(failed)? {
                    Found::Head(head) => Some(head.process),
                    _ => None,
                };
                return Err(OpenError::InUse {
                    path: journal.to_owned(),
                    holder,
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let found = read(&file).map_err(failed)?;
        let identity = identity(&path).map_err(failed)?;
        let head = Self {
            file,
            path,
            identity,
        };
        Ok((head, found))
    }

    /// Says where the chain ends.
    pub(super) fn write(&self, journal: &str, link: Link) -> io::Result<()> {
        let head = Head {
            journal: journal.to_owned(),
            link,
            process: std::process::id(),
        };
        self.file.write_all_at(head.line().as_bytes(), 0)
    }

    /// As [`write`](Self::write), and drops whatever else was in the file, and
    /// waits until it is on the disk.
    pub(super) fn renew(&self, journal: &str, link: Link) -> io::Result<()> {
        self.write(journal, link)?;
        let length = self.length(journal, link);
        self.file.set_len(length)?;
        self.file.sync_all()
    }

    fn length(&self, journal: &str, link: Link) -> u64 {
        let head = Head {
            journal: journal.to_owned(),
            link,
            process: std::process::id(),
        };
        head.line().len() as u64
    }

    /// Waits until it is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Whether the file is still where it was.
    pub(super) fn is_in_place(&self) -> bool {
        identity(&self.path).is_ok_and(|identity| identity == self.identity)
    }
}

impl Drop for HeadFile {
    fn drop(&mut self) {
        // Closing alone would not do: a process that is just being started
        // holds a copy of the handle, and with it the lock, for a moment.
        if let Err(error) = self.file.unlock() {
            tracing::warn!("Unlocking the order journal: {error}");
        }
    }
}

/// What stays the same of a file as long as it is the same file.
pub(super) fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = std::fs::metadata(path)?;
    Ok((file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::chain::Hash;

    fn head(seq: i64) -> Head {
        Head {
            journal: format!("{:032x}", 7),
            link: Link {
                seq,
                hash: Hash([7; 32]),
            },
            process: 1234,
        }
    }

    #[test]
    fn a_head_reads_back_and_never_changes_its_length() {
        for seq in [0, 1, i64::MAX] {
            assert_eq!(Head::parse(&head(seq).line()), Some(head(seq)));
            assert_eq!(head(seq).line().len(), head(0).line().len());
        }
    }

    proptest! {
        #[test]
        fn a_line_with_a_fault_is_none_or_another_head(at in 0usize..140, byte: u8) {
            let mut line = head(5).line().into_bytes();
            let at = at % line.len();
            if let Some(target) = line.get_mut(at) {
                *target = byte;
            }
            let read = std::str::from_utf8(&line).ok().and_then(Head::parse);
            let same = line == head(5).line().into_bytes();
            prop_assert_eq!(read == Some(head(5)), same);
        }
    }
}
