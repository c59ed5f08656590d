//! Drives the simulator over a real socket, with the `ibapi` crate as the client.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod accounts;
mod chaos;
mod chaos_orders;
mod combos;
mod contracts;
mod ib_async;
mod orders;
mod port;
mod protocol;
mod support;
mod tape;
mod text;
