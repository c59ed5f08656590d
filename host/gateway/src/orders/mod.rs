//! Orders: the book of what this client has sent, reading what TWS has, and
//! placing, changing and cancelling.

mod book;
mod entry;
mod reading;
mod trading;

pub(crate) use book::Book;
