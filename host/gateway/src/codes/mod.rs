//! What TWS's message codes mean: the one place that turns them, and the
//! failures of the client library, into typed errors and log levels.

mod overrides;

use ibapi::Notice;
use tracing::Level;

use crate::model::{Error, TwsMessage};
pub use overrides::CodeMeaning;
pub(crate) use overrides::Overrides;

/// What a message about an order means for it. Only the order's status says
/// how it stands; a message says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderMessage {
    /// The order lives on.
    Warning,
    /// The order was cancelled.
    Cancelled,
    /// There is no such order.
    Unknown,
    /// The order is beyond cancelling.
    TooLate,
    /// The request was refused.
    Refused,
    /// The code alone does not tell: the order's status decides.
    Unclear,
}

/// Codes that say that something works, or that it will on demand.
fn is_calm(code: i32) -> bool {
    matches!(code, 2104 | 2106 | 2107 | 2108 | 2119 | 2158 | 1102 | 202)
}

/// Codes that say that data or an order is less than was asked for, and goes on.
fn is_warning(code: i32, text: &str) -> bool {
    matches!(code, 0 | 404 | 10089..=10091 | 10167 | 10349)
        || (2100..=2199).contains(&code)
        || (code == 399
            && text
                .lines()
                .any(|line| line.trim_start().starts_with("Warning:")))
}

/// How loudly a message without a request is logged.
fn level(code: i32, text: &str) -> Level {
    match code {
        _ if is_calm(code) => Level::INFO,
        1100 | 1300 => Level::ERROR,
        1101 => Level::WARN,
        // The client library's own remarks on the stream, among them -8: reconnected.
        -8 => Level::INFO,
        ..0 => Level::WARN,
        _ if is_warning(code, text) => Level::WARN,
        _ => Level::ERROR,
    }
}

/// Whether a message speaks of TWS's own links: worth keeping for the status.
pub(crate) fn is_about_links(code: i32) -> bool {
    matches!(
        code,
        1100..=1102 | 1300 | 2100..=2110 | 2119 | 2157 | 2158 | 502..=507
    )
}

/// Whether TWS says that its API is set to read only.
pub(crate) fn is_read_only(code: i32, text: &str) -> bool {
    code == 321 && text.to_ascii_lowercase().contains("read-only")
}

/// Whether a message says that there is no live market data, where there would
/// be delayed data.
pub(crate) fn offers_delayed(code: i32) -> bool {
    matches!(code, 354 | 10089..=10091 | 10167 | 10168)
}

/// What a message means for the order whose id it carries.
fn order_message(code: i32, text: &str) -> OrderMessage {
    match code {
        202 => OrderMessage::Cancelled,
        135 | 10147 => OrderMessage::Unknown,
        161 | 10148 => OrderMessage::TooLate,
        _ if is_warning(code, text) => OrderMessage::Warning,
        103..=134
        | 136..=160
        | 163
        | 164
        | 200
        | 201
        | 203
        | 312..=315
        | 321
        | 387
        | 434
        | 461
        | 481 => OrderMessage::Refused,
        _ => OrderMessage::Unclear,
    }
}

/// A request that TWS answered with a message instead of data. `what` names
/// the request, for example `the bars of SPY`.
pub(crate) fn request_error(code: i32, text: &str, what: &str) -> Error {
    let lower = text.to_ascii_lowercase();
    let says = format!(
        "TWS says: {} (code {code}).",
        text.trim().trim_end_matches('.')
    );
    let pacing = || {
        Error::Pacing(format!(
            "TWS will not answer {what} now, because too much was asked in too short a time. \
             Wait and try again. {says}"
        ))
    };
    let no_permission = || {
        Error::NoPermission(format!(
            "This account may not have {what}. Check its market data subscriptions and trading \
             permissions. {says}"
        ))
    };
    match code {
        200 => Error::NotFound(format!("TWS knows no such contract for {what}. {says}")),
        162 | 165 | 420 if lower.contains("pacing") => pacing(),
        162 | 420 if lower.contains("permission") || lower.contains("subscri") => no_permission(),
        162 | 165 if lower.contains("no data") || lower.contains("data is not available") => {
            Error::NoData(format!(
                "There is no data for {what}: the market may have been closed, or the instrument \
                 not traded. {says}"
            ))
        }
        162 if lower.contains("cancel") => {
            Error::Cancelled(format!("The request for {what} was cancelled. {says}"))
        }
        100 | 101 | 420 => pacing(),
        322 if lower.contains("maximum") || lower.contains("exceed") => pacing(),
        354 | 10089..=10091 | 10167 | 10168 | 10186 | 10187 | 10189 | 10190 => no_permission(),
        10197 => Error::NoPermission(format!(
            "There is no market data here for {what}, because the same user is logged in \
             elsewhere. Log out there. {says}"
        )),
        502 | 504 | 507 | 1100 | 1300 => Error::NotConnected(format!(
            "TWS is not connected to IBKR, so {what} cannot be had. {says}"
        )),
        // The client library's remark that it dropped messages.
        -6 => Error::Other(format!(
            "The answer for {what} came faster than it could be read, and is incomplete. Try again."
        )),
        _ => Error::Rejected(TwsMessage {
            code,
            text: text.trim().to_owned(),
        }),
    }
}

/// A failure of the client library while it worked on `what`.
pub(crate) fn client_error(error: &ibapi::Error, what: &str) -> Error {
    use ibapi::Error as Ib;
    match error {
        Ib::Notice(Notice { code, message, .. }) => request_error(*code, message, what),
        Ib::Timeout => timed_out(what),
        Ib::Shutdown | Ib::Cancelled | Ib::UnexpectedEndOfStream => Error::NotConnected(format!(
            "The connection to TWS was closed before {what} had come. Call ibkr_connect and ask \
             again."
        )),
        Ib::ConnectionReset | Ib::Io(_) | Ib::InvalidFrame(_) => Error::NotConnected(format!(
            "The connection to TWS broke before {what} had come. It is being restored: call \
             ibkr_get_status, and ask again once it is back."
        )),
        Ib::ConnectionFailed => Error::NotConnected(format!(
            "The connection to TWS is gone and could not be restored, so {what} cannot be had. \
             Check TWS and call ibkr_connect."
        )),
        // What the library says of a shared subscription on a client that has ended.
        Ib::InvalidArgument(text) if text.starts_with("No shared channel configured") => {
            client_error(&Ib::ConnectionReset, what)
        }
        Ib::InvalidArgument(text) => Error::InvalidRequest(text.clone()),
        Ib::ServerVersion(needed, has, feature) => Error::Rejected(TwsMessage {
            code: 0,
            text: format!(
                "this TWS is too old for {feature}: it speaks version {has}, and {needed} is needed"
            ),
        }),
        other => Error::Other(format!(
            "TWS's answer for {what} could not be understood: {other}."
        )),
    }
}

/// TWS stayed silent.
pub(crate) fn timed_out(what: &str) -> Error {
    Error::TimedOut(format!(
        "TWS did not answer {what} in time. Look at ibkr_get_status, and try again."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(error: &Error) -> &'static str {
        match error {
            Error::NotConnected(_) => "not-connected",
            Error::NotFound(_) => "not-found",
            Error::NoPermission(_) => "no-permission",
            Error::NoData(_) => "no-data",
            Error::Pacing(_) => "pacing",
            Error::TimedOut(_) => "timed-out",
            Error::InvalidRequest(_) => "invalid-request",
            Error::Rejected(_) => "rejected",
            Error::Uncertain(_) => "uncertain",
            Error::Cancelled(_) => "cancelled",
            Error::ConfirmationNeeded(_) => "confirmation-needed",
            Error::Other(_) => "other",
        }
    }

    #[test]
    fn request_codes_become_typed_errors() {
        for (code, text, expected) in [
            (200, "No security definition has been found", "not-found"),
            (
                162,
                "HMDS query returned no data: SPY@SMART Trades",
                "no-data",
            ),
            (162, "Historical data request pacing violation", "pacing"),
            (
                162,
                "No market data permissions for NYSE STK",
                "no-permission",
            ),
            (162, "API historical data query cancelled: 5", "cancelled"),
            (
                162,
                "Trading TWS session is connected from a different IP",
                "rejected",
            ),
            (
                100,
                "Max rate of messages per second has been exceeded",
                "pacing",
            ),
            (
                322,
                "Maximum number of account summary requests exceeded",
                "pacing",
            ),
            (
                354,
                "Requested market data is not subscribed",
                "no-permission",
            ),
            (
                10197,
                "No market data during competing live session",
                "no-permission",
            ),
            (321, "Error validating request", "rejected"),
            (504, "Not connected", "not-connected"),
            (-6, "fell behind", "other"),
        ] {
            assert_eq!(
                kind(&request_error(code, text, "it")),
                expected,
                "{code} {text}"
            );
        }
    }

    #[test]
    fn a_time_out_is_not_no_data() {
        assert_eq!(
            kind(&client_error(&ibapi::Error::Timeout, "it")),
            "timed-out"
        );
        assert_eq!(
            kind(&client_error(&ibapi::Error::ConnectionReset, "it")),
            "not-connected"
        );
    }

    #[test]
    fn order_codes_tell_warnings_from_refusals() {
        for (code, text, expected) in [
            (
                201,
                "Order rejected - reason: margin",
                OrderMessage::Refused,
            ),
            (
                110,
                "The price does not conform to the tick",
                OrderMessage::Refused,
            ),
            (321, "Invalid order type", OrderMessage::Refused),
            (202, "Order Canceled - reason:", OrderMessage::Cancelled),
            (
                399,
                "Order Message:\nBUY 1 SPY\nWarning: held until 09:30",
                OrderMessage::Warning,
            ),
            (
                399,
                "Order Message:\nBUY 1 SPY\nNot allowed",
                OrderMessage::Unclear,
            ),
            (
                10349,
                "Order TIF was set to DAY by preset",
                OrderMessage::Warning,
            ),
            (2109, "Outside RTH is ignored", OrderMessage::Warning),
            (404, "Shares are being located", OrderMessage::Warning),
            (
                10147,
                "OrderId 7 that needs to be cancelled is not found",
                OrderMessage::Unknown,
            ),
            (
                10148,
                "cannot be cancelled, state: Filled",
                OrderMessage::TooLate,
            ),
            (20000, "new in some later TWS", OrderMessage::Unclear),
        ] {
            assert_eq!(order_message(code, text), expected, "{code} {text}");
        }
    }

    #[test]
    fn farm_chatter_is_not_an_error() {
        assert_eq!(
            level(2104, "Market data farm connection is OK"),
            Level::INFO
        );
        assert_eq!(
            level(2103, "Market data farm connection is broken"),
            Level::WARN
        );
        assert_eq!(level(1100, "Connectivity lost"), Level::ERROR);
        assert_eq!(level(1102, "Connectivity restored"), Level::INFO);
        assert!(is_about_links(2106) && !is_about_links(201));
    }
}
