//! The state of the connection.

use schemars::JsonSchema;
use serde::Serialize;

use super::is_false;
use crate::broker::connection as wit;
use crate::time::Timestamp;

/// What is known of the connection, but for whether it is open.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionStatus {
    gateway: String,
    /// e.g. connected, waiting-for-login, restarting
    state: &'static str,
    /// TWS's API takes no orders
    #[serde(skip_serializing_if = "is_false")]
    read_only: bool,
    host: String,
    port: u16,
    client_id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_version: Option<i32>,
    accounts: Vec<String>,
    /// paper, live or unknown
    account_kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notices: Vec<String>,
}

impl From<wit::Status> for ConnectionStatus {
    fn from(status: wit::Status) -> Self {
        Self {
            gateway: status.gateway,
            state: match status.state {
                wit::ConnectionState::Connected => "connected",
                wit::ConnectionState::LinkDown => "link-down",
                wit::ConnectionState::Connecting => "connecting",
                wit::ConnectionState::Closed => "closed",
                wit::ConnectionState::TwsUnreachable => "tws-unreachable",
                wit::ConnectionState::Refused => "refused",
                wit::ConnectionState::WaitingForLogin => "waiting-for-login",
                wit::ConnectionState::ClientIdInUse => "client-id-in-use",
                wit::ConnectionState::Restarting => "restarting",
            },
            read_only: status.read_only,
            host: status.host,
            port: status.port,
            client_id: status.client_id,
            server_version: status.server_version,
            accounts: status.accounts,
            account_kind: match status.account_kind {
                wit::AccountKind::Paper => "paper",
                wit::AccountKind::Live => "live",
                wit::AccountKind::Unknown => "unknown",
            },
            since: status.since.map(Timestamp),
            time_zone: status.time_zone,
            reason: status.reason,
            notices: status.notices,
        }
    }
}
