//! The live set of tools: which components are in the folder, what the
//! operator's policy makes of them, and calling them by name.
//!
//! A file in the tool folder is a tool or a prompt; what is said of tools here
//! holds for prompts too, unless it says otherwise. [`Tools::open`] loads all of them, and
//! [`Tools::watch`] follows what happens to the folder from then on. What a
//! tool may do is said by the [`Policy`]: one that has no grants there is
//! quarantined, which means that the operator sees it in [`Tools::status`] and
//! nobody can call it. [`Tools::set_policy`] applies another policy at once.
//!
//! [`Tools::call`] checks the arguments against the tool's schema before the
//! call and its structured answer after it, so that neither a tool nor a
//! client has to, and keeps the limits that belong to the tool's name: how
//! many calls run at a time, how many begin within a minute, and in whose turn.
//! [`Tools::get_prompt`] does the same for prompts.

mod admission;
mod call;
mod candidate;
mod changes;
mod config;
mod decide;
mod error;
mod files;
mod folder;
mod foresee;
mod gateway;
mod live;
mod metrics;
pub mod policy;
mod rights;
mod runtime;
mod schema;
mod set;
mod settling;
mod status;
mod tool;
mod tools;
mod watch;

pub use admission::MinuteRate;
pub use call::CallRequest;
pub use config::ToolsConfig;
pub use error::{Refusal, ToolError, ToolsError};
pub use files::component_files;
pub use foresee::foresee;
pub use metrics::ToolsMetrics;
pub use policy::{Policy, PolicyEntry, PolicyError, ToolPolicy};
pub use rights::{Right, Rights};
pub use sandpit_sandbox::{
    Annotations, Answer, Argument, Askable, Blob, CallLimits, Capability, Confirmation, Content,
    Descriptor, Elicitation, EmbeddedResource, Event, Failure, FailureKind, HttpMethod,
    InputRequest, InputResponse, Level, Message, MessageBlob, MessageContent, News, Outcome,
    PromptAnswer, Question, Questions, Rate, ResourceBody, ResourceDescriptor, ResourceLink,
    Response, RestRoute, Resume, Role, Root, Sampled, Sampling, SamplingMessage, Sandbox,
    SandboxConfig, SandboxMetrics, Structured, Suggestions, UriTemplate, Variable,
};
pub use schema::check_answer;
pub use status::{CallState, Kind, LiveCall, Status, ToolLimits, ToolState, ToolStatus, Usage};
pub use tool::Tool;
pub use tools::{Readiness, Tools};
