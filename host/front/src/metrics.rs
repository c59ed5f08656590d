//! `/metrics`: what Prometheus reads.
//!
//! All rooms count in one registry; this one counts requests, connections,
//! sessions and streams, and answers with all of it. There is no account,
//! symbol or token among it, but it does say how much is traded: so it is there
//! for programs of this machine and for whoever has a token for it, unless the
//! operator says otherwise. Like the operator's paths it is not for web pages.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body as HttpBody;
use prometheus::{
    Gauge, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, Result,
    TEXT_FORMAT, TextEncoder,
};

use crate::auth::bearer::{self, Offered};
use crate::auth::is_local;
use crate::limits::Limits;
use crate::operator::{OperatorAccess, OperatorToken};
use crate::problem::{Problem, ProblemKind};
use crate::reply::{self, Body};
use crate::router::App;

/// Where it is.
pub(crate) const PATH: &str = "/metrics";

/// Upper bounds in seconds of the time until an answer begins.
const BUCKETS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];

/// The metrics of the host, and who may read them.
#[derive(Clone, Default)]
pub struct MetricsConfig {
    /// Where all rooms register theirs; the front adds its own.
    pub registry: Registry,
    /// What brings the other rooms' metrics up to date before they are read.
    pub update: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Who may read them.
    pub access: MetricsAccess,
    /// Who has this token may read them too, and do nothing else.
    pub token: Option<OperatorToken>,
}

/// Who may read the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Programs of this machine, and whoever has a token for it.
    #[default]
    Local,
    /// Whoever has the operator's token, or the one of the metrics.
    Token,
    /// Everybody who reaches the port.
    Open,
    /// Nobody: there are none.
    Off,
}

impl fmt::Debug for MetricsConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MetricsConfig")
            .field("access", &self.access)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

/// What the front counts.
pub(crate) struct Metrics {
    requests: IntCounterVec,
    duration: HistogramVec,
    connections: IntGauge,
    streams: IntGauge,
    sessions: Gauge,
    /// One reads at a time.
    reading: Mutex<()>,
}

impl Metrics {
    /// Registers what the front counts.
    ///
    /// # Errors
    ///
    /// If a front has registered its own already.
    pub(crate) fn new(registry: &Registry, limits: &Limits) -> Result<Self> {
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new(
                    "sandpit_http_requests_total",
                    "HTTP requests, by what they were for and the status of the answer.",
                ),
                &["route", "status"],
            )?,
            duration: HistogramVec::new(
                HistogramOpts::new(
                    "sandpit_http_request_duration_seconds",
                    "How long it took until the answer to an HTTP request began.",
                )
                .buckets(BUCKETS.to_vec()),
                &["route"],
            )?,
            connections: IntGauge::new("sandpit_http_connections", "HTTP connections open now.")?,
            streams: IntGauge::new(
                "sandpit_http_streams",
                "Event streams (SSE) open now, of REST and MCP.",
            )?,
            sessions: Gauge::new("sandpit_mcp_sessions", "MCP sessions open now.")?,
            reading: Mutex::default(),
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.duration.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        registry.register(Box::new(metrics.streams.clone()))?;
        registry.register(Box::new(metrics.sessions.clone()))?;
        for (name, help, limit) in [
            (
                "sandpit_http_connections_limit",
                "How many HTTP connections may be open at once.",
                limits.connections,
            ),
            (
                "sandpit_mcp_sessions_limit",
                "How many MCP sessions may be open at once.",
                limits.sessions,
            ),
        ] {
            let gauge = Gauge::new(name, help)?;
            gauge.set(limit as f64);
            registry.register(Box::new(gauge))?;
        }
        Ok(metrics)
    }

    /// A request for this path was answered.
    pub(crate) fn answered(&self, route: Route, status: StatusCode, begun: Instant) {
        let route = route.name();
        self.requests
            .with_label_values(&[route, status.as_str()])
            .inc();
        let seconds = begun.elapsed().as_secs_f64();
        self.duration.with_label_values(&[route]).observe(seconds);
    }

    /// A connection is open, until this is dropped.
    pub(crate) fn connection(&self) -> Open {
        Open::new(&self.connections)
    }

    /// An event stream is open, until this is dropped.
    pub(crate) fn stream(&self) -> Open {
        Open::new(&self.streams)
    }
}

/// Something that is open.
pub(crate) struct Open(IntGauge);

impl Open {
    fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// MCP.
    Mcp,
    /// Plain REST.
    Rest,
    /// The operator's side.
    Operator,
    /// The metrics.
    Metrics,
    /// Whether the host lives.
    Health,
    /// Anything else.
    Other,
}

impl Route {
    /// By its path.
    pub(crate) fn of(path: &str) -> Self {
        match path.strip_suffix('/').unwrap_or(path) {
            "/api/v1" | "/api/v1/mcp" => Self::Mcp,
            "/healthz" | "/readyz" => Self::Health,
            PATH => Self::Metrics,
            path if path.starts_with("/api/v1/") => Self::Rest,
            path if crate::operator::owns(path) => Self::Operator,
            _ => Self::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Mcp => "mcp",
            Self::Rest => "rest",
            Self::Operator => "operator",
            Self::Metrics => "metrics",
            Self::Health => "health",
            Self::Other => "other",
        }
    }
}

/// Answers a request for the metrics.
pub(crate) async fn handle<B>(
    app: &App,
    request: Request<B>,
    peer: IpAddr,
) -> std::result::Result<Response<Body>, Problem>
where
    B: HttpBody<Data = Bytes>,
{
    let (parts, _) = request.into_parts();
    check(app, &parts, peer)?;
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return Err(Problem::method_not_allowed(parts.uri.path(), "GET, HEAD"));
    }
    let sessions = app.mcp.sessions().await;
    app.metrics.sessions.set(sessions as f64);
    let text = app.metrics.read(&app.config.metrics).map_err(|error| {
        tracing::error!(%error, "the metrics cannot be written");
        let kind = ProblemKind::Tool(sandpit_tools::FailureKind::Internal);
        Problem::new(kind, "The metrics cannot be written. The log says why.")
    })?;
    let mut response = reply::text(StatusCode::OK, TEXT_FORMAT, text);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}

impl Metrics {
    fn read(&self, config: &MetricsConfig) -> Result<String> {
        let _one_at_a_time = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(update) = &config.update {
            update();
        }
        TextEncoder::new().encode_to_string(&config.registry.gather())
    }
}

fn check(app: &App, parts: &Parts, peer: IpAddr) -> std::result::Result<(), Problem> {
    let config = &app.config.metrics;
    match config.access {
        MetricsAccess::Open => return Ok(()),
        MetricsAccess::Off => return Err(Problem::unknown_route(parts.uri.path())),
        MetricsAccess::Local if is_local(parts, peer) => return Ok(()),
        MetricsAccess::Local | MetricsAccess::Token => {}
    }
    let operators = match &app.config.operator.access {
        OperatorAccess::Token(token) => Some(token),
        OperatorAccess::Closed(_) => None,
    };
    match bearer::offered(&parts.headers) {
        Offered::Token(offered) => {
            let mut tokens = operators.into_iter().chain(&config.token);
            if tokens.any(|token| token.is(offered)) {
                Ok(())
            } else {
                Err(Problem::unauthorized(
                    "This is neither the operator's token of this host nor that of its metrics.",
                ))
            }
        }
        _ => Err(Problem::unauthorized(
            "From here the metrics need the operator's token, or that of [metrics], as \
             Authorization: Bearer TOKEN.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_a_few_kinds() {
        for (path, route) in [
            ("/api/v1", Route::Mcp),
            ("/api/v1/mcp/", Route::Mcp),
            ("/api/v1/get_positions", Route::Rest),
            ("/operator/status", Route::Operator),
            ("/metrics", Route::Metrics),
            ("/readyz", Route::Health),
            ("/whatever/else", Route::Other),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }
}
