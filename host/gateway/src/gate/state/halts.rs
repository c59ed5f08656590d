//! Halts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::gate::words::clean;

/// What halted trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HaltSource {
    /// An operator, by command or by HTTP.
    Operator,
    /// The file that `[gate] halt_file` names.
    File,
    /// A rule about losses.
    Loss,
    /// The host, which could not be sure of itself.
    Host,
}

/// A halt: no new orders, no changes, until an operator lifts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// What halted trading.
    pub source: HaltSource,
    /// Who: the operator's name, the path of the file, the name of the rule.
    pub who: String,
    /// Why, in their words.
    pub why: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
}

impl Halt {
    /// All of it in a sentence for who wants to trade.
    pub fn sentence(&self) -> String {
        let by = match self.source {
            HaltSource::Operator => "an operator",
            HaltSource::File => "a file",
            HaltSource::Loss => "a rule about losses",
            HaltSource::Host => "the host itself",
        };
        let why = match clean(self.why.trim(), 300) {
            why if why.is_empty() => String::new(),
            why => format!(" ({why})"),
        };
        format!(
            "Trading was halted at {} by {by}{why}. Orders can be cancelled; only an operator lets \
             new ones through again.",
            self.since
        )
    }
}

/// Trading stays halted, because of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Trading stays halted: the file {0} is still there. Remove it first.")]
pub struct StillHalted(pub String);

/// The halts, at most one of each source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Halts(BTreeMap<HaltSource, Halt>);

impl Halts {
    /// Halts trading. A source that has halted it already is left as it is.
    /// Answers whether this one is new.
    pub fn set(&mut self, halt: Halt) -> bool {
        let known = self.0.contains_key(&halt.source);
        self.0.entry(halt.source).or_insert(halt);
        !known
    }

    /// Lifts all halts, on the word of an operator. `file` is the path of the
    /// halt file while it exists. A loss that is still beyond its limit halts
    /// again at the next look.
    ///
    /// # Errors
    /// Nothing is lifted while the file is there.
    pub fn lift(&mut self, file: Option<&str>) -> Result<Vec<Halt>, StillHalted> {
        if let Some(file) = file {
            return Err(StillHalted(file.to_owned()));
        }
        Ok(std::mem::take(&mut self.0).into_values().collect())
    }

    /// The halt that came first, while there is one.
    pub fn current(&self) -> Option<&Halt> {
        self.0.values().min_by_key(|halt| halt.since)
    }

    /// All halts.
    pub fn all(&self) -> impl Iterator<Item = &Halt> {
        self.0.values()
    }
}
