//! What the operator says that codes mean: IBKR adds new ones, and lets old ones
//! say something else, faster than programs learn of it.

use std::collections::BTreeMap;

use ibapi::Notice;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::Level;

use super::OrderMessage;

/// What a message code of TWS means, where the operator knows better than the
/// host. It holds for messages about orders and for those without a request. The
/// status of an order is always TWS's: whatever a code means, an order ends only
/// when its status says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CodeMeaning {
    /// Less than was asked for, and the order lives on. It is told with the
    /// order and logged as a warning.
    Warning,
    /// TWS refuses what it was asked. It is told with the order and logged as
    /// an error.
    Refusal,
    /// Nothing that matters. It is told to nobody.
    Ignored,
}

/// The operator's meanings, by code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides(BTreeMap<i32, CodeMeaning>);

impl From<BTreeMap<i32, CodeMeaning>> for Overrides {
    fn from(meanings: BTreeMap<i32, CodeMeaning>) -> Self {
        Self(meanings)
    }
}

impl Overrides {
    /// What a message means for the order whose id it carries; nothing if it is
    /// ignored.
    pub(crate) fn order_message(&self, code: i32, text: &str) -> Option<OrderMessage> {
        match self.0.get(&code) {
            Some(CodeMeaning::Warning) => Some(OrderMessage::Warning),
            Some(CodeMeaning::Refusal) => Some(OrderMessage::Refused),
            Some(CodeMeaning::Ignored) => None,
            None => Some(super::order_message(code, text)),
        }
    }

    /// Logs a message without a request, as loudly as it means.
    pub(crate) fn log(&self, notice: &Notice) {
        let Notice { code, message, .. } = notice;
        match self.level(*code, message) {
            Level::ERROR => tracing::error!(code, "TWS: {message}"),
            Level::WARN => tracing::warn!(code, "TWS: {message}"),
            Level::INFO => tracing::info!(code, "TWS: {message}"),
            _ => tracing::debug!(code, "TWS: {message}"),
        }
    }

    fn level(&self, code: i32, text: &str) -> Level {
        match self.0.get(&code) {
            Some(CodeMeaning::Warning) => Level::WARN,
            Some(CodeMeaning::Refusal) => Level::ERROR,
            Some(CodeMeaning::Ignored) => Level::DEBUG,
            None => super::level(code, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_knows_better() {
        let overrides = Overrides::from(BTreeMap::from([
            (201, CodeMeaning::Warning),
            (20_000, CodeMeaning::Refusal),
            (399, CodeMeaning::Ignored),
        ]));
        for (code, meaning, level) in [
            (201, Some(OrderMessage::Warning), Level::WARN),
            (20_000, Some(OrderMessage::Refused), Level::ERROR),
            (399, None, Level::DEBUG),
            // What the operator says nothing of stays as it is.
            (110, Some(OrderMessage::Refused), Level::ERROR),
            (2104, Some(OrderMessage::Warning), Level::INFO),
        ] {
            assert_eq!(overrides.order_message(code, "text"), meaning, "{code}");
            assert_eq!(overrides.level(code, "text"), level, "{code}");
        }
    }
}
