//! The brake: by command, by HTTP and by a file, over restarts.

use super::{Floor, place, refusal};
use crate::support::{eventually, simulator};

/// How many orders of the simulated TWS still work.
fn working(simulator: &sandpit_simulator::Simulator) -> usize {
    let orders = simulator.books().orders;
    let ends = ["Filled", "Cancelled"];
    orders
        .iter()
        .filter(|order| !ends.contains(&order.status.as_str()))
        .count()
}

#[tokio::test]
async fn a_halt_outlives_the_host_and_lets_cancels_pass() {
    let simulator = simulator().await;
    let floor = Floor::new("");
    let mut host = floor.host(simulator.address()).await;
    let (one, two) = (place(&host, 1).await, place(&host, 2).await);

    let done = floor
        .ask(&host, &["halt", "--reason", "enough for today"])
        .await
        .ok();
    assert!(done.contains("default: trading is halted"), "{done}");
    let sentence = refusal(&host, 3).await.expect("it is halted");
    assert!(sentence.contains("enough for today"), "{sentence}");
    host.request(
        reqwest::Method::DELETE,
        &format!("cancel_order/{one}"),
        None,
    )
    .await
    .ok();
    assert_eq!(working(&simulator), 1);

    host.kill().await;
    let host = floor.host(simulator.address()).await;
    assert!(refusal(&host, 3).await.is_some(), "a restart lifts nothing");
    let status = floor.ask(&host, &["status"]).await.ok();
    assert!(status.contains("enough for today"), "{status}");

    let done = floor.ask(&host, &["halt", "--cancel-orders"]).await.ok();
    assert!(done.contains(&format!("order {two}: Cancelled")), "{done}");
    assert_eq!(working(&simulator), 0);

    let done = floor.ask(&host, &["resume"]).await.ok();
    assert!(done.contains("orders pass again"), "{done}");
    assert_eq!(refusal(&host, 3).await, None);
    let done = floor.ask(&host, &["resume"]).await.ok();
    assert!(done.contains("was not halted"), "{done}");
    let error = floor
        .ask(&host, &["halt", "--gateway", "live"])
        .await
        .failed(1);
    assert!(error.contains("default"), "{error}");
    let rows = floor
        .run(&["journal", "list", "--kind", "halt,resume"])
        .await
        .ok();
    assert!(
        rows.contains("enough for today") && rows.contains("resume"),
        "{rows}"
    );
}

#[tokio::test]
async fn a_halt_without_a_host_holds_for_the_next() {
    let simulator = simulator().await;
    let floor = Floor::new("[server]\nport = 1");
    let done = floor
        .run(&["halt", "--reason", "before the start"])
        .await
        .ok();
    assert!(
        done.contains("No host answers") && done.contains("before the start"),
        "{done}"
    );
    let host = floor.host(simulator.address()).await;
    let sentence = refusal(&host, 1).await.expect("it is halted");
    assert!(sentence.contains("before the start"), "{sentence}");
    // The host that runs elsewhere is not passed over.
    let error = floor.run(&["resume"]).await.failed(1);
    assert!(error.contains("in use by another Sandpit"), "{error}");
    assert!(refusal(&host, 1).await.is_some());
    drop(host);
    floor.run(&["resume"]).await.ok();
    let host = floor.host(simulator.address()).await;
    assert_eq!(refusal(&host, 1).await, None);
}

#[tokio::test]
async fn a_file_halts_until_it_is_gone_and_somebody_resumes() {
    let simulator = simulator().await;
    let floor = Floor::new("[gate]\nhalt_file = \"HALT\"");
    let host = floor.host(simulator.address()).await;
    assert_eq!(refusal(&host, 1).await, None);
    std::fs::write(floor.path("HALT"), "").unwrap();
    let sentence = refusal(&host, 1).await.expect("the file is there");
    assert!(sentence.contains("a file"), "{sentence}");
    let error = floor.ask(&host, &["resume"]).await.failed(1);
    assert!(
        error.contains("HALT") && error.contains("Remove it"),
        "{error}"
    );
    std::fs::remove_file(floor.path("HALT")).unwrap();
    assert!(refusal(&host, 1).await.is_some(), "a person lifts it");
    floor.ask(&host, &["resume"]).await.ok();
    assert_eq!(refusal(&host, 1).await, None);
    // Also one that nobody was trading at.
    std::fs::write(floor.path("HALT"), "").unwrap();
    eventually("the file is seen", async || {
        let status = floor.ask(&host, &["status", "--json"]).await.json();
        status["gateways"][0]["halt"]["source"] == "file"
    })
    .await;
}
