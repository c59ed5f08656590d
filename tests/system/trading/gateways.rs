//! Two gateways behind one host: each call goes where it is sent, each by rules
//! of its own.

use serde_json::{Value, json};

use super::{Floor, buy};
use crate::support::host::plugins;
use crate::support::{Host, simulator_of};

fn buy_at(gateway: Option<&str>, quantity: u32) -> Value {
    let mut order = buy(quantity);
    if let Some(gateway) = gateway {
        order["gateway"] = gateway.into();
    }
    order
}

#[tokio::test]
async fn each_gateway_has_its_orders_its_rules_and_its_halt() {
    let first = simulator_of(&["DU1111111"]).await;
    let second = simulator_of(&["DU2222222"]).await;
    // `one` is the default: it comes first, though not by its name's letters.
    let floor = Floor::new(&format!(
        "[gate.rules]\nmax_quantity = 10\n\
         [gateways.one]\nport = {}\n\
         [gateways.another]\nport = {}\n\
         [gateways.another.gate.rules]\nmax_quantity = 20\n",
        first.address().port(),
        second.address().port()
    ));
    let mut command = floor.command();
    command
        .args(["serve", "--port", "0", "--connect", "--tools"])
        .arg(plugins());
    let host = Host::start(command).await;

    let orders = || (first.books().orders.len(), second.books().orders.len());
    host.post("place_order", buy_at(None, 1)).await.ok();
    assert_eq!(orders(), (1, 0));
    host.post("place_order", buy_at(Some("one"), 2)).await.ok();
    assert_eq!(orders(), (2, 0));
    host.post("place_order", buy_at(Some("another"), 3))
        .await
        .ok();
    assert_eq!(orders(), (2, 1));
    let error = host
        .post("place_order", buy_at(Some("third"), 1))
        .await
        .problem(400);
    assert!(
        error.contains("one") && error.contains("another"),
        "{error}"
    );

    // Rules of its own replace the common ones.
    host.post("place_order", buy_at(None, 11))
        .await
        .problem(403);
    host.post("place_order", buy_at(Some("another"), 11))
        .await
        .ok();
    host.post("place_order", buy_at(Some("another"), 21))
        .await
        .problem(403);
    assert_eq!(orders(), (2, 2));

    // Reading follows the argument too.
    for (gateway, account) in [("one", "DU1111111"), ("another", "DU2222222")] {
        let status = host
            .get(&format!("ibkr_get_status?gateway={gateway}"))
            .await
            .ok();
        assert!(status.to_string().contains(account), "{status}");
    }

    // A halt of one leaves the other trading.
    floor
        .ask(&host, &["halt", "--gateway", "another"])
        .await
        .ok();
    host.post("place_order", buy_at(Some("another"), 1))
        .await
        .problem(403);
    host.post("place_order", buy_at(None, 4)).await.ok();
    let status = floor.ask(&host, &["status", "--json"]).await.json();
    let halted: Vec<_> = status["gateways"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gateway| (gateway["name"].clone(), gateway["halt"].is_object()))
        .collect();
    assert_eq!(halted, [(json!("one"), false), (json!("another"), true)]);
    floor.ask(&host, &["resume"]).await.ok();
    host.post("place_order", buy_at(Some("another"), 1))
        .await
        .ok();

    let rows = floor
        .run(&[
            "journal",
            "export",
            "--gateway",
            "another",
            "--kind",
            "sending",
        ])
        .await
        .ok();
    assert_eq!(rows.lines().count(), 1 + 3, "{rows}");
    assert!(!rows.contains("DU1111111"), "{rows}");

    let error = {
        let mut command = floor.command();
        command
            .env("TWS_PORT", "4002")
            .args(["serve", "--port", "0"]);
        crate::support::process::Done::of(&mut command)
            .await
            .failed(1)
    };
    assert!(error.contains("TWS_PORT"), "{error}");
}
