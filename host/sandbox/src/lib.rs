//! The sandbox: runs tools that are WebAssembly components.
//!
//! A component is one tool or one prompt. It is looked at once ([`Sandbox::inspect`]):
//! compiled, checked, and asked to describe itself where it can reach nothing.
//! It is then linked ([`Inspected::link`]) with exactly the capabilities that
//! it imports and that are granted. Every call ([`Component::call`],
//! [`Component::get`]) runs in a fresh instance whose memory, time, output, requests and reach ([`Scope`])
//! are bounded, and of which nothing survives.
//!
//! The capabilities are the WIT interfaces of the package `sandpit:broker`,
//! implemented here on the gateway; WASI is there and leads nowhere. Callers
//! of this crate see neither wasmtime nor WIT.

mod bindings;
mod cache;
mod call;
mod capabilities;
mod capability;
mod component;
mod config;
mod convert;
mod descriptor;
mod engine;
mod error;
mod gateways;
mod inspected;
mod kind;
mod limits;
mod lines;
mod load;
mod log;
mod memory;
mod metrics;
mod outcome;
mod prompt;
mod question;
mod resource;
mod run;
mod sandbox;
mod scope;
mod slots;
mod state;
mod suggest;
mod times;
mod uri_template;
mod wasi;

pub use cache::digest_of;
pub use call::{Call, Event, Level};
pub use capability::{Capability, Grants};
pub use component::Component;
pub use config::{CallLimits, Rate, SandboxConfig};
pub use descriptor::{Annotations, Descriptor, HttpMethod, RestRoute};
pub use error::{CallError, LoadError, SandboxError};
pub use inspected::Inspected;
pub use lines::Lines;
pub use metrics::SandboxMetrics;
pub use outcome::{
    Answer, Blob, Confirmation, Content, EmbeddedResource, Failure, FailureKind, Outcome,
    ResourceBody, ResourceLink, Structured,
};
pub use prompt::{Argument, Message, PromptAnswer};
pub use question::{
    Askable, Elicitation, InputRequest, InputResponse, MessageBlob, MessageContent, Question,
    Questions, Response, Resume, Role, Root, Sampled, Sampling, SamplingMessage,
};
pub use resource::{ResourceDescriptor, Suggestions, Variable};
pub use sandbox::Sandbox;
pub use sandpit_gateway::News;
pub use scope::{Reach, Scope};
pub use times::Times;
pub use uri_template::UriTemplate;
