//! From a request to whoever answers it, and what all answers share.
//!
//! Every request passes the [`Gate`] first, MCP and REST alike: rmcp's own
//! checks are off, so that there is one place and one answer. Whoever asks for
//! anything below `/api/v1` must be somebody ([`Auth`]). Every response
//! carries the id of the request in `Sandpit-Call-Id`, and the CORS headers if
//! a web page asked.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures::{FutureExt, StreamExt};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ALLOW,
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyStream, StreamBody};
use hyper::body::Incoming;
use sandpit_tools::{FailureKind, Readiness, Tools};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::auth::oauth::WELL_KNOWN;
use crate::auth::{Auth, Identity};
use crate::call;
use crate::config::FrontConfig;
use crate::console;
use crate::mcp::Endpoint;
use crate::metrics::{self, Metrics, Open, Route};
use crate::operator;
use crate::origin::Gate;
use crate::problem::{Problem, ProblemKind};
use crate::reply::{self, Body};
use crate::rest;
use crate::trace::CallId;

/// The header with the id of a request. Log lines and orders carry it too.
const CALL_ID: HeaderName = HeaderName::from_static("sandpit-call-id");

const METHODS: &str = "GET, POST, DELETE, OPTIONS";
const EXPOSED: &str = "Mcp-Session-Id, Sandpit-Call-Id, Retry-After, WWW-Authenticate";
const ALLOWED: &str = "Content-Type, Authorization, Last-Event-ID, Mcp-Session-Id, \
                       Mcp-Protocol-Version, Mcp-Method, Mcp-Name";

/// What requests are answered with.
pub(crate) struct App {
    /// The live tools.
    pub(crate) tools: Tools,
    /// How to serve.
    pub(crate) config: FrontConfig,
    /// Cancelled when streams shall end because the front stops.
    pub(crate) streams: CancellationToken,
    /// From where it may be asked.
    pub(crate) gate: Gate,
    /// Who may ask.
    pub(crate) auth: Auth,
    /// The MCP side.
    pub(crate) mcp: Endpoint,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// Since when.
    pub(crate) started: OffsetDateTime,
}

impl App {
    /// Answers a request from this address, whatever happens.
    pub(crate) async fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: IpAddr,
    ) -> Response<Body> {
        let begun = Instant::now();
        let call_id = call::new_id();
        request.extensions_mut().insert(CallId(call_id.clone()));
        let path = request.uri().path();
        let route = Route::of(path);
        // The operator's paths and the metrics are not for web pages of others.
        let origin = if matches!(route, Route::Operator | Route::Metrics) || console::owns(path) {
            None
        } else {
            request.headers().get(ORIGIN).cloned()
        };
        let answered = AssertUnwindSafe(self.dispatch(request, peer, &call_id)).catch_unwind();
        let (mut response, allowed) = match answered.await {
            Ok(Ok(response)) => (response, true),
            Ok(Err(problem)) => (problem.response(&call_id), !problem.is_forbidden()),
            Err(_) => {
                tracing::error!(call_id, "the answer to a request panicked");
                let problem = Problem::new(
                    ProblemKind::Tool(FailureKind::Internal),
                    format!("The host failed. Its log says more, under {call_id}."),
                );
                (problem.response(&call_id), true)
            }
        };
        self.metrics.answered(route, response.status(), begun);
        let headers = response.headers_mut();
        if let Ok(call_id) = HeaderValue::from_str(&call_id) {
            headers.insert(CALL_ID, call_id);
        }
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin.filter(|_| allowed) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(EXPOSED),
            );
        }
        response
    }

    async fn dispatch(
        &self,
        request: Request<Incoming>,
        peer: IpAddr,
        call_id: &str,
    ) -> Result<Response<Body>, Problem> {
        let (uri, headers) = (request.uri(), request.headers());
        let is_operator = operator::owns(uri.path());
        let checked = if is_operator {
            self.gate.check_own(uri, headers)
        } else {
            self.gate.check(uri, headers)
        };
        checked.map_err(|refusal| Problem::new(ProblemKind::Forbidden, refusal.to_string()))?;
        if is_operator {
            return operator::handle(self, request).await;
        }
        if console::owns(uri.path()) {
            return console::handle(&request);
        }
        if request.uri().path() == metrics::PATH {
            return metrics::handle(self, request, peer).await;
        }
        if request.method() == Method::OPTIONS {
            return Ok(preflight(request.headers()));
        }
        let whole = request.uri().path();
        let path = whole.strip_suffix('/').unwrap_or(whole).to_owned();
        match path.as_str() {
            "/healthz" => document(&request, || (StatusCode::OK, json!({ "status": "ok" }))),
            "/readyz" => document(&request, || self.readiness()),
            "/api/v1" => self.api(request, peer, "", call_id).await,
            other => {
                if let Some(metadata) = self.resource_metadata(other) {
                    return document(&request, || (StatusCode::OK, metadata));
                }
                let Some(below) = other.strip_prefix("/api/v1/") else {
                    return Err(Problem::unknown_route(whole));
                };
                self.api(request, peer, below, call_id).await
            }
        }
    }

    /// Answers a request for `below` in `/api/v1`, to somebody who may ask.
    async fn api(
        &self,
        request: Request<Incoming>,
        peer: IpAddr,
        below: &str,
        call_id: &str,
    ) -> Result<Response<Body>, Problem> {
        let (mut parts, body) = request.into_parts();
        let identity = self.auth.identify(&parts, peer).await?;
        // Nobody below needs the token, and nobody can tell of it.
        parts.headers.remove(AUTHORIZATION);
        // A message of MCP is counted where its answer can be one of MCP.
        let is_message = matches!(below, "" | "mcp") && parts.method == Method::POST;
        if !is_message {
            let counted = self.auth.count(&identity);
            counted.map_err(Problem::too_many_requests)?;
        }
        let request = Request::from_parts(parts, body);
        let listed = || {
            let tools = self.tools.list();
            let tools = tools.iter().filter(|tool| identity.may_use(tool));
            tools.cloned().collect::<Vec<_>>()
        };
        let response = match below {
            "" | "mcp" => self.mcp.handle(self, request, &identity).await?,
            "tools" => document(&request, || {
                (StatusCode::OK, rest::tools_document(&listed()))
            })?,
            "openapi.json" => document(&request, || {
                let prompts = self.tools.prompts();
                let prompts = prompts.iter().filter(|prompt| identity.may_use(prompt));
                let all = [listed(), prompts.cloned().collect()].concat();
                (StatusCode::OK, rest::openapi_document(&all))
            })?,
            "prompts" => document(&request, || {
                let document = rest::prompts_document(&self.tools, &identity);
                (StatusCode::OK, document)
            })?,
            "resources" => document(&request, || {
                let document = rest::resources_document(&self.tools.list(), &identity);
                (StatusCode::OK, document)
            })?,
            "resources/read" => {
                let (parts, _) = request.into_parts();
                rest::read_resource(self, &identity, &parts, call_id).await?
            }
            below => {
                let (parts, body) = request.into_parts();
                if let Some(name) = below.strip_prefix("prompts/") {
                    return rest::get_prompt(self, &identity, &parts, name, body, call_id).await;
                }
                rest::handle(self, &identity, &parts, below, body, call_id).await?
            }
        };
        let open = || self.metrics.stream();
        Ok(while_allowed(response, identity, open))
    }

    /// The metadata of this host for clients of OAuth, if the path is that of
    /// such a document.
    fn resource_metadata(&self, path: &str) -> Option<Value> {
        let resource = path.strip_prefix(WELL_KNOWN)?;
        self.auth.oauth()?.metadata(resource)
    }

    /// Ready is who has tools to call. Whether TWS is connected is told, and
    /// does not count: connecting is itself a tool.
    fn readiness(&self) -> (StatusCode, Value) {
        let Readiness {
            tools,
            refused,
            connected,
        } = self.tools.readiness();
        let status = if tools > 0 {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let readiness = json!({
            "ready": tools > 0,
            "tools": tools,
            "refused": refused,
            "tws": { "connected": connected },
        });
        (status, readiness)
    }
}

/// Ends a stream when its caller may no longer call, and counts it as open.
fn while_allowed(
    response: Response<Body>,
    identity: Identity,
    open: impl FnOnce() -> Open,
) -> Response<Body> {
    let is_stream = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    if !is_stream {
        return response;
    }
    response.map(|body| {
        let open = open();
        let over = async move {
            let _open = open;
            identity.over().await;
        };
        Body::new(StreamBody::new(
            BodyStream::new(body).take_until(Box::pin(over)),
        ))
    })
}

/// Answers `GET` and `HEAD` with a document.
fn document(
    request: &Request<Incoming>,
    make: impl FnOnce() -> (StatusCode, Value),
) -> Result<Response<Body>, Problem> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return Err(Problem::method_not_allowed(
            request.uri().path(),
            "GET, HEAD, OPTIONS",
        ));
    }
    let (status, document) = make();
    Ok(reply::json(status, document.to_string()))
}

/// Answers a browser that asks what it may send. The `Mcp-Param-…` headers
/// cannot be listed beforehand, so that those it asks for are named.
fn preflight(headers: &HeaderMap) -> Response<Body> {
    let mut allowed = ALLOWED.to_owned();
    let asked = headers.get(ACCESS_CONTROL_REQUEST_HEADERS);
    let asked = asked.and_then(|value| value.to_str().ok()).unwrap_or("");
    for name in asked.split(',').map(str::trim).take(64) {
        let is_mcp = name
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("mcp-"));
        if is_mcp && HeaderName::try_from(name).is_ok() {
            allowed.push_str(", ");
            allowed.push_str(name);
        }
    }
    let mut response = reply::empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(METHODS));
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(METHODS),
    );
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    headers.append(
        VARY,
        HeaderValue::from_static("Access-Control-Request-Headers"),
    );
    response
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_preflight_names_the_mcp_headers_that_were_asked_for() {
        let mut headers = HeaderMap::new();
        headers.insert(
            ACCESS_CONTROL_REQUEST_HEADERS,
            "content-type, Mcp-Param-Symbol, x-other, é"
                .as_bytes()
                .try_into()
                .unwrap(),
        );
        let response = preflight(&headers);
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        let allowed = response.headers().get(ACCESS_CONTROL_ALLOW_HEADERS);
        assert!(!allowed.unwrap().to_str().unwrap().contains("x-other"));
        headers.insert(
            ACCESS_CONTROL_REQUEST_HEADERS,
            HeaderValue::from_static("content-type, mcp-param-symbol, x-other"),
        );
        let response = preflight(&headers);
        let allowed = response.headers().get(ACCESS_CONTROL_ALLOW_HEADERS);
        let allowed = allowed.unwrap().to_str().unwrap();
        assert!(allowed.ends_with(", mcp-param-symbol"), "{allowed}");
        assert!(!allowed.contains("x-other"));
    }
}
