//! Tokens of an authorization server: the host as a resource server of OAuth
//! 2.1, as MCP wants it.
//!
//! A token is a signed JWT. Its signature is verified with the issuer's own
//! keys ([`jws`], [`key_source`]), then that it is of this issuer, for this
//! host, and that its time has come and is not over. Its scopes say which tools
//! there are. The host gives out no tokens and passes none on.

mod fetch;
mod jws;
mod key_set;
mod key_source;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use sandpit_tools::{Capability, Right, Rights};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

pub use jws::{Algorithm, UnknownAlgorithm};

use crate::auth::identity::Identity;
use crate::config::ConfigError;
use fetch::{Fetcher, is_safe};
use jws::Unverified;
use key_source::{KeySource, NoKeys, Place};

/// How far the clocks of the issuer and of this machine may be apart.
const LEEWAY: time::Duration = time::Duration::seconds(60);

/// Where MCP is served, whose addresses are resources of their own.
const ENDPOINTS: [&str; 2] = ["/api/v1", "/api/v1/mcp"];

/// What the metadata of a resource begins with (RFC 9728, 3.1).
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Whose tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthConfig {
    /// The authorization server, exactly as its tokens name it (`iss`).
    pub issuer: String,
    /// How clients reach this host: `https://sandpit.example.com`. Tokens are
    /// for this address, or for `/api/v1` or `/api/v1/mcp` below it (`aud`).
    pub resource: String,
    /// Other audiences that tokens may be for.
    pub audiences: Vec<String>,
    /// Where the issuer's keys are. None: its metadata says it.
    pub jwks_url: Option<String>,
    /// How tokens may be signed.
    pub algorithms: Vec<Algorithm>,
    /// What each scope is for.
    pub scopes: BTreeMap<String, Right>,
    /// How long to wait at least before the keys are asked for again, because
    /// a token names one that is not known or because the issuer was down.
    pub refetch_pause: Duration,
}

impl OAuthConfig {
    /// The usual settings for this issuer and this host.
    pub fn new(issuer: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            resource: resource.into(),
            audiences: Vec::new(),
            jwks_url: None,
            algorithms: Algorithm::ALL.to_vec(),
            scopes: BTreeMap::new(),
            refetch_pause: Duration::from_secs(30),
        }
    }
}

/// Why a token is not taken. The log says it; the caller is not told which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotTaken {
    #[error("it is not a JWT")]
    NotAToken,
    #[error("it is a JWT of another type")]
    Type,
    #[error("it is signed in a way that is not allowed")]
    Algorithm,
    #[error("the issuer has no such key")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("it is of another issuer")]
    Issuer,
    #[error("it is for somebody else")]
    Audience,
    #[error("it has expired")]
    Expired,
    #[error("its time has not come")]
    NotYet,
    #[error("it does not say whose it is")]
    NoSubject,
}

/// What became of a token.
#[derive(Debug)]
pub(super) enum Judged {
    /// Its bearer may use these tools.
    Identity(Identity),
    /// It is good, and none of its scopes means anything here.
    NoScope,
    /// It is not good.
    NotTaken(NotTaken),
    /// It cannot be verified, because the issuer's keys cannot be had.
    NoKeys,
}

/// Judges tokens.
pub(crate) struct OAuth {
    config: OAuthConfig,
    audiences: Vec<String>,
    keys: Arc<KeySource>,
}

/// What a token says.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Texts,
    exp: f64,
    nbf: Option<f64>,
    sub: Option<String>,
    client_id: Option<String>,
    azp: Option<String>,
    scope: Option<Texts>,
    scp: Option<Texts>,
}

/// One text or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Some(Vec<String>),
}

impl OAuth {
    /// Checks the configuration. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OAuth`].
    pub(super) fn new(config: OAuthConfig) -> Result<Self, ConfigError> {
        let wrong = |key: &'static str, found: &str, expected: &'static str| ConfigError::OAuth {
            key,
            found: found.to_owned(),
            expected,
        };
        let safe = |url: &str| url.parse::<Uri>().ok().filter(is_safe);
        let address = "an https address, such as \"https://login.example.com\"";
        if safe(&config.issuer).is_none_or(|url| url.query().is_some()) {
            return Err(wrong("issuer", &config.issuer, address));
        }
        let place = match &config.jwks_url {
            None => Place::Issuer(config.issuer.clone()),
            Some(url) => Place::Keys(safe(url).ok_or_else(|| wrong("jwks_url", url, address))?),
        };
        let resource = config.resource.trim_end_matches('/');
        if safe(resource).is_none_or(|url| url.path() != "/" || url.query().is_some()) {
            return Err(wrong(
                "resource",
                &config.resource,
                "the https address of this host without a path, such as \
                 \"https://sandpit.example.com\"",
            ));
        }
        if config.algorithms.is_empty() {
            return Err(wrong("algorithms", "empty", "one algorithm at least"));
        }
        if config.scopes.is_empty() {
            let expected = "one scope at least, with the tools that it is for";
            return Err(wrong("scopes", "empty", expected));
        }
        // RFC 6749, 3.3.
        let token = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
        if let Some(name) = config
            .scopes
            .keys()
            .find(|name| name.is_empty() || !name.chars().all(token))
        {
            let expected = "the name of a scope: ASCII without spaces, quotes and backslashes";
            return Err(wrong("scopes", name, expected));
        }
        let fetcher = Fetcher::new().map_err(|error| {
            let expected = "reached over TLS, which needs the certificate authorities that this \
                            machine trusts (the package ca-certificates, or SSL_CERT_FILE)";
            wrong("issuer", &error.to_string(), expected)
        })?;
        let mut audiences = vec![resource.to_owned(), format!("{resource}/")];
        audiences.extend(ENDPOINTS.map(|path| format!("{resource}{path}")));
        audiences.extend(config.audiences.iter().cloned());
        let keys = KeySource::new(place, fetcher, config.refetch_pause);
        Ok(Self {
            audiences,
            keys: Arc::new(keys),
            config: OAuthConfig {
                resource: resource.to_owned(),
                ..config
            },
        })
    }

    /// Judges a token.
    pub(super) async fn judge(&self, token: &[u8], now: OffsetDateTime) -> Judged {
        let unverified = match Unverified::read(token, &self.config.algorithms) {
            Ok(unverified) => unverified,
            Err(fault) => return Judged::NotTaken(fault),
        };
        let key_id = unverified.key_id.as_deref();
        let key = match self.keys.find(unverified.algorithm, key_id).await {
            Ok(Some(key)) => key,
            Ok(None) => return Judged::NotTaken(NotTaken::UnknownKey),
            Err(NoKeys) => return Judged::NoKeys,
        };
        match unverified.verify::<Claims>(&key) {
            Ok(claims) => self
                .judge_claims(&claims, now)
                .unwrap_or_else(Judged::NotTaken),
            Err(fault) => Judged::NotTaken(fault),
        }
    }

    fn judge_claims(&self, claims: &Claims, now: OffsetDateTime) -> Result<Judged, NotTaken> {
        if claims.iss != self.config.issuer {
            return Err(NotTaken::Issuer);
        }
        let audiences = &self.audiences;
        if !claims
            .aud
            .iter()
            .any(|one| audiences.iter().any(|own| own == one))
        {
            return Err(NotTaken::Audience);
        }
        let expires = time_of(claims.exp).ok_or(NotTaken::NotAToken)? + LEEWAY;
        if now >= expires {
            return Err(NotTaken::Expired);
        }
        if let Some(begins) = claims.nbf {
            let begins = time_of(begins).ok_or(NotTaken::NotAToken)?;
            if now < begins - LEEWAY {
                return Err(NotTaken::NotYet);
            }
        }
        let subject = [&claims.sub, &claims.client_id, &claims.azp]
            .into_iter()
            .flatten()
            .find(|name| !name.is_empty())
            .ok_or(NotTaken::NoSubject)?;
        let scopes: Vec<_> = [&claims.scope, &claims.scp]
            .into_iter()
            .flatten()
            .flat_map(Texts::iter)
            .flat_map(str::split_ascii_whitespace)
            .filter_map(|scope| self.config.scopes.get(scope))
            .collect();
        if scopes.is_empty() {
            return Ok(Judged::NoScope);
        }
        let rights = Rights::of(scopes.into_iter().cloned());
        let identity = Identity::of_subject(subject, rights, expires);
        Ok(Judged::Identity(identity))
    }

    /// The scopes that are for a tool of this name that uses these capabilities,
    /// separated by spaces; empty if there are none.
    pub(super) fn scopes_for(&self, name: &str, capabilities: &[Capability]) -> String {
        let scopes = self.config.scopes.iter();
        let scopes = scopes.filter(|(_, right)| right.allows(name, capabilities));
        let names: Vec<_> = scopes.map(|(name, _)| name.as_str()).collect();
        names.join(" ")
    }

    /// All scopes, separated by spaces.
    pub(super) fn scopes(&self) -> String {
        let names: Vec<_> = self.config.scopes.keys().map(String::as_str).collect();
        names.join(" ")
    }

    /// The metadata of the resource whose path follows [`WELL_KNOWN`] (RFC
    /// 9728): the host itself, or one of the addresses of MCP.
    pub(crate) fn metadata(&self, path: &str) -> Option<Value> {
        if !path.is_empty() && !ENDPOINTS.contains(&path) {
            return None;
        }
        Some(json!({
            "resource": format!("{}{path}", self.config.resource),
            "authorization_servers": [self.config.issuer],
            "scopes_supported": self.config.scopes.keys().collect::<Vec<_>>(),
            "bearer_methods_supported": ["header"],
            "resource_name": "Sandpit",
        }))
    }

    /// Where the metadata for a request to `path` is.
    pub(super) fn metadata_url(&self, path: &str) -> String {
        let path = path.strip_suffix('/').unwrap_or(path);
        let [other, mcp] = ENDPOINTS;
        let endpoint = if path == mcp { mcp } else { other };
        format!("{}{WELL_KNOWN}{endpoint}", self.config.resource)
    }
}

impl Texts {
    fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Some(texts) => texts,
        }
        .iter()
        .map(String::as_str)
    }
}

/// A time in seconds since 1970 (RFC 7519, NumericDate).
fn time_of(seconds: f64) -> Option<OffsetDateTime> {
    if !(0.0..=253_402_300_000.0).contains(&seconds) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range was just checked"
    )]
    let seconds = seconds.floor() as i64;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

#[cfg(test)]
mod tests;
