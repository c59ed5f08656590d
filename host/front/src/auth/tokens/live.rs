//! What a running host knows of the file with the tokens.
//!
//! The file is looked at every second, not at every request. What was revoked
//! or has changed ends, with the streams that were opened with it.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use sandpit_tools::Rights;
use subtle::{Choice, ConditionallySelectable};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::file::{TokenDigest, TokenEntry, TokenError, TokenFile};
use crate::auth::identity::Identity;

/// How often the file is looked at.
const POLL: Duration = Duration::from_secs(1);

/// The tokens that count right now.
pub(in crate::auth) struct LiveTokens {
    file: TokenFile,
    known: RwLock<Known>,
}

/// What was read last.
#[derive(Default)]
struct Known {
    stamp: Option<Stamp>,
    tokens: Arc<[Token]>,
    /// What was wrong with the file, and was told.
    fault: Option<String>,
}

struct Token {
    entry: TokenEntry,
    rights: Rights,
    revoked: CancellationToken,
}

/// What tells one state of the file from another: it is replaced as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

/// Why a token does not count. The caller is not told which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::auth) enum NotKnown {
    /// No token is this one; perhaps it was revoked.
    Unknown,
    /// It has expired.
    Expired,
}

impl LiveTokens {
    /// Reads the file for the first time. Without a file that can be read no
    /// token counts, until there is one.
    pub(in crate::auth) fn open(file: TokenFile) -> Self {
        let live = Self {
            file,
            known: RwLock::default(),
        };
        live.look();
        live
    }

    /// Follows the file until `stop`.
    pub(in crate::auth) async fn follow(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(POLL) => {}
            }
            let live = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || live.look()).await {
                tracing::error!(%error, "the tokens were not looked at");
            }
        }
    }

    /// Whose token this is. Every token is compared, and each in constant
    /// time: how long it takes says nothing about any of them.
    pub(in crate::auth) fn find(
        &self,
        offered: &[u8],
        now: OffsetDateTime,
    ) -> Result<Identity, NotKnown> {
        let offered = TokenDigest::of(offered);
        let tokens = Arc::clone(
            &self
                .known
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .tokens,
        );
        let (mut found, mut place) = (Choice::from(0), 0_u64);
        for (index, token) in (0_u64..).zip(tokens.iter()) {
            let is = token.entry.is(&offered);
            place.conditional_assign(&index, is);
            found |= is;
        }
        let place = usize::try_from(place).map_err(|_| NotKnown::Unknown)?;
        let token = tokens
            .get(place)
            .filter(|_| found.into())
            .ok_or(NotKnown::Unknown)?;
        if token.entry.has_expired(now) {
            return Err(NotKnown::Expired);
        }
        Ok(Identity::of_token(
            &token.entry.name,
            token.rights.clone(),
            token.entry.expires,
            token.entry.requests_per_minute,
            token.revoked.clone(),
        ))
    }

    /// Reads the file if it has changed. One that cannot be read leaves things
    /// as they are.
    fn look(&self) {
        let stamp = stamp(self.file.path());
        let before = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            if known.stamp.is_some() && known.stamp == stamp {
                return;
            }
            Arc::clone(&known.tokens)
        };
        let tokens = match self.file.list() {
            Ok(entries) => renewed(entries, &before),
            Err(error) => {
                self.complain(&error, stamp);
                return;
            }
        };
        let kept = |token: &Token| tokens.iter().any(|one| one.entry == token.entry);
        for token in before.iter().filter(|token| !kept(token)) {
            tracing::info!(token = token.entry.name, "a token counts no longer");
            token.revoked.cancel();
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Known {
            stamp,
            tokens,
            fault: None,
        };
    }

    /// Says once what is wrong with the file.
    fn complain(&self, error: &TokenError, stamp: Option<Stamp>) {
        let fault = Some(error.to_string());
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.stamp = stamp;
        if known.fault != fault {
            tracing::warn!(%error, "the tokens stay as they were");
            known.fault = fault;
        }
    }
}

/// The tokens of these entries; those that are the same go on.
fn renewed(entries: Vec<TokenEntry>, before: &[Token]) -> Arc<[Token]> {
    let tokens = entries.into_iter().map(|entry| {
        let same = before.iter().find(|token| token.entry == entry);
        Token {
            rights: Rights::of([entry.right()]),
            revoked: same.map_or_else(CancellationToken::new, |token| token.revoked.clone()),
            entry,
        }
    });
    tokens.collect()
}

/// None if there is no file.
fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Some(Stamp {
        modified: metadata.modified().ok(),
        size: metadata.len(),
        inode,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use sandpit_tools::Right;

    use super::*;
    use crate::auth::tokens::TokenTerms;

    fn opened() -> (tempfile::TempDir, TokenFile, LiveTokens) {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::new(folder.path().join("tokens.json"));
        let live = LiveTokens::open(file.clone());
        (folder, file, live)
    }

    fn right() -> Right {
        Right::to(vec!["ibkr_get_*".parse().unwrap()])
    }

    #[test]
    fn only_the_whole_token_counts() {
        let (_folder, file, live) = opened();
        let tokens: Vec<_> = ["a", "b", "c"]
            .map(|name| file.add(name, right(), &TokenTerms::default()).unwrap())
            .into();
        live.look();
        let now = OffsetDateTime::now_utc();
        for (name, token) in ["a", "b", "c"].iter().zip(&tokens) {
            let found = live.find(token.as_bytes(), now).unwrap();
            assert_eq!(found.name(), format!("token:{name}"));
            let (short, long) = (token.get(1..).unwrap(), format!("{token}x"));
            for wrong in [short, &long, &token.to_uppercase(), "", "sandpit_"] {
                let found = live
                    .find(wrong.as_bytes(), now)
                    .map(|found| found.name().to_owned());
                assert_eq!(found, Err(NotKnown::Unknown), "{wrong}");
            }
        }
    }

    #[test]
    fn a_token_ends_when_it_expires() {
        let (_folder, file, live) = opened();
        let now = OffsetDateTime::now_utc();
        let end = now + time::Duration::minutes(1);
        let terms = TokenTerms {
            expires: Some(end),
            ..TokenTerms::default()
        };
        let token = file.add("a", right(), &terms).unwrap();
        live.look();
        assert!(live.find(token.as_bytes(), now).is_ok());
        let late = live.find(token.as_bytes(), end);
        assert_eq!(late.unwrap_err(), NotKnown::Expired);
    }

    #[tokio::test]
    async fn a_revoked_token_ends_and_the_others_go_on() {
        let (_folder, file, live) = opened();
        let now = OffsetDateTime::now_utc();
        let (a, b) = (
            file.add("a", right(), &TokenTerms::default()).unwrap(),
            file.add("b", right(), &TokenTerms::default()).unwrap(),
        );
        live.look();
        let gone = live.find(a.as_bytes(), now).unwrap();
        let stays = live.find(b.as_bytes(), now).unwrap();
        file.revoke("a").unwrap();
        live.look();
        assert_eq!(live.find(a.as_bytes(), now).unwrap_err(), NotKnown::Unknown);
        assert!(live.find(b.as_bytes(), now).is_ok());
        gone.over().await;
        let mut over = std::pin::pin!(stays.over());
        assert!(futures::poll!(&mut over).is_pending());
        std::fs::remove_file(file.path()).unwrap();
        live.look();
        assert!(live.find(b.as_bytes(), now).is_err());
        over.await;
    }

    #[test]
    fn a_file_that_cannot_be_read_changes_nothing() {
        let (_folder, file, live) = opened();
        let now = OffsetDateTime::now_utc();
        let token = file.add("a", right(), &TokenTerms::default()).unwrap();
        live.look();
        std::fs::write(file.path(), "nonsense").unwrap();
        live.look();
        assert!(live.find(token.as_bytes(), now).is_ok());
    }
}
