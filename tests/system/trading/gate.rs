//! The operator's rules over REST: what they refuse, and how they change.

use super::{Floor, refusal};
use crate::support::process::Done;
use crate::support::{eventually, simulator};

#[tokio::test]
async fn a_limit_binds_and_follows_the_file() {
    let simulator = simulator().await;
    let floor = Floor::new("[gate.rules]\nmax_quantity = 10");
    let host = floor.host(simulator.address()).await;

    assert_eq!(refusal(&host, 10).await, None);
    let sentence = refusal(&host, 11).await.expect("eleven are too many");
    assert!(
        sentence.contains("10") && sentence.contains("11"),
        "{sentence}"
    );
    assert_eq!(simulator.books().orders.len(), 1);

    floor.set("[gate.rules]\nmax_quantity = 20");
    eventually("the new limit counts", async || {
        refusal(&host, 11).await.is_none()
    })
    .await;
    assert!(refusal(&host, 21).await.is_some());
    let log = host.log();
    assert!(
        log.contains("a rule of orders was changed") && log.contains("max_quantity"),
        "{log}"
    );
    assert!(!log.contains("counts from the next start"), "{log}");

    // A fault keeps the rules as they are, and is told.
    floor.set("[gate.rules]\nmax_quantity = -1");
    eventually("the fault is told", async || {
        let status = floor.ask(&host, &["status", "--json"]).await.json();
        let fault = status["policyFault"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        fault.contains("gate.rules.max_quantity is -1")
    })
    .await;
    assert!(refusal(&host, 21).await.is_some());
    assert_eq!(refusal(&host, 20).await, None);

    // Off is off; the rest is as before when it is taken back.
    floor.set("[gate]\nmode = \"off\"");
    eventually("nothing is traded", async || {
        refusal(&host, 1).await.is_some()
    })
    .await;
    floor.set("");
    eventually("trading goes on", async || {
        refusal(&host, 30).await.is_none()
    })
    .await;
    simulator.books().check().unwrap();
}

#[tokio::test]
async fn the_environment_cannot_loosen_a_limit() {
    let floor = Floor::new("[gate.rules]\nmax_quantity = 10");
    for (variable, value) in [
        ("SANDPIT_GATE__RULES__MAX_QUANTITY", "1000"),
        ("SANDPIT_GATE__MODE", "live"),
        ("SANDPIT_GATEWAY__GATE", "{mode=live}"),
    ] {
        let mut serve = floor.command();
        serve.env(variable, value).args(["serve", "--port", "0"]);
        let done = Done::of(&mut serve).await;
        let error = done.failed(1);
        assert!(
            error.contains(variable) && error.contains("configuration file only"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn without_a_journal_no_order_goes_out() {
    let simulator = simulator().await;
    let floor = Floor::new("");
    // A folder stands where the journal should be.
    std::fs::create_dir(floor.journal()).unwrap();
    let host = floor.host(simulator.address()).await;
    let sentence = refusal(&host, 1).await.expect("there is no journal");
    assert!(
        sentence.contains("No order goes out") && sentence.contains("journal.db"),
        "{sentence}"
    );
    eventually("the log says so", async || {
        host.log().contains("NO ORDER GOES OUT")
    })
    .await;
    host.get("get_positions").await.ok();
    assert_eq!(simulator.books().orders, []);
    let status = floor.ask(&host, &["status"]).await.ok();
    assert!(status.contains("journal:"), "{status}");
}
