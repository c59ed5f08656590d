//! `GET /api/v1/prompts` lists the prompts, `POST /api/v1/prompts/{name}` has
//! one write its messages: as MCP does, for people and programs without it.

use http::header::USER_AGENT;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use sandpit_tools::{CallRequest, Kind, Outcome, Tools};
use serde_json::{Value, json};

use super::{confirmation_problem, json_object, question_problem, tool_problem};
use crate::auth::Identity;
use crate::call;
use crate::mcp::prompts::{message, shown};
use crate::problem::Problem;
use crate::reply::{self, Body};
use crate::router::App;
use crate::trace::CallSpan;

/// The prompts that are there for a caller, as MCP lists them.
pub(crate) fn prompts_document(tools: &Tools, identity: &Identity) -> Value {
    let prompts = tools.prompts();
    let theirs = prompts.iter().filter(|prompt| identity.may_use(prompt));
    let prompts: Vec<_> = theirs.map(|prompt| shown(prompt.descriptor())).collect();
    json!({ "prompts": prompts })
}

/// Answers a request for the prompt of this name.
pub(crate) async fn get_prompt(
    app: &App,
    identity: &Identity,
    parts: &Parts,
    name: &str,
    body: Incoming,
    call_id: &str,
) -> Result<Response<Body>, Problem> {
    let prompt = app.tools.prompt(name);
    if prompt.is_none_or(|prompt| !identity.may_use(&prompt)) && !identity.rights().allow_name(name)
    {
        let error = sandpit_tools::ToolError::unknown_of(Kind::Prompt, name);
        return Err(tool_problem(&error));
    }
    if parts.method != Method::POST {
        return Err(Problem::method_not_allowed(
            parts.uri.path(),
            "OPTIONS, POST",
        ));
    }
    let limits = &app.config.limits;
    let body = reply::read(body, limits.body_bytes, limits.request_time).await?;
    if reply::is_deeper(&body, limits.json_depth) {
        return Err(Problem::too_deep(limits.json_depth));
    }
    let arguments = json_object(&parts.headers, &body)?;
    let agent = parts
        .headers
        .get(USER_AGENT)
        .map_or("", |agent| agent.to_str().unwrap_or_default());
    let request = CallRequest {
        rights: identity.rights().clone(),
        ..CallRequest::new(arguments, call::client(identity, "rest", agent), call_id)
    };
    let span = CallSpan::of_rest(call_id, name, &parts.headers);
    let outcome = span.around(call::get_prompt(&app.tools, name, request));
    match outcome.await.map_err(|error| tool_problem(&error))? {
        Outcome::Answer(answer) => {
            let messages: Vec<_> = answer.messages.into_iter().map(message).collect();
            let mut document = json!({ "messages": messages });
            if let (Some(description), Some(document)) =
                (answer.description, document.as_object_mut())
            {
                document.insert("description".to_owned(), description.into());
            }
            Ok(reply::json(StatusCode::OK, document.to_string()))
        }
        Outcome::Failure(failure) => Err(failure.into()),
        Outcome::InputRequired(questions) => Err(question_problem(&questions)?),
        Outcome::ConfirmationNeeded(confirmation) => Err(confirmation_problem(confirmation)),
    }
}
