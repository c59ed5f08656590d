//! The precompiled components between two starts.
//!
//! A file in the cache is machine code that the host will run as its own, so
//! the folder belongs to the host's user alone. The name of a file says what
//! it was compiled from and for; its first bytes are the digest of the rest,
//! so that a damaged file is noticed before it is used.

mod prune;

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use wasmtime::Engine;

use prune::Bounds;

const DIGEST: usize = 32;

/// A folder of precompiled components for one engine.
#[derive(Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
    engine: String,
    bounds: Bounds,
}

impl Cache {
    /// Opens the folder, and creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// If it cannot be created or written to, or if somebody else could write
    /// to it.
    pub(crate) fn open(folder: &Path, engine: &Engine) -> io::Result<Self> {
        create(folder)?;
        check(folder)?;
        let mut hasher = Sha256Hasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let mut engine = hex(&hasher.0.finalize());
        engine.truncate(16);
        let cache = Self {
            folder: folder.to_owned(),
            engine,
            bounds: Bounds::USUAL,
        };
        cache.prune(None);
        Ok(cache)
    }

    /// The code that was compiled from the component of this digest for this
    /// engine, if it is there and whole.
    pub(crate) fn read(&self, component: &str) -> Option<Vec<u8>> {
        let path = self.path(component);
        let mut file = fs::read(&path).ok()?;
        let whole = file
            .split_at_checked(DIGEST)
            .is_some_and(|(digest, code)| Sha256::digest(code)[..] == *digest);
        if !whole {
            tracing::warn!(
                component,
                "a precompiled component is damaged; it is compiled anew"
            );
            self.remove(component);
            return None;
        }
        file.drain(..DIGEST);
        used(&path);
        Some(file)
    }

    /// Keeps the code. A failure costs only time at the next start.
    pub(crate) fn write(&self, component: &str, code: &[u8]) {
        if let Err(error) = self.try_write(component, code) {
            tracing::warn!(component, %error, "a precompiled component could not be kept");
        }
    }

    fn try_write(&self, component: &str, code: &[u8]) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.write_all(&Sha256::digest(code))?;
        file.write_all(code)?;
        file.as_file().sync_all()?;
        // A rename: whoever reads sees the whole file or none.
        let path = self.path(component);
        file.persist(&path)?;
        self.prune(Some(&path));
        Ok(())
    }

    /// Forgets what need not be kept, but never what was just written.
    fn prune(&self, newest: Option<&Path>) {
        if let Err(error) = prune::prune(&self.folder, &self.engine, newest, self.bounds) {
            tracing::warn!(%error, "the precompiled components could not be pruned");
        }
    }

    /// Forgets the code.
    pub(crate) fn remove(&self, component: &str) {
        // If it cannot be removed, the next write replaces it.
        let _ = fs::remove_file(self.path(component));
    }

    fn path(&self, component: &str) -> PathBuf {
        self.folder
            .join(format!("{component}-{}.cwasm", self.engine))
    }
}

/// Notes that a file was used: reading alone does not, where the system keeps
/// no access times.
fn used(path: &Path) {
    let times = fs::FileTimes::new().set_accessed(SystemTime::now());
    let noted = fs::File::open(path).and_then(|file| file.set_times(times));
    if let Err(error) = noted {
        tracing::debug!(file = %path.display(), %error, "the use of a file could not be noted");
    }
}

fn create(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

/// Refuses a folder that somebody else can write to.
#[cfg(unix)]
fn check(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;

    let metadata = fs::metadata(folder)?;
    // A new file belongs to the user that the host runs as.
    let own = NamedTempFile::new_in(folder)?.as_file().metadata()?.uid();
    if metadata.uid() != own || metadata.mode() & 0o022 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "other users can write to the folder; it must belong to the host's user and have the \
             mode 700",
        ));
    }
    Ok(())
}

/// Makes sure that the folder can be written to.
#[cfg(not(unix))]
fn check(folder: &Path) -> io::Result<()> {
    NamedTempFile::new_in(folder).map(drop)
}

/// The digest that a component is known by: the SHA-256 of its bytes, in
/// lowercase hexadecimal digits.
pub fn digest_of(component: &[u8]) -> String {
    hex(&Sha256::digest(component))
}

/// Lowercase hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Feeds a `Hash` into SHA-256: the result has to be the same in every build
/// of the host, which `DefaultHasher` does not promise.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest
            .iter()
            .take(8)
            .fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("cache"), &Engine::default()).unwrap();
        assert_eq!(cache.read("abc"), None);
        cache.write("abc", b"code");
        assert_eq!(cache.read("abc").as_deref(), Some(&b"code"[..]));
        cache.remove("abc");
        assert_eq!(cache.read("abc"), None);
    }

    /// The file of a component, last used this many hours ago.
    fn aged(cache: &Cache, component: &str, hours: u64) {
        let past = SystemTime::now() - std::time::Duration::from_secs(hours * 3600);
        let times = fs::FileTimes::new().set_accessed(past).set_modified(past);
        let file = fs::File::open(cache.path(component)).unwrap();
        file.set_times(times).unwrap();
    }

    #[test]
    fn what_was_not_used_for_longest_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let mut cache = Cache::open(&path, &Engine::default()).unwrap();
        let [old, used, foreign, new] = ["a", "b", "c", "d"].map(|name| name.repeat(64));
        cache.write(&old, b"code");
        cache.write(&used, b"code");
        aged(&cache, &old, 2);
        aged(&cache, &used, 3);
        // Reading is using.
        assert!(cache.read(&used).is_some());
        // One of another engine, and one that is none of the cache's.
        let other = Cache {
            engine: "0".repeat(16),
            ..cache.clone()
        };
        other.write(&foreign, b"code");
        fs::write(path.join("notes.txt"), "mine").unwrap();

        cache.bounds.files = 2;
        cache.write(&new, b"code");
        assert_eq!(cache.read(&old), None);
        assert!(cache.read(&used).is_some() && cache.read(&new).is_some());
        // Another host may be at work with it.
        assert!(other.path(&foreign).exists());
        aged(&other, &foreign, 25);
        Cache::open(&path, &Engine::default()).unwrap();
        assert!(!other.path(&foreign).exists());
        assert!(path.join("notes.txt").exists());

        // What was just written stays, whatever the bounds.
        cache.bounds.bytes = 0;
        cache.write(&old, b"code");
        assert!(cache.read(&old).is_some());
        assert_eq!(cache.read(&used), None);
    }

    #[test]
    fn a_damaged_file_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let cache = Cache::open(&path, &Engine::default()).unwrap();
        for damage in [&b"short"[..], &[0; 100]] {
            cache.write("abc", b"code");
            fs::write(cache.path("abc"), damage).unwrap();
            assert_eq!(cache.read("abc"), None);
            assert!(!cache.path("abc").exists());
        }
    }

    #[test]
    #[cfg(unix)]
    fn the_folder_belongs_to_the_host() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        Cache::open(&path, &Engine::default()).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        let error = Cache::open(&path, &Engine::default())
            .map(drop)
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
}
