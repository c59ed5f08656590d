//! From TWS's formats to the model's, and back.

pub(crate) mod account;
pub(crate) mod contract;
pub(crate) mod decimal;
pub(crate) mod details;
pub(crate) mod order;
pub(crate) mod time;

/// A text, unless it is empty.
pub(crate) fn text(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}
