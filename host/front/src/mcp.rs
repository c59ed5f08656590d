//! The tools over MCP (Streamable HTTP), for both protocol eras.
//!
//! Clients up to 2025-11-25 open a session with `initialize`, or call without
//! one; clients of 2026-07-28 carry version and capabilities in every request.
//! rmcp speaks both; here is what it is told: who may have a session
//! ([`endpoint`], [`sessions`]), which tools there are ([`catalog`]), how a call
//! runs ([`calls`]), how a question reaches the client ([`dialogue`], [`asked`],
//! [`questions`], [`seal`]), what is read instead of called ([`resources`]), and
//! who learns of changes ([`changes`], [`subscriptions`]). A client that starts the host
//! itself talks to it without HTTP ([`stdio`]).

mod accept;
pub(crate) mod asked;
mod calls;
mod catalog;
mod changes;
pub(crate) mod content;
mod dialogue;
mod endpoint;
mod handler;
pub(crate) mod prompts;
pub(crate) mod questions;
mod resources;
mod seal;
mod sessions;
pub(crate) mod stdio;
mod subscriptions;

pub(crate) use changes::ListChanges;
pub(crate) use endpoint::Endpoint;
