//! The front room: HTTP, MCP and plain REST over one live set of tools.
//!
//! It knows nothing of WebAssembly and nothing of TWS. Below `/api/v1` it
//! serves the same tools twice:
//!
//! - MCP (Streamable HTTP, both protocol eras) at `/api/v1/mcp` and at
//!   `/api/v1` itself, see [`mcp`];
//! - REST, generated from the tools at request time, see [`rest`].
//!
//! Beside them are `/healthz` and `/readyz`. What all of them share, the checks
//! of `Host` and `Origin`, CORS and the call id, is in [`router`]; connections
//! are in [`server`].

mod arguments;
mod call;
mod config;
mod mcp;
mod origin;
mod problem;
mod reply;
mod rest;
mod router;
mod server;

pub use config::{ConfigError, FrontConfig};
pub use server::Front;
