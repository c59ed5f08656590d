//! `resources/…` and the completion of what stands in their URIs.

use std::sync::Arc;

use rmcp::ErrorData;
use rmcp::model::{
    CompleteRequestParams, CompleteResult, CompletionInfo, ErrorCode, ReadResourceRequestParams,
    ReadResourceResult, Reference, Resource, ResourceTemplate,
};
use rmcp::service::{RequestContext, RoleServer};
use sandpit_tools::{FailureKind, Suggestions, Tool};
use serde_json::json;

use super::content;
use super::handler::{Handler, identity};
use super::prompts;
use crate::auth::Identity;
use crate::call;
use crate::resources::completing::{Completion, complete};
use crate::resources::reading::{self, Reader, Unreadable};
use crate::resources::{find, listed};

/// The resources that are there for a caller, without the templates.
pub(super) fn list(handler: &Handler, identity: &Identity) -> Vec<Resource> {
    let tools = handler.shared.tools.list();
    let listed = listed(&tools, identity).into_iter();
    listed
        .filter(|listed| !listed.resource.uri.is_template())
        .map(|listed| {
            let (of, mime_type) = (listed.resource, listed.mime_type());
            let mut resource = Resource::new(of.uri.as_str(), of.name.clone())
                .with_title(of.title.clone())
                .with_description(of.description.clone());
            resource.mime_type = mime_type.map(str::to_owned);
            resource
        })
        .collect()
}

/// The templates that are there for a caller.
pub(super) fn templates(handler: &Handler, identity: &Identity) -> Vec<ResourceTemplate> {
    let tools = handler.shared.tools.list();
    let listed = listed(&tools, identity).into_iter();
    listed
        .filter(|listed| listed.resource.uri.is_template())
        .map(|listed| {
            let (of, mime_type) = (listed.resource, listed.mime_type());
            let mut template = ResourceTemplate::new(of.uri.as_str(), of.name.clone())
                .with_title(of.title.clone())
                .with_description(of.description.clone());
            template.mime_type = mime_type.map(str::to_owned);
            template
        })
        .collect()
}

/// Answers `resources/read`.
pub(super) async fn read(
    handler: &Handler,
    request: ReadResourceRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<ReadResourceResult, ErrorData> {
    let identity = identity(context)?;
    let tools = &handler.shared.tools;
    let uri = request.uri;
    let found = find(&tools.callable(), &uri);
    let Some(found) = found.filter(|found| identity.may_use(&found.tool)) else {
        return Err(unreadable(&Unreadable::Unknown, &uri));
    };
    let client = context.client_info().unwrap_or_default();
    let name = format!("{} {}", client.name, client.version);
    let reader = Reader {
        client: call::client(identity, "mcp", &name),
        rights: identity.rights().clone(),
        call_id: call::new_id(),
        cancel: context.ct.child_token(),
    };
    let read = reading::read(tools, &found, &uri, reader).await;
    let contents = read.map_err(|error| unreadable(&error, &uri))?;
    let contents = contents.into_iter().map(content::resource).collect();
    Ok(ReadResourceResult::new(contents))
}

/// What becomes of an URI that cannot be read. rmcp gives the code of the
/// client's era to what does not exist.
pub(super) fn unreadable(error: &Unreadable, uri: &str) -> ErrorData {
    let sentence = error.sentence(uri);
    let uri: String = uri.chars().take(1_000).collect();
    match error {
        Unreadable::Unknown => ErrorData::resource_not_found(sentence, Some(json!({ "uri": uri }))),
        Unreadable::Failure(failure) => {
            let mut data = json!({ "uri": uri, "kind": failure.kind.name() });
            if let (Some(code), Some(data)) = (failure.tws_code, data.as_object_mut()) {
                data.insert("twsCode".to_owned(), code.into());
            }
            let code = match failure.kind {
                FailureKind::NotFound => ErrorCode::RESOURCE_NOT_FOUND,
                FailureKind::InvalidArguments => ErrorCode::INVALID_PARAMS,
                _ => ErrorCode::INTERNAL_ERROR,
            };
            ErrorData::new(code, sentence, Some(data))
        }
    }
}

/// What is to be completed: an argument of this tool.
struct Argument {
    tool: Arc<Tool>,
    suggestions: Suggestions,
}

/// Answers `completion/complete`.
pub(super) async fn completion(
    handler: &Handler,
    request: CompleteRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CompleteResult, ErrorData> {
    let identity = identity(context)?;
    let name = &request.argument.name;
    let argument = match &request.r#ref {
        Reference::Resource(of) => variable(handler, identity, &of.uri, name)?,
        Reference::Prompt(of) => {
            let (tool, suggestions) = prompts::argument_of(handler, identity, &of.name, name)?;
            Argument { tool, suggestions }
        }
        _ => return Err(ErrorData::invalid_params("unknown kind of reference", None)),
    };
    let Argument { tool, suggestions } = argument;
    let typed = &request.argument.value;
    let Completion { values, total } =
        complete(&handler.shared.tools, &tool, &suggestions, typed).await;
    let more = values.len() < total;
    let total = u32::try_from(total).ok();
    let completion = CompletionInfo::with_pagination(values, total, more);
    let completion = completion.map_err(|error| ErrorData::internal_error(error, None))?;
    Ok(CompleteResult::new(completion))
}

/// A variable of the template, or of the resource, that has this URI.
fn variable(
    handler: &Handler,
    identity: &Identity,
    uri: &str,
    name: &str,
) -> Result<Argument, ErrorData> {
    let tools = handler.shared.tools.callable();
    let resources = listed(&tools, identity);
    let named = resources
        .into_iter()
        .find(|listed| listed.resource.uri.as_str() == uri);
    let Some(named) = named else {
        return Err(unreadable(&Unreadable::Unknown, uri));
    };
    let variables = &named.resource.variables;
    let Some(variable) = variables.iter().find(|variable| variable.name == name) else {
        let sentence = format!("The resource {uri} has no variable {:?}.", excerpt(name));
        return Err(ErrorData::invalid_params(sentence, None));
    };
    Ok(Argument {
        tool: Arc::clone(named.tool),
        suggestions: variable.suggestions.clone(),
    })
}

fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}
