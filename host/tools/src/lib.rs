//! The live set of tools: which components are in the folder, what they say of
//! themselves, and calling them by name.
//!
//! A file in the tool folder is a tool. [`Tools::open`] loads all of them; one
//! that cannot be loaded is kept in [`Tools::refused`] with its reason and
//! stops nothing. [`Tools::call`] checks the arguments against the tool's
//! schema before the call and its structured answer after it, so that neither
//! a tool nor a client has to.

mod call;
mod config;
mod error;
mod folder;
mod schema;
mod set;
mod tool;
mod tools;

pub use call::CallRequest;
pub use config::ToolsConfig;
pub use error::{Refusal, ToolError, ToolsError};
pub use sandpit_sandbox::{
    Annotations, Answer, Blob, CallLimits, Capability, Content, Descriptor, EmbeddedResource,
    Event, Failure, FailureKind, Grants, HttpMethod, Level, Outcome, Question, Rate, ResourceBody,
    ResourceLink, Response, RestRoute, Resume, Sandbox, SandboxConfig, Structured,
};
pub use tool::Tool;
pub use tools::{Readiness, Tools};
