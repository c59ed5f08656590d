//! The keys of the authorization server, kept and renewed.
//!
//! They are fetched when they are first needed, again every ten minutes, and
//! when a token names a key that is not among them: that is how a server
//! changes its keys. Whoever sends tokens with invented keys cannot make the
//! host ask more often than once in a while. When the server is down, the keys
//! that are known still count, for a day.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use http::Uri;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::fetch::{FetchError, Fetcher, is_safe};
use super::jws::{Algorithm, PublicKey};
use super::key_set::KeySet;

/// How long keys are taken as current.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// How long keys count while no newer ones can be had.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Where the keys are found.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// There.
    Keys(Uri),
    /// The metadata of this issuer says where.
    Issuer(String),
}

/// The keys, as far as they are known.
pub(super) struct KeySource {
    place: Place,
    fetcher: Fetcher,
    /// How long at least lies between two fetches.
    pause: Duration,
    known: RwLock<Known>,
    /// Held while the keys are fetched.
    fetching: Mutex<()>,
}

#[derive(Default, Clone)]
struct Known {
    keys: Arc<KeySet>,
    /// When they were fetched.
    fetched: Option<Instant>,
    /// When it was last tried.
    tried: Option<Instant>,
}

/// No keys are known, and none can be had right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoKeys;

/// What of the issuer's metadata is needed (RFC 8414).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl KeySource {
    pub(super) fn new(place: Place, fetcher: Fetcher, pause: Duration) -> Self {
        Self {
            place,
            fetcher,
            pause,
            known: RwLock::default(),
            fetching: Mutex::default(),
        }
    }

    /// The key that a token names; none if the server has no such key.
    pub(super) async fn find(
        self: &Arc<Self>,
        algorithm: Algorithm,
        id: Option<&str>,
    ) -> Result<Option<PublicKey>, NoKeys> {
        let known = self.known();
        if known.younger_than(KEPT)
            && let Some(key) = known.keys.find(algorithm, id)
        {
            if !known.younger_than(FRESH) {
                // Nobody has to wait for that.
                let source = Arc::clone(self);
                tokio::spawn(async move { source.renew().await });
            }
            return Ok(Some(key.clone()));
        }
        self.renew().await;
        let known = self.known();
        if !known.younger_than(KEPT) {
            return Err(NoKeys);
        }
        Ok(known.keys.find(algorithm, id).cloned())
    }

    /// Fetches the keys, unless that was tried a moment ago. Those who want it
    /// at the same time wait for one fetch.
    async fn renew(&self) {
        let _one_at_a_time = self.fetching.lock().await;
        let tried = self.known().tried;
        if tried.is_some_and(|tried| tried.elapsed() < self.pause) {
            return;
        }
        let fetched = self.fetch().await;
        let now = Instant::now();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.tried = Some(now);
        match fetched {
            Ok(keys) => {
                tracing::debug!(keys = keys.len(), "the keys of the issuer were fetched");
                known.keys = Arc::new(keys);
                known.fetched = Some(now);
            }
            Err(error) => {
                tracing::warn!(%error, "the keys of the issuer cannot be fetched");
            }
        }
    }

    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let url = match &self.place {
            Place::Keys(url) => url.clone(),
            Place::Issuer(issuer) => self.discover(issuer).await?,
        };
        let document = self.fetcher.fetch(&url).await?;
        let keys = KeySet::read(&document);
        let keys = keys.map_err(|error| FetchError::Unusable(error.to_string()))?;
        if keys.len() == 0 {
            let fault = "no key in it can be used here".to_owned();
            return Err(FetchError::Unusable(fault));
        }
        Ok(keys)
    }

    /// Asks the issuer where its keys are, the way of OAuth and that of OpenID
    /// Connect.
    async fn discover(&self, issuer: &str) -> Result<Uri, FetchError> {
        let mut fault = FetchError::Unusable("it is not an issuer".to_owned());
        for url in well_known(issuer) {
            let document = match self.fetcher.fetch(&url).await {
                Ok(document) => document,
                Err(error) => {
                    fault = error;
                    continue;
                }
            };
            let unusable = |fault: &str| Err(FetchError::Unusable(fault.to_owned()));
            let Ok(metadata) = serde_json::from_slice::<Metadata>(&document) else {
                return unusable("its metadata has no issuer or no jwks_uri");
            };
            if metadata.issuer != issuer {
                return unusable("its metadata names another issuer");
            }
            return match metadata.jwks_uri.parse() {
                Ok(url) if is_safe(&url) => Ok(url),
                _ => unusable("the jwks_uri in its metadata is not an https address"),
            };
        }
        Err(fault)
    }

    fn known(&self) -> Known {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }
}

impl Known {
    fn younger_than(&self, age: Duration) -> bool {
        self.fetched.is_some_and(|fetched| fetched.elapsed() < age)
    }
}

/// Where the metadata of an issuer may be: RFC 8414 puts the well-known part
/// before the issuer's path, OpenID Connect behind it.
fn well_known(issuer: &str) -> Vec<Uri> {
    let Ok(uri) = issuer.parse::<Uri>() else {
        return Vec::new();
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Vec::new();
    };
    let path = uri.path().trim_end_matches('/');
    let urls = [
        format!("{scheme}://{authority}/.well-known/oauth-authorization-server{path}"),
        format!("{scheme}://{authority}/.well-known/openid-configuration{path}"),
        format!("{scheme}://{authority}{path}/.well-known/openid-configuration"),
    ];
    urls.iter().filter_map(|url| url.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_at_the_places_of_both_standards() {
        let shown = |issuer| -> Vec<String> {
            let urls = well_known(issuer);
            urls.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            shown("https://login.example.com/realms/home"),
            [
                "https://login.example.com/.well-known/oauth-authorization-server/realms/home",
                "https://login.example.com/.well-known/openid-configuration/realms/home",
                "https://login.example.com/realms/home/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            shown("https://login.example.com/")
                .first()
                .map(String::as_str),
            Some("https://login.example.com/.well-known/oauth-authorization-server")
        );
    }
}
