//! The gateway: the one owner of the socket to TWS or IB Gateway.
//!
//! Every caller shares it. It speaks the vocabulary of [`model`] and knows
//! nothing of WebAssembly, MCP or HTTP.

pub mod model;
