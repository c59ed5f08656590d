//! `ibkr_get_status`: describes the connection to TWS.

use sandpit_sdk::HttpMethod;
use sandpit_sdk::broker::connection;
use sandpit_sdk::input::NoArguments;
use sandpit_sdk::json::ConnectionStatus;
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

/// The tool.
pub struct GetStatus;

/// The state of the connection.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    connected: bool,
    #[serde(flatten)]
    connection: ConnectionStatus,
    /// Where there are several, the default first
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gateways: Vec<String>,
}

impl Tool for GetStatus {
    const NAME: &'static str = "ibkr_get_status";
    const TITLE: &'static str = "Connection status";
    const DESCRIPTION: &'static str = "Whether TWS is connected, and if not, why (reason); \
        accounts, paper or live (real money), since when (UTC), and TWS's latest notices about \
        its data farms. Never fails; ask it when another tool has a connection problem.";
    const ANNOTATIONS: Annotations = Annotations {
        open_world: false,
        ..Annotations::READ
    };
    const ROUTES: &'static [(HttpMethod, &'static str)] =
        &[(HttpMethod::Get, "get_connection_status")];
    type Input = NoArguments;
    type Output = Output;

    fn resources() -> Vec<ResourceDescriptor> {
        vec![ResourceDescriptor::new(
            "ibkr://status",
            "status",
            "Connection status",
            "Whether TWS is connected, and if not, why. Can be read when nothing else can.",
        )]
    }

    fn call(_context: &Context, _input: NoArguments) -> Result<Output, Failure> {
        let status = connection::get_status();
        let gateways = connection::gateways();
        Ok(Output {
            connected: status.connected,
            connection: status.into(),
            gateways: if gateways.len() > 1 {
                gateways
            } else {
                Vec::new()
            },
        })
    }
}

sandpit_sdk::export_tool!(GetStatus);
