//! `/metrics` of a host that works.

use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use super::{host, operators_token, order};
use crate::support::{Era, Host, McpClient, eventually, simulator};

/// One line of the text format.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: Vec<(String, String)>,
    pub value: f64,
}

/// All samples of a text, and what is said of each family: its name and type.
pub fn parse(text: &str) -> (Vec<Sample>, Vec<(String, String)>) {
    let (mut samples, mut families) = (Vec::new(), Vec::new());
    for line in text.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap();
            families.push((name.to_owned(), kind.to_owned()));
        } else if !line.starts_with('#') {
            samples.push(sample(line));
        }
    }
    (samples, families)
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = match series.split_once('{') {
        None => (series, ""),
        Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
    };
    let labels = labels.split("\",").filter(|label| !label.is_empty());
    let labels = labels.map(|label| {
        let (name, value) = label.split_once("=\"").unwrap();
        (name.to_owned(), value.trim_end_matches('"').to_owned())
    });
    Sample {
        name: name.to_owned(),
        labels: labels.collect(),
        value: value.parse().unwrap(),
    }
}

/// Everything at `/metrics`.
pub async fn scrape(host: &Host) -> String {
    let answer = ask(host, |request| request).await;
    assert_eq!(answer.status(), 200);
    let kind = answer.headers().get("content-type").unwrap();
    assert!(
        kind.to_str()
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    answer.text().await.unwrap()
}

async fn ask(
    host: &Host,
    with: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
) -> reqwest::Response {
    let request = reqwest::Client::new().get(format!("http://{}/metrics", host.address()));
    with(request).send().await.unwrap()
}

/// The sum of the samples of this name that have these labels.
pub fn sum(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let has = |sample: &&Sample| {
        sample.name == name
            && labels.iter().all(|(label, value)| {
                let mut own = sample.labels.iter();
                own.any(|(known, is)| known == label && is == value)
            })
    };
    samples.iter().filter(has).map(|sample| sample.value).sum()
}

/// Makes a host do a bit of everything.
pub async fn work(host: &Host) {
    for _ in 0..3 {
        host.get("get_positions").await.ok();
    }
    host.post("place_order", order(1)).await.ok();
    // The second is over the limit of [`RULES`].
    host.post("place_order", order(1000)).await.problem(403);
    host.get("get_contract_details?symbol=NOSUCHTHING").await;
    for era in Era::ALL {
        let client = McpClient::connect(host, era).await;
        client.call("ibkr_get_account_summary", json!({})).await;
        let unknown = client.try_call("a_name_that_nobody_knows", json!({})).await;
        assert!(unknown.is_err());
    }
    host.get("stream_market_data?symbols=SPY&duration_seconds=1")
        .await;
    host.get("no/such/route").await.problem(404);
}

/// A configuration whose gate refuses large orders.
pub fn limited() -> String {
    let shipped = crate::support::host::shipped();
    let limited = shipped.replace("# max_quantity = 1000 ", "max_quantity = 100 ");
    assert_ne!(shipped, limited);
    limited
}

#[tokio::test]
async fn every_room_counts_its_own() {
    let simulator = simulator().await;
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("sandpit.toml");
    std::fs::write(&config, limited()).unwrap();
    let settings = [("SANDPIT_CONFIG", config.to_str().unwrap())];
    let host = host(&simulator, folder, &settings).await;
    work(&host).await;
    let text = scrape(&host).await;
    let (samples, _) = parse(&text);
    let count = |name: &str, labels: &[(&str, &str)]| sum(&samples, name, labels);

    let positions = ("tool", "ibkr_get_positions");
    let placing = ("tool", "ibkr_place_order");
    for (name, labels, expected) in [
        (
            "sandpit_tool_calls_total",
            vec![positions, ("outcome", "answer")],
            3.0,
        ),
        ("sandpit_tool_calls_total", vec![positions], 3.0),
        (
            "sandpit_tool_calls_total",
            vec![placing, ("outcome", "answer")],
            1.0,
        ),
        (
            "sandpit_tool_failures_total",
            vec![placing, ("kind", "no-permission")],
            1.0,
        ),
        (
            "sandpit_tool_call_duration_seconds_count",
            vec![positions],
            3.0,
        ),
        ("sandpit_tool_queue_seconds_count", vec![positions], 3.0),
        (
            "sandpit_gateway_connected",
            vec![("gateway", "default")],
            1.0,
        ),
        ("sandpit_gateway_state", vec![("state", "connected")], 1.0),
        ("sandpit_gateway_state", vec![], 1.0),
        ("sandpit_gateway_connections_total", vec![], 1.0),
        ("sandpit_gateway_reconnections_total", vec![], 0.0),
        ("sandpit_gateway_market_data_lines_limit", vec![], 100.0),
        (
            "sandpit_gate_verdicts_total",
            vec![("verdict", "passed")],
            1.0,
        ),
        (
            "sandpit_gate_verdicts_total",
            vec![("verdict", "refused")],
            1.0,
        ),
        (
            "sandpit_gate_refusals_total",
            vec![("rule", "max_quantity")],
            1.0,
        ),
        ("sandpit_gate_halted", vec![], 0.0),
        ("sandpit_journal_writable", vec![], 1.0),
        ("sandpit_policy_fault", vec![], 0.0),
        ("sandpit_tool_files", vec![("state", "quarantined")], 0.0),
        ("sandpit_build_info", vec![], 1.0),
    ] {
        assert_eq!(count(name, &labels), expected, "{name} {labels:?}\n{text}");
    }
    for (name, labels) in [
        ("sandpit_tool_gateway_seconds_sum", vec![placing]),
        ("sandpit_tool_sandbox_seconds_sum", vec![placing]),
        (
            "sandpit_gateway_messages_sent_total",
            vec![("kind", "data")],
        ),
        (
            "sandpit_gateway_messages_sent_total",
            vec![("kind", "order")],
        ),
        ("sandpit_gateway_messages_received_total", vec![]),
        (
            "sandpit_gateway_requests_total",
            vec![("outcome", "answered")],
        ),
        ("sandpit_journal_rows", vec![]),
        ("sandpit_journal_writes_total", vec![]),
        (
            "sandpit_http_requests_total",
            vec![("route", "mcp"), ("status", "200")],
        ),
        (
            "sandpit_http_requests_total",
            vec![("route", "rest"), ("status", "404")],
        ),
        ("sandpit_http_connections", vec![]),
        ("sandpit_sandbox_instances_limit", vec![]),
        ("process_resident_memory_bytes", vec![]),
    ] {
        assert!(count(name, &labels) > 0.0, "{name} {labels:?}\n{text}");
    }
    // Callers choose no label, and nobody's account or order is told.
    for words in [
        "a_name_that_nobody_knows",
        "NOSUCHTHING",
        "SPY",
        "DU1234567",
        "such",
    ] {
        assert!(!text.contains(words), "{words} is in\n{text}");
    }
    let series = samples.len();
    assert!(series < 5_000, "{series} series");
}

#[tokio::test]
async fn what_happens_to_the_connection_is_seen() {
    let simulator = simulator().await;
    let host = host(&simulator, TempDir::new().unwrap(), &[]).await;
    simulator.control().drop_connections();
    eventually("the host is connected again", async || {
        let (samples, _) = parse(&scrape(&host).await);
        sum(&samples, "sandpit_gateway_reconnections_total", &[]) == 1.0
    })
    .await;
    let (samples, _) = parse(&scrape(&host).await);
    let count = |name: &str| sum(&samples, name, &[]);
    assert_eq!(count("sandpit_gateway_connection_breaks_total"), 1.0);
    assert_eq!(count("sandpit_gateway_connections_total"), 2.0);
    assert_eq!(count("sandpit_gateway_connected"), 1.0);
}

#[tokio::test]
async fn the_operator_says_who_may_read_them() {
    let simulator = simulator().await;
    let proxied = |request: reqwest::RequestBuilder| request.header("x-forwarded-for", "192.0.2.1");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("metrics.token");
    let settings = [("SANDPIT_METRICS__TOKEN_FILE", file.to_str().unwrap())];
    let host_ = host(&simulator, folder, &settings).await;
    // From this machine without a token, from elsewhere with one of two.
    assert_eq!(ask(&host_, |plain| plain).await.status(), 200);
    assert_eq!(ask(&host_, proxied).await.status(), 401);
    let wrong = |request| proxied(request).bearer_auth("not-the-token-at-all");
    assert_eq!(ask(&host_, wrong).await.status(), 401);
    let token = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    for token in [&token, &operators_token()] {
        let with = |request| proxied(request).bearer_auth(token);
        assert_eq!(ask(&host_, with).await.status(), 200);
    }
    let text = scrape(&host_).await;
    assert!(!text.contains(&token), "the token is told");
    // The token of the metrics opens nothing else.
    let status = reqwest::Client::new()
        .get(format!("http://{}/operator/status", host_.address()))
        .bearer_auth(&token)
        .send();
    assert_eq!(status.await.unwrap().status(), 401);
    // It is no document for web pages.
    let page = |request: reqwest::RequestBuilder| request.header("origin", "http://localhost");
    let answer = ask(&host_, page).await;
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    let posted = reqwest::Client::new()
        .post(format!("http://{}/metrics", host_.address()))
        .send();
    assert_eq!(posted.await.unwrap().status(), 405);
    drop(host_);

    for (access, from_here, from_elsewhere) in [
        ("token", StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED),
        ("open", StatusCode::OK, StatusCode::OK),
        ("off", StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
    ] {
        let settings = [("SANDPIT_METRICS__ACCESS", access)];
        let host = host(&simulator, TempDir::new().unwrap(), &settings).await;
        assert_eq!(
            ask(&host, |plain| plain).await.status(),
            from_here,
            "{access}"
        );
        assert_eq!(
            ask(&host, proxied).await.status(),
            from_elsewhere,
            "{access}"
        );
    }
}
