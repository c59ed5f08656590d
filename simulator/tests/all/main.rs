//! Drives the simulator over a real socket, with the `ibapi` crate as the client.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod accounts;
mod combos;
mod contracts;
mod ib_async;
mod orders;
mod protocol;
mod support;
