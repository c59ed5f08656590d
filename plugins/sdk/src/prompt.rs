//! What a prompt is, and how it becomes a component.
//!
//! ```
//! use sandpit_sdk::Suggestions;
//! use sandpit_sdk::prelude::*;
//! use sandpit_sdk::prompt::{Argument, Conversation, Prompt, Reply};
//!
//! /// Explains an instrument.
//! pub struct Explain;
//!
//! /// What a person fills in.
//! #[derive(serde::Deserialize)]
//! pub struct Input {
//!     symbol: String,
//! }
//!
//! impl Prompt for Explain {
//!     const NAME: &'static str = "explain";
//!     const TITLE: &'static str = "Explain an instrument";
//!     const DESCRIPTION: &'static str = "What it is and how it trades.";
//!     type Input = Input;
//!
//!     fn arguments() -> Vec<Argument> {
//!         vec![
//!             Argument::required("symbol", "Symbol", "What to explain, such as SPY")
//!                 .suggesting(Suggestions::Symbols),
//!         ]
//!     }
//!
//!     fn get(_context: &Context, input: Input) -> Result<Reply, Failure> {
//!         let text = format!("Explain {}. Look it up with ibkr_get_contract_details.", input.symbol);
//!         Ok(Conversation::new().user(text).into())
//!     }
//! }
//!
//! sandpit_sdk::export_prompt!(Explain);
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::broker::account;
use crate::prompt_bindings::exports::sandpit::tool::prompt as wit;
use crate::tool::without_position;
use crate::{
    Content, Context, EmbeddedResource, Failure, Questions, Request, ResourceBody, Role,
    Suggestions,
};

pub use wit::{Argument, Descriptor, Message, PromptAnswer, PromptOutcome};

/// A prompt: what it says of itself, and what it writes.
pub trait Prompt {
    /// Its name, unique in its folder: 1 to 64 of `a-z`, `0-9`, `_`.
    const NAME: &'static str;
    /// A name for people.
    const TITLE: &'static str;
    /// What it is for, for the person who chooses.
    const DESCRIPTION: &'static str;

    /// The arguments. Their values are texts; one that is not required is an
    /// `Option`. A [`Decimal`](crate::Decimal) reads its text.
    type Input: DeserializeOwned;

    /// What the arguments are, in the order in which a person fills them in.
    fn arguments() -> Vec<Argument>;

    /// Writes the messages. Every call runs in a fresh instance.
    ///
    /// # Errors
    /// A failure is shown to the person: it says what happened, what was
    /// expected and what to do.
    fn get(context: &Context, input: Self::Input) -> Result<Reply, Failure>;
}

impl Argument {
    /// An argument that must be given. The description says how it is written.
    #[must_use]
    pub fn required(name: &str, title: &str, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            description: description.to_owned(),
            required: true,
            suggestions: Suggestions::None,
        }
    }

    /// An argument that may be left out. The description says what that means.
    #[must_use]
    pub fn optional(name: &str, title: &str, description: &str) -> Self {
        Self {
            required: false,
            ..Self::required(name, title, description)
        }
    }

    /// Says what the host completes it with.
    #[must_use]
    pub fn suggesting(mut self, suggestions: Suggestions) -> Self {
        self.suggestions = suggestions;
        self
    }
}

/// What a prompt may answer.
#[derive(Debug, PartialEq)]
pub enum Reply {
    /// Messages.
    Conversation(Conversation),
    /// Questions to the client. The prompt is asked again with the responses,
    /// see [`Context::resume`].
    Questions(Questions),
}

impl From<Conversation> for Reply {
    fn from(conversation: Conversation) -> Self {
        Self::Conversation(conversation)
    }
}

/// The beginning of a conversation.
#[derive(Debug, Default, PartialEq)]
pub struct Conversation {
    description: Option<String>,
    messages: Vec<Message>,
}

impl Conversation {
    /// A conversation in which nothing was said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what it is about, for the person.
    #[must_use]
    pub fn about(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// The person says this.
    #[must_use]
    pub fn user(self, text: impl Into<String>) -> Self {
        self.says(Role::User, Content::Text(text.into()))
    }

    /// The model says this.
    #[must_use]
    pub fn assistant(self, text: impl Into<String>) -> Self {
        self.says(Role::Assistant, Content::Text(text.into()))
    }

    /// One of both says this: text, an image, a resource.
    #[must_use]
    pub fn says(mut self, role: Role, content: Content) -> Self {
        self.messages.push(Message { role, content });
        self
    }
}

/// The account that is meant: the one that is named, or else the only one.
///
/// # Errors
/// If there is none of that name within reach, if several could be meant, or if
/// TWS cannot be asked.
pub fn account(named: Option<String>) -> Result<String, Failure> {
    meant(named, account::accounts()?)
}

fn meant(named: Option<String>, accounts: Vec<String>) -> Result<String, Failure> {
    let list = accounts.join(", ");
    match (named, accounts.as_slice()) {
        (Some(named), _) if accounts.contains(&named) => Ok(named),
        (Some(named), _) => Err(Failure::invalid_arguments(format!(
            "There is no account {named:?} here; the accounts are {list}"
        ))),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(Failure::invalid_arguments(format!(
            "Say which account is meant: {list}"
        ))),
    }
}

/// Facts as JSON, for a message: the model reads them instead of guessing.
#[must_use]
pub fn facts(uri: &str, facts: &impl Serialize) -> Content {
    let body = serde_json::to_string(facts).unwrap_or_default();
    Content::EmbeddedResource(EmbeddedResource {
        uri: uri.to_owned(),
        mime_type: Some("application/json".to_owned()),
        body: ResourceBody::Text(body),
    })
}

/// What a prompt says of itself, as the host asks for it.
#[must_use]
pub fn describe<P: Prompt>(version: &str) -> Descriptor {
    Descriptor {
        name: P::NAME.to_owned(),
        title: P::TITLE.to_owned(),
        description: P::DESCRIPTION.to_owned(),
        version: version.to_owned(),
        arguments: P::arguments(),
    }
}

/// One request, from the arguments' JSON text to its outcome.
#[must_use]
pub fn get<P: Prompt>(request: Request) -> PromptOutcome {
    let context = Context::new(request.resume, request.askable);
    let reply = serde_json::from_str(&request.arguments)
        .map_err(|error| Failure::invalid_arguments(without_position(&error.to_string())))
        .and_then(|input| P::get(&context, input));
    match reply {
        Ok(Reply::Conversation(Conversation {
            description,
            messages,
        })) => PromptOutcome::Answer(PromptAnswer {
            description,
            messages,
        }),
        Ok(Reply::Questions(questions)) => PromptOutcome::InputRequired(questions),
        Err(failure) => PromptOutcome::Failure(failure),
    }
}

/// Makes a component of the crate: the prompt's type becomes its one export.
///
/// The version that it tells the host is the crate's own.
#[macro_export]
macro_rules! export_prompt {
    ($prompt:ty) => {
        const _: () = {
            /// What the host calls.
            #[cfg_attr(
                not(target_family = "wasm"),
                expect(dead_code, reason = "only the sandbox calls it")
            )]
            struct Component;

            impl $crate::prompt_bindings::exports::sandpit::tool::prompt::Guest for Component {
                fn describe() -> $crate::prompt::Descriptor {
                    $crate::prompt::describe::<$prompt>(env!("CARGO_PKG_VERSION"))
                }

                fn get(request: $crate::Request) -> $crate::prompt::PromptOutcome {
                    $crate::prompt::get::<$prompt>(request)
                }
            }

            #[cfg(target_family = "wasm")]
            $crate::prompt_bindings::export_prompt_component!(
                Component with_types_in $crate::prompt_bindings
            );
        };
    };
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::Decimal;

    struct Check;

    #[derive(Deserialize)]
    struct Input {
        quantity: Decimal,
        account: Option<String>,
    }

    impl Prompt for Check {
        const NAME: &'static str = "check";
        const TITLE: &'static str = "Check";
        const DESCRIPTION: &'static str = "Checks.";
        type Input = Input;

        fn arguments() -> Vec<Argument> {
            vec![
                Argument::required("quantity", "Quantity", "How many"),
                Argument::optional("account", "Account", "Whose").suggesting(Suggestions::Accounts),
            ]
        }

        fn get(_context: &Context, input: Input) -> Result<Reply, Failure> {
            let Some(account) = input.account else {
                return Err(Failure::invalid_arguments("Whose?"));
            };
            let text = format!("{} for {account}", input.quantity);
            Ok(Conversation::new().about("A check").user(text).into())
        }
    }

    fn got(arguments: &str) -> PromptOutcome {
        get::<Check>(Request {
            arguments: arguments.to_owned(),
            resume: None,
            askable: crate::Askable::empty(),
        })
    }

    #[test]
    fn it_says_what_it_is() {
        let descriptor = describe::<Check>("1.2.3");
        assert_eq!(
            (descriptor.name.as_str(), descriptor.version.as_str()),
            ("check", "1.2.3")
        );
        let said: Vec<_> = descriptor
            .arguments
            .iter()
            .map(|argument| {
                (
                    argument.name.as_str(),
                    argument.required,
                    &argument.suggestions,
                )
            })
            .collect();
        assert_eq!(
            said,
            [
                ("quantity", true, &Suggestions::None),
                ("account", false, &Suggestions::Accounts),
            ]
        );
    }

    #[test]
    fn texts_become_arguments_and_messages() {
        assert_eq!(
            got(r#"{"quantity":"1.50","account":"DU1"}"#),
            PromptOutcome::Answer(PromptAnswer {
                description: Some("A check".to_owned()),
                messages: vec![Message {
                    role: Role::User,
                    content: Content::Text("1.50 for DU1".to_owned()),
                }],
            })
        );
    }

    #[test]
    fn the_account_is_named_or_the_only_one() {
        let (one, two) = (["A".to_owned()], ["A".to_owned(), "B".to_owned()]);
        assert_eq!(meant(None, one.to_vec()).as_deref(), Ok("A"));
        assert_eq!(
            meant(Some("B".to_owned()), two.to_vec()).as_deref(),
            Ok("B")
        );
        for (named, accounts) in [
            (None, two.to_vec()),
            (Some("C".to_owned()), two.to_vec()),
            (None, Vec::new()),
        ] {
            assert!(meant(named, accounts).is_err());
        }
    }

    #[test]
    fn failures_are_those_of_tools() {
        let PromptOutcome::Failure(failure) = got(r#"{"quantity":"1"}"#) else {
            unreachable!("it fails")
        };
        assert_eq!(failure.message, "Whose?");
        let PromptOutcome::Failure(failure) = got(r#"{"quantity":"many"}"#) else {
            unreachable!("it fails")
        };
        assert!(failure.message.contains("\"many\" is not a decimal number"));
        assert!(!failure.message.contains("line"), "{}", failure.message);
    }
}
