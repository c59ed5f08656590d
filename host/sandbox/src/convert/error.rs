//! Errors, from the gateway to the tool.

use sandpit_gateway::model;

use super::{Convert, record};
use crate::bindings::sandpit::broker::types as wit;

record!(model::TwsMessage => wit::TwsMessage { code, text });

record!(model::UncertainOrder => wit::UncertainOrder { order_id, message });

impl Convert<wit::Error> for model::Error {
    fn convert(self) -> Result<wit::Error, wit::Error> {
        use wit::Error as To;
        let sentence = self.to_string();
        Ok(match self {
            Self::NotConnected(text) => To::NotConnected(text),
            Self::NotFound(text) => To::NotFound(text),
            Self::NoPermission(text) => To::NoPermission(text),
            Self::NoData(text) => To::NoData(text),
            Self::Pacing(text) => To::Pacing(text),
            Self::TimedOut(text) => To::TimedOut(text),
            Self::InvalidRequest(text) => To::InvalidRequest(text),
            Self::Rejected(message) => To::Rejected(message.convert()?),
            Self::Uncertain(order) => To::Uncertain(order.convert()?),
            // The question is the host's to ask; a tool only learns that
            // nobody could be asked.
            Self::ConfirmationNeeded(_) => To::NoPermission(sentence),
            Self::Cancelled(text) => To::Cancelled(text),
            Self::Other(text) => To::Other(text),
        })
    }
}
