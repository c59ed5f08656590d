//! The order journal, on real files.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
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
