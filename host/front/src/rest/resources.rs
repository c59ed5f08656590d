//! `GET /api/v1/resources` and `GET /api/v1/resources/read`: the resources, for
//! people and programs without MCP.

use std::sync::Arc;

use http::header::USER_AGENT;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use rmcp::model::ResourceContents;
use sandpit_tools::{FailureKind, ResourceBody, Tool};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::auth::Identity;
use crate::call;
use crate::mcp::content;
use crate::problem::{Problem, ProblemKind};
use crate::reply::{self, Body};
use crate::resources::reading::{self, JSON, Reader, Unreadable};
use crate::resources::{Listed, find, listed};
use crate::router::App;

/// The resources of these tools, by URI.
pub(crate) fn resources_document(tools: &[Arc<Tool>], identity: &Identity) -> Value {
    let (templates, resources): (Vec<_>, Vec<_>) = listed(tools, identity)
        .into_iter()
        .partition(|listed| listed.resource.uri.is_template());
    json!({
        "resources": resources.iter().map(|of| entry(of, "uri")).collect::<Vec<_>>(),
        "resourceTemplates": templates
            .iter()
            .map(|of| entry(of, "uriTemplate"))
            .collect::<Vec<_>>(),
    })
}

fn entry(listed: &Listed<'_>, uri: &str) -> Value {
    let of = listed.resource;
    let mut entry = json!({
        uri: of.uri.as_str(),
        "name": of.name,
        "title": of.title,
        "description": of.description,
        "tool": listed.tool.name(),
    });
    if let (Some(mime_type), Some(entry)) = (listed.mime_type(), entry.as_object_mut()) {
        entry.insert("mimeType".to_owned(), mime_type.into());
    }
    entry
}

/// Reads the resource that the query names: what is structured as it is, and
/// anything else as a list of contents.
///
/// # Errors
///
/// If the query names none, if there is none for the caller, or if it cannot be
/// read.
pub(crate) async fn read(
    app: &App,
    identity: &Identity,
    parts: &Parts,
    call_id: &str,
) -> Result<Response<Body>, Problem> {
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return Err(Problem::method_not_allowed(
            parts.uri.path(),
            "GET, HEAD, OPTIONS",
        ));
    }
    let uri = uri(parts.uri.query().unwrap_or_default())?;
    let found = find(&app.tools.callable(), &uri);
    if let Some(found) = &found {
        let (name, path) = (found.tool.name(), parts.uri.path());
        app.auth.check_scope(identity, &app.tools, name, path)?;
    }
    let Some(found) = found.filter(|found| identity.may_use(&found.tool)) else {
        return Err(problem(Unreadable::Unknown, &uri));
    };
    let agent = parts.headers.get(USER_AGENT);
    let agent = agent.map_or("", |agent| agent.to_str().unwrap_or_default());
    let reader = Reader {
        client: call::client(identity, "rest", agent),
        rights: identity.rights().clone(),
        call_id: call_id.to_owned(),
        cancel: CancellationToken::new(),
    };
    let read = reading::read(&app.tools, &found, &uri, reader).await;
    let contents = read.map_err(|error| problem(error, &uri))?;
    if let [only] = contents.as_slice()
        && only.mime_type.as_deref() == Some(JSON)
        && let ResourceBody::Text(text) = &only.body
        && serde_json::from_str::<&RawValue>(text).is_ok()
    {
        return Ok(reply::json(StatusCode::OK, text.clone()));
    }
    let contents = contents.into_iter().map(content::resource);
    let contents: Vec<ResourceContents> = contents.collect();
    let document = json!({ "contents": contents });
    Ok(reply::json(StatusCode::OK, document.to_string()))
}

/// The one parameter of the query.
fn uri(query: &str) -> Result<String, Problem> {
    let wrong = |parameter: &str, sentence: String| {
        let kind = ProblemKind::Tool(FailureKind::InvalidArguments);
        Problem::new(kind, sentence).with("parameter", parameter)
    };
    let mut uri = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name != "uri" {
            let name: String = name.chars().take(80).collect();
            let sentence = format!("There is no parameter {name:?}. Send only uri.");
            return Err(wrong(&name, sentence));
        }
        if uri.replace(value.into_owned()).is_some() {
            let sentence = "The parameter \"uri\" is given more than once.";
            return Err(wrong("uri", sentence.to_owned()));
        }
    }
    uri.ok_or_else(|| {
        let sentence = "The parameter \"uri\" is missing: say which resource to read, for \
                        example ?uri=ibkr://positions. /api/v1/resources lists them.";
        wrong("uri", sentence.to_owned())
    })
}

fn problem(error: Unreadable, uri: &str) -> Problem {
    match error {
        Unreadable::Unknown => {
            let kind = ProblemKind::Tool(FailureKind::NotFound);
            Problem::new(kind, error.sentence(uri))
        }
        Unreadable::Failure(failure) => failure.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_names_one_resource() {
        let read = |query| uri(query).map_err(|problem| problem.json("1"));
        assert_eq!(read("uri=ibkr%3A%2F%2Fa").as_deref(), Ok("ibkr://a"));
        assert_eq!(read("uri=ibkr://a").as_deref(), Ok("ibkr://a"));
        for query in ["", "url=a", "uri=a&uri=b", "uri=a&b=c"] {
            let status = read(query).map_err(|problem| problem.get("status").cloned());
            assert_eq!(status, Err(Some(json!(400))), "{query}");
        }
    }
}
