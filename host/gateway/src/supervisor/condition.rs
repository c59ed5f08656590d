//! How a gateway stands while it has no session that can be used, and the
//! sentence that says so.

use time::OffsetDateTime;

use super::failure::Failure;
use crate::config::{Address, GatewayConfig};
use crate::convert::time::clock;
use crate::gate::Blackout;
use crate::model::ConnectionState;

/// What the status says while there is no session.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    /// For programs.
    pub(crate) state: ConnectionState,
    /// The TWS that is meant: the configured one if absent.
    pub(crate) address: Option<Address>,
    /// Since when it has been so.
    pub(crate) since: Option<OffsetDateTime>,
    /// For a person.
    pub(crate) reason: String,
}

impl Condition {
    /// Nobody has asked for a connection yet.
    pub(crate) fn new() -> Self {
        Self {
            state: ConnectionState::Closed,
            address: None,
            since: None,
            reason: "Not connected to TWS yet. Call ibkr_connect to connect (POST \
                     /api/v1/connect in REST)."
                .to_owned(),
        }
    }

    /// Somebody closed the connection.
    pub(super) fn closed(now: OffsetDateTime) -> Self {
        Self {
            state: ConnectionState::Closed,
            address: None,
            since: Some(now),
            reason: format!(
                "The connection to TWS was closed on request at {}. Call ibkr_connect to open it \
                 (POST /api/v1/connect in REST).",
                clock(now)
            ),
        }
    }

    /// A session broke, and the supervisor has not seen it yet.
    pub(super) fn just_broke(address: &Address) -> Self {
        Self {
            state: ConnectionState::Connecting,
            address: Some(address.clone()),
            since: None,
            reason: format!(
                "The connection to TWS at {} broke in this moment: it is being restored. Call \
                 ibkr_get_status to see whether it stands again.",
                address.socket()
            ),
        }
    }

    /// A first connection is being opened.
    pub(super) fn opening(address: &Address, now: OffsetDateTime) -> Self {
        Self {
            state: ConnectionState::Connecting,
            address: Some(address.clone()),
            since: Some(now),
            reason: format!(
                "The connection to TWS at {} has been opening since {}: call ibkr_get_status to \
                 see whether it stands.",
                address.socket(),
                clock(now)
            ),
        }
    }
}

/// The time without a session between two, or before the first.
#[derive(Debug)]
pub(super) struct Outage {
    /// When it began.
    pub(super) since: OffsetDateTime,
    /// What the log has been told of it. Each case is told once.
    told: Vec<ConnectionState>,
}

impl Outage {
    pub(super) fn new(since: OffsetDateTime) -> Self {
        Self {
            since,
            told: Vec::new(),
        }
    }

    /// Whether a case is new in this outage, and so worth a line in the log.
    pub(super) fn is_news(&mut self, state: ConnectionState) -> bool {
        let is_news = !self.told.contains(&state);
        if is_news {
            self.told.push(state);
        }
        is_news
    }

    /// The condition after a connection broke, for the reason `what`.
    pub(super) fn broke(
        &self,
        config: &GatewayConfig,
        address: &Address,
        what: &str,
        now: OffsetDateTime,
    ) -> Condition {
        let failure = Failure {
            state: ConnectionState::Connecting,
            what: what.to_owned(),
            advice: "it is being restored".to_owned(),
        };
        self.condition(config, address, &failure, true, now)
    }

    /// The condition after a failed attempt. `kept` if there will be another.
    pub(super) fn condition(
        &self,
        config: &GatewayConfig,
        address: &Address,
        failure: &Failure,
        kept: bool,
        now: OffsetDateTime,
    ) -> Condition {
        let since = clock(self.since);
        let next = if kept {
            "Sandpit keeps trying; ibkr_connect tries at once."
        } else {
            "Call ibkr_connect to try again."
        };
        let window = config
            .restart_window
            .as_ref()
            .filter(|_| kept && is_restart(failure.state) && config.is_restart_time(now));
        let (state, reason) = match window {
            Some(Blackout { from, to, zone }) => (
                ConnectionState::Restarting,
                format!(
                    "TWS at {} restarts in these minutes, as every night between {from} and {to} \
                     ({zone}), and has been away since {since}: the connection is being restored. \
                     {next}",
                    address.socket()
                ),
            ),
            None => {
                let Failure { what, advice, .. } = failure;
                let advice = advice.trim_end_matches('.');
                (
                    failure.state,
                    format!("{what}, since {since}: {advice}. {next}"),
                )
            }
        };
        Condition {
            state,
            address: Some(address.clone()),
            since: Some(self.since),
            reason,
        }
    }
}

/// Whether TWS's restart looks like this from here.
fn is_restart(state: ConnectionState) -> bool {
    match state {
        ConnectionState::Connecting
        | ConnectionState::TwsUnreachable
        | ConnectionState::Refused
        | ConnectionState::WaitingForLogin
        | ConnectionState::Restarting => true,
        ConnectionState::Connected
        | ConnectionState::LinkDown
        | ConnectionState::Closed
        | ConnectionState::ClientIdInUse => false,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const LOST: OffsetDateTime = datetime!(2026-11-23 04:50:10 UTC);

    fn after(failure: &ibapi::Error, kept: bool, now: OffsetDateTime) -> Condition {
        let config = GatewayConfig::default();
        let address = config.address();
        let failure = Failure::of(failure, &address, true);
        Outage::new(LOST).condition(&config, &address, &failure, kept, now)
    }

    fn refused() -> ibapi::Error {
        std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into()
    }

    #[test]
    fn the_nightly_restart_is_a_pause() {
        // 23:50 and 01:00 in New York.
        let night = after(&refused(), true, LOST);
        assert_eq!(night.state, ConnectionState::Restarting);
        assert!(night.reason.contains("every night"), "{}", night.reason);
        let later = datetime!(2026-11-23 06:00 UTC);
        let late = after(&refused(), true, later);
        assert_eq!(late.state, ConnectionState::TwsUnreachable);
        assert_eq!(late.since, Some(LOST));
        assert!(
            late.reason.contains("since 2026-11-23 04:50:10 UTC"),
            "{}",
            late.reason
        );
    }

    #[test]
    fn what_needs_a_person_is_told_by_night_too() {
        let taken = ibapi::Error::ClientIdInUse { client_id: 1 };
        let condition = after(&taken, true, LOST);
        assert_eq!(condition.state, ConnectionState::ClientIdInUse);
        // Somebody who asks gets the answer, not a consolation.
        let asked = after(&refused(), false, LOST);
        assert_eq!(asked.state, ConnectionState::TwsUnreachable);
        assert!(asked.reason.ends_with("Call ibkr_connect to try again."));
    }

    #[test]
    fn each_case_is_told_once_in_an_outage() {
        let mut outage = Outage::new(LOST);
        assert!(outage.is_news(ConnectionState::TwsUnreachable));
        assert!(outage.is_news(ConnectionState::ClientIdInUse));
        assert!(!outage.is_news(ConnectionState::TwsUnreachable));
    }
}
