//! Failures as HTTP tells them: problem details (RFC 9457).

use http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use sandpit_tools::{Failure, FailureKind};
use serde_json::{Map, Value};

use crate::auth::TooMany;
use crate::reply::{self, Body};

/// What kind of problem it is: its status, its stable type and its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// A failure of a tool.
    Tool(FailureKind),
    /// The body is not what it should be.
    InvalidBody,
    /// No route has this path.
    UnknownRoute,
    /// No tool has this name.
    UnknownTool,
    /// No prompt has this name.
    UnknownPrompt,
    /// The route has other methods.
    MethodNotAllowed,
    /// The body did not come in time.
    RequestTimeout,
    /// The body is over the limit.
    BodyTooLarge,
    /// The body is of a type that is not read here.
    UnsupportedMediaType,
    /// The `Host` or `Origin` is not allowed.
    Forbidden,
    /// The operator's token is missing or wrong.
    Unauthorized,
    /// A caller's token is missing.
    TokenNeeded,
    /// A caller's token does not count, or no longer.
    InvalidToken,
    /// A caller's token counts, for other tools.
    InsufficientScope,
    /// The request does not say once who asks.
    InvalidAuthorization,
    /// The caller has made as many requests as it may.
    TooManyRequests,
    /// The authorization server cannot be asked for its keys.
    IssuerUnavailable,
    /// There is no operator's token.
    OperatorUnavailable,
    /// Something stands in the operator's way.
    Conflict,
    /// The tool asks a question, and there is nobody to answer it.
    InputRequired,
    /// There is no such session for this caller.
    UnknownSession,
    /// As many MCP sessions are open as there may be.
    TooManySessions,
    /// As many MCP sessions are in use as one caller may have.
    TooManyOfCaller,
    /// As many connections are open as there may be.
    TooManyConnections,
    /// As many connections are open as one address may have.
    TooManyFromAddress,
}

impl ProblemKind {
    /// The HTTP status. Those of tool failures are part of the tool contract.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Tool(kind) => match kind {
                FailureKind::InvalidArguments => StatusCode::BAD_REQUEST,
                FailureKind::NotFound | FailureKind::NoData => StatusCode::NOT_FOUND,
                FailureKind::NoPermission => StatusCode::FORBIDDEN,
                FailureKind::NotConnected => StatusCode::SERVICE_UNAVAILABLE,
                FailureKind::Pacing => StatusCode::TOO_MANY_REQUESTS,
                FailureKind::TimedOut => StatusCode::GATEWAY_TIMEOUT,
                FailureKind::Rejected => StatusCode::UNPROCESSABLE_ENTITY,
                FailureKind::Uncertain => StatusCode::BAD_GATEWAY,
                // 499 is not registered; it is what proxies log when a client
                // has gone, and the tool contract names it.
                FailureKind::Cancelled => {
                    StatusCode::from_u16(499).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
                }
                FailureKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Self::InvalidBody => StatusCode::BAD_REQUEST,
            Self::UnknownRoute | Self::UnknownTool | Self::UnknownPrompt | Self::UnknownSession => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Unauthorized | Self::TokenNeeded | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope => StatusCode::FORBIDDEN,
            Self::InvalidAuthorization => StatusCode::BAD_REQUEST,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::IssuerUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::OperatorUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Conflict => StatusCode::CONFLICT,
            Self::InputRequired => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManySessions | Self::TooManyConnections => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooManyOfCaller | Self::TooManyFromAddress => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// The last segment of the problem's type, which never changes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tool(kind) => kind.name(),
            Self::InvalidBody => "invalid-body",
            Self::UnknownRoute => "unknown-route",
            Self::UnknownTool => "unknown-tool",
            Self::UnknownPrompt => "unknown-prompt",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::RequestTimeout => "request-timeout",
            Self::BodyTooLarge => "body-too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::Forbidden => "forbidden",
            Self::Unauthorized => "unauthorized",
            Self::TokenNeeded => "token-needed",
            Self::InvalidToken => "invalid-token",
            Self::InsufficientScope => "insufficient-scope",
            Self::InvalidAuthorization => "invalid-authorization",
            Self::TooManyRequests => "too-many-requests",
            Self::IssuerUnavailable => "issuer-unavailable",
            Self::OperatorUnavailable => "operator-unavailable",
            Self::Conflict => "conflict",
            Self::InputRequired => "input-required",
            Self::UnknownSession => "unknown-session",
            Self::TooManySessions => "too-many-sessions",
            Self::TooManyOfCaller => "too-many-sessions-of-caller",
            Self::TooManyConnections => "too-many-connections",
            Self::TooManyFromAddress => "too-many-from-address",
        }
    }

    /// The title, the same for every problem of the kind.
    fn title(self) -> &'static str {
        match self {
            Self::Tool(kind) => match kind {
                FailureKind::InvalidArguments => "The arguments are wrong",
                FailureKind::NotFound => "Not found",
                FailureKind::NoPermission => "Not allowed",
                FailureKind::NotConnected => "Not connected to TWS",
                FailureKind::NoData => "No data",
                FailureKind::Pacing => "Too many requests",
                FailureKind::TimedOut => "The broker did not answer in time",
                FailureKind::Rejected => "Refused by the broker",
                FailureKind::Uncertain => "The outcome is not known",
                FailureKind::Cancelled => "Cancelled",
                FailureKind::Internal => "The tool or the host failed",
            },
            Self::InvalidBody => "The body is wrong",
            Self::UnknownRoute => "No such route",
            Self::UnknownTool => "No such tool",
            Self::UnknownPrompt => "No such prompt",
            Self::MethodNotAllowed => "Method not allowed",
            Self::RequestTimeout => "The request came too slowly",
            Self::BodyTooLarge => "The body is too large",
            Self::UnsupportedMediaType => "The body is not JSON",
            Self::Forbidden => "Not allowed from here",
            Self::Unauthorized => "For the operator only",
            Self::TokenNeeded => "A token is needed",
            Self::InvalidToken => "The token is not valid",
            Self::InsufficientScope => "The token is for other tools",
            Self::InvalidAuthorization => "The request says more than once who asks",
            Self::TooManyRequests => "Too many requests",
            Self::IssuerUnavailable => "The token cannot be verified",
            Self::OperatorUnavailable => "Closed to the operator too",
            Self::Conflict => "Something stands in the way",
            Self::InputRequired => "The tool asks a question",
            Self::UnknownSession => "No such session",
            Self::TooManySessions => "Too many sessions",
            Self::TooManyOfCaller => "Too many sessions of one caller",
            Self::TooManyConnections => "Too many connections",
            Self::TooManyFromAddress => "Too many connections from one address",
        }
    }
}

/// A problem: what REST answers with when it has nothing better.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    kind: ProblemKind,
    detail: String,
    members: Map<String, Value>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Problem {
    /// A problem with a sentence about this occurrence.
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            members: Map::new(),
            header: None,
        }
    }

    /// Nothing has this path.
    pub(crate) fn unknown_route(path: &str) -> Self {
        Self::new(
            ProblemKind::UnknownRoute,
            format!(
                "Nothing is at {path}. The tools are listed at /api/v1/tools, their routes at \
                 /api/v1/openapi.json."
            ),
        )
    }

    /// Something has this path, for other methods.
    pub(crate) fn method_not_allowed(path: &str, allow: &str) -> Self {
        Self::new(
            ProblemKind::MethodNotAllowed,
            format!("{path} answers to {allow}."),
        )
        .with_header(ALLOW, allow)
    }

    /// The operator's token is missing or wrong.
    pub(crate) fn unauthorized(detail: &str) -> Self {
        Self::new(ProblemKind::Unauthorized, detail)
            .with_header(WWW_AUTHENTICATE, "Bearer realm=\"sandpit operator\"")
    }

    /// The caller is not known well enough, with a challenge that says what
    /// would do.
    pub(crate) fn unauthenticated(
        kind: ProblemKind,
        detail: impl Into<String>,
        challenge: &str,
    ) -> Self {
        Self::new(kind, detail).with_header(WWW_AUTHENTICATE, challenge)
    }

    /// The caller has made as many requests as it may.
    pub(crate) fn too_many_requests(refused: TooMany) -> Self {
        Self::new(ProblemKind::TooManyRequests, refused.sentence())
            .with_header(RETRY_AFTER, &refused.seconds().to_string())
    }

    /// The keys of the authorization server are not there.
    pub(crate) fn issuer_unavailable() -> Self {
        Self::new(
            ProblemKind::IssuerUnavailable,
            "The token cannot be verified: the authorization server does not tell its keys right \
             now. Try again in a moment.",
        )
        .with_header(RETRY_AFTER, "30")
    }

    /// The session does not exist, or is another caller's.
    pub(crate) fn unknown_session() -> Self {
        Self::new(
            ProblemKind::UnknownSession,
            "There is no session of yours with this Mcp-Session-Id. Open another one with \
             initialize.",
        )
    }

    /// As many sessions are open as there may be.
    pub(crate) fn too_many_sessions(limit: usize) -> Self {
        Self::new(
            ProblemKind::TooManySessions,
            format!(
                "{limit} MCP sessions are open, and there may be no more. Close one (DELETE with \
                 its Mcp-Session-Id), try again later, or call without a session."
            ),
        )
        .with_header(RETRY_AFTER, "60")
    }

    /// As many sessions are in use as one caller may have.
    pub(crate) fn too_many_of_a_caller(limit: usize) -> Self {
        Self::new(
            ProblemKind::TooManyOfCaller,
            format!(
                "{limit} MCP sessions of yours are in use, and there may be no more. Close one \
                 (DELETE with its Mcp-Session-Id), or call without a session."
            ),
        )
        .with_header(RETRY_AFTER, "60")
    }

    /// The JSON of the body is nested too deeply.
    pub(crate) fn too_deep(most: usize) -> Self {
        Self::new(
            ProblemKind::InvalidBody,
            format!("The body is nested more than {most} levels deep, the most that is read here."),
        )
    }

    /// Whether the request was refused for where it came from.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.kind == ProblemKind::Forbidden
    }

    /// Adds a member of its own.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).ok();
        self.header = value.map(|value| Box::new((name, value)));
        self
    }

    /// The problem as JSON. `call` is the id of the call or request.
    pub(crate) fn json(&self, call: &str) -> Value {
        let mut object = Map::new();
        object.insert(
            "type".to_owned(),
            format!("/problems/{}", self.kind.name()).into(),
        );
        object.insert("title".to_owned(), self.kind.title().into());
        object.insert("status".to_owned(), self.kind.status().as_u16().into());
        object.insert("detail".to_owned(), self.detail.clone().into());
        object.insert("instance".to_owned(), format!("urn:uuid:{call}").into());
        object.extend(self.members.clone());
        Value::Object(object)
    }

    /// The problem as a response.
    pub(crate) fn response(&self, call: &str) -> Response<Body> {
        let mut response = reply::text(
            self.kind.status(),
            "application/problem+json",
            self.json(call).to_string(),
        );
        if let Some((name, value)) = self.header.as_deref() {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let problem = Self::new(ProblemKind::Tool(failure.kind), failure.message);
        match failure.tws_code {
            Some(code) => problem.with("twsCode", code),
            None => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_the_status_of_the_contract() {
        let expected = [
            (FailureKind::InvalidArguments, 400),
            (FailureKind::NotFound, 404),
            (FailureKind::NoPermission, 403),
            (FailureKind::NotConnected, 503),
            (FailureKind::NoData, 404),
            (FailureKind::Pacing, 429),
            (FailureKind::TimedOut, 504),
            (FailureKind::Rejected, 422),
            (FailureKind::Uncertain, 502),
            (FailureKind::Cancelled, 499),
            (FailureKind::Internal, 500),
        ];
        for (kind, status) in expected {
            assert_eq!(ProblemKind::Tool(kind).status().as_u16(), status);
        }
    }

    #[test]
    fn a_problem_says_everything() {
        let problem = Problem::from(Failure {
            kind: FailureKind::Rejected,
            message: "TWS refused the order.".to_owned(),
            tws_code: Some(201),
        });
        assert_eq!(
            problem.json("4711"),
            serde_json::json!({
                "type": "/problems/rejected",
                "title": "Refused by the broker",
                "status": 422,
                "detail": "TWS refused the order.",
                "instance": "urn:uuid:4711",
                "twsCode": 201,
            })
        );
    }

    #[test]
    fn a_wrong_method_names_the_right_ones() {
        let response = Problem::method_not_allowed("/healthz", "GET, HEAD").response("1");
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(
            response.headers().get(ALLOW),
            Some(&HeaderValue::from_static("GET, HEAD"))
        );
        assert_eq!(
            response.headers().get("content-type"),
            Some(&HeaderValue::from_static("application/problem+json"))
        );
    }
}
