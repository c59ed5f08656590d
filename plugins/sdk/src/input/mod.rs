//! What people and models write: contracts, orders, durations, under TWS's
//! names and in TWS's formats. Whatever cannot be right is refused with a
//! sentence that says what would be.

mod both;
mod contract;
mod fields;
mod history;
mod order;

pub use both::Both;
pub use contract::{ContractArgument, details, qualify};
pub use history::BarsArgument;
pub use order::{
    OptionsArgument, OrderArgument, OrderChangeArgument, OrderRequest, OrderTermsArgument,
};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::broker::order_book::Side;
use crate::time::parse_instant;
use crate::{Failure, Instant};

/// For a tool that takes no arguments.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct NoArguments {}

/// Which account, for a tool of one account.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct AccountArgument {
    /// Needed only if there are several
    pub account: Option<String>,
}

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

/// Reads which side was executed.
///
/// # Errors
/// If it is neither.
pub fn side(text: &str) -> Result<Side, Failure> {
    let table = [
        ("BUY", Side::Bought),
        ("SELL", Side::Sold),
        ("BOT", Side::Bought),
        ("SLD", Side::Sold),
    ];
    one_of("side", text, &table)
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

fn invalid<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::invalid_arguments(message))
}
