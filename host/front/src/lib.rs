//! The front room: HTTP, MCP and plain REST over one live set of tools.
//!
//! It knows nothing of WebAssembly and nothing of TWS. Below `/api/v1` it
//! serves the same tools twice:
//!
//! - MCP (Streamable HTTP, both protocol eras) at `/api/v1/mcp` and at
//!   `/api/v1` itself (module `mcp`, which also serves standard input and output);
//! - REST, generated from the tools at request time (module `rest`).
//!
//! Answers of tools that are resources (module `resources`) are read both ways.
//!
//! Who may call is told by the module `auth`, which also says which tools there
//! are for a caller.
//!
//! Beside them are `/healthz`, `/readyz` and `/metrics`, and the paths below `/operator` for
//! whoever has the operator's token (module `operator`), with a page for them at
//! `/console` (module `console`). What all of them share, the checks
//! of `Host` and `Origin`, CORS and the call id, is in the module `router`;
//! connections are in `server`.
//!
//! ```no_run
//! # async fn run(tools: sandpit_tools::Tools) -> Result<(), Box<dyn std::error::Error>> {
//! use sandpit_front::{Front, FrontConfig};
//! use tokio::net::TcpListener;
//! use tokio_util::sync::CancellationToken;
//!
//! let front = Front::new(tools, FrontConfig::default())?;
//! let listener = TcpListener::bind("127.0.0.1:8000").await?;
//! let shutdown = CancellationToken::new();
//! front.serve(listener, shutdown).await?;
//! # Ok(())
//! # }
//! ```

mod arguments;
mod auth;
mod call;
mod config;
mod console;
mod limits;
mod mcp;
mod metrics;
mod operator;
mod origin;
mod problem;
mod reply;
mod resources;
mod rest;
mod router;
mod server;
mod tls;
mod trace;

pub use auth::{
    Algorithm, AuthConfig, Loopback, LoopbackAccess, OAuthConfig, TokenEntry, TokenError,
    TokenFile, TokenTerms, UnknownAlgorithm,
};
pub use config::{ConfigError, FrontConfig, ResourcesConfig};
pub use limits::Limits;
pub use mcp::stdio::{StdioError, serve_stdio};
pub use metrics::{MetricsAccess, MetricsConfig};
pub use operator::{
    HaltWish, NotDone, OperatorAccess, OperatorConfig, OperatorToken, ResumeWish, Trading,
};
pub use rest::routes_of;
pub use server::Front;
pub use tls::{TlsConfig, TlsError};
