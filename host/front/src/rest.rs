//! The tools as plain HTTP, generated from the live set at request time.
//!
//! - A call is `POST /api/v1/<tool>` with the arguments as a JSON object, or
//!   `GET` with the arguments in the query for tools that only read or stream;
//!   the `ibkr_` prefix may be left out. Tools may have further routes
//!   ([`routes`]).
//! - The answer is the tool's structured answer, in the tool's own JSON text, so
//!   that decimals stay exact. Failures are problem details.
//! - A streaming tool answers `GET`, and `POST` with
//!   `Accept: text/event-stream`, with server-sent events ([`stream`]).
//! - `/api/v1/resources` lists the answers that are resources, and
//!   `/api/v1/resources/read?uri=…` reads one ([`resources`]).
//! - `/api/v1/tools` lists the tools, `/api/v1/openapi.json` describes the
//!   routes ([`openapi`]).

mod listing;
mod openapi;
mod prompts;
mod resources;
mod routes;
mod stream;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, USER_AGENT};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use sandpit_tools::{
    Askable, CallRequest, Confirmation, Descriptor, InputRequest, Kind, Outcome, Questions,
    ToolError,
};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

pub(crate) use listing::tools_document;
pub(crate) use openapi::document as openapi_document;
pub(crate) use prompts::{get_prompt, prompts_document};
pub(crate) use resources::{read as read_resource, resources_document};

use crate::arguments;
use crate::auth::Identity;
use crate::call;
use crate::mcp::asked::UNCONFIRMED;
use crate::mcp::{content, questions};
use crate::problem::{Problem, ProblemKind};
use crate::reply::{self, Body};
use crate::router::App;
use crate::trace::CallSpan;
use routes::Found;

/// The routes that a tool with this descriptor has: method and whole path.
pub fn routes_of(descriptor: &Descriptor) -> Vec<(String, String)> {
    let routes = routes::of(descriptor).into_iter();
    routes
        .map(|route| (route.method.to_string(), format!("/api/v1/{}", route.path)))
        .collect()
}

/// Answers a request for a path below `/api/v1/` (`path` is what follows).
pub(crate) async fn handle(
    app: &App,
    identity: &Identity,
    parts: &Parts,
    path: &str,
    body: Incoming,
    call_id: &str,
) -> Result<Response<Body>, Problem> {
    let segments = segments(path).ok_or_else(|| Problem::unknown_route(parts.uri.path()))?;
    let callable = app.tools.callable();
    if let Found::Tool(found) = routes::find(&callable, &parts.method, &segments) {
        let (name, path) = (found.tool.name(), parts.uri.path());
        app.auth.check_scope(identity, &app.tools, name, path)?;
    }
    // A tool that is not there for the caller is not in the way of others.
    let theirs: Vec<_> = callable
        .iter()
        .filter(|tool| identity.may_use(tool))
        .cloned()
        .collect();
    let found = match routes::find(&theirs, &parts.method, &segments) {
        Found::Tool(found) => found,
        Found::OtherMethods(allow) => {
            return Err(Problem::method_not_allowed(parts.uri.path(), &allow));
        }
        Found::Nothing => return Err(nothing(app, identity, parts.uri.path(), &segments)),
    };
    // The body of a GET means nothing (RFC 9110, 9.3.1).
    let body = if parts.method == Method::GET {
        Map::new()
    } else {
        let limits = &app.config.limits;
        let body = reply::read(body, limits.body_bytes, limits.request_time).await?;
        if reply::is_deeper(&body, limits.json_depth) {
            return Err(Problem::too_deep(limits.json_depth));
        }
        json_object(&parts.headers, &body)?
    };
    let descriptor = found.tool.descriptor();
    let query = parts.uri.query().unwrap_or_default();
    let arguments = arguments::gather(&descriptor.input_schema, &found.parameters, query, body)
        .map_err(|error| {
            let kind = ProblemKind::Tool(sandpit_tools::FailureKind::InvalidArguments);
            Problem::new(kind, error.to_string()).with("parameter", error.parameter())
        })?;
    let streams = descriptor.streaming && wants_events(&parts.method, &parts.headers);
    let agent = parts
        .headers
        .get(USER_AGENT)
        .map_or("", |agent| agent.to_str().unwrap_or_default());
    let request = CallRequest {
        open_ended: streams && !arguments.keys().any(|name| name.starts_with("duration")),
        arguments,
        resume: None,
        askable: Askable::default(),
        client: call::client(identity, "rest", agent),
        rights: identity.rights().clone(),
        call_id: call_id.to_owned(),
        events: None,
        cancel: CancellationToken::new(),
    };
    let name = descriptor.name.clone();
    let span = CallSpan::of_rest(call_id, &name, &parts.headers);
    if streams {
        let answer = stream::answer(app, name, request, &parts.headers);
        return span.around(answer).await;
    }
    let outcome = span.around(call::run(&app.tools, &name, request)).await;
    Ok(reply::json(StatusCode::OK, answer(outcome)?))
}

/// Why a path leads nowhere: perhaps to a tool that the operator does not let
/// serve.
fn nothing(app: &App, identity: &Identity, path: &str, segments: &[String]) -> Problem {
    let [name] = segments else {
        return Problem::unknown_route(path);
    };
    let names = routes::names(name);
    let mut theirs = names
        .iter()
        .filter(|name| identity.rights().allow_name(name));
    match theirs.find_map(|name| app.tools.not_served(name)) {
        Some(error) => tool_problem(&error),
        None => Problem::unknown_route(path),
    }
}

/// The body of a good answer, or the problem.
fn answer(outcome: Result<Outcome, ToolError>) -> Result<String, Problem> {
    match outcome.map_err(|error| tool_problem(&error))? {
        Outcome::Answer(answer) => Ok(match answer.structured {
            Some(structured) => structured.text().to_owned(),
            None => json!({ "content": content::blocks(answer.content) }).to_string(),
        }),
        Outcome::Failure(failure) => Err(failure.into()),
        Outcome::InputRequired(asked) => Err(question_problem(&asked)?),
        Outcome::ConfirmationNeeded(confirmation) => Err(confirmation_problem(confirmation)),
    }
}

fn tool_problem(error: &ToolError) -> Problem {
    let kind = match error {
        ToolError::UnknownPrompt { .. }
        | ToolError::NotServed {
            kind: Kind::Prompt, ..
        } => ProblemKind::UnknownPrompt,
        ToolError::UnknownTool { .. } | ToolError::NotServed { .. } => ProblemKind::UnknownTool,
    };
    Problem::new(kind, error.to_string())
}

/// Nobody can be asked over plain HTTP. The questions are shown as MCP puts
/// them.
fn question_problem(asked: &Questions) -> Result<Problem, Problem> {
    let mut questions = Map::new();
    let mut message = "";
    for question in &asked.questions {
        if let InputRequest::Elicitation(elicitation) = &question.request {
            message = &elicitation.message;
        }
        let put = serde_json::to_value(questions::put(&question.request)?);
        questions.insert(question.name.clone(), put.unwrap_or_default());
    }
    let sentence = format!(
        "The tool asks a question, and plain HTTP has no way to answer it: {message} Call the \
         tool through MCP, with a client that can be asked."
    );
    Ok(Problem::new(ProblemKind::InputRequired, sentence).with("questions", questions))
}

/// Nobody can be asked over plain HTTP to confirm an order.
fn confirmation_problem(confirmation: Confirmation) -> Problem {
    let kind = ProblemKind::Tool(sandpit_tools::FailureKind::NoPermission);
    Problem::new(kind, UNCONFIRMED).with("confirmation", confirmation.message)
}

/// The segments of a path, decoded. None if there is no such path.
fn segments(path: &str) -> Option<Vec<String>> {
    path.split('/')
        .map(|segment| {
            let text = percent_decode_str(segment).decode_utf8().ok()?;
            (!text.is_empty()).then(|| text.into_owned())
        })
        .collect()
}

/// Reads a body that holds arguments. An empty one holds none.
fn json_object(headers: &HeaderMap, body: &Bytes) -> Result<Map<String, Value>, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    let content_type = headers
        .get(CONTENT_TYPE)
        .map_or("", |value| value.to_str().unwrap_or_default());
    if !is_json(content_type) {
        let sent = if content_type.is_empty() {
            "The body has no Content-Type".to_owned()
        } else {
            format!(
                "The body is {}",
                content_type.chars().take(80).collect::<String>()
            )
        };
        return Err(Problem::new(
            ProblemKind::UnsupportedMediaType,
            format!(
                "{sent}; send the arguments as a JSON object with the header Content-Type: \
                 application/json."
            ),
        ));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(Problem::new(
            ProblemKind::InvalidBody,
            format!(
                "The body is {}; it must be a JSON object with the arguments.",
                kind(&other)
            ),
        )),
        Err(error) => Err(Problem::new(
            ProblemKind::InvalidBody,
            format!("The body is not JSON: {error}."),
        )
        .with("line", error.line())
        .with("column", error.column())),
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || essence.to_ascii_lowercase().ends_with("+json")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Whether the caller of a streaming tool listens to its events. A `GET` does,
/// unless it asks for JSON; a `POST` does if it asks for events.
fn wants_events(method: &Method, headers: &HeaderMap) -> bool {
    let accepts = |essence: &str| {
        headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|entry| {
                let range = entry.split(';').next().unwrap_or_default();
                range.trim().eq_ignore_ascii_case(essence)
            })
    };
    accepts("text/event-stream") || *method == Method::GET && !accepts("application/json")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn headers(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn bodies_are_json_objects() {
        let json = headers(CONTENT_TYPE, "application/json; charset=utf-8");
        let read = |body: &'static str| json_object(&json, &Bytes::from_static(body.as_bytes()));
        assert_eq!(read(" {\"a\":1} ").unwrap().get("a"), Some(&json!(1)));
        assert!(read("").unwrap().is_empty());
        assert!(read(" \n").unwrap().is_empty());
        let problem = read("[1]").unwrap_err().json("1");
        assert_eq!(problem.get("status"), Some(&json!(400)));
        let problem = read("{\"a\":\n nope}").unwrap_err().json("1");
        assert_eq!(problem.get("line"), Some(&json!(2)));
        assert_eq!(problem.get("column"), Some(&json!(3)));
    }

    #[test]
    fn other_bodies_are_named() {
        let body = Bytes::from_static(b"{}");
        for headers in [
            headers(CONTENT_TYPE, "application/x-www-form-urlencoded"),
            HeaderMap::new(),
        ] {
            let problem = json_object(&headers, &body).unwrap_err().json("1");
            assert_eq!(problem.get("status"), Some(&json!(415)));
        }
        let suffix = headers(CONTENT_TYPE, "application/vnd.orders+json");
        assert!(json_object(&suffix, &body).is_ok());
    }

    #[test]
    fn who_listens_gets_events() {
        let nothing = HeaderMap::new();
        let curl = headers(ACCEPT, "*/*");
        let events = headers(ACCEPT, "text/event-stream");
        let json = headers(ACCEPT, "application/json");
        assert!(wants_events(&Method::GET, &nothing));
        assert!(wants_events(&Method::GET, &curl));
        assert!(wants_events(&Method::GET, &events));
        assert!(!wants_events(&Method::GET, &json));
        assert!(!wants_events(&Method::POST, &curl));
        assert!(wants_events(&Method::POST, &events));
    }

    #[test]
    fn paths_are_decoded_once() {
        assert_eq!(segments("a/b%2Fc"), Some(vec!["a".into(), "b/c".into()]));
        assert_eq!(segments("a//b"), None);
        assert_eq!(segments("%ff"), None);
        assert_eq!(segments("%2525"), Some(vec!["%25".into()]));
    }
}
