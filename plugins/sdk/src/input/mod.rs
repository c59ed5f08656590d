//! What people and models write: contracts, orders, durations, under TWS's
//! names and in TWS's formats. Whatever cannot be right is refused with a
//! sentence that says what would be.

mod contract;
mod history;
mod order;

pub use contract::{ContractArgument, ContractFields, details, qualify};
pub use history::BarsArgument;
pub use order::{OrderArgument, OrderFields};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::time::parse_instant;
use crate::{Failure, Instant};

/// For a tool that takes no arguments.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct NoArguments {}

/// Reads a moment.
///
/// # Errors
/// If it is not one, or does not say its time zone.
pub fn instant(name: &str, text: &str) -> Result<Instant, Failure> {
    parse_instant(text).ok_or_else(|| {
        Failure::invalid_arguments(format!(
            "{name} {text:?} is not a time: write it with its time zone, \
             for example \"2026-12-18T15:00:00Z\""
        ))
    })
}

/// One of the values that `table` names, whatever its case.
fn one_of<T: Clone>(name: &str, text: &str, table: &[(&str, T)]) -> Result<T, Failure> {
    table
        .iter()
        .find(|(code, _)| code.eq_ignore_ascii_case(text.trim()))
        .map(|(_, value)| value.clone())
        .ok_or_else(|| {
            let codes: Vec<&str> = table.iter().map(|(code, _)| *code).collect();
            Failure::invalid_arguments(format!(
                "{name} must be one of {}; got {text:?}",
                codes.join(", ")
            ))
        })
}

/// A text, unless it is blank.
fn filled(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}
