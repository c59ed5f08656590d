//! One id for each call: its caller has it, and so have its log lines and its
//! rows in the journal.

use serde_json::Value;
use tempfile::TempDir;

use super::{host, order};
use crate::support::host::{JOURNAL, command};
use crate::support::process::Done;
use crate::support::{Era, Host, McpClient, eventually, simulator};

/// The lines of a log in JSON.
fn lines(host: &Host) -> Vec<Value> {
    let log = host.log();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

/// Whether a line is of the call with this id.
fn is_of(line: &Value, id: &str) -> bool {
    let spans = line["spans"].as_array();
    spans.is_some_and(|spans| {
        spans
            .iter()
            .any(|span| span["name"] == "front.call" && span["call_id"] == id)
    })
}

#[tokio::test]
async fn every_line_and_row_of_a_call_has_the_id_that_its_caller_gets() {
    let simulator = simulator().await;
    let folder = TempDir::new().unwrap();
    let journal = folder.path().join("journal.db");
    let settings = [
        ("SANDPIT_LOG__FORMAT", "json"),
        ("SANDPIT_LOG__LEVEL", "debug"),
        (JOURNAL, journal.to_str().unwrap()),
    ];
    let host = host(&simulator, folder, &settings).await;

    let answer = reqwest::Client::new()
        .post(format!("{}/place_order", host.base))
        .header("content-type", "application/json")
        .body(order(1).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "{}", host.log());
    let rest = answer.headers().get("sandpit-call-id").unwrap();
    let rest = rest.to_str().unwrap().to_owned();
    let mut ids = vec![rest];
    for era in Era::ALL {
        let client = McpClient::connect(&host, era).await;
        let result = client.try_call("ibkr_place_order", order(2)).await.unwrap();
        let meta = result.meta.unwrap();
        ids.push(
            meta.get("sandpit/callId")
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }

    let mut list = command();
    list.args(["journal", "list", "--kind", "asked", "--format", "json"])
        .env(JOURNAL, &journal);
    let rows = Done::of(&mut list).await.ok();
    eventually("the log has the end of each call", async || {
        let lines = lines(&host);
        let ended = |line: &Value, id: &str| {
            is_of(line, id) && line["target"].as_str() == Some("sandpit_tools::call")
        };
        ids.iter()
            .all(|id| lines.iter().any(|line| ended(line, id)))
    })
    .await;
    let lines = lines(&host);
    for id in &ids {
        assert!(rows.contains(id.as_str()), "{id}: {rows}");
        let of_call: Vec<_> = lines.iter().filter(|line| is_of(line, id)).collect();
        let told = |target: &str| {
            let mut targets = of_call.iter().filter_map(|line| line["target"].as_str());
            targets.any(|found| found.starts_with(target))
        };
        // The end of the call, and what the gateway's client does for it.
        assert!(told("sandpit_tools") && told("ibapi"), "{id}: {of_call:#?}");
        // Nothing of a call is logged beside its span.
        for line in lines
            .iter()
            .filter(|line| line["fields"]["call"] == id.as_str())
        {
            assert!(is_of(line, id), "{line}");
        }
    }
    // Lines of one call are not those of another.
    for line in &lines {
        let of = ids.iter().filter(|id| is_of(line, id)).count();
        assert!(of <= 1, "{line}");
    }
}
