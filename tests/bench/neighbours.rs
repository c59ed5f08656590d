//! Neighbours: what the callers of one tool notice of another that loops
//! without end.

use std::time::{Duration, Instant};

use sandpit_gateway::{Gateway, GatewayConfig, Gateways};
use sandpit_sandbox::{Call, Sandbox, SandboxConfig};
use tokio_util::sync::CancellationToken;

use crate::guest::Guest;
use crate::load::Timings;
use crate::process::plugins;
use crate::sandbox::{call, load};
use crate::table::Table;

/// Calls in each measurement, and the pause before each: neighbours that are
/// not busy all the time, as callers are.
const CALLS: usize = 300;
const PAUSE: Duration = Duration::from_millis(2);

/// Fills in the rows of the neighbours.
pub async fn measure(table: &mut Table) {
    let gateway = Gateway::new(GatewayConfig::default());
    let sandbox =
        Sandbox::new(SandboxConfig::default(), Gateways::one(gateway)).expect("a sandbox");
    let bytes = std::fs::read(plugins().join("ibkr_get_status.wasm")).expect("the component");
    let component = load(&sandbox, bytes).await;
    let endless = Guest::new("endless").before_answer("(loop br 0)").build();
    let endless = load(&sandbox, endless).await;

    table.section("One call of ibkr_get_status at a time, beside endless loops, against alone");
    let measured = async || {
        let mut each = Vec::with_capacity(CALLS);
        let start = Instant::now();
        for _ in 0..CALLS {
            tokio::time::sleep(PAUSE).await;
            // A call of its own task, as the front makes it.
            let component = component.clone();
            let asked = Instant::now();
            tokio::spawn(async move { call(&component).await })
                .await
                .expect("an answer");
            each.push(asked.elapsed());
        }
        Timings::new(each, start.elapsed())
    };
    let alone = measured().await;
    for loops in [1, 4] {
        let cancel = CancellationToken::new();
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..loops {
            let component = endless.clone();
            let mut call = Call::new("endless", "bench", "{}");
            call.cancel = cancel.clone();
            running.spawn(async move { component.call(call).await });
        }
        let beside = measured().await;
        for (what, share) in [("p50", 0.5), ("p99", 0.99)] {
            table.times(
                &format!("{loops} beside: {what}"),
                beside.quantile(share),
                alone.quantile(share),
            );
        }
        // Ends them without the grace period, which they would not use.
        running.shutdown().await;
    }
    sandbox.shutdown().await;
}
