//! `ibkr_disconnect`: closes the connection to TWS.

use sandpit_sdk::HttpMethod;
use sandpit_sdk::broker::connection;
use sandpit_sdk::input::NoArguments;
use sandpit_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

/// The tool.
pub struct Disconnect;

/// What became of it.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    /// disconnected or not_connected
    status: &'static str,
}

impl Tool for Disconnect {
    const NAME: &'static str = "ibkr_disconnect";
    const TITLE: &'static str = "Disconnect from TWS";
    const DESCRIPTION: &'static str = "Close the connection to TWS for all callers and end every \
        stream. Orders at the exchange keep working.";
    const ANNOTATIONS: Annotations = Annotations {
        read_only: false,
        destructive: false,
        idempotent: true,
        open_world: true,
    };
    const ROUTES: &'static [(HttpMethod, &'static str)] = &[(HttpMethod::Post, "disconnect_tws")];
    type Input = NoArguments;
    type Output = Output;

    fn call(_context: &Context, _input: NoArguments) -> Result<Output, Failure> {
        let was_open = connection::disconnect()?;
        Ok(Output {
            status: if was_open {
                "disconnected"
            } else {
                "not_connected"
            },
        })
    }
}

sandpit_sdk::export_tool!(Disconnect);
