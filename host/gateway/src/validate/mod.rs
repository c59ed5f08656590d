//! What the host can know to be wrong before anything reaches TWS. Each
//! sentence says what was given, what was expected and what to do.

mod contract;
mod history;
mod order;

pub(crate) use contract::{contract, tradable};
pub(crate) use history::bars;
pub(crate) use order::order;

use crate::model::{Error, Result};

/// The longest text that any field of a request may have.
const LONGEST: usize = 256;

/// A text that may stand in a request: no control characters, not too long.
pub(crate) fn plain(field: &str, text: &str) -> Result<()> {
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(format!(
            "{field} contains a control character. Send plain text."
        )));
    }
    if text.chars().count() > LONGEST {
        return Err(Error::invalid(format!(
            "{field} is longer than {LONGEST} characters. Shorten it."
        )));
    }
    Ok(())
}

/// As [`plain`], for a text that may be absent but not empty.
fn plain_if_given(field: &str, value: Option<&String>) -> Result<()> {
    match value {
        Some(text) if text.trim().is_empty() => Err(Error::invalid(format!(
            "{field} is empty. Leave it out, or give it a value."
        ))),
        Some(text) => plain(field, text),
        None => Ok(()),
    }
}
