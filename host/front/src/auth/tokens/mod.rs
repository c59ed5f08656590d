//! Bearer tokens that the operator gives out.
//!
//! A token is 256 random bits, shown once. What is kept is its SHA-256: there
//! is nothing to guess about such a token, so that a slow hash would only slow
//! down every request. [`TokenFile`] makes, lists and revokes them; [`live`]
//! is what a running host knows of the file.

mod file;
pub(super) mod live;

pub use file::{TokenEntry, TokenError, TokenFile, TokenTerms};
