//! What can be wrong with a policy.

/// A policy that makes no sense, with every fault in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .faults.join("\n"))]
pub struct PolicyError {
    /// The faults: each names the key, what was found, and what is expected.
    pub faults: Vec<String>,
}

/// Faults as they are found.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<String>);

/// The longest value that a fault repeats, in characters.
const FOUND: usize = 100;

impl Faults {
    /// Notes that `key` is `found` and must be what `expected` says.
    pub(super) fn add(&mut self, key: &str, found: &str, expected: impl std::fmt::Display) {
        let mut short: String = found.chars().take(FOUND).collect();
        if short.len() < found.len() {
            short.push('…');
        }
        self.0
            .push(format!("{key} is {short}; it must be {expected}."));
    }

    pub(super) fn result(self) -> Result<(), PolicyError> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(PolicyError { faults: self.0 })
    }
}
