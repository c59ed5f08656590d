//! `/operator`: the whole truth about the host, and the brake, for its operator.
//!
//! `GET /operator/status`, `/operator/calls` and `/operator/orders` tell; `POST
//! /operator/halt` and `/operator/resume` stop trading and let it go on. They
//! take the operator's token, which no tool and no client of the tools has.
//! Nothing here changes what a tool may do. No web page gets at it but the
//! host's own (module `console`), not even those that may call tools: there is
//! no CORS.

mod trading;

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use sandpit_tools::FailureKind;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::auth::bearer::{self, Offered};
use crate::problem::{Problem, ProblemKind};
use crate::reply::{self, Body};
use crate::router::App;

pub use trading::{HaltWish, NotDone, ResumeWish, Trading};

/// What all of the operator's paths begin with.
const PREFIX: &str = "/operator";

/// The largest body of a request of the operator, in bytes.
const BODY: usize = 64 << 10;

/// How many orders are told of if nobody says how many, and at the most.
const ORDERS: (usize, usize) = (50, 200);

/// The operator's side of the front.
#[derive(Debug, Clone)]
pub struct OperatorConfig {
    /// Who is let in.
    pub access: OperatorAccess,
    /// The configuration file that the policy comes from, to be shown.
    pub config_file: Option<PathBuf>,
    /// What the operator can stop, if there is anything to stop.
    pub trading: Option<Arc<dyn Trading>>,
}

impl Default for OperatorConfig {
    fn default() -> Self {
        Self {
            access: OperatorAccess::Closed("no operator's token is set up".to_owned()),
            config_file: None,
            trading: None,
        }
    }
}

/// Who may ask as the operator.
#[derive(Debug, Clone)]
pub enum OperatorAccess {
    /// Whoever has this token.
    Token(OperatorToken),
    /// Nobody, for this reason (part of a sentence, without its full stop).
    Closed(String),
}

/// The operator's token, in a form that it cannot be read from.
#[derive(Clone)]
pub struct OperatorToken([u8; 32]);

impl OperatorToken {
    /// Takes a token to compare others with.
    pub fn new(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Whether this is the token. How long that takes depends on what was
    /// offered, and not on how much of it is right.
    pub(crate) fn is(&self, offered: &[u8]) -> bool {
        let offered: [u8; 32] = Sha256::digest(offered).into();
        self.0.ct_eq(&offered).into()
    }
}

impl fmt::Debug for OperatorToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OperatorToken")
    }
}

/// Whether a path is the operator's.
pub(crate) fn owns(path: &str) -> bool {
    path.strip_prefix(PREFIX)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a request for one of the operator's paths.
pub(crate) async fn handle<B>(app: &App, request: Request<B>) -> Result<Response<Body>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let operator = &app.config.operator;
    check(&operator.access, request.headers())?;
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let known = path.strip_suffix('/').unwrap_or(path);
    let allowed = match known {
        "/operator/status" | "/operator/calls" | "/operator/orders" => {
            [Method::GET, Method::HEAD].as_slice()
        }
        "/operator/halt" | "/operator/resume" => [Method::POST].as_slice(),
        _ => {
            return Err(Problem::new(
                ProblemKind::UnknownRoute,
                format!(
                    "Nothing is at {path}. The operator has GET /operator/status, \
                     /operator/calls and /operator/orders, POST /operator/halt and \
                     /operator/resume."
                ),
            ));
        }
    };
    if !allowed.contains(&parts.method) {
        let allowed: Vec<_> = allowed.iter().map(Method::as_str).collect();
        return Err(Problem::method_not_allowed(path, &allowed.join(", ")));
    }
    let trading = || {
        let trading = operator.trading.as_ref();
        trading.ok_or_else(|| Problem::new(ProblemKind::Conflict, "This host does not trade."))
    };
    let answer = match known {
        "/operator/status" => status(app).await,
        "/operator/calls" => json!({ "calls": app.tools.calls() }),
        "/operator/orders" => {
            let limit = limit(parts.uri.query())?;
            trading()?.orders(limit).await?
        }
        _ => {
            let trading = trading()?;
            let body = reply::read(body, BODY, app.config.limits.request_time).await?;
            match known {
                "/operator/halt" => trading.halt(wish(&body)?).await?,
                _ => trading.resume(wish(&body)?).await?,
            }
        }
    };
    let answer = answer.to_string();
    let mut response = if parts.method == Method::POST {
        reply::json(StatusCode::OK, answer)
    } else {
        reply::unless_known(&parts.headers, "application/json", answer)
    };
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}

/// How many orders are asked for.
fn limit(query: Option<&str>) -> Result<usize, Problem> {
    let (usual, most) = ORDERS;
    let Some(query) = query.filter(|query| !query.is_empty()) else {
        return Ok(usual);
    };
    let number = query.strip_prefix("limit=");
    let number = number.and_then(|number| number.parse().ok());
    number
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| {
            Problem::new(
                ProblemKind::Tool(FailureKind::InvalidArguments),
                format!(
                    "The query is not what was expected: limit, a number from 1 to {most}, and \
                     nothing else. Ask for example for /operator/orders?limit={usual}."
                ),
            )
        })
}

/// What a body asks for; an empty one asks for the usual.
fn wish<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Problem> {
    if body.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    // A list of its values would do for serde, and would be a guess here.
    let object = serde_json::from_slice::<Map<String, Value>>(body);
    let wish = object.and_then(|object| serde_json::from_value(object.into()));
    wish.map_err(|error| {
        Problem::new(
            ProblemKind::InvalidBody,
            format!(
                "The body is not what was expected: {error}. Send a JSON object, for example \
                 {{\"reason\": \"maintenance\"}}."
            ),
        )
    })
}

fn check(access: &OperatorAccess, headers: &HeaderMap) -> Result<(), Problem> {
    let token = match access {
        OperatorAccess::Token(token) => token,
        OperatorAccess::Closed(reason) => {
            return Err(Problem::new(
                ProblemKind::OperatorUnavailable,
                format!("The operator's side of this host is closed: {reason}."),
            ));
        }
    };
    match bearer::offered(headers) {
        Offered::Token(offered) if token.is(offered) => Ok(()),
        Offered::Token(_) => Err(Problem::unauthorized(
            "This is not the operator's token of this host.",
        )),
        _ => Err(Problem::unauthorized(
            "This needs the operator's token, as Authorization: Bearer TOKEN.",
        )),
    }
}

/// What the tools say, and what only the front knows.
async fn status(app: &App) -> Value {
    let mut status = Map::new();
    status.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    let started = app
        .started
        .format(&Rfc3339)
        .map_or(Value::Null, Value::from);
    status.insert("started".to_owned(), started);
    // The reader's clock may be another one.
    let now = now().format(&Rfc3339).map_or(Value::Null, Value::from);
    status.insert("now".to_owned(), now);
    let file = app.config.operator.config_file.as_ref();
    let file = file.map(|file| file.display().to_string());
    status.insert("configFile".to_owned(), file.into());
    let connected = app.tools.readiness().connected;
    status.insert("tws".to_owned(), json!({ "connected": connected }));
    status.insert("sessions".to_owned(), app.mcp.sessions().await.into());
    if let Some(trading) = &app.config.operator.trading {
        status.extend(trading.status().await);
    }
    match serde_json::to_value(app.tools.status()) {
        Ok(Value::Object(tools)) => status.extend(tools),
        Ok(_) => tracing::error!("the status of the tools is not an object"),
        Err(error) => tracing::error!(%error, "the status of the tools cannot be written"),
    }
    Value::Object(status)
}

/// The time of now, to the second.
pub(crate) fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;

    fn status(access: &OperatorAccess, header: Option<&str>) -> Option<u16> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(AUTHORIZATION, header.parse().unwrap());
        }
        let problem = check(access, &headers).err()?.json("1");
        u16::try_from(problem.get("status")?.as_u64()?).ok()
    }

    #[test]
    fn only_the_token_opens() {
        let access = OperatorAccess::Token(OperatorToken::new("correct-token-0001"));
        for right in ["Bearer correct-token-0001", "bearer  correct-token-0001 "] {
            assert_eq!(status(&access, Some(right)), None, "{right}");
        }
        for wrong in [
            "Bearer correct-token-0002",
            "Bearer correct-token-000",
            "Bearer correct-token-00010",
            "Bearer ",
            "Bearer",
            "Basic correct-token-0001",
            "correct-token-0001",
            "",
        ] {
            assert_eq!(status(&access, Some(wrong)), Some(401), "{wrong}");
        }
        assert_eq!(status(&access, None), Some(401));
        let mut twice = HeaderMap::new();
        for _ in 0..2 {
            twice.append(AUTHORIZATION, "Bearer correct-token-0001".parse().unwrap());
        }
        assert!(check(&access, &twice).is_err());
    }

    #[test]
    fn without_a_token_it_is_closed_to_all() {
        let access = OperatorAccess::Closed("the disk is full".to_owned());
        let problem = check(&access, &HeaderMap::new()).unwrap_err().json("1");
        assert_eq!(problem.get("status"), Some(&json!(503)));
        let detail = problem.get("detail").unwrap().as_str().unwrap();
        assert!(detail.ends_with("closed: the disk is full."), "{detail}");
    }

    #[test]
    fn a_token_does_not_show_itself() {
        let config = OperatorConfig {
            access: OperatorAccess::Token(OperatorToken::new("correct-token-0001")),
            ..OperatorConfig::default()
        };
        let text = format!("{config:?}");
        assert!(
            text.contains("OperatorToken") && !text.contains("correct"),
            "{text}"
        );
        assert!(!text.contains('['), "{text}");
    }

    #[test]
    fn a_wish_is_an_object_or_nothing() {
        assert_eq!(wish(b" ").ok(), Some(HaltWish::default()));
        let given: Option<HaltWish> =
            wish(br#"{"reason": "x", "cancelOrders": true, "gateway": null}"#).ok();
        let expected = HaltWish {
            reason: Some("x".to_owned()),
            cancel_orders: true,
            ..HaltWish::default()
        };
        assert_eq!(given, Some(expected));
        for wrong in ["{", "[]", "{\"cancel\": true}", "{\"reason\": 1}"] {
            let problem = wish::<HaltWish>(wrong.as_bytes()).unwrap_err().json("1");
            assert_eq!(problem.get("status"), Some(&json!(400)), "{wrong}");
        }
    }

    #[test]
    fn a_number_of_orders_is_asked_for_or_the_usual_one() {
        for (query, expected) in [
            (None, Some(50)),
            (Some(""), Some(50)),
            (Some("limit=1"), Some(1)),
            (Some("limit=200"), Some(200)),
            (Some("limit=0"), None),
            (Some("limit=201"), None),
            (Some("limit=-1"), None),
            (Some("limit="), None),
            (Some("limit=5&limit=6"), None),
            (Some("last=5"), None),
        ] {
            assert_eq!(limit(query).ok(), expected, "{query:?}");
        }
    }

    #[test]
    fn its_paths_are_below_one_prefix() {
        assert!(owns("/operator") && owns("/operator/status"));
        assert!(!owns("/operators") && !owns("/api/v1/operator"));
    }
}
