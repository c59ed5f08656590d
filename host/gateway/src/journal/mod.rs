//! The order journal: everything that happens to an order, on the disk before
//! it happens.
//!
//! One SQLite file (WAL, synchronous full), one host that writes it, one
//! thread that does. [`Journal::append`] and [`Journal::begin`] answer once
//! the row is durable; rows that wait at the same time share one wait for the
//! disk. Readers ([`Reader`]) have connections of their own, and may be in
//! another process. Times are given by the caller.
//!
//! ```
//! use sandpit_gateway::journal::{About, Event, Journal, Note, Options};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("journal.db");
//! # let now = time::OffsetDateTime::now_utc();
//! let journal = Journal::open(path, Options::default())?;
//! let note = Note { who: "operator".into(), text: "The first day.".into() };
//! let row = journal.append(now, About::default(), Event::Note(note)).wait()?;
//! assert_eq!(row.seq, 1);
//! assert!(journal.reader()?.verify()?.is_whole());
//! # Ok(())
//! # }
//! ```
//!
//! # An order's life
//!
//! An order has a key of its own ([`OrderKey`]), made when it is first asked
//! for, and a request ([`RequestId`]) for each thing that is asked of it. Every
//! row names both, as far as they exist.
//!
//! ```text
//! begin        asked                          gateway::place, modify, cancel: first of all
//! append_all   verdict + refused              the gate says no: answer the caller
//! append_all   verdict + sending              the gate says yes; ids are known. Only then:
//!              --- submit_order, cancel_order ---
//! append       not-sent                       the client library says that it never left
//! append       acknowledged | rejected        TWS's first word on the request
//! append       uncertain                      no word before the deadline or the end
//! append       status, fill, commission, correction, cancelled     as TWS tells
//! append       reconciled                     after a look-up
//! ```
//!
//! # How the gateway calls it
//!
//! - `orders/rows.rs`, for place, modify and exercise: at the entry, before the
//!   contract is qualified, `begin(now, about, Asked::place(…).once(key))`, with
//!   `about.gateway` set, and `about.client_id` too for a change or a cancel.
//!   [`Begun::Repeated`] answers what happened (its [`Told::standing`] has the
//!   state as TWS told it), [`Begun::Conflict`] is refused with
//!   [`Told::conflict`]. [`Begun::New`] has the `about` for what follows. When
//!   `prepare` fails, append [`Refused`] with its words.
//! - `orders/placing.rs`, inside of the turn for sending: take the id, put
//!   `client_id`, `order_id` and `account` into `about`,
//!   [`append_and_keep`](Journal::append_and_keep) the [`Verdict`] (made from
//!   [the gate's](crate::gate::Verdict)), the [`Sending`] with contract and order
//!   as they are sent, and what the gate remembers, and wait for it: of a group
//!   all at once. If it fails, answer its words: nothing may be sent. `not_sent` appends [`NotSent`] for all but an
//!   I/O error, which is [`Uncertain`]. The outcome of `conclude` is
//!   [`Acknowledged`], [`Rejected`] or [`Uncertain`].
//! - `orders/cancelling.rs`: `Sending::cancel()` before `cancel_order`; its
//!   outcome is [`Acknowledged`], [`Cancelled`], [`Rejected`] or [`Uncertain`],
//!   each `of` [`RequestKind::Cancel`].
//! - `orders/feeding.rs`: an entry of the book keeps the order's key, and
//!   each status that *changed* something is an [`Event::Status`], each
//!   execution a [`FillRecord`] or [`Correction`], each commission report a
//!   [`CommissionRecord`]. The stream does not wait for the disk:
//!   `orders/recording.rs` writes behind it, and tries again what could not be
//!   written. An order that TWS tells of and that has no key here is looked up
//!   by its ids, and if the journal does not have it, it gets a key by
//!   [`OrderKey::random`] and a [`Seen`].
//! - `orders/reconcile.rs`, after each connect: what TWS lists is written as if
//!   it had been told. An execution or commission that the journal has already
//!   is not written twice ([`Appended::new`] is false). Each order that was in
//!   flight gets a [`Reconciled`]; one that TWS does not list only after it was
//!   looked for again. Until then it is uncertain.
//! - At a start (`orders/recovery.rs`): each of [`Reader::never_sent`] that is
//!   older than [`Journal::opened_at`] gets a [`NotSent`], before anything is
//!   asked; each of [`Reader::unfinished_of`] is in the book before the first
//!   connection is used, and looked up as after any reconnect. No order id is
//!   given that is not above [`Reader::highest_order_id`]. [`Reader::halt`] says
//!   whether trading is halted, [`Reader::counts`] what was sent today.
//!
//! # When it cannot be written
//!
//! `begin` and `append` answer [`JournalError::Unwritable`], whose text says
//! that no order goes out and what to do. Every later call tries again by
//! itself, so that it recovers with its disk; [`Journal::trouble`] tells the
//! present state. A row whose append failed may be in the journal all the
//! same, when the disk failed after it was written: it then tells of something
//! that was about to happen and did not. That a row is missing which was
//! answered for does not happen.
//!
//! # What verify finds
//!
//! Each row carries the SHA-256 of all its columns and of the row before it,
//! and the first follows the journal's own random name. [`Reader::verify`]
//! walks the chain and names the first row that was altered, removed, put in
//! or moved. The number and hash of the last row are kept apart, in the file
//! beside it that ends in `.head`; so rows cut off the end, or a lost WAL
//! file, are found too, at a start as well. A head file that is gone or does
//! not belong is a fault like any other.
//!
//! It cannot find what somebody does who may write both files and takes the
//! trouble to compute everything anew: there is no secret in it. Whoever must
//! be able to prove more keeps the hash that `verify` answers somewhere else
//! from time to time; it proves every row up to it. And after a crash the head
//! may lag behind the rows by the last transaction: those very rows could be
//! cut off unseen, or a well-made row be put behind them, until the host
//! starts again.

mod append;
mod chain;
mod entry;
mod error;
mod event;
mod exact;
pub mod export;
mod filter;
mod handle;
mod head;
mod index;
mod key;
mod once;
mod options;
mod reader;
mod record;
mod schema;
mod standing;
mod story;
mod table;
mod verify;
mod words;
mod writer;

pub use chain::{BadHash, Hash};
pub use entry::{About, Appended, Entry, Row};
pub use error::{Cause, JournalError, OpenError, ReadError};
pub use event::{
    Acknowledged, Asked, CallerRecord, Cancelled, CheckRecord, CommissionRecord, Correction, Event,
    FillRecord, Found, Gap, GapKind, Halt, Kind, NotSent, Note, Outcome, Reconciled, Refused,
    Rejected, RequestKind, Resume, Seen, Sending, Uncertain, UnknownKind, Verdict,
};
pub use filter::{Filter, Rows};
pub use handle::{Journal, Pending};
pub use key::{BadIdempotencyKey, BadOrderKey, IdempotencyKey, OrderKey, RequestId};
pub use once::{Begun, Told};
pub use options::Options;
pub use reader::{Counts, Reader};
pub use record::{ComboLegRecord, ContractRecord, OrderRecord, StateRecord};
pub use standing::{Amount, Standing};
pub use story::{RequestOutcome, RequestStory, Stage};
pub use verify::{Fault, Verified};
pub use words::line;
