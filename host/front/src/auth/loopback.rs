//! Programs of this machine, which may need no token.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use http::header::{FORWARDED, HOST, HeaderName, VIA};
use http::request::Parts;
use http::uri::Authority;
use tokio_util::sync::CancellationToken;

use super::identity::Identity;

/// The headers by which a proxy says that it passes a request on.
const PASSED_ON: [HeaderName; 6] = [
    FORWARDED,
    VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

/// What programs of this machine may do without a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LoopbackAccess {
    /// Use every tool.
    #[default]
    Open,
    /// Nothing, for this reason (part of a sentence, without its full stop).
    Closed(String),
}

/// The same, where it may change while the front serves. Clones share it.
#[derive(Debug, Clone)]
pub struct Loopback {
    inner: Arc<RwLock<Inner>>,
}

#[derive(Debug)]
struct Inner {
    access: LoopbackAccess,
    /// Cancelled when it is no longer open.
    closed: CancellationToken,
}

impl Loopback {
    pub(super) fn new(access: LoopbackAccess) -> Self {
        let inner = Inner {
            access,
            closed: CancellationToken::new(),
        };
        Self {
            inner: Arc::new(RwLock::new(inner)),
        }
    }

    /// Changes it. When it closes, streams that were opened without a token
    /// end.
    pub fn set(&self, access: LoopbackAccess) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if inner.access == access {
            return;
        }
        if inner.access == LoopbackAccess::Open {
            inner.closed.cancel();
            inner.closed = CancellationToken::new();
        }
        inner.access = access;
    }

    /// A program of this machine that came without a token, or why it may not.
    pub(super) fn identity(&self) -> Result<Identity, String> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        match &inner.access {
            LoopbackAccess::Open => Ok(Identity::local(inner.closed.clone())),
            LoopbackAccess::Closed(reason) => Err(reason.clone()),
        }
    }
}

/// Whether a request comes from a program of this machine, and asks for this
/// machine by one of its own names. What a proxy passes on comes from
/// elsewhere, though its connection does not.
pub(crate) fn is_local(parts: &Parts, peer: IpAddr) -> bool {
    let host = match parts.uri.authority() {
        Some(authority) => Some(authority.clone()),
        None => parts
            .headers
            .get(HOST)
            .and_then(|host| Authority::try_from(host.as_bytes()).ok()),
    };
    let own_name = host.is_some_and(|host| {
        let name = host.host();
        name.eq_ignore_ascii_case("localhost")
            || name
                .trim_matches(['[', ']'])
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    });
    let passed_on = PASSED_ON
        .iter()
        .any(|name| parts.headers.contains_key(name));
    peer.to_canonical().is_loopback() && own_name && !passed_on
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use http::Request;

    use super::*;

    fn local(peer: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().uri("/api/v1/tools");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        is_local(&parts, peer.parse().unwrap())
    }

    #[test]
    fn a_program_of_this_machine_asks_this_machine() {
        for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            for host in ["localhost", "LocalHost:8000", "127.0.0.1:1", "[::1]:8000"] {
                assert!(local(peer, &[("host", host)]), "{peer} {host}");
            }
        }
    }

    #[test]
    fn whoever_comes_from_elsewhere_is_not_of_this_machine() {
        let own = ("host", "localhost");
        for peer in ["192.0.2.1", "::2", "0.0.0.0", "::ffff:192.0.2.1"] {
            assert!(!local(peer, &[own]), "{peer}");
        }
        for host in ["sandpit.example.com", "localhost.example.com", "192.0.2.1"] {
            assert!(!local("127.0.0.1", &[("host", host)]), "{host}");
        }
        assert!(!local("127.0.0.1", &[]));
        for header in ["forwarded", "via", "X-Forwarded-For", "x-real-ip"] {
            assert!(
                !local("127.0.0.1", &[own, (header, "127.0.0.1")]),
                "{header}"
            );
        }
    }

    #[tokio::test]
    async fn when_it_closes_those_who_are_in_are_over() {
        let loopback = Loopback::new(LoopbackAccess::Open);
        let caller = loopback.identity().unwrap();
        loopback.set(LoopbackAccess::Open);
        assert!(futures::poll!(std::pin::pin!(caller.over())).is_pending());
        loopback.set(LoopbackAccess::Closed("it is live".to_owned()));
        caller.over().await;
        assert_eq!(loopback.identity().unwrap_err(), "it is live");
        loopback.set(LoopbackAccess::Open);
        let again = loopback.identity().unwrap();
        assert!(futures::poll!(std::pin::pin!(again.over())).is_pending());
    }
}
