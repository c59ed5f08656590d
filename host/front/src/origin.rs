//! Who may ask: the `Host` and `Origin` checks.
//!
//! A web page can reach a server on the reader's own machine, either openly
//! (its `Origin` tells) or by DNS rebinding (its `Host` tells). Both are
//! refused unless the operator named them. Requests without an `Origin`, from
//! curl and from MCP clients, pass.

use http::Uri;
use http::header::{HOST, HeaderMap, ORIGIN};
use http::uri::Authority;

use crate::config::{ConfigError, FrontConfig};

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Which hosts and origins are allowed.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    hosts: Vec<HostRule>,
    origins: Vec<OriginRule>,
}

/// Why a request may not pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// It does not say whom it asks.
    #[error("The request has no valid Host header.")]
    NoHost,
    /// It asks for a name that is not ours.
    #[error(
        "This server does not answer to the host {0:?}. Use localhost, or add the name to \
         allowed_hosts."
    )]
    Host(String),
    /// It comes from a web page that is not allowed.
    #[error(
        "Web pages of the origin {0:?} may not call this server. Add the origin to \
         allowed_origins if they should."
    )]
    Origin(String),
}

#[derive(Debug, Clone)]
enum HostRule {
    Any,
    Name { name: String, port: Option<u16> },
}

#[derive(Debug, Clone)]
enum OriginRule {
    Any,
    Null,
    Origin {
        scheme: String,
        host: String,
        port: Option<u16>,
    },
}

impl Gate {
    /// Reads the operator's lists, and adds this machine to both.
    pub(crate) fn new(config: &FrontConfig) -> Result<Self, ConfigError> {
        let mut hosts: Vec<_> = LOOPBACK
            .into_iter()
            .map(|name| HostRule::Name {
                name: name.to_owned(),
                port: None,
            })
            .collect();
        for entry in &config.allowed_hosts {
            hosts.push(host_rule(entry).ok_or_else(|| ConfigError::Host(entry.clone()))?);
        }
        let mut origins = Vec::new();
        for host in LOOPBACK {
            for scheme in ["http", "https"] {
                origins.push(OriginRule::Origin {
                    scheme: scheme.to_owned(),
                    host: host.to_owned(),
                    port: None,
                });
            }
        }
        for entry in &config.allowed_origins {
            origins.push(origin_rule(entry).ok_or_else(|| ConfigError::Origin(entry.clone()))?);
        }
        Ok(Self { hosts, origins })
    }

    /// The same, and lets the pages of this very host pass too: a browser
    /// names their origin when they send something. It is for what a token
    /// protects as well, because a name that leads here by a trick of DNS is
    /// the page's own.
    pub(crate) fn check_own(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let checked = self.check(uri, headers);
        let Err(Refusal::Origin(_)) = &checked else {
            return checked;
        };
        let is_own = hosts(uri, headers).is_some_and(|hosts| {
            headers.get_all(ORIGIN).iter().all(|origin| {
                let origin = origin.to_str().unwrap_or_default();
                let schemes = ["http://", "https://"];
                let mut names = schemes.iter().filter_map(|it| origin.strip_prefix(it));
                names.any(|name| {
                    let mut hosts = hosts.iter();
                    hosts.all(|host| name.eq_ignore_ascii_case(host.as_str()))
                })
            })
        });
        if is_own { Ok(()) } else { checked }
    }

    /// Lets a request pass, or says why not.
    pub(crate) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        for host in hosts(uri, headers).ok_or(Refusal::NoHost)? {
            if !self.hosts.iter().any(|rule| rule.allows(&host)) {
                return Err(Refusal::Host(shown(host.as_str())));
            }
        }
        for origin in headers.get_all(ORIGIN) {
            let text = String::from_utf8_lossy(origin.as_bytes());
            if !self.origins.iter().any(|rule| rule.allows(&text)) {
                return Err(Refusal::Origin(shown(&text)));
            }
        }
        Ok(())
    }
}

/// Whom the request asks: `:authority` in HTTP/2 or the whole address in the
/// request line, and `Host`. Where it says both, programs differ about which
/// one counts. None if it does not say, or says something that is no name.
fn hosts(uri: &Uri, headers: &HeaderMap) -> Option<Vec<Authority>> {
    let mut hosts: Vec<_> = uri.authority().cloned().into_iter().collect();
    let mut values = headers.get_all(HOST).iter();
    if let Some(value) = values.next() {
        hosts.push(Authority::try_from(value.as_bytes()).ok()?);
    }
    // Two Host headers are a request smuggled past somebody.
    if values.next().is_some() || hosts.is_empty() {
        return None;
    }
    Some(hosts)
}

fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

fn bare(host: &str) -> String {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .to_ascii_lowercase()
}

fn host_rule(entry: &str) -> Option<HostRule> {
    if entry == "*" {
        return Some(HostRule::Any);
    }
    let authority = Authority::try_from(entry).ok()?;
    (!authority.host().is_empty() && !entry.contains('@')).then(|| HostRule::Name {
        name: bare(authority.host()),
        port: authority.port_u16(),
    })
}

impl HostRule {
    fn allows(&self, host: &Authority) -> bool {
        match self {
            Self::Any => true,
            Self::Name { name, port } => {
                *name == bare(host.host()) && port.is_none_or(|port| host.port_u16() == Some(port))
            }
        }
    }
}

fn origin_rule(entry: &str) -> Option<OriginRule> {
    match entry {
        "*" => return Some(OriginRule::Any),
        "null" => return Some(OriginRule::Null),
        _ => {}
    }
    let (base, any_port) = match entry.strip_suffix(":*") {
        Some(base) => (base, true),
        None => (entry, false),
    };
    let (scheme, host, port) = parse_origin(base)?;
    Some(OriginRule::Origin {
        port: if any_port { None } else { Some(port?) },
        scheme,
        host,
    })
}

impl OriginRule {
    fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Null => origin == "null",
            Self::Origin { scheme, host, port } => {
                parse_origin(origin).is_some_and(|(its_scheme, its_host, its_port)| {
                    its_scheme == *scheme
                        && its_host == *host
                        && (port.is_none() || its_port == *port)
                })
            }
        }
    }
}

/// Scheme, host and port of an origin (RFC 6454). The default port is filled
/// in where the scheme has one.
fn parse_origin(text: &str) -> Option<(String, String, Option<u16>)> {
    let uri = Uri::try_from(text).ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let authority = uri.authority()?;
    let bare_origin = uri.path().is_empty() || uri.path() == "/";
    if !bare_origin || uri.query().is_some() || authority.as_str().contains('@') {
        return None;
    }
    let port = authority.port_u16().or(match scheme.as_str() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    });
    Some((scheme, bare(authority.host()), port))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn gate(origins: &[&str], hosts: &[&str]) -> Gate {
        Gate::new(&FrontConfig {
            allowed_origins: origins.iter().map(ToString::to_string).collect(),
            allowed_hosts: hosts.iter().map(ToString::to_string).collect(),
            ..FrontConfig::default()
        })
        .unwrap()
    }

    fn check(gate: &Gate, host: &str, origin: Option<&str>) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        gate.check(&Uri::from_static("/api/v1/tools"), &headers)
    }

    #[test]
    fn this_machine_is_always_allowed() {
        let gate = gate(&[], &[]);
        for host in ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"] {
            assert_eq!(check(&gate, host, None), Ok(()), "{host}");
        }
        for origin in [
            "http://localhost:3000",
            "https://127.0.0.1",
            "http://[::1]:5173",
        ] {
            assert_eq!(check(&gate, "localhost", Some(origin)), Ok(()), "{origin}");
        }
    }

    #[test]
    fn strangers_are_refused() {
        let gate = gate(&[], &[]);
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io"] {
            assert_eq!(
                check(&gate, host, None),
                Err(Refusal::Host(host.to_owned()))
            );
        }
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "ftp://localhost",
            "nonsense",
            "",
        ] {
            assert_eq!(
                check(&gate, "localhost", Some(origin)),
                Err(Refusal::Origin(origin.to_owned()))
            );
        }
    }

    #[test]
    fn pages_of_this_host_pass_where_a_token_protects() {
        let gate = gate(&[], &["sandpit.example.com"]);
        let check_own = |host: &str, origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            headers.insert(ORIGIN, origin.parse().unwrap());
            gate.check_own(&Uri::from_static("/operator/halt"), &headers)
        };
        let host = "sandpit.example.com:8000";
        assert_eq!(check_own(host, "http://Sandpit.example.com:8000"), Ok(()));
        assert_eq!(check_own(host, "https://sandpit.example.com:8000"), Ok(()));
        assert_eq!(check_own("localhost", "http://localhost:3000"), Ok(()));
        for other in [
            "http://sandpit.example.com",
            "http://sandpit.example.com:8000.evil.example",
            "http://me@sandpit.example.com:8000",
            "ftp://sandpit.example.com:8000",
            "null",
            "",
        ] {
            let refusal = Refusal::Origin(other.to_owned());
            assert_eq!(check_own(host, other), Err(refusal), "{other}");
        }
        let evil = "evil.example";
        assert_eq!(
            check_own(evil, "http://evil.example"),
            Err(Refusal::Host(evil.to_owned()))
        );
        assert!(check(&gate, host, Some("http://sandpit.example.com:8000")).is_err());
    }

    #[test]
    fn a_request_says_once_whom_it_asks() {
        let gate = gate(&[], &["*"]);
        let uri = Uri::from_static("/");
        let mut headers = HeaderMap::new();
        assert_eq!(gate.check(&uri, &headers), Err(Refusal::NoHost));
        headers.append(HOST, "localhost".parse().unwrap());
        assert_eq!(gate.check(&uri, &headers), Ok(()));
        headers.append(HOST, "evil.example".parse().unwrap());
        assert_eq!(gate.check(&uri, &headers), Err(Refusal::NoHost));
    }

    #[test]
    fn the_request_line_and_the_header_must_both_be_allowed() {
        let gate = gate(&[], &[]);
        for (line, header, allowed) in [
            ("http://localhost/", Some("127.0.0.1"), true),
            ("http://localhost/", None, true),
            ("http://localhost/", Some("evil.example"), false),
            ("http://evil.example/", Some("localhost"), false),
            ("http://localhost/", Some(""), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(header.map(|host| (HOST, host.parse().unwrap())));
            let uri = Uri::from_static(line);
            assert_eq!(gate.check(&uri, &headers).is_ok(), allowed, "{line}");
        }
    }

    #[test]
    fn two_origins_must_both_be_allowed() {
        let gate = gate(&[], &[]);
        let mut headers = HeaderMap::new();
        headers.append(HOST, "localhost".parse().unwrap());
        headers.append(ORIGIN, "http://localhost".parse().unwrap());
        headers.append(ORIGIN, "http://evil.example".parse().unwrap());
        assert_eq!(
            gate.check(&Uri::from_static("/"), &headers),
            Err(Refusal::Origin("http://evil.example".to_owned()))
        );
    }

    #[test]
    fn the_operator_names_others() {
        let gate = gate(
            &["https://app.example.com", "http://dev.example.com:*"],
            &["sandpit.example.com", "other.example.com:8000"],
        );
        for (host, allowed) in [
            ("sandpit.example.com:1234", true),
            ("other.example.com:8000", true),
            ("other.example.com:8001", false),
            ("other.example.com", false),
        ] {
            assert_eq!(check(&gate, host, None).is_ok(), allowed, "{host}");
        }
        for (origin, allowed) in [
            ("https://app.example.com", true),
            ("https://app.example.com:443", true),
            ("https://app.example.com:8443", false),
            ("http://app.example.com", false),
            ("http://dev.example.com:5173", true),
        ] {
            assert_eq!(
                check(&gate, "localhost", Some(origin)).is_ok(),
                allowed,
                "{origin}"
            );
        }
    }

    #[test]
    fn a_star_allows_all() {
        let gate = gate(&["*"], &["*"]);
        assert_eq!(check(&gate, "any.example", Some("null")), Ok(()));
    }

    #[test]
    fn nonsense_in_the_lists_is_an_error() {
        for origin in [
            "app.example.com",
            "https://",
            "https://a b",
            "https://a.example/path",
        ] {
            let config = FrontConfig {
                allowed_origins: vec![origin.to_owned()],
                ..FrontConfig::default()
            };
            assert_eq!(
                Gate::new(&config).unwrap_err(),
                ConfigError::Origin(origin.to_owned())
            );
        }
        for host in ["", "http://a.example", "a b", "me@a.example"] {
            let config = FrontConfig {
                allowed_hosts: vec![host.to_owned()],
                ..FrontConfig::default()
            };
            assert_eq!(
                Gate::new(&config).unwrap_err(),
                ConfigError::Host(host.to_owned())
            );
        }
    }
}
