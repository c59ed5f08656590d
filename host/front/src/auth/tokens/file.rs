//! The file with the tokens.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sandpit_tools::policy::ToolPattern;
use sandpit_tools::{Capability, Right};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use time::OffsetDateTime;

/// What every token begins with, so that it is known where it was found.
const PREFIX: &str = "sandpit_";
/// Random bytes in a token.
const RANDOM: usize = 32;
/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;
/// How many tokens there may be.
const MOST: usize = 1_000;
/// The longest name, in characters.
const NAME: usize = 64;

/// The file in which the tokens of a host are kept, readable for its owner
/// alone. It need not exist.
#[derive(Debug, Clone)]
pub struct TokenFile {
    path: PathBuf,
}

/// One token, without the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEntry {
    /// Its name, which logs and the journal of orders carry.
    pub name: String,
    /// The tools that its bearer may use.
    pub tools: Vec<ToolPattern>,
    /// The capabilities that these tools may use; none: whichever they have by
    /// the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<BTreeSet<Capability>>,
    /// How many requests its bearer may make within a minute, if that differs
    /// from what others may; 0 is as many as it likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When it ends; none if it does not.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires: Option<OffsetDateTime>,
    /// SHA-256 of the token.
    #[serde(rename = "sha256")]
    digest: TokenDigest,
}

/// What a token is good for, beside its tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenTerms {
    /// When it ends; none if it does not.
    pub expires: Option<OffsetDateTime>,
    /// See [`TokenEntry::requests_per_minute`].
    pub requests_per_minute: Option<u32>,
}

/// SHA-256 of a token, in 64 hexadecimal digits where it is written.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct TokenDigest([u8; 32]);

/// The whole file.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    tokens: Vec<TokenEntry>,
}

/// The tokens cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read or written.
    #[error("the tokens in {} cannot be {what}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// "read" or "changed".
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read or change the file.
    #[error(
        "others may read or change the tokens in {0} (its mode is {mode:o}); run: chmod 600 {0}",
        .path.display()
    )]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file holds something else.
    #[error(
        "{} is not a file with tokens ({fault}); restore it, or delete it and make the tokens \
         again", .path.display()
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// A name that no token can have.
    #[error(
        "{0:?} is not a name for a token; it must be of at most {NAME} letters, digits, dots, \
         dashes and underscores"
    )]
    Name(String),
    /// A token without tools.
    #[error("a token needs tools; give at least one pattern, such as 'ibkr_get_*'")]
    NoTools,
    /// There is a token of this name.
    #[error("there is a token named {0} already; revoke it first, or take another name")]
    Exists(String),
    /// There is no token of this name.
    #[error("there is no token named {0}")]
    Unknown(String),
    /// There are as many as may be.
    #[error("there are {MOST} tokens, which is as many as may be; revoke some")]
    Full,
}

impl TokenFile {
    /// The tokens in this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a token, which is told here and never again.
    ///
    /// # Errors
    ///
    /// [`TokenError`], if the name is taken or no name, or the file cannot be
    /// changed.
    pub fn add(&self, name: &str, right: Right, terms: &TokenTerms) -> Result<String, TokenError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.is_empty() || name.len() > NAME || !name.chars().all(allowed) {
            return Err(TokenError::Name(name.chars().take(NAME).collect()));
        }
        if right.tools.is_empty() {
            return Err(TokenError::NoTools);
        }
        self.change(|tokens| {
            if tokens.iter().any(|entry| entry.name == name) {
                return Err(TokenError::Exists(name.to_owned()));
            }
            if tokens.len() >= MOST {
                return Err(TokenError::Full);
            }
            let random: [u8; RANDOM] = rand::random();
            let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
            tokens.push(TokenEntry {
                name: name.to_owned(),
                tools: right.tools,
                grants: right.grants,
                requests_per_minute: terms.requests_per_minute,
                created: seconds(OffsetDateTime::now_utc()),
                expires: terms.expires.map(seconds),
                digest: TokenDigest::of(token.as_bytes()),
            });
            Ok(token)
        })
    }

    /// All tokens, also those that have expired, by name.
    ///
    /// # Errors
    ///
    /// [`TokenError`], if the file cannot be read. One that is not there holds
    /// no tokens.
    pub fn list(&self) -> Result<Vec<TokenEntry>, TokenError> {
        let mut tokens = self.read()?.tokens;
        tokens.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tokens)
    }

    /// Takes a token back.
    ///
    /// # Errors
    ///
    /// [`TokenError`], if there is none of this name, or the file cannot be
    /// changed.
    pub fn revoke(&self, name: &str) -> Result<(), TokenError> {
        self.change(|tokens| {
            let before = tokens.len();
            tokens.retain(|entry| entry.name != name);
            if tokens.len() == before {
                return Err(TokenError::Unknown(name.chars().take(NAME).collect()));
            }
            Ok(())
        })
    }

    fn read(&self) -> Result<Content, TokenError> {
        let fault = |source| self.fault("read", source);
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Content::default());
            }
            Err(error) => return Err(fault(error)),
        };
        let metadata = file.metadata().map_err(fault)?;
        if !metadata.is_file() || metadata.len() > LARGEST {
            return Err(self.broken("it is too large, or no file at all"));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = metadata.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(TokenError::NotPrivate {
                    path: self.path.clone(),
                    mode,
                });
            }
        }
        let text = io::read_to_string(file).map_err(fault)?;
        serde_json::from_str(&text).map_err(|error| self.broken(error))
    }

    /// Changes the file as a whole. Two who change it at once take turns.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<TokenEntry>) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let fault = |source| self.fault("changed", source);
        let folder = self.folder();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(fault)?;
        let turn = File::create(self.path.with_extension("lock")).map_err(fault)?;
        turn.lock().map_err(fault)?;
        let mut content = self.read()?;
        let changed = change(&mut content.tokens)?;
        // A temporary file is its owner's alone, and takes the place of the
        // old one in one step.
        let mut new = tempfile::NamedTempFile::new_in(folder).map_err(fault)?;
        serde_json::to_writer_pretty(&mut new, &content)
            .map_err(|error| fault(io::Error::other(error)))?;
        new.write_all(b"\n").map_err(fault)?;
        new.as_file().sync_all().map_err(fault)?;
        new.persist(&self.path)
            .map_err(|error| fault(error.error))?;
        Ok(changed)
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    fn fault(&self, what: &'static str, source: io::Error) -> TokenError {
        TokenError::Io {
            path: self.path.clone(),
            what,
            source,
        }
    }

    fn broken(&self, fault: impl fmt::Display) -> TokenError {
        TokenError::Broken {
            path: self.path.clone(),
            fault: fault.to_string(),
        }
    }
}

impl TokenEntry {
    /// Whether it has ended by this time.
    pub fn has_expired(&self, now: OffsetDateTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// What its bearer may use.
    pub fn right(&self) -> Right {
        Right {
            tools: self.tools.clone(),
            grants: self.grants.clone(),
        }
    }

    /// Whether this is the token's digest.
    pub(super) fn is(&self, offered: &TokenDigest) -> Choice {
        self.digest.0.ct_eq(&offered.0)
    }
}

impl TokenDigest {
    pub(super) fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }
}

impl TryFrom<String> for TokenDigest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const FAULT: &str = "a SHA-256 is 64 hexadecimal digits";
        let mut digest = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(FAULT);
        }
        for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| FAULT)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| FAULT)?;
        }
        Ok(Self(digest))
    }
}

impl From<TokenDigest> for String {
    fn from(digest: TokenDigest) -> Self {
        digest.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenDigest")
    }
}

fn seconds(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).unwrap_or(time)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, TokenFile) {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::new(folder.path().join("state/tokens.json"));
        (folder, file)
    }

    fn right() -> Right {
        Right::to(vec!["ibkr_get_*".parse().unwrap()])
    }

    #[test]
    fn a_token_is_told_once_and_kept_as_a_digest() {
        let (_folder, file) = file();
        assert_eq!(file.list().unwrap(), []);
        let token = file
            .add("research", right(), &TokenTerms::default())
            .unwrap();
        assert!(
            token.starts_with("sandpit_") && token.len() == 51,
            "{token}"
        );
        let text = fs::read_to_string(file.path()).unwrap();
        let secret = token.strip_prefix("sandpit_").unwrap();
        assert!(!text.contains(secret), "{text}");
        let entries = file.list().unwrap();
        assert_eq!(entries.len(), 1);
        let entry = entries.first().unwrap();
        assert_eq!(entry.name, "research");
        assert!(bool::from(entry.is(&TokenDigest::of(token.as_bytes()))));
        assert!(!bool::from(entry.is(&TokenDigest::of(secret.as_bytes()))));
        assert!(!format!("{entry:?}").contains(&String::from(entry.digest.clone())));
        file.revoke("research").unwrap();
        assert_eq!(file.list().unwrap(), []);
    }

    #[cfg(unix)]
    #[test]
    fn it_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, file) = file();
        file.add("a", right(), &TokenTerms::default()).unwrap();
        let mode = fs::metadata(file.path()).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        for mode in [0o640, 0o604, 0o620, 0o666] {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
            let error = file.list().unwrap_err().to_string();
            assert!(error.contains("chmod 600"), "{error}");
            assert!(file.add("b", right(), &TokenTerms::default()).is_err());
        }
    }

    #[test]
    fn names_are_names_and_each_is_there_once() {
        let (_folder, file) = file();
        file.add("a.b-c_1", right(), &TokenTerms::default())
            .unwrap();
        for wrong in ["", "a b", "a/b", "ä", "a\n", &"x".repeat(65)] {
            let error = file
                .add(wrong, right(), &TokenTerms::default())
                .unwrap_err();
            assert!(matches!(error, TokenError::Name(_)), "{error}");
        }
        let again = file
            .add("a.b-c_1", right(), &TokenTerms::default())
            .unwrap_err();
        assert!(matches!(again, TokenError::Exists(_)), "{again}");
        let none = file
            .add("d", Right::to(Vec::new()), &TokenTerms::default())
            .unwrap_err();
        assert!(matches!(none, TokenError::NoTools), "{none}");
        let unknown = file.revoke("d").unwrap_err();
        assert!(matches!(unknown, TokenError::Unknown(_)), "{unknown}");
    }

    #[test]
    fn what_is_no_file_with_tokens_is_left_alone() {
        let (_folder, file) = file();
        file.add("a", right(), &TokenTerms::default()).unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        for broken in [
            "",
            "[]",
            "{}",
            &text.replace("name", "nom"),
            &text.replace("ibkr", "IB"),
        ] {
            fs::write(file.path(), broken).unwrap();
            let error = file.add("b", right(), &TokenTerms::default()).unwrap_err();
            assert!(matches!(error, TokenError::Broken { .. }), "{error}");
            assert_eq!(fs::read_to_string(file.path()).unwrap(), broken);
        }
    }

    #[test]
    fn two_who_change_it_take_turns() {
        let (_folder, file) = file();
        let add = |name: String| file.add(&name, right(), &TokenTerms::default()).unwrap();
        let tokens: BTreeSet<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|number| scope.spawn(move || add(format!("t{number}"))))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(tokens.len(), 8);
        assert_eq!(file.list().unwrap().len(), 8);
    }
}
