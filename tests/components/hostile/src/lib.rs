//! Hostile tools: every file in `examples` is one attack and becomes one
//! component, built by `just test-components`. For tests only.
//!
//! An attack is a function from the arguments to an outcome; [`attack!`] makes
//! a tool of it that is named after its file and describes itself as a tool
//! that does no harm:
//!
//! ```ignore
//! //! Spins, and never calls the host.
//! use hostile::Outcome;
//!
//! fn call(_arguments: &str) -> Outcome {
//!     loop {}
//! }
//!
//! hostile::attack!(call);
//! ```
//!
//! Arguments are read without a JSON parser, which keeps the components small
//! and quick to build: there is at most one, a number or a text.

pub mod bindings;
pub mod wasi;

pub use bindings::exports::sandpit::tool::plugin::{Descriptor, Outcome, Request};
pub use bindings::sandpit::broker;
pub use bindings::sandpit::tool::context;
pub use bindings::sandpit::tool::types::{Annotations, Answer, Failure, FailureKind};

use broker::types::{Contract, SecurityType};

/// Makes a component of an attack. A second function may change what the tool
/// says of itself.
#[macro_export]
macro_rules! attack {
    ($call:path) => {
        $crate::attack!($call, core::convert::identity);
    };
    ($call:path, $describe:path) => {
        const _: () = {
            /// What the host calls.
            #[cfg_attr(
                not(target_family = "wasm"),
                expect(dead_code, reason = "only the sandbox calls it")
            )]
            struct Component;

            impl $crate::bindings::exports::sandpit::tool::plugin::Guest for Component {
                fn describe() -> $crate::Descriptor {
                    $describe($crate::harmless(env!("CARGO_CRATE_NAME")))
                }

                fn call(request: $crate::Request) -> $crate::Outcome {
                    $call(&request.arguments)
                }
            }

            #[cfg(target_family = "wasm")]
    $crate::bindings::export_component!(Component with_types_in $crate::bindings);
        };

        /// The attack, where no sandbox is there to call it.
        #[cfg(not(target_family = "wasm"))]
        pub const ATTACK: (
            fn(&str) -> $crate::Outcome,
            fn($crate::Descriptor) -> $crate::Descriptor,
        ) = ($call, $describe);
    };
}

/// What a tool says of itself that does no harm.
#[must_use]
pub fn harmless(name: &str) -> Descriptor {
    Descriptor {
        name: name.to_owned(),
        title: "Harmless".to_owned(),
        description: "Reads a little, and changes nothing.".to_owned(),
        version: "1.0.0".to_owned(),
        input_schema: r#"{"type":"object"}"#.to_owned(),
        output_schema: None,
        annotations: Annotations {
            read_only: true,
            destructive: false,
            idempotent: true,
            open_world: false,
        },
        routes: Vec::new(),
        streaming: false,
        resources: Vec::new(),
    }
}

/// The only argument, a number; 0 if there is none.
#[must_use]
pub fn number(arguments: &str) -> u64 {
    let (_, value) = arguments.rsplit_once(':').unwrap_or_default();
    value.trim_matches([' ', '}']).parse().unwrap_or(0)
}

/// The only argument, a text; empty if there is none.
#[must_use]
pub fn text(arguments: &str) -> &str {
    arguments.rsplit('"').nth(1).unwrap_or_default()
}

/// A structured answer: a JSON object.
#[must_use]
pub fn answer(structured: impl Into<String>) -> Outcome {
    Outcome::Answer(Answer {
        content: Vec::new(),
        structured: Some(structured.into()),
    })
}

/// The answer of an attack that looks for something: all that it found.
#[must_use]
pub fn found(found: &[String]) -> Outcome {
    answer(format!(r#"{{"found":{found:?}}}"#))
}

/// What becomes of a request that the broker, or the host for it, refused.
#[must_use]
pub fn refused(error: broker::types::Error) -> Outcome {
    use broker::types::Error;
    let (kind, message) = match error {
        Error::NoPermission(message) => (FailureKind::NoPermission, message),
        Error::NotFound(message) => (FailureKind::NotFound, message),
        Error::Pacing(message) => (FailureKind::Pacing, message),
        Error::Cancelled(message) => (FailureKind::Cancelled, message),
        Error::InvalidRequest(message) => (FailureKind::InvalidArguments, message),
        other => (FailureKind::Internal, format!("{other:?}")),
    };
    Outcome::Failure(Failure {
        kind,
        message,
        tws_code: None,
    })
}

/// A stock.
#[must_use]
pub fn stock(symbol: &str) -> Contract {
    Contract {
        con_id: None,
        symbol: symbol.to_owned(),
        security_type: SecurityType::Stock,
        expiry: None,
        strike: None,
        right: None,
        multiplier: None,
        exchange: Some("SMART".to_owned()),
        primary_exchange: None,
        currency: Some("USD".to_owned()),
        local_symbol: None,
        trading_class: None,
        include_expired: false,
        combo_legs: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_argument_is_read() {
        assert_eq!(number(r#"{"count": 17}"#), 17);
        assert_eq!(number("{}"), 0);
        assert_eq!(text(r#"{"account":"DU1"}"#), "DU1");
        assert_eq!(text("{}"), "");
    }
}
