//! How the gateway connects and how long it waits.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;

use crate::codes::CodeMeaning;
use crate::gate::{Blackout, GateConfig};
use crate::model::{Endpoint, Error, Result};

/// The settings of a [`Gateway`](crate::Gateway).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayConfig {
    /// What this gateway is called where there are several.
    pub name: String,
    /// Host of TWS or IB Gateway, where `connect` names none.
    pub host: String,
    /// Its port, where `connect` names none. 7497 is TWS paper.
    pub port: u16,
    /// The API client id, where `connect` names none.
    pub client_id: i32,
    /// How long connecting, with the handshake, may take.
    pub connect_timeout: Duration,
    /// How long a request for data may take.
    pub request_timeout: Duration,
    /// How long an order may stay without any word from TWS.
    pub order_timeout: Duration,
    /// How long an answer about an order is held back after the first word of
    /// TWS, because its fill or its refusal may follow at once.
    pub order_settle: Duration,
    /// How long to wait before TWS is asked again for an order that was in
    /// flight when the connection broke and that it does not list. After the
    /// second time the order is taken for one that never arrived.
    pub order_look_again: Duration,
    /// How many messages may be sent in one second. TWS disconnects a client
    /// that sends more than 50, over all clients of one TWS.
    pub messages_per_second: u32,
    /// How many of these are kept for orders and cancels. Requests for data get
    /// the rest.
    pub order_reserve: u32,
    /// How many market data lines the account has: how many instruments can be
    /// watched at once.
    pub market_data_lines: u32,
    /// How long a subscription of TWS is kept when nobody reads it any more.
    pub idle_time: Duration,
    /// The pause before a lost connection is tried again for the first time. It
    /// doubles with each failure, and is up to a quarter longer or, but for the
    /// first, shorter. There is no last attempt.
    pub reconnect_pause: Duration,
    /// What the pauses grow to.
    pub reconnect_pause_longest: Duration,
    /// The shortest pause while TWS says that the client id is in use (326), if
    /// the longest is not shorter.
    pub client_id_pause: Duration,
    /// After how long without a word from TWS it is asked for a sign of life.
    pub heartbeat: Duration,
    /// How long TWS may take for that sign. Then the connection is given up as
    /// dead, and restored.
    pub heartbeat_timeout: Duration,
    /// When TWS restarts every day. An outage in these minutes is a pause, not
    /// an incident: it is logged quietly, and the status says so.
    pub restart_window: Option<Blackout>,
    /// What message codes of TWS mean, where the operator knows better.
    pub codes: BTreeMap<i32, CodeMeaning>,
    /// Whether delayed quotes may stand in where there are no live ones.
    pub delayed_quotes: bool,
    /// What the risk gate asks of orders.
    pub gate: GateConfig,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: 7497,
            client_id: 1,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            order_timeout: Duration::from_secs(10),
            order_settle: Duration::from_millis(500),
            order_look_again: Duration::from_secs(2),
            messages_per_second: 45,
            order_reserve: 10,
            market_data_lines: 100,
            idle_time: Duration::from_secs(10),
            reconnect_pause: Duration::from_secs(1),
            reconnect_pause_longest: Duration::from_secs(30),
            client_id_pause: Duration::from_secs(10),
            heartbeat: Duration::from_secs(30),
            heartbeat_timeout: Duration::from_secs(10),
            restart_window: Some(Blackout {
                from: "23:45".to_owned(),
                to: "00:45".to_owned(),
                zone: "America/New_York".to_owned(),
            }),
            codes: BTreeMap::new(),
            delayed_quotes: true,
            gate: GateConfig::default(),
        }
    }
}

/// One TWS and one client id: what makes two connections the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) client_id: i32,
}

impl Address {
    /// Whether both mean the same TWS and client id.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let canonical = |host: &str| match host.to_ascii_lowercase().as_str() {
            "localhost" | "::1" => "127.0.0.1".to_owned(),
            other => other.to_owned(),
        };
        self.port == other.port
            && self.client_id == other.client_id
            && canonical(&self.host) == canonical(&other.host)
    }

    /// `host:port`, as a socket address is written.
    pub(crate) fn socket(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl GatewayConfig {
    /// Whether TWS restarts in these minutes, as every day.
    pub(crate) fn is_restart_time(&self, now: OffsetDateTime) -> bool {
        let window = self.restart_window.as_ref();
        window.is_some_and(|window| window.holds(now) == Some(true))
    }

    /// The configured address.
    pub(crate) fn address(&self) -> Address {
        Address {
            host: self.host.clone(),
            port: self.port,
            client_id: self.client_id,
        }
    }

    /// Completes what an endpoint leaves out, and checks the outcome.
    pub(crate) fn resolve(&self, endpoint: Endpoint) -> Result<Address> {
        let address = Address {
            host: endpoint
                .host
                .map_or_else(|| self.host.clone(), |host| host.trim().to_owned()),
            port: endpoint.port.unwrap_or(self.port),
            client_id: endpoint.client_id.unwrap_or(self.client_id),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if address.host.is_empty() || address.host.len() > 253 || !address.host.chars().all(plain) {
            return Err(Error::invalid(
                "The host is not a host name or an IP address. Give the machine that runs TWS, \
                 for example 127.0.0.1.",
            ));
        }
        if address.port == 0 {
            return Err(Error::invalid(
                "Port 0 is not a port of TWS. Use 7497 (TWS paper), 7496 (TWS live), \
                 4002 (Gateway paper) or 4001 (Gateway live).",
            ));
        }
        if address.client_id < 0 {
            return Err(Error::invalid(format!(
                "clientId {} is negative. Use a number from 0 to 2147483647.",
                address.client_id
            )));
        }
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_parts_come_from_the_configuration() {
        let config = GatewayConfig::default();
        let resolved = config.resolve(Endpoint {
            port: Some(4002),
            ..Endpoint::default()
        });
        let expected = Address {
            host: "127.0.0.1".into(),
            port: 4002,
            client_id: 1,
        };
        assert_eq!(resolved, Ok(expected));
    }

    #[test]
    fn nonsense_is_refused_before_any_socket() {
        let config = GatewayConfig::default();
        let with = |host: Option<&str>, port, client_id| Endpoint {
            host: host.map(str::to_owned),
            port,
            client_id,
        };
        for endpoint in [
            with(Some(""), None, None),
            with(Some("a b"), None, None),
            with(Some("http://x/"), None, None),
            with(None, Some(0), None),
            with(None, None, Some(-1)),
        ] {
            assert!(
                matches!(
                    config.resolve(endpoint.clone()),
                    Err(Error::InvalidRequest(_))
                ),
                "{endpoint:?}"
            );
        }
    }

    #[test]
    fn names_of_this_machine_are_one_host() {
        let at = |host: &str| Address {
            host: host.into(),
            port: 1,
            client_id: 1,
        };
        assert!(at("localhost").is_same(&at("127.0.0.1")));
        assert!(!at("tws").is_same(&at("127.0.0.1")));
        assert_eq!(at("::1").socket(), "[::1]:1");
    }
}
