//! What an operator can set about the front.

use std::time::Duration;

use crate::auth::AuthConfig;
use crate::operator::OperatorConfig;

/// How the front serves.
#[derive(Debug, Clone)]
pub struct FrontConfig {
    /// Origins of web pages that may call, beside those of this machine
    /// (`http` and `https` on `localhost`, `127.0.0.1` and `[::1]`, any port).
    /// An entry is `https://name`, `https://name:port` or `https://name:*`;
    /// `*` allows every origin, `null` that of sandboxed and local pages.
    pub allowed_origins: Vec<String>,
    /// Names that the `Host` header may carry, beside those of this machine.
    /// An entry is `name` (any port) or `name:port`; `*` allows every name.
    pub allowed_hosts: Vec<String>,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// How many connections may be open at once. Further ones wait.
    pub max_connections: usize,
    /// How many MCP sessions may be open at once. At the limit the session
    /// that has been idle longest makes room, if it was idle for a while.
    pub max_sessions: usize,
    /// How long an MCP session is kept without a message.
    pub session_keep_alive: Duration,
    /// How long a client may take to send the head of a request, or its body.
    pub request_timeout: Duration,
    /// How long a reader of an event stream may take no event before the
    /// stream is given up.
    pub slow_reader_timeout: Duration,
    /// How often a quiet event stream carries a comment.
    pub stream_keep_alive: Duration,
    /// How long a person may think about a question of a tool.
    pub question_timeout: Duration,
    /// How long requests may take to end once the front is asked to stop.
    pub drain_timeout: Duration,
    /// Who may call tools.
    pub auth: AuthConfig,
    /// Who may ask below `/operator`, what that shows and what it stops.
    pub operator: OperatorConfig,
}

impl Default for FrontConfig {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            max_body_bytes: 1 << 20,
            max_connections: 1024,
            max_sessions: 256,
            session_keep_alive: Duration::from_secs(4 * 60 * 60),
            request_timeout: Duration::from_secs(30),
            slow_reader_timeout: Duration::from_secs(30),
            stream_keep_alive: Duration::from_secs(15),
            question_timeout: Duration::from_secs(10 * 60),
            drain_timeout: Duration::from_secs(3),
            auth: AuthConfig::default(),
            operator: OperatorConfig::default(),
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// An entry of [`FrontConfig::allowed_origins`] is not an origin.
    #[error(
        "allowed_origins: {0:?} is not an origin; write for example \"https://app.example.com\", \
         \"http://app.example.com:*\", or \"*\" for all"
    )]
    Origin(String),
    /// An entry of [`FrontConfig::allowed_hosts`] is not a host name.
    #[error(
        "allowed_hosts: {0:?} is not a host; write for example \"sandpit.example.com\", \
         \"sandpit.example.com:8000\", or \"*\" for all"
    )]
    Host(String),
    /// A setting of the authorization server cannot be used.
    #[error("auth.oauth.{key}: {found:?} cannot be used; it must be {expected}")]
    OAuth {
        /// The setting.
        key: &'static str,
        /// What was found.
        found: String,
        /// What is expected.
        expected: &'static str,
    },
}
