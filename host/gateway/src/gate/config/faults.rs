//! What can be wrong with the gate's configuration.

use std::fmt::Display;

/// The longest value that a fault repeats, in characters.
const FOUND: usize = 100;

/// A configuration of the gate that makes no sense, with every fault in a
/// sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .faults.join("\n"))]
pub struct GateConfigError {
    /// The faults: each names the key, what was found, and what is expected.
    pub faults: Vec<String>,
}

/// Faults as they are found.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<String>);

impl Faults {
    /// Notes that `key` is `found` and must be what `expected` says.
    pub(super) fn add(&mut self, key: &str, found: &str, expected: impl Display) {
        let mut short: String = found.chars().take(FOUND).collect();
        if short.len() < found.len() {
            short.push('…');
        }
        self.0
            .push(format!("{key} is {short}; it must be {expected}."));
    }

    /// Notes it unless `fine`.
    pub(super) fn unless(&mut self, fine: bool, key: &str, found: &str, expected: impl Display) {
        if !fine {
            self.add(key, found, expected);
        }
    }

    pub(super) fn result(self) -> Result<(), GateConfigError> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(GateConfigError { faults: self.0 })
    }
}
