//! The kinds of rows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($name:ident = $text:literal, $what:literal;)*) => {
        /// The kind of a row.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum Kind {
            $(#[doc = $what] $name,)*
        }

        impl Kind {
            /// All of them, in the order of an order's life.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name, as rows and filters write it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

kinds! {
    Asked = "asked", "A caller asked for something.";
    Verdict = "verdict", "The gate's verdict, rule by rule.";
    Refused = "refused", "Refused before anything was sent.";
    Sending = "sending", "About to be handed to the socket.";
    NotSent = "not-sent", "Never reached the socket after all.";
    Acknowledged = "acknowledged", "TWS took a request.";
    Status = "status", "TWS told of an order's state.";
    Fill = "fill", "A fill.";
    Commission = "commission", "What a fill cost.";
    Correction = "correction", "A fill was corrected or busted.";
    Rejected = "rejected", "TWS refused a request.";
    Cancelled = "cancelled", "An order was cancelled.";
    Uncertain = "uncertain", "Sent, and TWS's word never came.";
    Reconciled = "reconciled", "What a look-up in TWS found.";
    Seen = "seen", "An order of someone else was seen.";
    Halt = "halt", "Trading was halted.";
    Resume = "resume", "Trading was resumed.";
    Gap = "gap", "The connection was lost, or came back.";
    Note = "note", "Anything else.";
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is no kind of row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("There is no kind of row with this name. The kinds are: {}.", kinds())]
pub struct UnknownKind;

fn kinds() -> String {
    let names: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    names.join(", ")
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let mut all = Self::ALL.iter().copied();
        all.find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_are_those_of_the_json() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            let json = serde_json::to_value(kind).ok();
            assert_eq!(json, Some(kind.as_str().into()));
        }
        let words = "filled".parse::<Kind>().err().map(|it| it.to_string());
        assert!(words.is_some_and(|words| words.contains("fill, commission")));
    }
}
