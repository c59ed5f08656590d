//! The guest SDK: what a Sandpit tool written in Rust needs.
//!
//! A tool is a type that implements [`Tool`]; [`export_tool!`] makes a
//! component of the crate that it is in. Arguments and answers are types of
//! the tool's own, and their JSON Schemas are derived:
//!
//! ```
//! use sandpit_sdk::prelude::*;
//! use sandpit_sdk::broker::account;
//!
//! /// Counts the positions.
//! pub struct CountPositions;
//!
//! /// What is asked.
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! pub struct Input {
//!     /// Count short positions only
//!     #[serde(default)]
//!     short: bool,
//! }
//!
//! /// What is answered.
//! #[derive(serde::Serialize, schemars::JsonSchema)]
//! pub struct Output {
//!     /// How many there are
//!     count: usize,
//! }
//!
//! impl Tool for CountPositions {
//!     const NAME: &'static str = "count_positions";
//!     const TITLE: &'static str = "Count positions";
//!     const DESCRIPTION: &'static str = "How many positions there are.";
//!     const ANNOTATIONS: Annotations = Annotations::READ;
//!     type Input = Input;
//!     type Output = Output;
//!
//!     fn call(_context: &Context, input: Input) -> Result<Output, Failure> {
//!         let positions = account::positions()?;
//!         let count = positions
//!             .iter()
//!             .filter(|position| !input.short || position.quantity.coefficient < 0)
//!             .count();
//!         Ok(Output { count })
//!     }
//! }
//!
//! sandpit_sdk::export_tool!(CountPositions);
//! ```
//!
//! A component imports only the capabilities whose functions its code calls,
//! so what it may do can be read off it and must be granted by the operator.
//!
//! - [`broker`] holds the capabilities, [`Context`] what the host offers a
//!   tool of its own call.
//! - [`json`] has TWS's data as JSON, under TWS's own names; [`input`] reads
//!   what people and models write: contracts, orders, durations, dates.
//! - [`stream`] runs a subscription to its end.
//! - [`prompt`] is for components that are prompts and not tools.
//!
//! The capabilities exist inside the sandbox only. Everything else here can be
//! tested natively.

pub mod bindings;
mod context;
mod decimal;
mod failure;
pub mod input;
pub mod json;
pub mod prompt;
pub mod prompt_bindings;
mod question;
mod reply;
mod resource;
pub mod schema;
pub mod stream;
pub mod time;
mod tool;

pub use context::Context;
pub use decimal::DecimalError;
pub use reply::{Answer, Reply, Unstructured};
pub use tool::{Tool, call, describe};

pub use bindings::exports::sandpit::tool::plugin::{Descriptor, Outcome, Request};
pub use bindings::sandpit::broker;
pub use bindings::sandpit::broker::types::{Decimal, Instant};
pub use bindings::sandpit::tool::context::Level;
pub use bindings::sandpit::tool::types::{
    Annotations, Askable, Blob, Content, Elicitation, EmbeddedResource, Failure, FailureKind,
    HttpMethod, InputRequest, InputResponse, MessageContent, Question, Questions, ResourceBody,
    ResourceDescriptor, ResourceLink, Response, RestRoute, Resume, Role, Root, Sampled, Sampling,
    SamplingMessage, Suggestions, Variable,
};

/// What nearly every tool needs.
pub mod prelude {
    pub use crate::{Annotations, Context, Failure, ResourceDescriptor, Tool};
}
