//! The MCP endpoint: which of rmcp's two services answers a request, and how
//! many sessions there may be.
//!
//! A request of a session, and `initialize`, which opens one, go to the service
//! with sessions; everything else is complete in itself and goes to the one
//! without: clients of 2026-07-28, and older ones that call without a session.
//! Of the latter there are two, for the two kinds of answers.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::StreamExt;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyStream, Full, StreamBody};
use hyper::body::Incoming;
use rmcp::model::{ErrorCode, ErrorData, JsonRpcError, RequestId};
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use sandpit_tools::Tools;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::accept::prefers_event_stream;
use super::changes::ListChanges;
use super::handler::{Handler, Shared};
use super::sessions::{Ledger, SESSION_ID, session_of};
use crate::auth::{Identity, TooMany};
use crate::config::FrontConfig;
use crate::problem::Problem;
use crate::reply::{self, Body};
use crate::router::App;

/// The JSON-RPC error of a caller who has sent as many messages as it may, in
/// the range that JSON-RPC leaves to servers.
const TOO_MANY_REQUESTS: ErrorCode = ErrorCode(-32_029);

/// The MCP side of the front.
pub(crate) struct Endpoint {
    with_sessions: StreamableHttpService<Handler, LocalSessionManager>,
    /// Answers with a JSON body where it can.
    without_sessions: StreamableHttpService<Handler, NeverSessionManager>,
    /// The same for clients who would rather have an event stream.
    streaming: StreamableHttpService<Handler, NeverSessionManager>,
    manager: Arc<LocalSessionManager>,
    ledger: Ledger,
    /// One `initialize` at a time, so that the limit of sessions holds.
    opening: tokio::sync::Mutex<()>,
    stop: CancellationToken,
}

/// What of a message decides who answers it.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(default)]
    id: Option<Value>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// What of a call decides whether it may be.
#[derive(Deserialize)]
struct CallParams<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

impl Endpoint {
    /// An endpoint over these tools. `streams` is cancelled when streams shall
    /// end. The second value tells clients of changes, once it runs.
    pub(crate) fn new(
        tools: &Tools,
        config: &FrontConfig,
        streams: &CancellationToken,
    ) -> (Self, ListChanges) {
        let changes = ListChanges::default();
        let ledger = Ledger::default();
        let shared = Arc::new(Shared::new(
            tools.clone(),
            config,
            streams.clone(),
            changes.clone(),
            ledger.clone(),
        ));
        let mut manager = LocalSessionManager::default();
        manager.session_config.keep_alive = Some(config.limits.session_idle);
        let manager = Arc::new(manager);
        let stop = CancellationToken::new();
        // Host and Origin were checked for every request by the router. Bodies
        // come in whole, within the limit.
        let base = StreamableHttpServerConfig::default()
            .with_json_response(true)
            .with_sse_keep_alive(Some(config.stream_keep_alive))
            .with_max_request_body_bytes(config.limits.body_bytes)
            .with_cancellation_token(stop.clone())
            .disable_allowed_hosts()
            .disable_allowed_origins();
        let handlers = {
            let shared = shared.clone();
            move || Ok(Handler::new(shared.clone()))
        };
        let with_sessions = StreamableHttpService::new(
            handlers.clone(),
            manager.clone(),
            base.clone().with_legacy_session_mode(true),
        );
        let base = base.with_legacy_session_mode(false);
        let none = Arc::new(NeverSessionManager::default());
        let streaming = StreamableHttpService::new(
            handlers.clone(),
            none.clone(),
            base.clone().with_json_response(false),
        );
        let without_sessions = StreamableHttpService::new(handlers, none, base);
        let endpoint = Self {
            with_sessions,
            without_sessions,
            streaming,
            manager,
            ledger,
            opening: tokio::sync::Mutex::default(),
            stop,
        };
        (endpoint, changes)
    }

    /// How many sessions are open.
    pub(crate) async fn sessions(&self) -> usize {
        self.manager.sessions.read().await.len()
    }

    /// Ends all sessions and cuts off what still runs.
    pub(crate) fn close(&self) {
        self.stop.cancel();
    }

    /// Answers an MCP request. A session is there for the caller who opened it
    /// and for no other.
    pub(crate) async fn handle(
        &self,
        app: &App,
        mut request: Request<Incoming>,
        identity: &Identity,
    ) -> Result<Response<Body>, Problem> {
        let in_use = match self.session(request.headers()).await {
            None => None,
            Some(session) => {
                let entered = self.ledger.enter(&session, identity.name());
                Some(entered.ok_or_else(Problem::unknown_session)?)
            }
        };
        // The handler finds it there, whatever session it is in.
        request.extensions_mut().insert(identity.clone());
        let response = if request.method() == Method::POST {
            self.post(app, request, identity).await?
        } else {
            let standing = request.method() == Method::GET;
            let closing = request.method() == Method::DELETE;
            let mut response = self.with_sessions.handle(request).await;
            if closing && response.status() == StatusCode::ACCEPTED {
                // The session is closed, and clients take 202 for a failure.
                *response.status_mut() = StatusCode::NO_CONTENT;
            }
            if standing {
                // The stream of a session has no end of its own.
                response.map(|body| until(body, app.streams.clone()))
            } else {
                response
            }
        };
        Ok(match in_use {
            Some(in_use) => response.map(|body| in_use.until_sent(body)),
            None => response,
        })
    }

    /// The session of a request, if it exists.
    async fn session(&self, headers: &HeaderMap) -> Option<String> {
        let session = session_of(headers)?;
        let exists = self.manager.has_session(&Arc::from(session)).await;
        exists.unwrap_or(false).then(|| session.to_owned())
    }

    async fn post(
        &self,
        app: &App,
        request: Request<Incoming>,
        identity: &Identity,
    ) -> Result<Response<Body>, Problem> {
        let (parts, body) = request.into_parts();
        let limits = &app.config.limits;
        let body = reply::read(body, limits.body_bytes, limits.request_time).await?;
        let counted = app.auth.count(identity);
        let has_session = parts.headers.contains_key(SESSION_ID);
        if !is_json(&parts.headers) {
            counted.map_err(Problem::too_many_requests)?;
            // The service says what it wants instead.
            let request = Request::from_parts(parts, Full::new(body));
            return Ok(self.without_sessions.handle(request).await);
        }
        if reply::is_deeper(&body, limits.json_depth) {
            let message = format!(
                "the message is nested more than {} levels deep, the most that is read here",
                limits.json_depth
            );
            return Ok(refused(None, ErrorData::invalid_request(message, None)));
        }
        let envelope = match serde_json::from_slice::<Envelope<'_>>(&body) {
            Ok(envelope) => envelope,
            Err(error) => return Ok(refused(None, not_a_message(&error))),
        };
        let id = envelope.id.and_then(|id| serde_json::from_value(id).ok());
        if let Err(refused) = counted {
            return Ok(too_many(id, refused));
        }
        if envelope.jsonrpc.as_deref() != Some("2.0") {
            let error = ErrorData::invalid_request("the message is not JSON-RPC 2.0", None);
            return Ok(refused(id, error));
        }
        if envelope.method.as_deref() == Some("tools/call")
            && let Some(params) = envelope.params
            && let Ok(call) = serde_json::from_str::<CallParams<'_>>(params.get())
        {
            let path = parts.uri.path();
            app.auth
                .check_scope(identity, &app.tools, &call.name, path)?;
        }
        let opens = envelope.method.as_deref() == Some("initialize");
        let request = Request::from_parts(parts, Full::new(body));
        let response = if opens && !has_session {
            self.open(app, request, identity).await?
        } else if has_session {
            self.with_sessions.handle(request).await
        } else if prefers_event_stream(request.headers()) {
            self.streaming.handle(request).await
        } else {
            self.without_sessions.handle(request).await
        };
        // rmcp's word for JSON that is no message of the protocol. The media
        // type was right, though.
        if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            let error = ErrorData::invalid_request("the message is not one of MCP", None);
            return Ok(refused(id, error));
        }
        Ok(response)
    }

    /// Opens a session, if there may be one more.
    async fn open(
        &self,
        app: &App,
        request: Request<Full<Bytes>>,
        identity: &Identity,
    ) -> Result<Response<Body>, Problem> {
        let _one_at_a_time = self.opening.lock().await;
        let existing: Vec<_> = self.manager.sessions.read().await.keys().cloned().collect();
        self.ledger.forget_closed(&existing);
        let limits = &app.config.limits;
        let room = if self.ledger.count_of(identity.name()) >= limits.sessions_per_caller {
            let own = self.ledger.idle_longest_of(identity.name());
            Some(own.ok_or_else(|| Problem::too_many_of_a_caller(limits.sessions_per_caller))?)
        } else if existing.len() >= limits.sessions {
            let idle = self.ledger.idle_longest(&existing, Instant::now());
            let idle = idle.or_else(|| self.ledger.idle_longest_of(identity.name()));
            Some(idle.ok_or_else(|| Problem::too_many_sessions(limits.sessions))?)
        } else {
            None
        };
        if let Some(idle) = room {
            tracing::info!("an idle MCP session makes room for another");
            if let Err(error) = self.manager.close_session(&idle).await {
                tracing::warn!(%error, "cannot close an idle MCP session");
            }
            self.ledger.forget(&idle);
        }
        let response = self.with_sessions.handle(request).await;
        let session = response.headers().get(SESSION_ID);
        match session.and_then(|session| session.to_str().ok()) {
            Some(session) => {
                let in_use = self.ledger.open(session, identity.name());
                Ok(response.map(|body| in_use.until_sent(body)))
            }
            None => Ok(response),
        }
    }
}

/// Ends a body when asked to.
fn until(body: Body, stop: CancellationToken) -> Body {
    let frames = BodyStream::new(body).take_until(stop.cancelled_owned());
    Body::new(StreamBody::new(frames))
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE);
    content_type
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn not_a_message(error: &serde_json::Error) -> ErrorData {
    if error.is_data() {
        let message = "the message is not one JSON-RPC object; batches are not part of MCP";
        ErrorData::invalid_request(message, None)
    } else {
        ErrorData::new(
            ErrorCode::PARSE_ERROR,
            format!("the message is not JSON: {error}"),
            None,
        )
    }
}

/// The answer to a message of a caller who has sent as many as it may: the
/// status and header that proxies know, and an error that a client of MCP reads.
fn too_many(id: Option<RequestId>, refused: TooMany) -> Response<Body> {
    let data = json!({
        "type": "/problems/too-many-requests",
        "retryAfterSeconds": refused.seconds(),
    });
    let error = ErrorData::new(TOO_MANY_REQUESTS, refused.sentence(), Some(data));
    let mut response = self::refused(id, error);
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let seconds = HeaderValue::from(refused.seconds());
    response.headers_mut().insert(RETRY_AFTER, seconds);
    response
}

/// A JSON-RPC error for a message that cannot be read.
fn refused(id: Option<RequestId>, error: ErrorData) -> Response<Body> {
    let error = JsonRpcError::new(id, error);
    match serde_json::to_vec(&error) {
        Ok(body) => reply::json(StatusCode::BAD_REQUEST, body),
        Err(_) => reply::empty(StatusCode::BAD_REQUEST),
    }
}
