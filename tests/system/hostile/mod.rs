//! A hostile tool can do no more than its grant says: every attack of
//! `tests/components/hostile`, and some that no compiler writes, against the
//! real host, beside tools that go on serving. And for every attack a control:
//! the same component where the defence is missing, or its bound lifted, to
//! show that the attack is one.

mod bare;
mod grants;
mod neighbours;
mod output;
mod reach;
mod sentences;
pub mod siege;
mod space;
mod time;
mod written;
