//! The operator's token: where it is kept, and making it.
//!
//! Whoever can read it may ask `GET /operator/status`. The host makes the file
//! when there is none; the command line only reads it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore;

use super::Secret;
use crate::config::{Config, OperatorSection};

/// The shortest token that is taken.
const SHORTEST: usize = 16;
/// The largest file that is read for one.
const LARGEST: u64 = 4096;
/// Random bytes in a token that the host makes.
const RANDOM: usize = 32;

/// The token, made if there is none. For the host.
///
/// # Errors
///
/// A sentence that names the file and says what to do.
pub fn open(section: &OperatorSection) -> anyhow::Result<Secret> {
    if let Some(token) = &section.token {
        return checked(token.reveal()).context("operator.token cannot be used");
    }
    let file = file(section)?;
    match read(&file)? {
        Some(token) => Ok(token),
        None => {
            make(&file).with_context(|| {
                format!("the operator's token cannot be kept in {}", file.display())
            })?;
            // Another host may have been faster; both use what is there.
            read(&file)?.with_context(|| format!("{} is gone again", file.display()))
        }
    }
}

/// The token of a host that has run here. For the command line.
///
/// # Errors
///
/// A sentence that names the file and says what to do.
pub fn find(section: &OperatorSection) -> anyhow::Result<Secret> {
    if let Some(token) = &section.token {
        return checked(token.reveal()).context("operator.token cannot be used");
    }
    let file = file(section)?;
    read(&file)?.with_context(|| {
        format!(
            "there is no operator's token in {}; the host makes one when it starts. If it runs as \
             another user or elsewhere, give its token as SANDPIT_OPERATOR__TOKEN",
            file.display()
        )
    })
}

/// In which file the token is kept; none if the configuration itself says it,
/// or if there is no place for one.
pub fn place(section: &OperatorSection) -> Option<PathBuf> {
    match &section.token {
        Some(_) => None,
        None => file(section).ok(),
    }
}

/// Where the tokens of callers are kept: `auth.tokens_file`, or beside the
/// operator's token.
///
/// # Errors
///
/// If there is no home folder, and so no default place.
pub fn tokens_file(config: &Config) -> anyhow::Result<PathBuf> {
    match &config.auth.tokens_file {
        Some(file) => Ok(file.clone()),
        None => Ok(file(&config.operator)
            .context("set auth.tokens_file")?
            .with_file_name("tokens.json")),
    }
}

/// `operator.token_file`, or its default place.
fn file(section: &OperatorSection) -> anyhow::Result<PathBuf> {
    if let Some(file) = &section.token_file {
        return Ok(file.clone());
    }
    default_file(
        std::env::var_os("XDG_STATE_HOME").map(PathBuf::from),
        std::env::var_os("HOME").map(PathBuf::from),
    )
    .context(
        "there is no home folder to keep the operator's token in; set operator.token_file or \
         SANDPIT_OPERATOR__TOKEN",
    )
}

/// `$XDG_STATE_HOME/sandpit/operator.token` or the same below
/// `~/.local/state`. Relative folders count as unset.
fn default_file(state: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let state = state.filter(|folder| folder.is_absolute());
    let home = home.filter(|folder| folder.is_absolute());
    let base = state.or_else(|| Some(home?.join(".local/state")))?;
    Some(base.join("sandpit/operator.token"))
}

/// Reads a token file, if there is one. One that others can read is refused:
/// what is in it is no secret.
fn read(file: &Path) -> anyhow::Result<Option<Secret>> {
    let unreadable = || format!("the operator's token in {} cannot be read", file.display());
    let opened = match fs::File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(unreadable),
    };
    let metadata = opened.metadata().with_context(unreadable)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        bail!("{} is not a file with an operator's token", file.display());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            bail!(
                "others may read the operator's token in {0} (its mode is {mode:o}); delete it, \
                 so that the host makes a new one, or run: chmod 600 {0}",
                file.display()
            );
        }
    }
    let text = io::read_to_string(opened).with_context(unreadable)?;
    let token = checked(&text).with_context(|| format!("{} cannot be used", file.display()))?;
    Ok(Some(token))
}

/// A token that can stand in a header and cannot be guessed at once.
fn checked(text: &str) -> anyhow::Result<Secret> {
    let token = text.trim();
    if token.len() < SHORTEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("an operator's token is one word of at least {SHORTEST} ASCII characters");
    }
    Ok(Secret::new(token))
}

/// Makes a file with a new token, unless there is one by then.
fn make(file: &Path) -> io::Result<()> {
    let mut bytes = [0; RANDOM];
    rand::rng().fill_bytes(&mut bytes);
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    if !folder.as_os_str().is_empty() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    // Nobody else can read a temporary file, nor see it half-written under its
    // name.
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(new, "{}", URL_SAFE_NO_PAD.encode(bytes))?;
    new.as_file().sync_all()?;
    match new.persist_noclobber(file) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn section(file: &Path) -> OperatorSection {
        OperatorSection {
            token: None,
            token_file: Some(file.to_owned()),
        }
    }

    #[test]
    fn a_token_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state/sandpit/operator.token");
        let section = section(&file);
        let error = find(&section).unwrap_err().to_string();
        assert!(
            error.contains("operator.token") && error.contains("makes one"),
            "{error}"
        );
        let made = open(&section).unwrap();
        assert_eq!(open(&section).unwrap(), made);
        assert_eq!(find(&section).unwrap(), made);
        assert_eq!(made.reveal().len(), 43);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&file), 0o600);
            assert_eq!(mode(file.parent().unwrap()), 0o700);
        }
        fs::remove_file(&file).unwrap();
        assert_ne!(open(&section).unwrap(), made);
    }

    #[cfg(unix)]
    #[test]
    fn a_token_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("operator.token");
        fs::write(&file, "0123456789abcdef").unwrap();
        for mode in [0o644, 0o640, 0o604, 0o620] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let error = format!("{:#}", open(&section(&file)).unwrap_err());
            assert!(
                error.contains("chmod 600") && !error.contains("abcdef"),
                "{error}"
            );
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(open(&section(&file)).unwrap().reveal(), "0123456789abcdef");
    }

    #[test]
    fn what_is_no_token_is_refused_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("operator.token");
        make(&file).unwrap();
        for text in [
            "",
            "hunter2",
            "hunter2 hunter2 hunter2",
            "hunter2hunter2hunté",
        ] {
            fs::write(&file, text).unwrap();
            let error = format!("{:#}", open(&section(&file)).unwrap_err());
            assert!(
                error.contains("at least 16") && !error.contains("hunter"),
                "{error}"
            );
            let section = OperatorSection {
                token: Some(Secret::new(text)),
                token_file: None,
            };
            assert!(open(&section).is_err());
            assert!(!format!("{section:?}").contains("hunter"));
        }
        let error = open(&section(folder.path())).unwrap_err().to_string();
        assert!(error.contains("is not a file"), "{error}");
    }

    #[test]
    fn the_default_place_follows_the_home() {
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(
            default_file(path("/s"), path("/h")),
            path("/s/sandpit/operator.token")
        );
        assert_eq!(
            default_file(path("s"), path("/h")),
            path("/h/.local/state/sandpit/operator.token")
        );
        assert_eq!(default_file(None, None), None);
    }
}
