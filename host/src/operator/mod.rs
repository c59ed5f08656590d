//! What makes a person the operator of a host.

mod secret;
mod token;

pub use secret::Secret;
pub use token::{find, open, place, tokens_file};
