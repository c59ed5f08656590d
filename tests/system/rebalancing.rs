//! The predecessor's end-to-end case: a client rebalances a portfolio of VTI
//! and TLT, twice, and every number agrees with the simulated broker's books.

use std::str::FromStr;

use rust_decimal::Decimal;
use sandpit_simulator::{AccountBooks, Simulator};
use serde_json::{Value, json};

use crate::support::{Era, Host, McpClient, eventually, simulator};

/// A JSON number as the exact decimal that it spells.
fn decimal(value: &Value) -> Decimal {
    Decimal::from_str(&value.to_string()).unwrap_or_else(|_| panic!("{value} is no number"))
}

/// The position in a symbol, by the tool's answer.
fn held(positions: &Value, symbol: &str) -> Decimal {
    positions["positions"]
        .as_array()
        .expect("positions")
        .iter()
        .find(|position| position["contract"]["symbol"] == symbol)
        .map(|position| decimal(&position["position"]))
        .unwrap_or_default()
}

/// A value of the account, by the tool's answer.
fn of_account(summary: &Value, tag: &str) -> Decimal {
    let value = summary["values"]
        .as_array()
        .expect("values")
        .iter()
        .find(|value| value["tag"] == tag)
        .unwrap_or_else(|| panic!("no {tag} in {summary}"));
    decimal(&value["value"])
}

/// The books of the one account that there is.
fn account(simulator: &Simulator) -> AccountBooks {
    let books = simulator.books();
    assert_eq!(books.check(), Ok(()));
    books.accounts.into_iter().next().expect("an account")
}

/// What the books say is held of a symbol.
fn booked(simulator: &Simulator, symbol: &str) -> Decimal {
    let positions = account(simulator).positions;
    let mut matching = positions.iter().filter(|held| held.local_symbol == symbol);
    matching
        .next()
        .map(|held| held.quantity)
        .unwrap_or_default()
}

async fn place(
    client: &McpClient,
    symbol: &str,
    action: &str,
    quantity: Decimal,
    transmit: bool,
) -> Value {
    let order = json!({
        "contract": {"symbol": symbol, "secType": "STK", "exchange": "SMART", "currency": "USD"},
        "order": {
            "action": action,
            "totalQuantity": serde_json::Number::from_str(&quantity.to_string()).unwrap(),
            "orderType": "MKT",
            "transmit": transmit,
        },
    });
    client.call("ibkr_place_order", order).await
}

/// One round: sell `sold` of VTI, buy `bought` of TLT, and look at everything.
async fn rebalance(simulator: &Simulator, client: &McpClient, sold: Decimal, bought: Decimal) {
    // 1. The targets: history, a quote, the contracts.
    let mut con_ids = Vec::new();
    for symbol in ["VTI", "TLT"] {
        let history = json!({
            "contract": {"symbol": symbol, "secType": "STK", "exchange": "SMART", "currency": "USD"},
            "durationStr": "30 D",
            "barSizeSetting": "1 day",
        });
        let history = client.call("ibkr_get_historical_data", history).await;
        let bars = history["bars"].as_array().expect("bars");
        assert!(bars.len() >= 15, "{symbol}: {} bars", bars.len());
        for bar in bars {
            let (low, high) = (decimal(&bar["low"]), decimal(&bar["high"]));
            assert!(
                low <= decimal(&bar["open"]) && decimal(&bar["close"]) <= high,
                "{bar}"
            );
        }
        let quote = json!({"symbol": symbol, "duration_seconds": 1});
        let quote = client.call("ibkr_stream_market_data", quote).await;
        assert!(
            decimal(&quote["latest"]["bid"]) <= decimal(&quote["latest"]["ask"]),
            "{quote}"
        );
        let details = client
            .call("ibkr_get_contract_details", json!({"symbol": symbol}))
            .await;
        let contract = &details["contracts"][0];
        assert!(contract["longName"].is_string(), "{contract}");
        con_ids.push(contract["conId"].clone());
    }

    // 2. The account as it changes.
    let watch = client
        .call(
            "ibkr_stream_account_updates",
            json!({"duration_seconds": 1}),
        )
        .await;
    assert!(watch["updates_count"].as_u64() > Some(0), "{watch}");

    // 3. Where the portfolio stands. The market stands still from here on, so
    //    that numbers read one after the other belong together.
    simulator.control().freeze();
    let summary = client.call("ibkr_get_account_summary", json!({})).await;
    let books = account(simulator);
    assert_eq!(
        of_account(&summary, "NetLiquidation"),
        books.net_liquidation.round_dp(2)
    );
    assert_eq!(
        of_account(&summary, "TotalCashValue"),
        books.total_cash.round_dp(2)
    );
    let before = client.call("ibkr_get_positions", json!({})).await;
    let (vti, tlt) = (held(&before, "VTI"), held(&before, "TLT"));
    assert_eq!(
        (vti, tlt),
        (booked(simulator, "VTI"), booked(simulator, "TLT"))
    );

    // 4. The trades, staged: TWS holds them, nothing happens.
    let mut staged = Vec::new();
    for (symbol, action, quantity) in [("VTI", "SELL", sold), ("TLT", "BUY", bought)] {
        let order = place(client, symbol, action, quantity, false).await;
        assert_eq!(order["status"], "Staged", "{order}");
        staged.push(order["orderId"].clone());
    }
    assert_eq!(
        (vti, tlt),
        (booked(simulator, "VTI"), booked(simulator, "TLT"))
    );
    let open = client.call("ibkr_get_open_orders", json!({})).await;
    for id in &staged {
        let orders = open["orders"].as_array().expect("orders");
        assert!(
            orders.iter().any(|order| order["orderId"] == *id),
            "{id} in {open}"
        );
        let cancelled = client
            .call("ibkr_cancel_order", json!({"orderId": id}))
            .await;
        assert_eq!(cancelled["orderId"], *id);
    }

    // 5. The trades, executed.
    client.call("ibkr_get_next_valid_id", json!({})).await;
    let mut placed = Vec::new();
    for (symbol, action, quantity) in [("VTI", "SELL", sold), ("TLT", "BUY", bought)] {
        let order = place(client, symbol, action, quantity, true).await;
        assert_eq!(order["symbol"], symbol);
        assert_eq!(order["action"], action);
        assert_eq!(decimal(&order["quantity"]), quantity);
        placed.push(order["orderId"].clone());
    }
    eventually("both are filled", async || {
        booked(simulator, "VTI") == vti - sold && booked(simulator, "TLT") == tlt + bought
    })
    .await;
    let executions = client.call("ibkr_get_executions", json!({})).await;
    for (id, side, quantity) in [(&placed[0], "SLD", sold), (&placed[1], "BOT", bought)] {
        let mine: Vec<&Value> = executions["executions"]
            .as_array()
            .expect("executions")
            .iter()
            .filter(|execution| execution["orderId"] == *id)
            .collect();
        let filled: Decimal = mine
            .iter()
            .map(|execution| decimal(&execution["shares"]))
            .sum();
        assert_eq!(filled, quantity, "{mine:?}");
        for execution in mine {
            assert_eq!(execution["side"], side);
            assert!(execution["execId"].is_string(), "{execution}");
            assert!(
                decimal(&execution["commission"]) > Decimal::ZERO,
                "{execution}"
            );
        }
    }

    // 6. What came of it.
    let after = client.call("ibkr_get_positions", json!({})).await;
    assert_eq!(held(&after, "VTI"), vti - sold);
    assert_eq!(held(&after, "TLT"), tlt + bought);
    let books = account(simulator);
    let pnl = client.call("ibkr_get_pnl", json!({})).await;
    assert_eq!(
        decimal(&pnl["unrealizedPnL"]).round_dp(2),
        books.unrealized.round_dp(2)
    );
    assert_eq!(
        decimal(&pnl["realizedPnL"]).round_dp(2),
        books.realized.round_dp(2)
    );
    for (symbol, con_id) in ["VTI", "TLT"].into_iter().zip(&con_ids) {
        let single = client
            .call("ibkr_get_pnl_single", json!({"conId": con_id}))
            .await;
        assert_eq!(
            decimal(&single["position"]),
            booked(simulator, symbol),
            "{single}"
        );
    }
    let summary = client.call("ibkr_get_account_summary", json!({})).await;
    assert_eq!(
        of_account(&summary, "NetLiquidation"),
        books.net_liquidation.round_dp(2)
    );
    simulator.control().thaw();
}

#[tokio::test]
async fn the_whole_case_twice_over_each_era() {
    for era in Era::ALL {
        let simulator = simulator().await;
        let host = Host::idle(&simulator).await;
        let client = McpClient::connect(&host, era).await;
        let connected = client.call("ibkr_connect", json!({})).await;
        assert_eq!(connected["status"], "connected");
        rebalance(&simulator, &client, Decimal::from(7), Decimal::from(11)).await;
        // 7. And again, later.
        rebalance(&simulator, &client, Decimal::from(3), Decimal::from(5)).await;
        client.call("ibkr_disconnect", json!({})).await;
    }
}
