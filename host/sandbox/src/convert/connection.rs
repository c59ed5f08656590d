//! The connection: where to connect, and what is known of it.

use sandpit_gateway::model;

use super::{record, variant};
use crate::bindings::sandpit::broker::connection as wit;

record!(wit::Endpoint => model::Endpoint { host, port, client_id });

variant!(model::AccountKind => wit::AccountKind { Paper, Live, Unknown } {});

variant!(model::ConnectionState => wit::ConnectionState {
    Connected, LinkDown, Connecting, Closed, TwsUnreachable, Refused,
    WaitingForLogin, ClientIdInUse, Restarting,
} {});

record!(model::Status => wit::Status {
    gateway, connected, state, read_only, host, port, client_id,
    server_version, accounts, account_kind, since, time_zone, reason, notices,
});

record!(model::ConnectResult => wit::ConnectResult { already_connected, status });
