//! The order journal, on real files.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod chain;
mod concurrency;
mod export;
mod kill;
mod life;
mod once;
mod opening;
mod queries;
mod support;
mod trouble;
