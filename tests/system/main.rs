//! Whole-system tests: the real `sandpit` binary with the real components, a
//! real MCP client or plain HTTP in front, and the simulated TWS behind, each
//! connected over a socket of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say so and stop"
)]

mod support;

mod access;
mod adversary;
#[expect(dead_code, reason = "the tests of the front use the rest")]
#[path = "../../host/front/tests/all/auth_issuer.rs"]
mod auth_issuer;
mod bad_input;
mod catalogue;
mod combos;
mod confirmation;
mod curl;
mod gateways;
mod guide;
mod hostile;
mod kill;
mod lifecycle;
mod operator;
mod questions;
mod rebalancing;
mod same_answer;
mod soak;
mod stdio;
mod streams;
mod telemetry;
mod trading;
mod week;
