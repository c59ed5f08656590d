//! Looking at the tool folder, and reading a file of it.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sandpit_sandbox::{LoadError, digest_of};

/// The files of the folder, by name.
pub(crate) type Look = BTreeMap<String, Seen>;

/// One file that may be a tool, as it looks from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A file.
    File(Stamp),
    /// Something that cannot be read as a file, in a sentence.
    Other(String),
}

/// What changes with the content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) length: u64,
    pub(crate) modified: SystemTime,
    pub(crate) inode: (u64, u64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            inode: (metadata.dev(), metadata.ino()),
        }
    }
}

/// The files of a tool folder that may be tools, in the order of their paths:
/// `*.wasm`, without the hidden ones, which are what copying leaves behind
/// half-way.
///
/// # Errors
///
/// If the folder cannot be listed.
pub fn component_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let wasm = path
            .extension()
            .is_some_and(|extension| extension == "wasm");
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if wasm && !hidden {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Looks at the files of the folder that may be tools.
pub(crate) fn look(folder: &Path) -> io::Result<Look> {
    let mut files = Look::new();
    for path in component_files(folder)? {
        let Some(name) = path.file_name().map(|name| name.to_string_lossy()) else {
            continue;
        };
        let seen = match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => Seen::File(Stamp::of(&metadata)),
            Ok(_) => Seen::Other("It is not a file.".to_owned()),
            // It is gone since the folder was listed, unless it is a link.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !path.is_symlink() {
                    continue;
                }
                Seen::Other("It is a link that leads nowhere.".to_owned())
            }
            Err(error) => Seen::Other(unreadable(&error)),
        };
        files.insert(name.into_owned(), seen);
    }
    Ok(files)
}

/// Looks at one file, wherever it is.
pub(crate) fn seen(path: &Path) -> io::Result<Seen> {
    let metadata = std::fs::metadata(path)?;
    Ok(if metadata.is_file() {
        Seen::File(Stamp::of(&metadata))
    } else {
        Seen::Other("It is not a file.".to_owned())
    })
}

/// Which folder is meant by this path at the moment: another one after it was
/// deleted and made anew.
pub(crate) fn identity(folder: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::metadata(folder).ok()?;
    metadata.is_dir().then(|| (metadata.dev(), metadata.ino()))
}

/// What was read of a file.
#[derive(Debug)]
pub(crate) enum Read {
    /// All of it, and its SHA-256 in lowercase hexadecimal digits.
    All(Vec<u8>, String),
    /// It has the digest that is known already.
    Same,
    /// It is not, or no longer, as it looked.
    Changed,
    /// It is larger than a component may be.
    TooLarge(String),
    /// It cannot be read.
    Unreadable(String),
}

/// Reads a file, unless it is larger than a component may be, has the digest
/// that is known already, or does not look as `expected` any more.
pub(crate) fn read(path: &Path, expected: Stamp, known: Option<&str>, limit: usize) -> Read {
    let size = usize::try_from(expected.length).unwrap_or(usize::MAX);
    if size > limit {
        return Read::TooLarge(LoadError::TooLarge { size, limit }.to_string());
    }
    match read_as_expected(path, expected) {
        Ok(None) => Read::Changed,
        Ok(Some(bytes)) => {
            let digest = digest_of(&bytes);
            if known == Some(&digest) {
                Read::Same
            } else {
                Read::All(bytes, digest)
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Read::Changed,
        Err(error) => Read::Unreadable(unreadable(&error)),
    }
}

fn read_as_expected(path: &Path, expected: Stamp) -> io::Result<Option<Vec<u8>>> {
    let as_expected = |metadata: Metadata| metadata.is_file() && Stamp::of(&metadata) == expected;
    // Opening what is no file, such as a pipe, may take for ever.
    if !as_expected(std::fs::metadata(path)?) {
        return Ok(None);
    }
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    // One byte more than is expected shows that the file has grown.
    file.by_ref()
        .take(expected.length.saturating_add(1))
        .read_to_end(&mut bytes)?;
    let complete = bytes.len() as u64 == expected.length;
    Ok((complete && as_expected(file.metadata()?)).then_some(bytes))
}

fn unreadable(error: &io::Error) -> String {
    format!("The file cannot be read: {error}.")
}
