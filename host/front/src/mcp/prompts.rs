//! `prompts/list` and `prompts/get`.
//!
//! A prompt may ask its client as a tool does ([`Dialogue`]). A result has no
//! room for a failure here, so that each is an error of the protocol, with the
//! sentence that a tool's caller would read.

use std::sync::Arc;

use rmcp::ErrorData;
use rmcp::model::{
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, JsonObject, Prompt, PromptArgument,
    PromptMessage, Role,
};
use rmcp::service::{RequestContext, RoleServer};
use sandpit_tools::{
    Argument, CallRequest, Descriptor, Failure, FailureKind, Kind, Message, Outcome, PromptAnswer,
    Resume, Suggestions, Tool, ToolError,
};
use serde_json::json;

use super::asked::Asked;
use super::content;
use super::dialogue::{Dialogue, Turn};
use super::handler::{Handler, identity, left};
use super::questions;
use super::seal::Bound;
use crate::auth::Identity;
use crate::call;
use crate::trace;

/// The prompts that are there for a caller, in the order of their names.
pub(super) fn list(handler: &Handler, identity: &Identity) -> Vec<Prompt> {
    let prompts = handler.shared.tools.prompts();
    let theirs = prompts.iter().filter(|prompt| identity.may_use(prompt));
    theirs.map(|prompt| shown(prompt.descriptor())).collect()
}

/// A prompt, in MCP's own type.
pub(crate) fn shown(descriptor: &Descriptor) -> Prompt {
    let arguments = descriptor.prompt.iter().flatten();
    let arguments: Vec<_> = arguments.map(argument).collect();
    let arguments = (!arguments.is_empty()).then_some(arguments);
    let description = Some(descriptor.description.clone());
    Prompt::new(descriptor.name.clone(), description, arguments)
        .with_title(descriptor.title.clone())
}

fn argument(argument: &Argument) -> PromptArgument {
    PromptArgument::new(argument.name.clone())
        .with_title(argument.title.clone())
        .with_description(argument.description.clone())
        .with_required(argument.required)
}

/// The prompt of this name with what this argument of it is completed with.
///
/// # Errors
///
/// If there is no such prompt for the caller, or no such argument.
pub(super) fn argument_of(
    handler: &Handler,
    identity: &Identity,
    name: &str,
    argument: &str,
) -> Result<(Arc<Tool>, Suggestions), ErrorData> {
    let prompt = handler.shared.tools.prompt(name);
    let Some(prompt) = prompt.filter(|prompt| identity.may_use(prompt)) else {
        let error = ToolError::unknown_of(Kind::Prompt, name);
        return Err(ErrorData::invalid_params(error.to_string(), None));
    };
    let mut arguments = prompt.descriptor().prompt.iter().flatten();
    let Some(found) = arguments.find(|known| known.name == argument) else {
        let argument: String = argument.chars().take(80).collect();
        let sentence = format!(
            "The prompt {:?} has no argument {argument:?}.",
            prompt.name()
        );
        return Err(ErrorData::invalid_params(sentence, None));
    };
    let suggestions = found.suggestions.clone();
    Ok((prompt, suggestions))
}

/// Answers `prompts/get`.
pub(super) async fn get(
    handler: &Handler,
    request: GetPromptRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<GetPromptResponse, ErrorData> {
    let identity = identity(context)?;
    let call_id = trace::call_id(context);
    let arguments = request.arguments.unwrap_or_default();
    let bound = Bound {
        method: "prompts/get",
        caller: identity.name(),
        name: &request.name,
        arguments: &arguments,
    };
    let mut dialogue = Dialogue::new(handler, context, bound, request.input_responses);
    let mut turn = dialogue.begin(request.request_state.as_deref()).await?;
    loop {
        let resume = match turn {
            Turn::Run(resume) => resume,
            Turn::Ask(questions) => return Ok(questions.into()),
            Turn::Fail(failure) => return Err(failed(failure, &call_id)),
        };
        let (name, arguments) = (request.name.as_str(), arguments.clone());
        let outcome = run(handler, context, name, arguments, resume.clone(), &call_id).await;
        let asked = match outcome {
            Ok(Outcome::Answer(answer)) => return Ok(result(answer, &call_id).into()),
            Ok(Outcome::Failure(failure)) => return Err(failed(failure, &call_id)),
            Ok(Outcome::InputRequired(questions)) => Asked::Tool(questions),
            Ok(Outcome::ConfirmationNeeded(confirmation)) => Asked::Host {
                confirmation,
                resume,
            },
            Err(error) => return Err(ErrorData::invalid_params(error.to_string(), None)),
        };
        turn = dialogue.next(asked).await?;
    }
}

/// Runs the prompt once.
async fn run(
    handler: &Handler,
    context: &RequestContext<RoleServer>,
    name: &str,
    arguments: JsonObject,
    resume: Option<Resume>,
    call_id: &str,
) -> Result<Outcome<PromptAnswer>, ToolError> {
    let Ok(identity) = identity(context) else {
        return Err(ToolError::unknown_of(Kind::Prompt, name));
    };
    let client = context.client_info().unwrap_or_default();
    let client = format!("{} {}", client.name, client.version);
    // Cancelled by rmcp when the client cancels the request.
    let cancel = context.ct.child_token();
    let request = CallRequest {
        resume,
        askable: questions::askable(context),
        rights: identity.rights().clone(),
        cancel: cancel.clone(),
        ..CallRequest::new(arguments, call::client(identity, "mcp", &client), call_id)
    };
    let running = call::get_prompt(&handler.shared.tools, name, request);
    tokio::pin!(running);
    tokio::select! {
        outcome = &mut running => return outcome,
        () = left(&handler.shared, context) => cancel.cancel(),
    }
    running.await
}

/// The messages of a prompt.
fn result(answer: PromptAnswer, call_id: &str) -> GetPromptResult {
    let messages = answer.messages.into_iter().map(message).collect();
    let mut result = GetPromptResult::new(messages);
    result.description = answer.description;
    result.meta = Some(content::meta(call_id, None));
    result
}

/// One message, in MCP's own type.
pub(crate) fn message(message: Message) -> PromptMessage {
    let role = match message.role {
        sandpit_tools::Role::User => Role::User,
        sandpit_tools::Role::Assistant => Role::Assistant,
    };
    PromptMessage::new(role, content::block(message.content))
}

/// A failure as an error of the protocol.
fn failed(failure: Failure, call_id: &str) -> ErrorData {
    let mut data = json!({ "kind": failure.kind.name(), "callId": call_id });
    if let (Some(code), Some(data)) = (failure.tws_code, data.as_object_mut()) {
        data.insert("twsCode".to_owned(), code.into());
    }
    match failure.kind {
        FailureKind::InvalidArguments => ErrorData::invalid_params(failure.message, Some(data)),
        _ => ErrorData::internal_error(failure.message, Some(data)),
    }
}
