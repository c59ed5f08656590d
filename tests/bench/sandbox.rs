//! The sandbox: one call of a real tool in a fresh instance, against the same
//! work done natively.
//!
//! The tool is `ibkr_get_status`: it takes arguments, asks the host once, and
//! answers JSON, without waiting for TWS; so what is measured is the sandbox.

use std::time::Instant;

use sandpit_gateway::{Gateway, GatewayConfig, model};
use sandpit_sandbox::{Call, Component, Grants, Outcome, Sandbox, SandboxConfig};
use sandpit_simulator::Simulator;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;

use crate::load::Timings;
use crate::process::plugins;
use crate::table::{Table, micros};

/// Calls in each measurement.
const CALLS: usize = 20_000;

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
    let sandbox = Sandbox::new(SandboxConfig::default(), gateway.clone()).expect("a sandbox");
    let bytes = std::fs::read(plugins().join("ibkr_get_status.wasm")).expect("the component");
    let inspected = sandbox.inspect(bytes).await.expect("it loads");
    let component = inspected.link(&Grants::all()).expect("it links");

    // The same work, or the comparison says nothing.
    assert_eq!(
        parsed(&call(&component).await),
        parsed(&natively(&gateway, "{}"))
    );

    table.section("One call of ibkr_get_status, fresh instance, against the same work natively");
    for callers in [1, 2] {
        let (tool, same) = (component.clone(), gateway.clone());
        let sandboxed = many(callers, move || {
            let component = tool.clone();
            async move { call(&component).await }
        })
        .await;
        let native = many(callers, move || {
            let gateway = same.clone();
            async move { natively(&gateway, "{}") }
        })
        .await;
        let label = |what: &str| format!("{callers} at once: {what}");
        table.times(&label("p50"), sandboxed.quantile(0.5), native.quantile(0.5));
        table.times(
            &label("p99"),
            sandboxed.quantile(0.99),
            native.quantile(0.99),
        );
        let extra = sandboxed.quantile(0.5).saturating_sub(native.quantile(0.5));
        table.alone(&label("p50 above native"), micros(extra));
        table.rates(&label("rate"), sandboxed.rate(), native.rate());
    }
    sandbox.shutdown().await;
}

/// `CALLS` calls by `callers` tasks.
async fn many<F, T>(callers: usize, work: F) -> Timings
where
    F: Fn() -> T + Clone + Send + 'static,
    T: Future<Output = String> + Send,
{
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let work = work.clone();
        tasks.spawn(async move {
            let mut each = Vec::with_capacity(CALLS / callers);
            for _ in 0..CALLS / callers {
                let call = Instant::now();
                std::hint::black_box(work().await);
                each.push(call.elapsed());
            }
            each
        });
    }
    Timings::new(tasks.join_all().await.concat(), start.elapsed())
}

/// One call in the sandbox, for the JSON text of its answer.
async fn call(component: &Component) -> String {
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
