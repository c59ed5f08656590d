//! The books: what the accounts have, and the proof that it adds up.

pub(crate) mod ledger;
pub(crate) mod margin;
mod snapshot;

pub use snapshot::{
    AccountBooks, Books, ExecutionRecord, OrderChange, OrderRecord, PositionRecord,
};
