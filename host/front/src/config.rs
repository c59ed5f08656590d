//! What an operator can set about the front.

use std::time::Duration;

use crate::auth::AuthConfig;
use crate::limits::Limits;
use crate::metrics::MetricsConfig;
use crate::operator::OperatorConfig;
use crate::tls::{TlsConfig, TlsError};

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
    /// The certificate that the front speaks TLS with; none for plain HTTP.
    pub tls: Option<TlsConfig>,
    /// What one client may take.
    pub limits: Limits,
    /// How often a quiet event stream carries a comment.
    pub stream_keep_alive: Duration,
    /// How long a person may think about a question of a tool.
    pub question_timeout: Duration,
    /// How long requests may take to end once the front is asked to stop.
    pub drain_timeout: Duration,
    /// How resources are watched for those who subscribe to them.
    pub resources: ResourcesConfig,
    /// Who may call tools.
    pub auth: AuthConfig,
    /// Who may ask below `/operator`, what that shows and what it stops.
    pub operator: OperatorConfig,
    /// The metrics of the host, and who may read them.
    pub metrics: MetricsConfig,
}

impl Default for FrontConfig {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            tls: None,
            limits: Limits::default(),
            stream_keep_alive: Duration::from_secs(15),
            question_timeout: Duration::from_secs(10 * 60),
            drain_timeout: Duration::from_secs(3),
            resources: ResourcesConfig::default(),
            auth: AuthConfig::default(),
            operator: OperatorConfig::default(),
            metrics: MetricsConfig::default(),
        }
    }
}

/// How resources are watched for those who subscribe to them.
#[derive(Debug, Clone)]
pub struct ResourcesConfig {
    /// How long it is at least from one notification about a resource to the
    /// next, and from one reading to the next.
    pub interval: Duration,
    /// After how long a resource is read again though nothing was heard of.
    /// While that fails it takes up to sixteen times as long.
    pub poll: Duration,
    /// How many resources one session may subscribe to.
    pub max_subscriptions: usize,
    /// How many resources may be watched at once, by all together.
    pub max_watched: usize,
}

impl Default for ResourcesConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            poll: Duration::from_secs(5),
            max_subscriptions: 64,
            max_watched: 256,
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
    /// The metrics cannot be kept, which is a defect of the host.
    #[error("the metrics of the front cannot be kept: {0}")]
    Metrics(String),
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
    /// The certificate or its key cannot be used.
    #[error("server.tls: {0}")]
    Tls(#[from] TlsError),
}
