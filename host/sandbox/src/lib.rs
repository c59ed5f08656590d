//! The sandbox: runs tools that are WebAssembly components.
//!
//! A component is one tool. It is loaded once ([`Sandbox::load`]): compiled,
//! linked with exactly the capabilities that it imports and that are granted,
//! and asked to describe itself. Every call ([`Component::call`]) then runs in
//! a fresh instance whose memory, time, output and requests are bounded, and
//! of which nothing survives.
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
mod limits;
mod load;
mod log;
mod outcome;
mod run;
mod sandbox;
mod slots;
mod state;
mod wasi;

pub use call::{Call, Event, Level, Response, Resume};
pub use capability::{Capability, Grants};
pub use component::Component;
pub use config::{CallLimits, Rate, SandboxConfig};
pub use descriptor::{Annotations, Descriptor, HttpMethod, RestRoute};
pub use error::{CallError, LoadError, SandboxError};
pub use outcome::{
    Answer, Blob, Content, EmbeddedResource, Failure, FailureKind, Outcome, Question, ResourceBody,
    ResourceLink, Structured,
};
pub use sandbox::Sandbox;
