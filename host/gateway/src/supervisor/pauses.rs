//! How long to wait before the next attempt.

use std::time::Duration;

use crate::config::GatewayConfig;
use crate::model::ConnectionState;

/// The part of a pause by which it may be longer or shorter, so that many
/// clients of one TWS do not all come at the same moment.
const JITTER: f64 = 0.25;

/// The growing pauses of one outage.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    failures: u32,
}

impl Pauses {
    /// The pause after a failure, or after the connection broke. It doubles
    /// with each, up to the longest one.
    pub(super) fn next(&mut self, config: &GatewayConfig, state: ConnectionState) -> Duration {
        let whole = config
            .reconnect_pause
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX))
            .min(config.reconnect_pause_longest);
        self.failures = self.failures.saturating_add(1);
        let jitter = 1.0 + JITTER * (2.0 * rand::random::<f64>() - 1.0);
        let shortest = match state {
            // TWS holds on to a dead session for a while; hurry does not help.
            ConnectionState::ClientIdInUse => {
                config.client_id_pause.min(config.reconnect_pause_longest)
            }
            _ => config.reconnect_pause,
        };
        whole.mul_f64(jitter).max(shortest)
    }

    /// A connection has held for so long. After a short one the pauses go on
    /// growing: a TWS that ends every session at once is not stormed either.
    pub(super) fn held(&mut self, config: &GatewayConfig, lasted: Duration) {
        if lasted >= config.reconnect_pause_longest {
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_one() {
        let config = GatewayConfig::default();
        let mut pauses = Pauses::default();
        for whole in [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
            let pause = pauses
                .next(&config, ConnectionState::TwsUnreachable)
                .as_secs_f64();
            assert!(
                (whole * 0.75..=whole * 1.25).contains(&pause) && pause >= 1.0,
                "{pause} instead of about {whole}"
            );
        }
        for _ in 0..100 {
            let pause = pauses.next(&config, ConnectionState::Refused);
            assert!(pause <= config.reconnect_pause_longest.mul_f64(1.0 + JITTER));
        }
    }

    #[test]
    fn a_client_id_in_use_is_not_asked_for_soon() {
        let config = GatewayConfig::default();
        let mut pauses = Pauses::default();
        for _ in 0..10 {
            let pause = pauses.next(&config, ConnectionState::ClientIdInUse);
            assert!(pause >= config.client_id_pause, "{pause:?}");
        }
    }

    #[test]
    fn only_a_connection_that_held_begins_anew() {
        let config = GatewayConfig::default();
        let mut pauses = Pauses { failures: 4 };
        pauses.held(&config, Duration::from_secs(2));
        assert_eq!(pauses.failures, 4);
        pauses.held(&config, Duration::from_secs(3_600));
        assert_eq!(pauses.failures, 0);
    }
}
