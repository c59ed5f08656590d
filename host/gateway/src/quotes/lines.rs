//! What to say where there is no market data line, or only a delayed one.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Quotes;
use crate::convert::contract::describe;
use crate::model::{Contract, Error};
use crate::shared::{Line, holders};

/// How many instruments of one holder are named.
const NAMED: usize = 5;

/// Every line is read by somebody.
pub(super) fn no_line(wanted: &str, lines: &[Arc<Line<Quotes>>]) -> Error {
    let mut held: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines {
        let instrument = describe(&line.source.contract);
        for holder in holders(line) {
            let of = held.entry(holder).or_default();
            if !of.contains(&instrument) {
                of.push(instrument.clone());
            }
        }
    }
    full(wanted, lines.len(), held)
}

fn full(wanted: &str, count: usize, held: BTreeMap<String, Vec<String>>) -> Error {
    let held: Vec<_> = held.into_iter().map(named).collect();
    Error::Pacing(format!(
        "All {count} market data lines are in use, so there is none for {wanted}: {}. Close a \
         stream first, or raise market_data_lines if the account has more.",
        held.join("; ")
    ))
}

fn named((holder, mut instruments): (String, Vec<String>)) -> String {
    instruments.sort();
    let count = instruments.len();
    let more = match count.saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    instruments.truncate(NAMED);
    format!("{holder} holds {count} ({}{more})", instruments.join(", "))
}

/// TWS would serve only delayed quotes, which the configuration does not let
/// stand in.
pub(super) fn only_delayed(contract: &Contract, text: &str, code: i32) -> Error {
    Error::NoPermission(format!(
        "The account has no live quotes of {}, and delayed ones are switched off. Subscribe to \
         them at IBKR, or set delayed_quotes to true. TWS says: {} (code {code}).",
        describe(contract),
        text.trim().trim_end_matches('.')
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holders_are_named_with_some_of_what_they_hold() {
        let many: Vec<_> = (1..=9).map(|number| format!("S{number}")).collect();
        let held = BTreeMap::from([
            ("ibkr_stream_market_data".to_owned(), many),
            ("another".to_owned(), vec!["TLT".to_owned()]),
        ]);
        assert_eq!(
            full("SPY", 10, held).to_string(),
            "All 10 market data lines are in use, so there is none for SPY: another holds 1 \
             (TLT); ibkr_stream_market_data holds 9 (S1, S2, S3, S4, S5 and 4 more). Close a \
             stream first, or raise market_data_lines if the account has more."
        );
    }
}
