//! What the official MCP conformance suite expects of the server that it tests:
//! every file in `examples` is one tool, resource or prompt and becomes one
//! component, built by `just test-components`. For tests only.
//!
//! The names and texts are the suite's. A tool or a prompt is a function;
//! [`tool!`] and [`prompt!`] make a component of it that is named after its file.

use std::time::Duration;

pub use sandpit_sdk::prompt::{Argument, Conversation, Prompt, Reply};
pub use sandpit_sdk::{
    Annotations, Askable, Blob, Content, Context, Elicitation, Failure, FailureKind, InputRequest,
    Question, Questions, ResourceDescriptor, Role, Suggestions, Tool, Unstructured,
};
use sandpit_sdk::{EmbeddedResource, InputResponse, ResourceBody, Resume};

/// Makes a component of a function. A tool without arguments takes
/// [`Nothing`]; a third parameter says which resources its answer is.
#[macro_export]
macro_rules! tool {
    ($call:path) => {
        $crate::tool!($call, $crate::Nothing);
    };
    ($call:path, $input:ty) => {
        $crate::tool!($call, $input, Vec::new);
    };
    ($call:path, $input:ty, $resources:path) => {
        /// The tool.
        pub struct Fixture;

        impl $crate::Tool for Fixture {
            const NAME: &'static str = env!("CARGO_CRATE_NAME");
            const TITLE: &'static str = "Conformance";
            const DESCRIPTION: &'static str = "What the conformance suite expects. For tests only.";
            const ANNOTATIONS: $crate::Annotations = $crate::QUIET;
            type Input = $input;
            type Output = $crate::Unstructured;

            fn resources() -> Vec<$crate::ResourceDescriptor> {
                $resources()
            }

            fn call(
                context: &$crate::Context,
                input: $input,
            ) -> Result<$crate::Unstructured, $crate::Failure> {
                $call(context, input)
            }
        }

        sandpit_sdk::export_tool!(Fixture);
    };
}

/// Makes a component of a function that writes messages, and of one that says
/// which arguments there are. A prompt without arguments takes [`Nothing`].
#[macro_export]
macro_rules! prompt {
    ($get:path, $arguments:path) => {
        $crate::prompt!($get, $arguments, $crate::Nothing);
    };
    ($get:path, $arguments:path, $input:ty) => {
        /// The prompt.
        pub struct Fixture;

        impl $crate::Prompt for Fixture {
            const NAME: &'static str = env!("CARGO_CRATE_NAME");
            const TITLE: &'static str = "Conformance";
            const DESCRIPTION: &'static str = "What the conformance suite expects. For tests only.";
            type Input = $input;

            fn arguments() -> Vec<$crate::Argument> {
                $arguments()
            }

            fn get(
                context: &$crate::Context,
                input: $input,
            ) -> Result<$crate::Reply, $crate::Failure> {
                $get(context, input)
            }
        }

        sandpit_sdk::export_prompt!(Fixture);
    };
}

/// It changes nothing and reaches nothing.
pub const QUIET: Annotations = Annotations {
    open_world: false,
    ..Annotations::READ
};

/// No arguments.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct Nothing {}

/// A form with one name.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct Name {
    /// The name
    pub name: String,
}

/// A form with one yes or no.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct Confirmation {
    /// Yes or no
    pub ok: bool,
}

/// An image of one pixel.
#[must_use]
pub fn image() -> Content {
    Content::Image(Blob {
        data: include_bytes!("../../fixture/src/pixel.png").to_vec(),
        mime_type: "image/png".to_owned(),
    })
}

/// A text as a resource in an answer.
#[must_use]
pub fn embedded(uri: &str, mime_type: &str, text: &str) -> Content {
    Content::EmbeddedResource(EmbeddedResource {
        uri: uri.to_owned(),
        mime_type: Some(mime_type.to_owned()),
        body: ResourceBody::Text(text.to_owned()),
    })
}

/// What the person did with a form, as the suite writes it.
#[must_use]
pub fn outcome(resume: &Resume, name: &str) -> String {
    match resume.response(name) {
        Some(InputResponse::Accept(answer)) => format!("action=accept, content={answer}"),
        Some(InputResponse::Decline) => "action=decline, content={}".to_owned(),
        _ => "action=cancel, content={}".to_owned(),
    }
}

/// Waits a little, so that what was said before goes out by itself.
pub fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}
