//! The sandbox: one call of a real tool in a fresh instance, against the same
//! work done natively, and against an instance that is kept; and the smallest
//! tool that there can be.
//!
//! The tool is `ibkr_get_status`: it takes arguments, asks the host once, and
//! answers JSON, without waiting for TWS; so what is measured is the sandbox.

use std::sync::Arc;
use std::time::Instant;

use sandpit_gateway::{Gateway, GatewayConfig, Gateways, model};
use sandpit_sandbox::{Call, Component, Grants, Outcome, Sandbox, SandboxConfig};
use sandpit_simulator::Simulator;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use tokio::sync::Mutex;

use crate::guest::Guest;
use crate::kept::Kept;
use crate::load::Timings;
use crate::process::plugins;
use crate::table::{Table, micros};

/// Calls in each measurement.
const CALLS: usize = 20_000;
/// How often each of two things that are compared is measured, in turns: the
/// machine may be busier now than a moment later.
const TURNS: usize = 3;

/// Fills in the rows of the sandbox.
pub async fn measure(simulator: &Simulator, table: &mut Table) {
    let gateway = Gateway::new(GatewayConfig {
        port: simulator.address().port(),
        client_id: 77,
        ..GatewayConfig::default()
    });
    gateway
        .connect(model::Endpoint::default())
        .await
        .expect("a connection");
    let sandbox =
        Sandbox::new(SandboxConfig::default(), Gateways::one(gateway.clone())).expect("a sandbox");
    let bytes = std::fs::read(plugins().join("ibkr_get_status.wasm")).expect("the component");
    let component = load(&sandbox, bytes.clone()).await;
    let mut kept = Kept::start(&bytes, gateway.clone()).await;

    // The same work, or the comparison says nothing.
    let answer = parsed(&call(&component).await);
    assert_eq!(answer, parsed(&natively(&gateway, "{}")));
    assert_eq!(answer, parsed(&kept.call().await));

    table.section("One call of ibkr_get_status, fresh instance, against the same work natively");
    for callers in [1, 2, 16, 256] {
        let [sandboxed, native] = in_turns(
            || many(callers, fresh(&component)),
            || {
                let gateway = gateway.clone();
                many(callers, move || {
                    let gateway = gateway.clone();
                    async move { natively(&gateway, "{}") }
                })
            },
        )
        .await;
        compared(table, callers, &sandboxed, &native);
        if callers <= 2 {
            let extra = sandboxed.quantile(0.5).saturating_sub(native.quantile(0.5));
            table.alone(
                &format!("{callers} at once: p50 above native"),
                micros(extra),
            );
        }
    }

    table.section("The same, against an instance that is kept from call to call");
    let kept = Arc::new(Mutex::new(kept));
    let [sandboxed, reused] = in_turns(
        || many(1, fresh(&component)),
        || {
            let kept = Arc::clone(&kept);
            many(1, move || {
                let kept = Arc::clone(&kept);
                async move { kept.lock().await.call().await }
            })
        },
    )
    .await;
    compared(table, 1, &sandboxed, &reused);

    table.section("The smallest tool, fresh instance, against ibkr_get_status");
    let smallest = load(&sandbox, Guest::new("smallest").build()).await;
    for callers in [1, 2, 16] {
        let [smallest, status] = in_turns(
            || many(callers, fresh(&smallest)),
            || many(callers, fresh(&component)),
        )
        .await;
        compared(table, callers, &smallest, &status);
    }
    sandbox.shutdown().await;
}

/// Loads a component and grants it everything.
pub async fn load(sandbox: &Sandbox, bytes: Vec<u8>) -> Component {
    let inspected = sandbox.inspect(bytes).await.expect("it loads");
    inspected.link(&Grants::all()).expect("it links")
}

/// Calls the component in a fresh instance.
fn fresh(
    component: &Component,
) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = String> + Send>> + Clone + Send + 'static {
    let component = component.clone();
    move || {
        let component = component.clone();
        Box::pin(async move { call(&component).await })
    }
}

/// Measures two things in turns, and takes the best turn of each: it is the one
/// that the rest of the machine disturbed least.
async fn in_turns<A, B>(mut one: impl FnMut() -> A, mut other: impl FnMut() -> B) -> [Timings; 2]
where
    A: Future<Output = Timings>,
    B: Future<Output = Timings>,
{
    let mut best = [one().await, other().await];
    for _ in 1..TURNS {
        let again = [one().await, other().await];
        for (best, again) in best.iter_mut().zip(again) {
            if again.quantile(0.5) < best.quantile(0.5) {
                *best = again;
            }
        }
    }
    best
}

fn compared(table: &mut Table, callers: usize, figure: &Timings, baseline: &Timings) {
    let label = |what: &str| format!("{callers} at once: {what}");
    for (what, share) in [("p50", 0.5), ("p99", 0.99)] {
        table.times(
            &label(what),
            figure.quantile(share),
            baseline.quantile(share),
        );
    }
    table.rates(&label("rate"), figure.rate(), baseline.rate());
}

/// `CALLS` calls by `callers` tasks. Where there are more callers than threads,
/// a call's time begins before it waits for its turn.
async fn many<F, T>(callers: usize, work: F) -> Timings
where
    F: Fn() -> T + Clone + Send + 'static,
    T: Future<Output = String> + Send,
{
    let crowded = callers > std::thread::available_parallelism().map_or(1, usize::from);
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let work = work.clone();
        tasks.spawn(async move {
            let mut each = Vec::with_capacity(CALLS / callers);
            for _ in 0..CALLS / callers {
                let call = Instant::now();
                if crowded {
                    tokio::task::yield_now().await;
                }
                std::hint::black_box(work().await);
                each.push(call.elapsed());
            }
            each
        });
    }
    Timings::new(tasks.join_all().await.concat(), start.elapsed())
}

/// One call in the sandbox, for the JSON text of its answer.
pub async fn call(component: &Component) -> String {
    match component
        .call(Call::new("bench", "bench", "{}"))
        .await
        .expect("an outcome")
    {
        Outcome::Answer(answer) => {
            let structured = answer.structured.expect("a structured answer");
            structured.text().to_owned()
        }
        other => unreachable!("{other:?}"),
    }
}

/// What the tool does, as native code: arguments parsed, status asked for,
/// answer written as JSON text.
fn natively(gateway: &Gateway, arguments: &str) -> String {
    let _: Map<String, Value> = serde_json::from_str(arguments).expect("an object");
    let status = gateway.status();
    let kind = match status.account_kind {
        model::AccountKind::Paper => "paper",
        model::AccountKind::Live => "live",
        model::AccountKind::Unknown => "unknown",
    };
    let mut answer = json!({
        "connected": status.connected,
        "host": status.host,
        "port": status.port,
        "clientId": status.client_id,
        "accounts": status.accounts,
        "accountKind": kind,
    });
    let optional = [
        ("serverVersion", status.server_version.map(Value::from)),
        (
            "since",
            status
                .since
                .and_then(|at| at.format(&Rfc3339).ok())
                .map(Value::from),
        ),
        ("timeZone", status.time_zone.map(Value::from)),
        ("reason", status.reason.map(Value::from)),
        (
            "notices",
            (!status.notices.is_empty()).then(|| status.notices.into()),
        ),
    ];
    for (name, value) in optional {
        if let (Some(value), Value::Object(map)) = (value, &mut answer) {
            map.insert(name.to_owned(), value);
        }
    }
    answer.to_string()
}

/// An answer without the one thing that is written with another precision.
fn parsed(text: &str) -> Value {
    let mut value: Value = serde_json::from_str(text).expect("JSON");
    if let Value::Object(map) = &mut value {
        assert!(map.remove("since").is_some(), "{text}");
    }
    value
}
