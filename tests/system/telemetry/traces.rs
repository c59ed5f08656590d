//! One call is one trace, through all rooms, over MCP and REST.

use rmcp::model::{CallToolRequestParams, RequestMetaObject};
use serde_json::json;
use tempfile::TempDir;

use super::collector::{Collector, Span};
use super::host;
use crate::support::{Era, Host, McpClient, eventually, simulator};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The trace and the span of a caller, as W3C Trace Context writes them.
const TRACE: [&str; 2] = [
    "0af7651916cd43dd8448eb211c80319c",
    "11111111111111111111111111111111",
];
const SPAN: &str = "b7ad6b7169203331";

fn traceparent(trace: &str) -> String {
    format!("00-{trace}-{SPAN}-01")
}

/// The spans from the gateway's answer up to the caller, of a trace in which
/// there is exactly one of each.
fn way_up<'a>(spans: &'a [Span], trace: &str) -> Vec<&'a Span> {
    let of_trace: Vec<_> = spans.iter().filter(|span| span.trace == trace).collect();
    let one = |name: &str| {
        let mut named = of_trace.iter().filter(|span| span.name == name);
        let found = named.next().copied();
        assert!(named.next().is_none(), "two are called {name}: {spans:#?}");
        found.unwrap_or_else(|| panic!("none is called {name}: {spans:#?}"))
    };
    let way = [
        "gateway.positions",
        "sandbox.call",
        "tools.call",
        "front.call",
    ]
    .map(one);
    for pair in way.windows(2) {
        assert_eq!(pair[0].parent, pair[1].id, "{pair:#?}");
    }
    way.into()
}

/// Asks for the positions over REST, as part of a trace. Answers the call's id.
async fn ask_rest(host: &Host, trace: &str) -> String {
    let answer = reqwest::Client::new()
        .get(format!("{}/get_positions", host.base))
        .header("traceparent", traceparent(trace))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let id = answer.headers().get("sandpit-call-id").unwrap();
    id.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_call_is_one_trace_through_all_rooms() {
    let collector = Collector::start().await;
    let simulator = simulator().await;
    let settings = [(ENDPOINT, collector.endpoint())];
    let settings = settings
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let mut host = host(&simulator, TempDir::new().unwrap(), &settings).await;

    let rest_id = ask_rest(&host, TRACE[0]).await;
    let client = McpClient::connect(&host, Era::Modern).await;
    let mut meta = RequestMetaObject::default();
    meta.insert("traceparent".to_owned(), traceparent(TRACE[1]).into());
    let mut params = CallToolRequestParams::new("ibkr_get_positions");
    params.meta = Some(meta);
    let result = client.service.call_tool(params).await.unwrap();
    let mcp_id = result.meta.unwrap().get("sandpit/callId").unwrap().clone();
    let legacy = McpClient::connect(&host, Era::Legacy).await;
    legacy.call("ibkr_get_positions", json!({})).await;
    drop((client, legacy));
    // What is not sent yet is sent at the end.
    assert!(host.stop().await.success());

    let spans = collector.spans();
    for (trace, id, protocol) in [
        (TRACE[0], rest_id.as_str(), "rest"),
        (TRACE[1], mcp_id.as_str().unwrap(), "mcp"),
    ] {
        let way = way_up(&spans, trace);
        let front = way.last().unwrap();
        assert_eq!(front.parent, SPAN, "{protocol}");
        assert_eq!(front.attribute("call_id"), Some(id));
        assert_eq!(front.attribute("protocol"), Some(protocol));
        assert_eq!(front.attribute("tool"), Some("ibkr_get_positions"));
        assert_eq!(way[0].attribute("gateway"), Some("default"));
        assert!(way.iter().all(|span| span.service == "sandpit"), "{way:#?}");
    }
    // Who belongs to no trace gets one of its own.
    let mut own = spans
        .iter()
        .filter(|span| span.name == "front.call" && !TRACE.contains(&span.trace.as_str()));
    let own = own.next().expect("a trace of its own");
    assert_eq!(own.parent, "");
    way_up(&spans, &own.trace);
    // No account, symbol or token is in any of them.
    for span in &spans {
        let said = format!("{span:?}");
        assert!(
            !said.contains("DU1234567") && !said.contains("SPY"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_collector_that_is_gone_costs_traces_and_nothing_else() {
    let collector = Collector::start().await;
    let endpoint = collector.endpoint();
    drop(collector);
    let simulator = simulator().await;
    let settings = [
        ("SANDPIT_TELEMETRY__OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ];
    let mut host = host(&simulator, TempDir::new().unwrap(), &settings).await;
    for _ in 0..5 {
        ask_rest(&host, TRACE[0]).await;
    }
    eventually("the log says that the traces are lost", async || {
        host.log().contains("the collector takes no traces")
    })
    .await;
    ask_rest(&host, TRACE[0]).await;
    assert!(host.stop().await.success(), "{}", host.log());
    let told = host.log().matches("the collector takes no traces").count();
    assert_eq!(told, 1, "{}", host.log());
}
