//! The gateway on the simulator, over a real socket.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod account;
mod combos;
mod connection;
mod data;
mod gate;
mod journalling;
mod orders;
mod outages;
mod pacing;
mod quotes;
mod supervisor;
mod support;
