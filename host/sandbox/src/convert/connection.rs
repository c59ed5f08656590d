//! The connection: where to connect, and what is known of it.

use sandpit_gateway::model;

use super::{Convert, record, variant};
use crate::bindings::sandpit::broker::connection as wit;
use crate::bindings::sandpit::broker::types::Error;

record!(wit::Endpoint => model::Endpoint { host, port, client_id });

variant!(model::AccountKind => wit::AccountKind { Paper, Live, Unknown } {});

impl Convert<wit::Status> for model::Status {
    fn convert(self) -> Result<wit::Status, Error> {
        Ok(wit::Status {
            connected: self.connected,
            host: self.host,
            port: self.port,
            client_id: self.client_id,
            server_version: self.server_version,
            accounts: self.accounts,
            account_kind: self.account_kind.convert()?,
            since: self.since.convert()?,
            time_zone: self.time_zone,
            reason: self.reason,
            notices: self.notices,
        })
    }
}

record!(model::ConnectResult => wit::ConnectResult { already_connected, status });
