//! Orders: the book of what this client has sent, reading what TWS has, and
//! placing, changing and cancelling through the gate and the journal.

mod asking;
mod book;
mod cancelling;
mod checking;
mod confirming;
mod entry;
mod executions;
mod exercising;
mod feeding;
mod group;
mod halting;
mod modifying;
mod passing;
mod placing;
mod preview;
mod reading;
pub(crate) mod reconcile;
mod recording;
mod recovery;
mod repeating;
mod rows;
mod situation;
mod trade;
mod trading;
mod what_if;

pub(crate) use book::Book;
pub(crate) use halting::watch;
pub(crate) use recovery::conclude_never_sent;
pub(crate) use trade::Trade;
