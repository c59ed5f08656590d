//! What the cache forgets, so that it does not grow for ever.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How much the cache keeps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) files: usize,
    pub(super) bytes: u64,
    /// How long what this engine does not use is left alone: another version
    /// of the host may be at work on the same folder.
    pub(super) foreign: Duration,
}

impl Bounds {
    pub(super) const USUAL: Self = Self {
        files: 1024,
        bytes: 512 << 20,
        foreign: Duration::from_secs(24 * 60 * 60),
    };
}

/// One file of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
    /// Whether this engine can use it.
    own: bool,
}

/// Removes what the cache need not keep: the files of other engines, what a
/// host that was killed left half-written, and of the own ones those beyond the
/// bounds that were not used for longest. `newest` was just written, and stays.
///
/// # Errors
///
/// If the folder cannot be listed. A file that cannot be removed is left.
pub(super) fn prune(
    folder: &Path,
    engine: &str,
    newest: Option<&Path>,
    bounds: Bounds,
) -> io::Result<()> {
    let mut files = list(folder, engine)?;
    files.retain(|file| Some(file.path.as_path()) != newest);
    let kept = newest
        .and_then(|path| fs::metadata(path).ok())
        .map(|metadata| metadata.len());
    for path in superfluous(files, kept, SystemTime::now(), bounds) {
        match fs::remove_file(&path) {
            Ok(()) => {
                tracing::debug!(file = %path.display(), "a precompiled component is forgotten")
            }
            Err(error) => {
                tracing::debug!(file = %path.display(), %error, "a precompiled component stays");
            }
        }
    }
    Ok(())
}

/// The files of the cache. Whatever else lies in the folder is none of its
/// business.
fn list(folder: &Path, engine: &str) -> io::Result<Vec<File>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        // What is gone by now needs no pruning.
        let Ok(entry) = entry else { continue };
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let name = entry.file_name();
        let Some(own) = name.to_str().and_then(|name| belongs(name, engine)) else {
            continue;
        };
        if !metadata.is_file() {
            continue;
        }
        let times = [metadata.accessed(), metadata.modified()];
        let used = times.into_iter().flatten().max();
        files.push(File {
            path: entry.path(),
            bytes: metadata.len(),
            used: used.unwrap_or(SystemTime::UNIX_EPOCH),
            own,
        });
    }
    Ok(files)
}

/// Whether a file of this name is one of the cache, and if so, whether this
/// engine can use it.
fn belongs(name: &str, engine: &str) -> Option<bool> {
    if name.starts_with(".tmp") {
        return Some(false);
    }
    let (component, of) = name.strip_suffix(".cwasm")?.split_once('-')?;
    let hex =
        |text: &str, length| text.len() == length && text.chars().all(|c| c.is_ascii_hexdigit());
    (hex(component, 64) && hex(of, engine.len())).then_some(of == engine)
}

/// Which of these files are not kept, besides one of `newest` bytes that is.
fn superfluous(
    files: Vec<File>,
    newest: Option<u64>,
    now: SystemTime,
    bounds: Bounds,
) -> Vec<PathBuf> {
    let (mut own, foreign): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.own);
    let age = |file: &File| now.duration_since(file.used).unwrap_or_default();
    let mut gone: Vec<_> = foreign
        .into_iter()
        .filter(|file| age(file) >= bounds.foreign)
        .collect();

    own.sort_by_key(|file| std::cmp::Reverse(file.used));
    let mut bytes = newest.unwrap_or_default();
    let mut count = usize::from(newest.is_some());
    // From the latest used on, as long as there is room.
    let kept = own
        .iter()
        .take_while(|file| {
            bytes = bytes.saturating_add(file.bytes);
            count += 1;
            count <= bounds.files && bytes <= bounds.bytes
        })
        .count();
    gone.extend(own.split_off(kept));
    gone.into_iter().map(|file| file.path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        files: 3,
        bytes: 100,
        foreign: Duration::from_secs(60),
    };

    fn file(name: &str, bytes: u64, seconds_ago: u64, own: bool) -> File {
        File {
            path: name.into(),
            bytes,
            used: now() - Duration::from_secs(seconds_ago),
            own,
        }
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)
    }

    fn gone(files: Vec<File>, newest: Option<u64>) -> Vec<String> {
        let paths = superfluous(files, newest, now(), BOUNDS);
        let mut names: Vec<_> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_least_recently_used_go_first() {
        let files = || {
            vec![
                file("old", 1, 900, true),
                file("older", 1, 950, true),
                file("new", 1, 10, true),
                file("newer", 1, 5, true),
            ]
        };
        assert_eq!(gone(files(), None), ["older"]);
        assert_eq!(gone(files(), Some(1)), ["old", "older"]);
        // The one just written stays, however large.
        assert_eq!(gone(files(), Some(1_000)), ["new", "newer", "old", "older"]);
    }

    #[test]
    fn bytes_are_bounded() {
        let files = vec![
            file("large", 80, 5, true),
            file("larger", 30, 10, true),
            file("small", 1, 20, true),
        ];
        assert_eq!(gone(files, None), ["larger", "small"]);
    }

    #[test]
    fn files_of_other_engines_go_when_nobody_uses_them() {
        let files = vec![
            file("in use elsewhere", 1, 59, false),
            file("left over", 1, 60, false),
            file("own", 1, 9_999, true),
        ];
        assert_eq!(gone(files, None), ["left over"]);
    }

    #[test]
    fn names_tell_what_belongs_to_the_cache() {
        let engine = "0123456789abcdef";
        let component = "a".repeat(64);
        let name = |engine: &str| format!("{component}-{engine}.cwasm");
        assert_eq!(belongs(&name(engine), engine), Some(true));
        assert_eq!(belongs(&name("fedcba9876543210"), engine), Some(false));
        assert_eq!(belongs(".tmpAbc", engine), Some(false));
        for other in ["notes.txt", "x.cwasm", "x-y.cwasm", &name("zz")] {
            assert_eq!(belongs(other, engine), None, "{other}");
        }
    }
}
