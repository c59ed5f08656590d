//! Capabilities without a connection: typed errors that a tool can handle, and
//! the bound on requests.

use sandpit_sandbox::{Rate, SandboxConfig};

use crate::guest::Guest;
use crate::{call, load, sandbox};

const ACCOUNT: &str = "sandpit:broker/account@0.1.0";
const CONNECTION: &str = "sandpit:broker/connection@0.1.0";
const TRADING: &str = "sandpit:broker/trading@0.1.0";

/// Cases of the variant `error`, by their order in the contract.
const NOT_CONNECTED: i32 = 0;
const PACING: i32 = 4;

/// Code that calls a function whose result lies at 600, and traps unless it is
/// an error of this case.
fn expect_error(function: &str, arguments: &str, case: i32) -> String {
    format!(
        "(call ${function} {arguments} (i32.const 600))
         (if (i32.ne (i32.load8_u (i32.const 600)) (i32.const 1)) (then unreachable))
         (if (i32.ne (i32.load8_u (i32.const 604)) (i32.const {case})) (then unreachable))"
    )
}

#[tokio::test]
async fn without_a_connection_a_tool_gets_a_typed_error() {
    let sandbox = sandbox(SandboxConfig::default());
    let guest = Guest::new("account")
        .import(ACCOUNT, "positions", "(param i32)")
        .import(TRADING, "cancel", "(param i32 i32)")
        .before_answer(&expect_error("positions", "", NOT_CONNECTED))
        .before_answer(&expect_error("cancel", "(i32.const 7)", NOT_CONNECTED));
    let component = load(&sandbox, guest).await;
    component.call(call()).await.unwrap();
    assert!(!sandbox.is_connected());
}

#[tokio::test]
async fn the_status_needs_no_connection() {
    let sandbox = sandbox(SandboxConfig::default());
    // The first byte of the status says whether there is a connection.
    let guest = Guest::new("status")
        .import(CONNECTION, "get-status", "(param i32)")
        .before_answer(
            "(call $get-status (i32.const 600))
             (if (i32.load8_u (i32.const 600)) (then unreachable))",
        );
    let component = load(&sandbox, guest).await;
    component.call(call()).await.unwrap();
}

#[tokio::test]
async fn requests_are_bounded() {
    let sandbox = sandbox(SandboxConfig::default());
    let guest = Guest::new("eager")
        .import(ACCOUNT, "positions", "(param i32)")
        .before_answer(&expect_error("positions", "", PACING))
        .before_answer(&expect_error("positions", "", NOT_CONNECTED));
    let component = load(&sandbox, guest).await;
    let mut call = call();
    call.limits.broker_requests = Rate {
        at_once: 1,
        per_second: 0,
    };
    component.call(call).await.unwrap();
}
