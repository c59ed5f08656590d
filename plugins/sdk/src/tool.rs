//! What a tool is, and how it becomes a component.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{
    Annotations, Answer, Context, Descriptor, Failure, HttpMethod, Outcome, Request,
    ResourceDescriptor, RestRoute, schema,
};

/// A tool: what it says of itself, and how it answers a call.
pub trait Tool {
    /// Its name, unique in its folder: 1 to 64 of `a-z`, `0-9`, `_`.
    const NAME: &'static str;
    /// A name for people.
    const TITLE: &'static str;
    /// What it answers and when to use it, for a model that chooses.
    const DESCRIPTION: &'static str;
    /// What is true of it.
    const ANNOTATIONS: Annotations;
    /// REST routes beside those that every tool has.
    const ROUTES: &'static [(HttpMethod, &'static str)] = &[];
    /// Whether it sends events while it runs.
    const STREAMING: bool = false;

    /// The arguments. Their schema must be that of an object.
    type Input: DeserializeOwned + JsonSchema;
    /// The answer: a type that becomes a JSON object, a
    /// [`Reply`](crate::Reply) for what JSON is not beside it, or
    /// [`Unstructured`](crate::Unstructured).
    type Output: Answer;

    /// Its answer as resources, for clients that read instead of calling. Only
    /// a tool that is read-only and does not stream has any.
    #[must_use]
    fn resources() -> Vec<ResourceDescriptor> {
        Vec::new()
    }

    /// Answers one call. Every call runs in a fresh instance.
    ///
    /// # Errors
    /// A failure is shown to the caller, who may be a model: it says what
    /// happened, what was expected and what to do.
    fn call(context: &Context, input: Self::Input) -> Result<Self::Output, Failure>;
}

/// What a tool says of itself, as the host asks for it.
#[must_use]
pub fn describe<T: Tool>(version: &str) -> Descriptor {
    Descriptor {
        name: T::NAME.to_owned(),
        title: T::TITLE.to_owned(),
        description: T::DESCRIPTION.to_owned(),
        version: version.to_owned(),
        input_schema: schema::of_input::<T::Input>(),
        output_schema: T::Output::schema(),
        annotations: T::ANNOTATIONS,
        routes: T::ROUTES
            .iter()
            .map(|&(method, path)| RestRoute {
                method,
                path: path.to_owned(),
            })
            .collect(),
        streaming: T::STREAMING,
        resources: T::resources(),
    }
}

/// One call, from the arguments' JSON text to its outcome.
#[must_use]
pub fn call<T: Tool>(request: Request) -> Outcome {
    let context = Context::new(request.resume, request.askable);
    serde_json::from_str(&request.arguments)
        .map_err(|error| Failure::invalid_arguments(without_position(&error.to_string())))
        .and_then(|input| T::call(&context, input))
        .map_or_else(Outcome::Failure, Answer::into_outcome)
}

/// The position that the JSON parser names is one in a text that the caller
/// never sees.
pub(crate) fn without_position(message: &str) -> &str {
    message
        .split_once(" at line ")
        .map_or(message, |(what, _)| what)
}

/// Makes a component of the crate: the tool's type becomes its one export.
///
/// The version that it tells the host is the crate's own.
#[macro_export]
macro_rules! export_tool {
    ($tool:ty) => {
        const _: () = {
            /// What the host calls.
            #[cfg_attr(
                not(target_family = "wasm"),
                expect(dead_code, reason = "only the sandbox calls it")
            )]
            struct Component;

            impl $crate::bindings::exports::sandpit::tool::plugin::Guest for Component {
                fn describe() -> $crate::Descriptor {
                    $crate::describe::<$tool>(env!("CARGO_PKG_VERSION"))
                }

                fn call(request: $crate::Request) -> $crate::Outcome {
                    $crate::call::<$tool>(request)
                }
            }

            #[cfg(target_family = "wasm")]
    $crate::bindings::export_component!(Component with_types_in $crate::bindings);
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_s_position_is_not_shown() {
        assert_eq!(
            without_position("a is wrong at line 1 column 7"),
            "a is wrong"
        );
        assert_eq!(without_position("a is wrong"), "a is wrong");
    }
}
