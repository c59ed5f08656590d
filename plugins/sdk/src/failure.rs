//! Failures that the caller may read, and what becomes of the broker's errors.

use crate::broker::types::{Error, TwsMessage, UncertainOrder};
use crate::{Annotations, Failure, FailureKind};

impl Failure {
    /// A failure of this kind. The message says what happened, what was
    /// expected and what to do, in a sentence or two.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            tws_code: None,
        }
    }

    /// The arguments are wrong.
    #[must_use]
    pub fn invalid_arguments(message: impl Into<String>) -> Self {
        Self::new(FailureKind::InvalidArguments, message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (kind, message) = match error {
            Error::NotConnected(message) => (FailureKind::NotConnected, message),
            Error::NotFound(message) => (FailureKind::NotFound, message),
            Error::NoPermission(message) => (FailureKind::NoPermission, message),
            Error::NoData(message) => (FailureKind::NoData, message),
            Error::Pacing(message) => (FailureKind::Pacing, message),
            Error::TimedOut(message) => (FailureKind::TimedOut, message),
            Error::InvalidRequest(message) => (FailureKind::InvalidArguments, message),
            Error::Cancelled(message) => (FailureKind::Cancelled, message),
            Error::Other(message) => (FailureKind::Internal, message),
            Error::Rejected(TwsMessage { code, text }) => {
                return Self {
                    kind: FailureKind::Rejected,
                    message: format!("TWS refused it (code {code}): {text}"),
                    tws_code: Some(code),
                };
            }
            Error::Uncertain(UncertainOrder { order_id, message }) => (
                FailureKind::Uncertain,
                match order_id {
                    Some(id) => format!("The fate of order {id} is not known: {message}"),
                    None => format!("The fate of the order is not known: {message}"),
                },
            ),
        };
        Self::new(kind, message)
    }
}

impl Annotations {
    /// Of a tool that asks the broker and changes nothing.
    pub const READ: Self = Self {
        read_only: true,
        destructive: false,
        idempotent: true,
        open_world: true,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_broker_has_its_kind() {
        let text = || "A sentence.".to_owned();
        let cases = [
            (Error::NotConnected(text()), FailureKind::NotConnected),
            (Error::NotFound(text()), FailureKind::NotFound),
            (Error::NoPermission(text()), FailureKind::NoPermission),
            (Error::NoData(text()), FailureKind::NoData),
            (Error::Pacing(text()), FailureKind::Pacing),
            (Error::TimedOut(text()), FailureKind::TimedOut),
            (Error::InvalidRequest(text()), FailureKind::InvalidArguments),
            (Error::Cancelled(text()), FailureKind::Cancelled),
            (Error::Other(text()), FailureKind::Internal),
        ];
        for (error, kind) in cases {
            let failure = Failure::from(error);
            assert_eq!(failure, Failure::new(kind, "A sentence."));
        }
    }

    #[test]
    fn a_refusal_keeps_the_code_and_the_words_of_tws() {
        let failure = Failure::from(Error::Rejected(TwsMessage {
            code: 201,
            text: "Order rejected - reason: no funds".to_owned(),
        }));
        assert_eq!(failure.kind, FailureKind::Rejected);
        assert_eq!(failure.tws_code, Some(201));
        assert_eq!(
            failure.message,
            "TWS refused it (code 201): Order rejected - reason: no funds"
        );
    }

    #[test]
    fn an_uncertain_order_is_named() {
        let failure = Failure::from(Error::Uncertain(UncertainOrder {
            order_id: Some(17),
            message: "The connection broke after it was sent.".to_owned(),
        }));
        assert_eq!(failure.kind, FailureKind::Uncertain);
        assert_eq!(
            failure.message,
            "The fate of order 17 is not known: The connection broke after it was sent."
        );
    }
}
