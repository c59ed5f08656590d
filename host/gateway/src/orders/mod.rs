//! Orders: the book of what this client has sent, reading what TWS has, and
//! placing, changing and cancelling.

mod book;
mod cancelling;
mod checking;
mod entry;
mod executions;
mod feeding;
mod placing;
mod reading;
pub(crate) mod reconcile;
mod recording;
mod recovery;
mod trading;
mod what_if;

pub(crate) use book::Book;
pub(crate) use recovery::conclude_never_sent;
