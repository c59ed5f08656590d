//! The sandbox from outside: components that behave, and components that do
//! not. The gateway below is the real one, without a connection.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap or a panic fails the test"
)]

mod bounds;
mod broker;
mod calls;
mod events;
mod guest;
mod loading;
mod prompts;

use guest::Guest;
use sandpit_gateway::{Gateway, GatewayConfig, Gateways};
use sandpit_sandbox::{Call, Component, Grants, LoadError, Outcome, Sandbox, SandboxConfig};

/// A sandbox on a gateway that is connected to nothing.
fn sandbox(config: SandboxConfig) -> Sandbox {
    Sandbox::new(
        config,
        Gateways::one(Gateway::new(GatewayConfig::default())),
    )
    .unwrap()
}

async fn load(sandbox: &Sandbox, guest: Guest) -> Component {
    try_load(sandbox, guest.build())
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Inspects a component and links it with every capability.
async fn try_load(sandbox: &Sandbox, bytes: Vec<u8>) -> Result<Component, LoadError> {
    sandbox.inspect(bytes).await?.link(&Grants::all())
}

fn call() -> Call {
    Call::new("call-1", "test", "{}")
}

fn structured(outcome: Outcome) -> String {
    match outcome {
        Outcome::Answer(answer) => answer.structured.unwrap().text().to_owned(),
        other => panic!("not an answer: {other:?}"),
    }
}
