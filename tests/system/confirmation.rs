//! Orders that a person has to confirm: the host asks in the way of each
//! protocol era, and what is not confirmed is never sent.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::host::{command, plugins, shipped};
use crate::support::mcp::{Person, text};
use crate::support::{Era, Host, McpClient, PATIENCE, simulator};
use sandpit_simulator::Simulator;

/// A host on a simulated TWS that demands a person's word for every order.
async fn confirming(simulator: &Simulator) -> Host {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("sandpit.toml");
    let text = shipped().replace("confirmation = \"live\"", "confirmation = \"all\"");
    assert!(text.contains("confirmation = \"all\""), "{text}");
    std::fs::write(&config, text).unwrap();
    let mut command = command();
    command
        .env("SANDPIT_CONFIG", config)
        .args(["serve", "--connect", "--port", "0"])
        .args(["--tws-host", "127.0.0.1", "--tws-port"])
        .arg(simulator.address().port().to_string())
        .arg("--tools")
        .arg(plugins());
    Host::start_in(command, folder).await
}

/// An order that rests in the book.
fn order() -> Value {
    json!({"symbol": "AAPL", "action": "BUY", "quantity": 7, "orderType": "LMT", "limitPrice": 1.25})
}

fn yes() -> Person {
    Person::Accepts(json!({"confirm": true}))
}

#[tokio::test]
async fn a_confirmed_order_is_sent_once() {
    for era in Era::ALL {
        let simulator = simulator().await;
        let host = confirming(&simulator).await;
        let client = McpClient::connect_for(&host, era, yes()).await;
        let placed = client.call("ibkr_place_order", order()).await;
        assert!(placed["orderId"].is_i64(), "{era:?}: {placed}");
        let questions = client.heard().questions.clone();
        let [question] = questions.as_slice() else {
            panic!("{era:?}: asked {questions:?}");
        };
        for fact in ["Buy 7 AAPL", "limit 1.25", "paper", "ibkr_place_order"] {
            assert!(question.contains(fact), "{era:?}: {question}");
        }
        assert_eq!(simulator.books().orders.len(), 1, "{era:?}");

        // The same order again is another order, and asks again.
        client.call("ibkr_place_order", order()).await;
        assert_eq!(client.heard().questions.len(), 2, "{era:?}");
        assert_eq!(simulator.books().orders.len(), 2, "{era:?}");
    }
}

#[tokio::test]
async fn what_is_not_confirmed_is_not_sent() {
    for era in Era::ALL {
        let simulator = simulator().await;
        let host = confirming(&simulator).await;
        for person in [Person::Declines, Person::Accepts(json!({"confirm": false}))] {
            let client = McpClient::connect_for(&host, era, person.clone()).await;
            let sentence = client.fail("ibkr_place_order", order()).await;
            assert!(sentence.contains("did not confirm"), "{era:?}: {sentence}");
            assert_eq!(client.heard().questions.len(), 1, "{era:?} {person:?}");
        }
        // A form that is not filled in is no answer: a failed call in a session,
        // a refused request where the answer comes with a request of its own.
        let client = McpClient::connect_for(&host, era, Person::Accepts(json!({}))).await;
        let sentence = match client.try_call("ibkr_place_order", order()).await {
            Ok(result) => {
                assert_eq!(result.is_error, Some(true), "{era:?}");
                text(&result)
            }
            Err(error) => error.to_string(),
        };
        assert!(
            sentence.contains("confirm is missing"),
            "{era:?}: {sentence}"
        );
        assert!(simulator.books().orders.is_empty(), "{era:?}");
    }
}

#[tokio::test]
async fn a_client_that_cannot_ask_is_refused() {
    let simulator = simulator().await;
    let host = confirming(&simulator).await;
    for era in Era::ALL {
        let client = McpClient::connect(&host, era).await;
        let sentence = client.fail("ibkr_place_order", order()).await;
        assert!(sentence.contains("elicitation"), "{era:?}: {sentence}");
    }
    let answer = host.post("place_order", order()).await;
    let shown = answer.json["confirmation"].as_str().unwrap_or_default();
    assert!(shown.contains("Buy 7 AAPL"), "{}", answer.json);
    let sentence = answer.problem(403);
    assert!(sentence.contains("elicitation"), "{sentence}");
    assert!(simulator.books().orders.is_empty());
}

#[tokio::test]
async fn changes_and_brackets_are_confirmed_and_cancels_are_not() {
    for era in Era::ALL {
        let simulator = simulator().await;
        let host = confirming(&simulator).await;
        let client = McpClient::connect_for(&host, era, yes()).await;
        let placed = client.call("ibkr_place_order", order()).await;
        let change = json!({"orderId": placed["orderId"], "limitPrice": 1.5});
        client.call("ibkr_modify_order", change).await;
        assert_eq!(client.heard().questions.len(), 2, "{era:?}");
        let bracket = json!({"symbol": "AAPL", "action": "BUY", "quantity": 1,
            "limitPrice": 1.25, "takeProfitPrice": 2, "stopLossPrice": 1});
        let bracket = client.call("ibkr_place_bracket_order", bracket).await;
        assert!(bracket["stopLoss"]["orderId"].is_i64(), "{bracket}");
        let questions = client.heard().questions.clone();
        assert_eq!(questions.len(), 3, "{era:?}");
        assert!(questions[2].contains("Exit"), "{}", questions[2]);
        client.call("ibkr_cancel_all_orders", json!({})).await;
        assert_eq!(client.heard().questions.len(), 3, "{era:?}");
    }
}

/// One `tools/call` of 2026-07-28, as it is on the wire.
async fn call(host: &Host, arguments: Value, more: Value) -> Value {
    let version = "2026-07-28";
    let mut params = json!({
        "name": "ibkr_place_order",
        "arguments": arguments,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
        },
    });
    for (name, value) in more.as_object().unwrap() {
        params[name] = value.clone();
    }
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let request = reqwest::Client::new()
        .post(format!("{}/mcp", host.base))
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", version)
        .header("mcp-method", "tools/call")
        .header("mcp-name", "ibkr_place_order")
        .json(&message);
    let response = tokio::time::timeout(PATIENCE, request.send()).await;
    response.expect("an answer").unwrap().json().await.unwrap()
}

#[tokio::test]
async fn the_sealed_state_is_good_for_this_very_call_and_once() {
    let simulator = simulator().await;
    let host = confirming(&simulator).await;
    let asked = call(&host, order(), json!({})).await;
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    let question = &asked["result"]["inputRequests"]["question"];
    assert!(
        question["params"]["requestedSchema"]["properties"]["confirm"].is_object(),
        "{question}"
    );
    let state = &asked["result"]["requestState"];
    let answer = |state: &Value| {
        json!({
            "requestState": state,
            "inputResponses": {"question": {"action": "accept", "content": {"confirm": true}}},
        })
    };
    let mut more = order();
    more["quantity"] = json!(700);
    let mut forged = state.as_str().unwrap().to_owned();
    let last = forged.pop().unwrap();
    forged.push(if last == 'A' { 'B' } else { 'A' });
    for (arguments, state) in [
        (more, state.clone()),
        (order(), json!(forged)),
        (order(), json!("rs1.AAAA.AAAA")),
    ] {
        let reply = call(&host, arguments, answer(&state)).await;
        assert_eq!(reply["error"]["code"], -32602, "{reply}");
    }
    assert!(simulator.books().orders.is_empty());

    // A yes without its question is none.
    let bare = json!({"inputResponses": answer(state)["inputResponses"]});
    let reply = call(&host, order(), bare).await;
    assert_eq!(reply["result"]["resultType"], "input_required", "{reply}");
    assert!(simulator.books().orders.is_empty());

    let placed = call(&host, order(), answer(state)).await;
    assert_eq!(placed["result"]["isError"], false, "{placed}");
    assert_eq!(simulator.books().orders.len(), 1);
    let again = call(&host, order(), answer(state)).await;
    assert_eq!(again["error"]["code"], -32602, "{again}");
    assert_eq!(simulator.books().orders.len(), 1);
}
