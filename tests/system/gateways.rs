//! Several gateways behind one host: who calls says which one, and the policy
//! says which ones a tool may use.

use sandpit_simulator::Simulator;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::host::{command, plugins, shipped};
use crate::support::{Era, Host, McpClient, simulator_of};

/// A host on two simulated TWS, `first` and `second`, where one tool may use
/// only the second.
async fn host_on(first: &Simulator, second: &Simulator) -> Host {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("sandpit.toml");
    let mut text = String::new();
    for (name, simulator) in [("first", first), ("second", second)] {
        let port = simulator.address().port();
        text.push_str(&format!(
            "[gateways.{name}]\nhost = \"127.0.0.1\"\nport = {port}\nconnect_on_start = true\n"
        ));
    }
    let shipped = shipped();
    text.push_str(&shipped[shipped.find("\n[policy]\n").unwrap()..]);
    text.push_str("\n[policy.ibkr_get_account_summary.scope]\ngateways = [\"second\"]\n");
    let inline = "ibkr_get_account_summary = { grants = [\"account\"] }\n";
    let text =
        text.replace(inline, "") + "[policy.ibkr_get_account_summary]\ngrants = [\"account\"]\n";
    std::fs::write(&config, text).unwrap();
    let mut command = command();
    command
        .env("SANDPIT_CONFIG", config)
        .args(["serve", "--port", "0", "--tools"])
        .arg(plugins());
    Host::start_in(command, folder).await
}

#[tokio::test]
async fn a_call_goes_to_the_gateway_that_it_names() {
    let (first, second) = (simulator_of(&["DU1"]).await, simulator_of(&["DU2"]).await);
    let host = host_on(&first, &second).await;
    let accounts = |status: &Value| status["accounts"].clone();

    let status = host.get("get_status").await.ok();
    assert_eq!(status["gateway"], "first", "{status}");
    assert_eq!(status["gateways"], json!(["first", "second"]), "{status}");
    assert_eq!(accounts(&status), json!(["DU1"]));
    let other = host.get("get_status?gateway=second").await.ok();
    assert_eq!(other["gateway"], "second", "{other}");
    assert_eq!(accounts(&other), json!(["DU2"]));
    for era in Era::ALL {
        let client = McpClient::connect(&host, era).await;
        let status = client
            .call("ibkr_get_status", json!({"gateway": "second"}))
            .await;
        assert_eq!(accounts(&status), json!(["DU2"]), "{era:?}");
    }

    let order = json!({"symbol": "AAPL", "action": "BUY", "quantity": 1, "orderType": "LMT",
        "limitPrice": 1.25, "gateway": "second"});
    host.post("place_order", order).await.ok();
    assert!(first.books().orders.is_empty());
    assert_eq!(second.books().orders.len(), 1);

    let answer = host.get("get_status?gateway=third").await;
    let sentence = answer.problem(400);
    assert!(sentence.contains("first, second"), "{sentence}");
}

#[tokio::test]
async fn every_tool_shows_the_choice_and_a_scope_narrows_it() {
    let (first, second) = (simulator_of(&["DU1"]).await, simulator_of(&["DU2"]).await);
    let host = host_on(&first, &second).await;
    let tools = McpClient::connect(&host, Era::Modern).await.tools().await;
    assert_eq!(tools.len(), 23);
    for tool in &tools {
        let choice = &tool.input_schema["properties"]["gateway"];
        let names = match tool.name.as_ref() {
            "ibkr_get_account_summary" => json!(["second"]),
            _ => json!(["first", "second"]),
        };
        assert_eq!(choice["enum"], names, "{}", tool.name);
        let described = choice["description"].as_str().unwrap();
        assert!(
            described.contains(names[0].as_str().unwrap()),
            "{described}"
        );
    }
    let document = host.get("openapi.json").await.ok();
    let parameters = document["paths"]["/api/v1/get_positions"]["get"]["parameters"].to_string();
    assert!(parameters.contains("\"gateway\""), "{parameters}");

    // The default of a tool is the first that it may use.
    let summary = host.get("get_account_summary").await.ok();
    assert!(summary.to_string().contains("DU2"), "{summary}");
    let answer = host.get("get_account_summary?gateway=first").await;
    let sentence = answer.problem(403);
    assert!(
        sentence.contains("\"first\"") && sentence.contains("second"),
        "{sentence}"
    );
}
