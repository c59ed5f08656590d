//! `ibkr_connect`: opens the connection to TWS that all callers share.

use sandpit_sdk::broker::connection::{self, Endpoint};
use sandpit_sdk::json::ConnectionStatus;
use sandpit_sdk::prelude::*;
use sandpit_sdk::{Failure, HttpMethod};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The tool.
pub struct Connect;

/// Where to connect.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// Host of TWS or IB Gateway; default TWS_HOST, else 127.0.0.1
    host: Option<String>,
    /// TWS 7497 paper, 7496 live; Gateway 4002 paper, 4001 live; default TWS_PORT, else 7497
    #[schemars(range(min = 1))]
    port: Option<u16>,
    /// API client id; default TWS_CLIENT_ID, else 1
    #[schemars(range(min = 0))]
    client_id: Option<i32>,
}

/// What became of it.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    /// connected or already_connected
    status: &'static str,
    #[serde(flatten)]
    connection: ConnectionStatus,
}

impl Tool for Connect {
    const NAME: &'static str = "ibkr_connect";
    const TITLE: &'static str = "Connect to TWS";
    const DESCRIPTION: &'static str = "Open the connection to Interactive Brokers TWS or IB \
        Gateway. All callers share one connection, and every other tool needs it; connecting \
        again to the same place changes nothing. Answers the accounts and whether they are paper \
        or live (real money).";
    const ANNOTATIONS: Annotations = Annotations {
        read_only: false,
        destructive: false,
        idempotent: true,
        open_world: true,
    };
    const ROUTES: &'static [(HttpMethod, &'static str)] = &[(HttpMethod::Post, "connect_tws")];
    type Input = Input;
    type Output = Output;

    fn call(context: &Context, input: Input) -> Result<Output, Failure> {
        let result = connection::connect(&Endpoint {
            host: input.host,
            port: input.port,
            client_id: input.client_id,
        })?;
        let status = if result.already_connected {
            "already_connected"
        } else {
            context.info(&format!(
                "Connected to TWS at {}:{}",
                result.status.host, result.status.port
            ));
            "connected"
        };
        Ok(Output {
            status,
            connection: result.status.into(),
        })
    }
}

sandpit_sdk::export_tool!(Connect);
