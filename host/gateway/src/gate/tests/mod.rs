//! Tests of the gate, with a market in which everything is known.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails may panic"
)]

mod digests;
mod groups;
mod limits;
mod lists;
mod market;
mod monotony;
mod needs;
mod numbers;
mod orders;
mod standing;
mod state;
mod texts;
