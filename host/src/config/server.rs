//! `[server]`: where the host listens, and what it puts up with.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use sandpit_front::{Limits, TlsConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::seconds;

/// `[server]`: the HTTP side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSection {
    /// The address to listen on.
    pub listen: IpAddr,
    /// The TCP port to listen on; 0 takes any free one. Also `PORT`.
    pub port: u16,
    /// Origins that browsers may call from, beside pages of this machine;
    /// `"*"` allows all.
    pub allowed_origins: Vec<String>,
    /// Names that the `Host` header may carry, beside those of this machine;
    /// `"*"` allows all.
    pub allowed_hosts: Vec<String>,
    /// The certificate that the host speaks TLS with. Without one it speaks
    /// plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSection>,
    /// The largest head of a request (its line and its headers), in bytes.
    #[schemars(range(min = 8_192, max = 1_048_576))]
    pub max_header_bytes: usize,
    /// How many headers a request may have.
    #[schemars(range(min = 1, max = 1_000))]
    pub max_headers: usize,
    /// The largest request body, in bytes.
    #[schemars(range(min = 1, max = 67_108_864))]
    pub max_body_bytes: usize,
    /// How deeply the JSON of a request may be nested.
    #[schemars(range(min = 1, max = 127))]
    pub max_json_depth: usize,
    /// How many HTTP connections may be open at once.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_connections: usize,
    /// How many of these may come from one address (of IPv6: from one /64).
    #[schemars(range(min = 1, max = 100_000))]
    pub max_connections_per_address: usize,
    /// How many requests one HTTP/2 connection may have open.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_streams_per_connection: u32,
    /// How many MCP sessions may be open at once.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_sessions: usize,
    /// How many of these one caller may have; programs of this machine without
    /// a token are one caller.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_sessions_per_caller: usize,
    /// How long an idle MCP session is kept, in seconds.
    #[schemars(range(min = 1, max = 604_800))]
    pub session_idle_seconds: u64,
    /// How long calls of an MCP session run on whose client has closed every
    /// connection, in seconds. Then they are cancelled.
    #[schemars(range(min = 1, max = 604_800))]
    pub session_left_seconds: u64,
    /// How long a client may take to send the head of a request, or its body,
    /// and how long a connection may be quiet between two requests, in seconds.
    #[schemars(range(min = 1, max = 604_800))]
    pub request_timeout_seconds: u64,
    /// How long a client may take nothing of what is sent to it, in seconds.
    /// Then its connection is cut.
    #[schemars(range(min = 1, max = 604_800))]
    pub write_timeout_seconds: u64,
}

/// `[server.tls]`: the certificate that the host speaks TLS with. Both files are
/// read again when they change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsSection {
    /// The certificate as PEM, followed by those that lead to its authority.
    /// Relative to this file.
    pub certificate: PathBuf,
    /// Its private key as PEM, not encrypted. Relative to this file.
    pub key: PathBuf,
}

impl Default for ServerSection {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            listen: IpAddr::from([127, 0, 0, 1]),
            port: 8000,
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            tls: None,
            max_header_bytes: limits.header_bytes,
            max_headers: limits.headers,
            max_body_bytes: limits.body_bytes,
            max_json_depth: limits.json_depth,
            max_connections: limits.connections,
            max_connections_per_address: limits.connections_per_address,
            max_streams_per_connection: limits.streams_per_connection,
            max_sessions: limits.sessions,
            max_sessions_per_caller: limits.sessions_per_caller,
            session_idle_seconds: limits.session_idle.as_secs(),
            session_left_seconds: limits.session_left.as_secs(),
            request_timeout_seconds: limits.request_time.as_secs(),
            write_timeout_seconds: limits.write_time.as_secs(),
        }
    }
}

impl ServerSection {
    /// What types cannot say.
    pub(super) fn validate(&self) -> anyhow::Result<()> {
        for (key, value) in [
            ("session_idle_seconds", self.session_idle_seconds),
            ("session_left_seconds", self.session_left_seconds),
            ("request_timeout_seconds", self.request_timeout_seconds),
            ("write_timeout_seconds", self.write_timeout_seconds),
        ] {
            seconds(&format!("server.{key}"), value)?;
        }
        let streams = self.max_streams_per_connection;
        let streams = usize::try_from(streams).unwrap_or(usize::MAX);
        for (key, value, least, most) in [
            ("max_header_bytes", self.max_header_bytes, 8_192, 1 << 20),
            ("max_headers", self.max_headers, 1, 1_000),
            ("max_body_bytes", self.max_body_bytes, 1, 64 << 20),
            ("max_json_depth", self.max_json_depth, 1, 127),
            ("max_connections", self.max_connections, 1, 100_000),
            (
                "max_connections_per_address",
                self.max_connections_per_address,
                1,
                100_000,
            ),
            ("max_streams_per_connection", streams, 1, 10_000),
            ("max_sessions", self.max_sessions, 1, 100_000),
            (
                "max_sessions_per_caller",
                self.max_sessions_per_caller,
                1,
                100_000,
            ),
        ] {
            if !(least..=most).contains(&value) {
                bail!("server.{key} is {value}; it must be a number from {least} to {most}");
            }
        }
        Ok(())
    }

    /// What clients may take, as the front has it.
    pub fn limits(&self) -> Limits {
        Limits {
            header_bytes: self.max_header_bytes,
            headers: self.max_headers,
            body_bytes: self.max_body_bytes,
            json_depth: self.max_json_depth,
            connections: self.max_connections,
            connections_per_address: self.max_connections_per_address,
            streams_per_connection: self.max_streams_per_connection,
            sessions: self.max_sessions,
            sessions_per_caller: self.max_sessions_per_caller,
            session_idle: Duration::from_secs(self.session_idle_seconds),
            session_left: Duration::from_secs(self.session_left_seconds),
            request_time: Duration::from_secs(self.request_timeout_seconds),
            write_time: Duration::from_secs(self.write_timeout_seconds),
        }
    }

    /// `https` with a certificate, `http` without.
    pub const fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "https",
            None => "http",
        }
    }
}

impl TlsSection {
    /// The same, as the front takes it.
    pub fn for_front(&self) -> TlsConfig {
        TlsConfig {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
        }
    }
}
