//! Attacks on what was granted: capabilities, accounts, and names.

use sandpit_simulator::{Simulator, SimulatorConfig};
use serde_json::{Value, json};

use super::siege::{Siege, attack, row, status};
use crate::support::{Era, Host, McpClient, eventually, simulator};

fn orders(simulator: &Simulator) -> usize {
    simulator.books().orders.len()
}

#[tokio::test]
async fn a_tool_that_may_read_cannot_trade() {
    let simulator = simulator().await;
    let host = Siege::new(&["trades"])
        .config("[policy.trades]\ngrants = [\"account\", \"order-book\"]\n")
        .begin_as_configured(&simulator)
        .await;
    let row = row(&host, "trades").await;
    assert_eq!(row["state"], "quarantined", "{row}");
    assert_eq!(row["asks"], json!(["trading"]));
    let reason = row["reason"].as_str().expect("a reason");
    assert!(reason.contains("sandpit grant trades trading"), "{reason}");
    host.post("trades", json!({})).await.problem(404);
    let client = McpClient::connect(&host, Era::Modern).await;
    client.try_call("trades", json!({})).await.unwrap_err();
    assert_eq!(orders(&simulator), 0);
    let received = simulator.received();
    assert!(!received.iter().any(|request| request.name == "PlaceOrder"));

    // Control: with the grant it buys, whatever it says of itself.
    drop(host);
    let host = Siege::new(&["trades"]).begin(&simulator).await;
    host.post("trades", json!({})).await.ok();
    assert_eq!(orders(&simulator), 1);
}

#[tokio::test]
async fn a_tool_sees_the_accounts_of_its_scope() {
    let simulator = Simulator::start(SimulatorConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        accounts: vec!["DU1234567".to_owned(), "DU7654321".to_owned()],
        ..SimulatorConfig::default()
    })
    .await
    .unwrap();
    // All that there is to hold is held in the first account.
    let scope = |account: &str| format!("[policy.reads_account.scope]\naccounts = [{account:?}]\n");
    let read = async |host: &Host, account: &str| {
        let arguments = match account {
            "" => json!({}),
            account => json!({"account": account}),
        };
        host.post("reads_account", arguments).await
    };
    let inside = Siege::new(&["reads_account"]).config(&scope("DU7654321"));
    let inside = inside.begin(&simulator).await;
    assert_eq!(read(&inside, "").await.ok()["found"], json!([]));
    assert_eq!(
        read(&inside, "DU7654321").await.ok()["found"],
        json!(["DU7654321"])
    );
    let there = read(&inside, "DU1234567").await.problem(403);
    let nowhere = read(&inside, "DU0000000").await.problem(403);
    // Nor does it learn which accounts there are.
    assert_eq!(
        there.replace("DU1234567", "X"),
        nowhere.replace("DU0000000", "X")
    );

    // Control: without a scope it sees them all.
    drop(inside);
    let open = Siege::new(&["reads_account"]).begin(&simulator).await;
    assert_eq!(read(&open, "").await.ok()["found"], json!(["DU1234567"]));
    assert_eq!(
        read(&open, "DU1234567").await.ok()["found"],
        json!(["DU1234567"])
    );
}

#[tokio::test]
async fn a_name_cannot_be_taken() {
    let simulator = simulator().await;
    let siege = Siege::new(&[]);
    let folder = siege.tools();
    let host = siege.begin(&simulator).await;
    let honest: Value = host.get("get_positions").await.ok();
    std::fs::write(folder.join("takes_name.wasm"), attack("takes_name")).unwrap();
    eventually("the newcomer is refused", async || {
        let status = status(&host).await;
        let rows = status["tools"].as_array().unwrap();
        rows.iter()
            .any(|row| row["file"] == "takes_name.wasm" && row["state"] == "refused")
    })
    .await;
    let row = row(&host, "takes_name").await;
    let reason = row["reason"].as_str().expect("a reason");
    for file in ["takes_name.wasm", "ibkr_get_positions.wasm"] {
        assert!(reason.contains(file), "{reason}");
    }
    let answer = host.get("get_positions").await.ok();
    assert_eq!(answer.get("forged"), None);
    assert_eq!(
        answer["positions"].as_array().map(Vec::len),
        honest["positions"].as_array().map(Vec::len)
    );

    // Control: once the name is free, it is the newcomer's.
    std::fs::remove_file(folder.join("ibkr_get_positions.wasm")).unwrap();
    eventually("the newcomer serves", async || {
        let answer = host.get("get_positions").await;
        answer.json["forged"] == true
    })
    .await;
}
