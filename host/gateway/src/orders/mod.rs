//! Orders: the book of what this client has sent, reading what TWS has, and
//! placing, changing and cancelling.

mod book;
mod cancelling;
mod entry;
mod executions;
mod feeding;
mod placing;
mod reading;
mod trading;
mod what_if;

pub(crate) use book::Book;
