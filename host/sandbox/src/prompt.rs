//! Prompts: what one says of itself, and the messages that it writes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::bindings::exports::sandpit::tool::prompt as wit;
use crate::descriptor::{Annotations, Descriptor, check_text, check_words, excerpt};
use crate::error::{CallError, LoadError};
use crate::outcome::{Content, Outcome, content_from_guest, failure_from_guest, size_of_content};
use crate::question::{self, Role};
use crate::resource::Suggestions;

/// Bounds of what a prompt says of its arguments: how many, and in characters.
const ARGUMENTS: usize = 32;
const NAME: usize = 64;
const TITLE: usize = 120;
const DESCRIPTION: usize = 1_000;
/// How many messages a prompt may write.
const MESSAGES: usize = 100;

/// One argument of a prompt. Its value is always text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Its name: 1 to 64 letters, digits and `_`.
    pub name: String,
    /// A name for people.
    pub title: String,
    /// What it is and how it is written.
    pub description: String,
    /// Whether it must be given.
    pub required: bool,
    /// With what the host completes it.
    pub suggestions: Suggestions,
}

/// What a prompt answers: the beginning of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptAnswer {
    /// What it is about, if the prompt says more than its description does.
    pub description: Option<String>,
    /// The messages, at least one.
    pub messages: Vec<Message>,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: Content,
}

/// Takes a descriptor over from the guest. All that is wrong with it is named
/// at once. Its input schema says the same as its arguments, so that both kinds
/// of component are checked alike.
pub(crate) fn descriptor_from_guest(descriptor: wit::Descriptor) -> Result<Descriptor, LoadError> {
    let mut faults = Vec::new();
    check_words(
        &descriptor.name,
        &descriptor.title,
        &descriptor.description,
        &descriptor.version,
        &mut faults,
    );
    if descriptor.arguments.len() > ARGUMENTS {
        faults.push(format!(
            "it has {} arguments, more than {ARGUMENTS}",
            descriptor.arguments.len()
        ));
    }
    let mut names = BTreeSet::new();
    let mut arguments = Vec::new();
    for argument in descriptor.arguments.into_iter().take(ARGUMENTS) {
        if !names.insert(argument.name.clone()) {
            let name = excerpt(&argument.name);
            faults.push(format!("the argument {name:?} is named twice"));
        }
        arguments.extend(self::argument(argument, &mut faults));
    }
    if !faults.is_empty() {
        return Err(LoadError::Descriptor(faults));
    }
    Ok(Descriptor {
        name: descriptor.name,
        title: descriptor.title,
        description: descriptor.description,
        version: descriptor.version,
        input_schema: schema(&arguments),
        output_schema: None,
        annotations: Annotations {
            read_only: true,
            destructive: false,
            idempotent: true,
            open_world: true,
        },
        routes: Vec::new(),
        resources: Vec::new(),
        streaming: false,
        prompt: Some(arguments),
    })
}

/// Takes one argument over, unless something is wrong with it.
fn argument(argument: wit::Argument, faults: &mut Vec<String>) -> Option<Argument> {
    let name = argument.name;
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !begins || name.len() > NAME || !name.chars().all(allowed) {
        faults.push(format!(
            "the argument {:?} is not named with 1 to {NAME} letters, digits and _, beginning \
             with a letter",
            excerpt(&name)
        ));
        return None;
    }
    let title = format!("title of the argument {name}");
    check_text(&title, &argument.title, TITLE, false, faults);
    let description = format!("description of the argument {name}");
    check_text(
        &description,
        &argument.description,
        DESCRIPTION,
        true,
        faults,
    );
    let suggestions = Suggestions::from_guest(argument.suggestions)
        .map_err(|fault| faults.push(format!("the argument {name} {fault}")))
        .ok()?;
    Some(Argument {
        name,
        title: argument.title,
        description: argument.description,
        required: argument.required,
        suggestions,
    })
}

/// The JSON Schema of these arguments.
fn schema(arguments: &[Argument]) -> Map<String, Value> {
    let properties: Map<_, _> = arguments
        .iter()
        .map(|argument| {
            let property = json!({ "type": "string", "description": argument.description });
            (argument.name.clone(), property)
        })
        .collect();
    let required: Vec<_> = arguments
        .iter()
        .filter(|argument| argument.required)
        .map(|argument| Value::from(argument.name.as_str()))
        .collect();
    Map::from_iter([
        ("type".to_owned(), "object".into()),
        ("properties".to_owned(), properties.into()),
        ("required".to_owned(), required.into()),
        ("additionalProperties".to_owned(), false.into()),
    ])
}

/// Takes an outcome over from the guest, and checks it.
pub(crate) fn from_guest(
    outcome: wit::PromptOutcome,
    limit: usize,
) -> Result<Outcome<PromptAnswer>, CallError> {
    if size(&outcome) > limit {
        return Err(CallError::TooLarge { limit });
    }
    match outcome {
        wit::PromptOutcome::Answer(answer) => answer_from_guest(answer).map(Outcome::Answer),
        wit::PromptOutcome::Failure(failure) => Ok(Outcome::Failure(failure_from_guest(failure))),
        wit::PromptOutcome::InputRequired(asked) => {
            question::from_guest(asked).map(Outcome::InputRequired)
        }
    }
}

fn answer_from_guest(answer: wit::PromptAnswer) -> Result<PromptAnswer, CallError> {
    let count = answer.messages.len();
    if count == 0 || count > MESSAGES {
        return Err(CallError::BrokenContract(format!(
            "it wrote {count} messages, and a prompt writes 1 to {MESSAGES}"
        )));
    }
    let message = |message: wit::Message| Message {
        role: Role::from_guest(message.role),
        content: content_from_guest(message.content),
    };
    Ok(PromptAnswer {
        description: answer.description,
        messages: answer.messages.into_iter().map(message).collect(),
    })
}

/// How many bytes of text and data an outcome carries.
fn size(outcome: &wit::PromptOutcome) -> usize {
    match outcome {
        wit::PromptOutcome::Answer(answer) => {
            let messages = answer.messages.iter();
            let content: usize = messages
                .map(|message| size_of_content(&message.content))
                .sum();
            content + answer.description.as_ref().map_or(0, String::len)
        }
        wit::PromptOutcome::Failure(failure) => failure.message.len(),
        wit::PromptOutcome::InputRequired(asked) => question::size(asked),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;
    use crate::bindings::sandpit::tool::types;

    fn symbol() -> wit::Argument {
        wit::Argument {
            name: "symbol".to_owned(),
            title: "Symbol".to_owned(),
            description: "What is traded".to_owned(),
            required: true,
            suggestions: types::Suggestions::Symbols,
        }
    }

    fn good() -> wit::Descriptor {
        let side = wit::Argument {
            name: "side".to_owned(),
            required: false,
            suggestions: types::Suggestions::Values(vec!["buy".to_owned(), "sell".to_owned()]),
            ..symbol()
        };
        wit::Descriptor {
            name: "pre_trade_check".to_owned(),
            title: "Pre-trade check".to_owned(),
            description: "Before an order.".to_owned(),
            version: "1.0.0".to_owned(),
            arguments: vec![symbol(), side],
        }
    }

    fn faults(change: impl FnOnce(&mut wit::Descriptor)) -> Vec<String> {
        let mut descriptor = good();
        change(&mut descriptor);
        match descriptor_from_guest(descriptor) {
            Err(LoadError::Descriptor(faults)) => faults,
            other => unreachable!("it should be refused, not {other:?}"),
        }
    }

    #[test]
    fn the_schema_says_what_the_arguments_are() {
        let descriptor = descriptor_from_guest(good()).unwrap();
        assert_eq!(
            Value::Object(descriptor.input_schema),
            json!({
                "type": "object",
                "properties": {
                    "symbol": {"type": "string", "description": "What is traded"},
                    "side": {"type": "string", "description": "What is traded"},
                },
                "required": ["symbol"],
                "additionalProperties": false,
            })
        );
        let arguments = descriptor.prompt.unwrap();
        let names: Vec<_> = arguments.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["symbol", "side"]);
        assert!(descriptor.annotations.read_only && !descriptor.annotations.destructive);
    }

    #[test]
    fn every_fault_of_an_argument_is_named() {
        let faults = faults(|descriptor| {
            let bad = |name: &str| wit::Argument {
                name: name.to_owned(),
                ..symbol()
            };
            descriptor.name = "No Name".to_owned();
            descriptor.arguments.extend([
                symbol(),
                bad(""),
                bad("1st"),
                bad("a-b"),
                wit::Argument {
                    title: "a\nb".to_owned(),
                    description: " ".to_owned(),
                    suggestions: types::Suggestions::Values(vec![String::new()]),
                    ..bad("other")
                },
            ]);
        });
        assert_eq!(faults.len(), 8, "{faults:?}");
    }

    #[test]
    fn arguments_are_bounded() {
        let many = faults(|descriptor| {
            descriptor.arguments = (0..=ARGUMENTS)
                .map(|number| wit::Argument {
                    name: format!("a{number}"),
                    ..symbol()
                })
                .collect();
        });
        assert_eq!(many, ["it has 33 arguments, more than 32"]);
    }

    fn says(texts: &[&str]) -> wit::PromptOutcome {
        let message = |text: &&str| wit::Message {
            role: types::Role::User,
            content: types::Content::Text((*text).to_owned()),
        };
        wit::PromptOutcome::Answer(wit::PromptAnswer {
            description: None,
            messages: texts.iter().map(message).collect(),
        })
    }

    #[test]
    fn messages_are_bounded_in_number_and_size() {
        let Outcome::Answer(answer) = from_guest(says(&["hello"]), 10).unwrap() else {
            unreachable!("it is an answer")
        };
        let content = Content::Text("hello".to_owned());
        let role = Role::User;
        assert_eq!(answer.messages, [Message { role, content }]);
        for broken in [&[][..], &["x"; MESSAGES + 1]] {
            assert!(matches!(
                from_guest(says(broken), 1000),
                Err(CallError::BrokenContract(_))
            ));
        }
        let large = from_guest(says(&["hello ", "world"]), 10);
        assert_eq!(large.unwrap_err(), CallError::TooLarge { limit: 10 });
    }
}
