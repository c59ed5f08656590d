//! Who calls, and whether it may: the front's own room for that.
//!
//! A caller is a program of this machine without a token ([`loopback`]), the
//! bearer of a token that the operator gave out ([`tokens`]), or whoever has a
//! token of the authorization server ([`oauth`]). What comes out is an
//! [`Identity`], which travels with the request and says which tools there are
//! for it. A request whose token does not count is refused, also where none
//! would have been needed.
//!
//! All tokens that do not count get the same answer; only the log says why.

pub(crate) mod bearer;
mod identity;
mod loopback;
pub(crate) mod oauth;
mod rates;
mod tokens;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use http::request::Parts;
use sandpit_tools::Tools;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

pub(crate) use identity::Identity;
pub(crate) use loopback::is_local;
pub use loopback::{Loopback, LoopbackAccess};
pub use oauth::{Algorithm, OAuthConfig, UnknownAlgorithm};
pub use tokens::{TokenEntry, TokenError, TokenFile, TokenTerms};

use crate::config::ConfigError;
use crate::problem::{Problem, ProblemKind};
use bearer::Offered;
use oauth::{Judged, OAuth};
use rates::CallerRates;
pub(crate) use rates::TooMany;
use tokens::live::LiveTokens;

/// Who may call.
#[derive(Debug, Clone, Default)]
pub struct AuthConfig {
    /// What programs of this machine may do without a token. Others always
    /// need one.
    pub loopback: LoopbackAccess,
    /// The file with the tokens that the operator gives out; none if there are
    /// none.
    pub tokens: Option<PathBuf>,
    /// The authorization server whose tokens count, if there is one.
    pub oauth: Option<OAuthConfig>,
    /// How many requests a caller may make within a minute, unless its token
    /// says otherwise; 0 is as many as it likes.
    pub requests_per_minute: u32,
}

/// Tells who calls.
pub(crate) struct Auth {
    loopback: Loopback,
    tokens: Option<Arc<LiveTokens>>,
    oauth: Option<OAuth>,
    rates: CallerRates,
}

impl Auth {
    /// Reads the tokens for the first time.
    pub(crate) fn new(config: &AuthConfig) -> Result<Self, ConfigError> {
        let tokens = config.tokens.clone().map(TokenFile::new);
        Ok(Self {
            loopback: Loopback::new(config.loopback.clone()),
            tokens: tokens.map(|file| Arc::new(LiveTokens::open(file))),
            oauth: config.oauth.clone().map(OAuth::new).transpose()?,
            rates: CallerRates::new(config.requests_per_minute),
        })
    }

    /// What programs of this machine may do, to change it.
    pub(crate) fn loopback(&self) -> Loopback {
        self.loopback.clone()
    }

    /// The authorization server, if there is one.
    pub(crate) fn oauth(&self) -> Option<&OAuth> {
        self.oauth.as_ref()
    }

    /// Follows the file with the tokens until `stop`.
    pub(crate) async fn follow(&self, stop: CancellationToken) {
        match &self.tokens {
            Some(tokens) => Arc::clone(tokens).follow(stop).await,
            None => stop.cancelled().await,
        }
    }

    /// Who calls, from this address.
    ///
    /// # Errors
    ///
    /// The problem to answer with, if it may not.
    pub(crate) async fn identify(&self, parts: &Parts, peer: IpAddr) -> Result<Identity, Problem> {
        let path = parts.uri.path();
        match bearer::offered(&parts.headers) {
            Offered::Token(token) => self.bearer(token, path).await,
            Offered::Nothing if is_local(parts, peer) => {
                let identity = self.loopback.identity();
                identity.map_err(|reason| {
                    let also = "Programs of this machine need one too, because";
                    self.needed(path, &format!(" {also} {reason}."))
                })
            }
            Offered::Nothing => Err(self.needed(path, "")),
            Offered::Other => Err(self.needed(path, " What the request sends is something else.")),
            Offered::Several => Err(Problem::new(
                ProblemKind::InvalidAuthorization,
                "The request has more than one Authorization header. Send one, with one token.",
            )),
        }
    }

    async fn bearer(&self, token: &[u8], path: &str) -> Result<Identity, Problem> {
        let now = OffsetDateTime::now_utc();
        let known = self.tokens.as_ref().map(|tokens| tokens.find(token, now));
        if let Some(Ok(identity)) = known {
            return Ok(identity);
        }
        let Some(oauth) = self.oauth.as_ref().filter(|_| token.contains(&b'.')) else {
            tracing::info!(why = ?known.and_then(Result::err), "a token was refused");
            return Err(self.invalid(path));
        };
        match oauth.judge(token, now).await {
            Judged::Identity(identity) => Ok(identity),
            Judged::NoScope => Err(self.insufficient(path, &oauth.scopes())),
            Judged::NotTaken(why) => {
                tracing::info!(%why, "a token of the issuer was refused");
                Err(self.invalid(path))
            }
            Judged::NoKeys => Err(Problem::issuer_unavailable()),
        }
    }

    /// Counts a request of this caller, if it may make one more.
    ///
    /// # Errors
    ///
    /// When it may again.
    pub(crate) fn count(&self, identity: &Identity) -> Result<(), TooMany> {
        let counted = self.rates.take(identity, Instant::now());
        if counted.is_err() {
            tracing::debug!(caller = identity.name(), "too many requests of one caller");
        }
        counted
    }

    /// What a call of this tool is answered with before anything else looks at
    /// it: a tool for which the caller could get another scope is refused so
    /// that its client knows which. All other tools that are not there for the
    /// caller do not exist for it.
    pub(crate) fn check_scope(
        &self,
        identity: &Identity,
        tools: &Tools,
        name: &str,
        path: &str,
    ) -> Result<(), Problem> {
        let Some(oauth) = self.oauth.as_ref().filter(|_| identity.is_scoped()) else {
            return Ok(());
        };
        let Some(tool) = tools.get(name).filter(|tool| !identity.may_use(tool)) else {
            return Ok(());
        };
        match oauth.scopes_for(name, tool.capabilities()) {
            none if none.is_empty() => Ok(()),
            scopes => Err(self.insufficient(path, &scopes)),
        }
    }

    /// A token is needed, and there is none. A sentence may say more.
    fn needed(&self, path: &str, more: &str) -> Problem {
        Problem::unauthenticated(
            ProblemKind::TokenNeeded,
            format!(
                "This needs a token, as Authorization: Bearer TOKEN.{more} The operator makes \
                 one with: sandpit token new --name NAME --tools 'PATTERN'"
            ),
            &self.challenge(path, ""),
        )
    }

    /// The token does not count, for whatever reason.
    fn invalid(&self, path: &str) -> Problem {
        Problem::unauthenticated(
            ProblemKind::InvalidToken,
            "The token is not valid here, or no longer. Get a new one.",
            &self.challenge(path, ", error=\"invalid_token\""),
        )
    }

    /// The token counts, for other tools. `scopes` are those that are needed,
    /// any of them.
    fn insufficient(&self, path: &str, scopes: &str) -> Problem {
        let error = format!(", error=\"insufficient_scope\", scope=\"{scopes}\"");
        Problem::unauthenticated(
            ProblemKind::InsufficientScope,
            format!("The token is for other tools. One of these scopes is needed: {scopes}."),
            &self.challenge(path, &error),
        )
    }

    /// `WWW-Authenticate` (RFC 6750, 3, and RFC 9728, 5.1).
    fn challenge(&self, path: &str, error: &str) -> String {
        let metadata = self.oauth.as_ref().map(|oauth| {
            let url = oauth.metadata_url(path);
            format!(", resource_metadata=\"{url}\"")
        });
        let metadata = metadata.unwrap_or_default();
        format!("Bearer realm=\"sandpit\"{metadata}{error}")
    }
}
