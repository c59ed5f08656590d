//! The operator's hand on the configuration file: an edit of the policy that
//! is checked before it counts, and that nobody sees half-done.

mod edit;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

pub use edit::{Edit, edit};

/// Permissions of a file that did not exist, before the umask.
#[cfg(unix)]
const NEW: u32 = 0o666;

/// Makes one change to the policy in `file`, which need not exist. `check` says
/// whether a text may be the new content. Returns whether anything changed.
///
/// # Errors
///
/// A sentence that names the file. It is then as it was.
pub fn change(
    file: &Path,
    tool: &str,
    change: &Edit,
    check: impl Fn(&str) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    // Behind a symbolic link the file itself is replaced, not the link.
    let file = &fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Two edits at once: the second one begins with what the first one wrote.
    let _one_at_a_time = lock(folder);
    let before = read(file)?;
    let text = before.as_deref().unwrap_or_default();
    let after =
        edit(text, tool, change).with_context(|| format!("{} cannot be edited", file.display()))?;
    if before.as_deref() == Some(&after) {
        return Ok(false);
    }
    if let Err(error) = check(&after) {
        return match check(text) {
            Err(already) => Err(already.context(format!(
                "{} is wrong as it is and was not touched; correct it first",
                file.display()
            ))),
            Ok(()) => Err(error.context(format!("{} was not touched", file.display()))),
        };
    }
    replace(file, folder, &after)
        .with_context(|| format!("{} cannot be replaced", file.display()))?;
    Ok(true)
}

/// The text of a file, if it exists.
pub fn read(file: &Path) -> anyhow::Result<Option<String>> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be read", file.display()));
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(_) => bail!("{} is not UTF-8 text, which TOML is", file.display()),
    }
}

/// Held while a file of the folder is edited. A folder that cannot be locked
/// is edited all the same.
fn lock(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// Puts a text in the place of a file in one step. Its permissions, and if
/// possible its owner, stay.
fn replace(file: &PathBuf, folder: &Path, text: &str) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".sandpit-").suffix(".toml");
    #[cfg(unix)]
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(NEW);
    #[cfg(unix)]
    builder.permissions(permissions);
    let mut new = builder.tempfile_in(folder)?;
    if let Ok(metadata) = fs::metadata(file) {
        new.as_file().set_permissions(metadata.permissions())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, fchown};
            let ours = new.as_file().metadata()?;
            if (ours.uid(), ours.gid()) != (metadata.uid(), metadata.gid()) {
                fchown(new.as_file(), Some(metadata.uid()), Some(metadata.gid()))?;
                // A change of the owner may take permissions away.
                new.as_file().set_permissions(metadata.permissions())?;
            }
        }
    }
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    // The new name is on the disk when the folder is.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn enable(file: &Path, value: bool) -> anyhow::Result<bool> {
        change(file, "x", &Edit::Enabled(value), |_| Ok(()))
    }

    #[test]
    fn a_file_is_made_and_then_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sandpit.toml");
        assert!(enable(&file, false).unwrap());
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            "[policy.x]\nenabled = false\n"
        );
        assert!(!enable(&file, false).unwrap());
        assert!(enable(&file, true).unwrap());
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1, "nothing is left behind");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("real.toml");
        fs::write(&file, "# mine\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let link = elsewhere.path().join("sandpit.toml");
        symlink(&file, &link).unwrap();
        assert!(enable(&link, true).unwrap());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let metadata = fs::metadata(&file).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# mine\n\n[policy.x]"), "{text}");
    }

    #[test]
    fn what_is_refused_leaves_the_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sandpit.toml");
        fs::write(&file, "[policy.x]\n").unwrap();
        let no_true = |text: &str| {
            anyhow::ensure!(!text.contains("true"), "nothing may be true");
            Ok(())
        };
        let error = change(&file, "x", &Edit::Enabled(true), no_true).unwrap_err();
        assert!(format!("{error:#}").contains("was not touched: nothing may be true"));
        let error = change(&file, "x", &Edit::Enabled(true), |_| bail!("bad")).unwrap_err();
        assert!(format!("{error:#}").contains("wrong as it is"), "{error:#}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "[policy.x]\n");
        fs::write(&file, [0xff]).unwrap();
        let error = enable(&file, true).unwrap_err();
        assert!(format!("{error:#}").contains("not UTF-8"), "{error:#}");
    }

    #[test]
    fn edits_at_once_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sandpit.toml");
        std::thread::scope(|scope| {
            for number in 0..8 {
                let file = &file;
                scope.spawn(move || {
                    let tool = format!("t{number}");
                    change(file, &tool, &Edit::Enabled(true), |_| Ok(())).unwrap();
                });
            }
        });
        let text = fs::read_to_string(&file).unwrap();
        for number in 0..8 {
            assert!(text.contains(&format!("[policy.t{number}]")), "{text}");
        }
    }
}
