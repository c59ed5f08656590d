//! Questions of tools in MCP's own types, and what clients answer.

#![expect(
    deprecated,
    reason = "sampling and roots are deprecated in 2026-07-28, and clients still offer them"
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rmcp::model::{
    AudioContent, CreateMessageRequest, CreateMessageRequestParams, CreateMessageResult,
    ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema,
    ImageContent, InputRequest as McpRequest, ListRootsRequest, ListRootsResult, Role as McpRole,
    SamplingMessage as McpMessage, SamplingMessageContentBlock as Block,
};
use rmcp::service::{RequestContext, RoleServer};
use sandpit_tools::{
    Askable, Elicitation, Failure, FailureKind, InputRequest, InputResponse, MessageBlob,
    MessageContent, Role, Root, Sampled, Sampling, SamplingMessage, check_answer,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What the client of a request can be asked for.
pub(super) fn askable(context: &RequestContext<RoleServer>) -> Askable {
    let capabilities = context.client_capabilities().unwrap_or_default();
    Askable {
        elicitation: capabilities
            .elicitation
            // Naming neither form nor URL means forms.
            .is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none()),
        sampling: capabilities.sampling.is_some(),
        roots: capabilities.roots.is_some(),
    }
}

/// A question as MCP puts it.
///
/// # Errors
///
/// If the tool's question cannot be put so.
pub(crate) fn put(request: &InputRequest) -> Result<McpRequest, Failure> {
    Ok(match request {
        InputRequest::Elicitation(elicitation) => {
            McpRequest::Elicitation(ElicitRequest::new(form(elicitation)?))
        }
        InputRequest::Sampling(sampling) => {
            McpRequest::CreateMessage(CreateMessageRequest::new(task(sampling)))
        }
        InputRequest::Roots => McpRequest::ListRoots(ListRootsRequest::default()),
    })
}

fn form(elicitation: &Elicitation) -> Result<ElicitRequestParams, Failure> {
    let schema = Value::Object(elicitation.schema.clone());
    let requested_schema: ElicitationSchema = serde_json::from_value(schema).map_err(|error| {
        Failure::new(
            FailureKind::Internal,
            format!(
                "The tool asked a question whose schema is not a flat object of primitive \
                 properties: {error}."
            ),
        )
    })?;
    Ok(ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: elicitation.message.clone(),
        requested_schema,
    })
}

fn task(sampling: &Sampling) -> CreateMessageRequestParams {
    let messages = sampling.messages.iter().map(message).collect();
    let mut task = CreateMessageRequestParams::new(messages, sampling.max_tokens);
    task.system_prompt.clone_from(&sampling.system_prompt);
    task.temperature = sampling.temperature;
    if !sampling.stop_sequences.is_empty() {
        task.stop_sequences = Some(sampling.stop_sequences.clone());
    }
    task
}

fn message(message: &SamplingMessage) -> McpMessage {
    let role = match message.role {
        Role::User => McpRole::User,
        Role::Assistant => McpRole::Assistant,
    };
    let block = |piece: &MessageContent| match piece {
        MessageContent::Text(text) => Block::text(text),
        MessageContent::Image(image) => Block::Image(ImageContent::new(
            STANDARD.encode(&image.data),
            image.mime_type.clone(),
        )),
        MessageContent::Audio(audio) => Block::Audio(AudioContent::new(
            STANDARD.encode(&audio.data),
            audio.mime_type.clone(),
        )),
    };
    match message.content.as_slice() {
        // Clients before 2025-11-25 know messages of one piece only.
        [only] => McpMessage::new(role, block(only)),
        several => McpMessage::new_multiple(role, several.iter().map(block).collect()),
    }
}

/// What a client sent as the response to a question.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn read(request: &InputRequest, response: Value) -> Result<InputResponse, String> {
    match request {
        InputRequest::Elicitation(elicitation) => {
            let result: ElicitResult = result("an elicitation", response)?;
            match result.action {
                ElicitationAction::Accept => {
                    let answer = result.content.unwrap_or_else(|| json!({}));
                    check_answer(&elicitation.schema, &answer)?;
                    Ok(InputResponse::Accept(answer.to_string()))
                }
                ElicitationAction::Decline => Ok(InputResponse::Decline),
                // An action that this version does not know decides nothing.
                _ => Ok(InputResponse::Cancel),
            }
        }
        InputRequest::Sampling(_) => {
            let result: CreateMessageResult = result("a sampling", response)?;
            let content = result.message.content.into_vec().into_iter().map(piece);
            Ok(InputResponse::Sampled(Sampled {
                content: content.collect::<Result<_, _>>()?,
                model: result.model,
                stop_reason: result.stop_reason,
            }))
        }
        InputRequest::Roots => {
            let result: ListRootsResult = result("a roots", response)?;
            let roots = result.roots.into_iter().map(|root| Root {
                uri: root.uri,
                name: root.name,
            });
            Ok(InputResponse::Roots(roots.collect()))
        }
    }
}

fn result<T: DeserializeOwned>(what: &str, response: Value) -> Result<T, String> {
    serde_json::from_value(response).map_err(|error| format!("it is not {what} result ({error})"))
}

fn piece(block: Block) -> Result<MessageContent, String> {
    let blob = |data: String, mime_type: String| {
        let data = STANDARD.decode(data);
        let data = data.map_err(|error| format!("its data is not Base64 ({error})"))?;
        Ok::<_, String>(MessageBlob { data, mime_type })
    };
    match block {
        Block::Text(text) => Ok(MessageContent::Text(text.text)),
        Block::Image(image) => blob(image.data, image.mime_type).map(MessageContent::Image),
        Block::Audio(audio) => blob(audio.data, audio.mime_type).map(MessageContent::Audio),
        // No tools were offered to the model.
        _ => Err("it has a piece that is neither text nor image nor sound".to_owned()),
    }
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed look fails the test"
)]
mod tests {
    use super::*;

    fn elicitation(schema: &Value) -> InputRequest {
        InputRequest::Elicitation(Elicitation {
            message: "Which?".to_owned(),
            schema: schema.as_object().unwrap().clone(),
        })
    }

    fn sampling() -> InputRequest {
        InputRequest::Sampling(Sampling {
            messages: vec![
                SamplingMessage {
                    role: Role::User,
                    content: vec![MessageContent::Text("What is it?".to_owned())],
                },
                SamplingMessage {
                    role: Role::Assistant,
                    content: vec![
                        MessageContent::Image(MessageBlob {
                            data: vec![1, 2, 3],
                            mime_type: "image/png".to_owned(),
                        }),
                        MessageContent::Audio(MessageBlob {
                            data: vec![4],
                            mime_type: "audio/wav".to_owned(),
                        }),
                    ],
                },
            ],
            system_prompt: Some("Be brief.".to_owned()),
            max_tokens: 100,
            temperature: Some(0.5),
            stop_sequences: vec!["END".to_owned()],
        })
    }

    #[test]
    fn a_form_keeps_its_defaults_and_choices() {
        let schema = json!({
            "type": "object",
            "properties": {
                "age": {"type": "integer", "default": 30},
                "ok": {"type": "boolean", "default": true},
                "status": {"type": "string", "enum": ["on", "off"], "default": "on"},
                "titled": {"type": "string", "oneOf": [{"const": "a", "title": "A"}]},
                "several": {"type": "array", "items": {"type": "string", "enum": ["x", "y"]}},
            },
            "required": ["age"],
        });
        let put = serde_json::to_value(put(&elicitation(&schema)).unwrap()).unwrap();
        assert_eq!(put["method"], "elicitation/create");
        assert_eq!(put["params"]["requestedSchema"], schema);
    }

    #[test]
    fn a_form_is_flat() {
        let deep = json!({
            "type": "object",
            "properties": {"a": {"type": "object", "properties": {}}},
        });
        let failure = put(&elicitation(&deep)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal);
    }

    #[test]
    fn a_task_for_the_model_in_mcp_s_words() {
        assert_eq!(
            serde_json::to_value(put(&sampling()).unwrap()).unwrap(),
            json!({
                "method": "sampling/createMessage",
                "params": {
                    "messages": [
                        {"role": "user", "content": {"type": "text", "text": "What is it?"}},
                        {"role": "assistant", "content": [
                            {"type": "image", "data": "AQID", "mimeType": "image/png"},
                            {"type": "audio", "data": "BA==", "mimeType": "audio/wav"},
                        ]},
                    ],
                    "systemPrompt": "Be brief.",
                    "maxTokens": 100,
                    "temperature": 0.5,
                    "stopSequences": ["END"],
                },
            })
        );
    }

    #[test]
    fn an_answer_must_fit_its_form() {
        let form = elicitation(&json!({
            "type": "object",
            "properties": {"count": {"type": "integer"}},
            "required": ["count"],
        }));
        let accept = |content: Value| json!({"action": "accept", "content": content});
        assert_eq!(
            read(&form, accept(json!({"count": 3}))),
            Ok(InputResponse::Accept("{\"count\":3}".to_owned()))
        );
        for wrong in [
            accept(json!({"count": "3"})),
            accept(json!({})),
            json!({"action": "accept"}),
        ] {
            let reason = read(&form, wrong).unwrap_err();
            assert!(reason.contains("count"), "{reason}");
        }
        assert_eq!(
            read(&form, json!({"action": "decline"})),
            Ok(InputResponse::Decline)
        );
        assert_eq!(
            read(&form, json!({"action": "cancel"})),
            Ok(InputResponse::Cancel)
        );
        for nonsense in [json!(12345), json!(null), json!({}), json!({"roots": []})] {
            assert!(read(&form, nonsense).is_err());
        }
    }

    #[test]
    fn what_the_model_wrote() {
        let result = |content: Value| json!({"role": "assistant", "content": content, "model": "m", "stopReason": "endTurn"});
        let text = json!({"type": "text", "text": "Paris"});
        let expected = |content: Vec<MessageContent>| {
            Ok(InputResponse::Sampled(Sampled {
                content,
                model: "m".to_owned(),
                stop_reason: Some("endTurn".to_owned()),
            }))
        };
        let paris = MessageContent::Text("Paris".to_owned());
        assert_eq!(
            read(&sampling(), result(text.clone())),
            expected(vec![paris.clone()])
        );
        let image = json!({"type": "image", "data": "AQID", "mimeType": "image/png"});
        assert_eq!(
            read(&sampling(), result(json!([text, image]))),
            expected(vec![
                paris,
                MessageContent::Image(MessageBlob {
                    data: vec![1, 2, 3],
                    mime_type: "image/png".to_owned(),
                })
            ])
        );
        for nonsense in [
            result(json!({"type": "image", "data": "%", "mimeType": "image/png"})),
            result(json!({"type": "tool_use", "id": "1", "name": "t", "input": {}})),
            json!({"action": "accept", "content": {}}),
        ] {
            assert!(read(&sampling(), nonsense).is_err());
        }
    }

    #[test]
    fn folders() {
        let put = serde_json::to_value(put(&InputRequest::Roots).unwrap()).unwrap();
        assert_eq!(put["method"], "roots/list");
        let response = json!({"roots": [{"uri": "file:///a", "name": "A"}, {"uri": "file:///b"}]});
        let root = |uri: &str, name: Option<&str>| Root {
            uri: uri.to_owned(),
            name: name.map(str::to_owned),
        };
        assert_eq!(
            read(&InputRequest::Roots, response),
            Ok(InputResponse::Roots(vec![
                root("file:///a", Some("A")),
                root("file:///b", None)
            ]))
        );
        assert!(read(&InputRequest::Roots, json!({})).is_err());
    }
}
