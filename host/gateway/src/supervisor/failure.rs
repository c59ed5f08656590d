//! Why a connection could not be opened: the one place that tells these cases
//! apart.

use std::io::ErrorKind;

use crate::config::Address;
use crate::model::{ConnectionState, Error};

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Which kind of failure it is.
    pub(crate) state: ConnectionState,
    /// What is wrong, as the beginning of a sentence.
    pub(crate) what: String,
    /// What to do about it, as the end of the sentence.
    pub(crate) advice: String,
}

impl Failure {
    fn new(state: ConnectionState, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            state,
            what: what.into(),
            advice: advice.into(),
        }
    }

    /// What the client library said of an attempt. TWS `was_up` if it has given
    /// this host a session before.
    pub(crate) fn of(error: &ibapi::Error, address: &Address, was_up: bool) -> Self {
        use ibapi::Error as Ib;
        let socket = address.socket();
        match error {
            Ib::ClientIdInUse { .. } => Self::new(
                ConnectionState::ClientIdInUse,
                format!(
                    "TWS at {socket} already has a client with id {} (326)",
                    address.client_id
                ),
                "close the other program, which TWS does not name, or connect with another \
                 clientId",
            ),
            Ib::ServerVersion(needed, has, _) => Self::new(
                ConnectionState::Refused,
                format!("Your TWS at {socket} is too old: it speaks API version {has}"),
                format!("{needed} or later is needed; update TWS or IB Gateway"),
            ),
            Ib::ConnectionRejected(_) | Ib::ConnectionReset | Ib::InvalidFrame(_) => {
                Self::closed_at_once(address, was_up)
            }
            Ib::Io(error) => match error.kind() {
                ErrorKind::ConnectionRefused => Self::new(
                    ConnectionState::TwsUnreachable,
                    format!("Nothing listens at {socket} (502)"),
                    "start TWS or IB Gateway and log in, enable its API under API > Settings, and \
                     check the port: 7497 TWS paper, 7496 TWS live, 4002 Gateway paper, 4001 \
                     Gateway live",
                ),
                ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe => Self::closed_at_once(address, was_up),
                _ => Self::new(
                    ConnectionState::TwsUnreachable,
                    format!("{socket} cannot be reached: {error}"),
                    "check the host name and the network",
                ),
            },
            Ib::UnsupportedTimeZone(zone) => Self::new(
                ConnectionState::Refused,
                format!("TWS at {socket} names a time zone that is not known, {zone}"),
                "choose another one on TWS's login screen",
            ),
            other => Self::new(
                ConnectionState::Refused,
                format!("{socket} did not answer as TWS does: {other}"),
                "see that the port is TWS's API port",
            ),
        }
    }

    /// The socket was closed before there was a session.
    fn closed_at_once(address: &Address, was_up: bool) -> Self {
        let socket = address.socket();
        if was_up {
            return Self::new(
                ConnectionState::WaitingForLogin,
                format!("TWS at {socket} closes every connection at once"),
                "it was there before, so it is probably waiting for a login: log in there",
            );
        }
        Self::new(
            ConnectionState::Refused,
            format!("{socket} accepted the connection and closed it at once"),
            "in TWS, allow this machine under API > Settings > Trusted IPs, and see that the port \
             is TWS's API port",
        )
    }

    /// The handshake never ended.
    pub(crate) fn timed_out(address: &Address, seconds: f64, was_up: bool) -> Self {
        let socket = address.socket();
        let what = format!("{socket} did not complete the handshake within {seconds} seconds");
        if was_up {
            return Self::new(
                ConnectionState::WaitingForLogin,
                what,
                "it was there before, so TWS is probably waiting for a login or shows a dialog: \
                 look at its window",
            );
        }
        Self::new(
            ConnectionState::Refused,
            what,
            "see whether TWS waits for a login, asks to confirm the connection or shows a dialog, \
             and whether the port is TWS's API port",
        )
    }

    /// There is a connection, but it did not tell what became of the orders.
    /// `link_down` if TWS said that it has lost IBKR.
    pub(crate) fn unreconciled(address: &Address, error: &Error, link_down: bool) -> Self {
        let socket = address.socket();
        if link_down {
            return Self::new(
                ConnectionState::LinkDown,
                format!("TWS at {socket} has no connection to IBKR (1100)"),
                "TWS restores it by itself",
            );
        }
        let what = format!("TWS at {socket} did not tell how the orders stand");
        let unused = "and is not used before it does";
        let advice = match error {
            Error::TimedOut(_) => format!("it did not answer in time, {unused}"),
            Error::Rejected(message) => format!(
                "it refused to ({} {}), {unused}",
                message.code, message.text
            ),
            _ => format!("the connection to it broke, {unused}"),
        };
        Self::new(ConnectionState::Connecting, what, advice)
    }

    /// The failure as a sentence of its own.
    pub(crate) fn sentence(&self) -> String {
        format!("{}: {}.", self.what, self.advice.trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(error: ibapi::Error, was_up: bool) -> Failure {
        let address = Address {
            host: "127.0.0.1".into(),
            port: 7497,
            client_id: 3,
        };
        Failure::of(&error, &address, was_up)
    }

    fn io(kind: ErrorKind) -> ibapi::Error {
        std::io::Error::from(kind).into()
    }

    #[test]
    fn a_tws_without_ibkr_is_not_blamed_for_its_orders() {
        let address = crate::config::GatewayConfig::default().address();
        let silent = Error::TimedOut(String::new());
        let of = |link_down| Failure::unreconciled(&address, &silent, link_down);
        assert_eq!(of(true).state, ConnectionState::LinkDown);
        assert_eq!(of(false).state, ConnectionState::Connecting);
        assert!(of(false).sentence().contains("in time"));
    }

    #[test]
    fn each_case_is_told_apart_and_says_what_to_do() {
        use ConnectionState::{ClientIdInUse, Refused, TwsUnreachable, WaitingForLogin};
        for (error, was_up, state, word) in [
            (
                ibapi::Error::ClientIdInUse { client_id: 3 },
                true,
                ClientIdInUse,
                "client with id 3",
            ),
            (
                io(ErrorKind::ConnectionRefused),
                false,
                TwsUnreachable,
                "start TWS",
            ),
            (
                io(ErrorKind::ConnectionRefused),
                true,
                TwsUnreachable,
                "502",
            ),
            (
                io(ErrorKind::HostUnreachable),
                true,
                TwsUnreachable,
                "network",
            ),
            (io(ErrorKind::UnexpectedEof), false, Refused, "Trusted IPs"),
            (
                io(ErrorKind::UnexpectedEof),
                true,
                WaitingForLogin,
                "log in there",
            ),
            (
                ibapi::Error::ConnectionRejected("eof".into()),
                true,
                WaitingForLogin,
                "login",
            ),
            (
                ibapi::Error::ServerVersion(213, 178, "x".into()),
                true,
                Refused,
                "too old",
            ),
        ] {
            let failure = failure(error, was_up);
            assert_eq!(failure.state, state, "{failure:?}");
            let sentence = failure.sentence();
            assert!(sentence.contains(word), "{sentence}");
            assert!(
                sentence.ends_with('.') && !sentence.ends_with(".."),
                "{sentence}"
            );
        }
    }
}
