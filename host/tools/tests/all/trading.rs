//! Calls that hold something at the broker when they end: a subscription, an
//! order on its way.

use std::future::Future;
use std::time::Duration;

use sandpit_simulator::{Simulator, SimulatorConfig, SubscriptionKind};
use sandpit_tools::{Event, FailureKind, Outcome, Tools};
use serde_json::json;
use tokio::sync::mpsc;

use crate::first_party::plugins;
use crate::{failure, no_arguments, open_on, request, structured};

async fn connected() -> (Tools, Simulator) {
    let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let tools = open_on(&plugins(), &simulator).await;
    structured(tools.call("ibkr_connect", no_arguments()).await.unwrap());
    (tools, simulator)
}

fn quotes(simulator: &Simulator) -> usize {
    let connections = simulator.connections();
    let subscriptions = connections.iter().flat_map(|c| &c.subscriptions);
    subscriptions
        .filter(|subscription| subscription.kind == SubscriptionKind::MarketData)
        .count()
}

/// Waits until something is so, and fails the test if it never is.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    in_time(what, waiting).await;
}

async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work)
        .await
        .unwrap_or_else(|_| panic!("{what}"))
}

#[tokio::test]
async fn a_cancelled_stream_ends_in_good_order() {
    let (tools, simulator) = connected().await;
    let (sender, mut events) = mpsc::channel(64);
    let mut stream = request(json!({ "symbol": "SPY" }));
    stream.events = Some(sender);
    stream.open_ended = true;
    let cancel = stream.cancel.clone();
    let running = {
        let tools = tools.clone();
        tokio::spawn(async move { tools.call("ibkr_stream_market_data", stream).await })
    };
    in_time("no quote came", async {
        while let Some(event) = events.recv().await {
            if let Event::Emitted { event, data } = event {
                assert_eq!(event, "quote");
                assert!(data.get().contains("SPY"), "{data}");
                break;
            }
        }
    })
    .await;
    assert_eq!(quotes(&simulator), 1);
    cancel.cancel();
    let summary = structured(running.await.unwrap().unwrap());
    assert!(summary.value().contains_key("updates_count"));
    until("the subscription stayed", || quotes(&simulator) == 0).await;
}

#[tokio::test]
async fn a_caller_who_leaves_leaves_no_subscription() {
    let (tools, simulator) = connected().await;
    let mut stream = request(json!({ "symbol": "SPY" }));
    stream.open_ended = true;
    let running = {
        let tools = tools.clone();
        tokio::spawn(async move { tools.call("ibkr_stream_market_data", stream).await })
    };
    until("no subscription came", || quotes(&simulator) == 1).await;
    running.abort();
    until("the subscription stayed", || quotes(&simulator) == 0).await;
}

#[tokio::test]
async fn shutdown_leaves_no_connection() {
    let (tools, simulator) = connected().await;
    let mut stream = request(json!({ "symbol": "SPY" }));
    stream.open_ended = true;
    let running = {
        let tools = tools.clone();
        tokio::spawn(async move { tools.call("ibkr_stream_market_data", stream).await })
    };
    until("no subscription came", || quotes(&simulator) == 1).await;
    tools.shutdown().await;
    running.await.unwrap().unwrap();
    until("the connection stayed", || {
        simulator.connections().is_empty()
    })
    .await;
}

#[tokio::test]
async fn an_order_cut_off_on_its_way_is_uncertain() {
    let (tools, simulator) = connected().await;
    let order = |transmit: bool| {
        request(json!({
            "symbol": "SPY", "action": "BUY", "quantity": 1,
            "orderType": "LMT", "limitPrice": 1, "transmit": transmit,
        }))
    };
    // The first one teaches the host which contract that is.
    let first = tools.call("ibkr_place_order", order(true)).await.unwrap();
    assert!(matches!(first, Outcome::Answer(_)), "{first:?}");
    let placed = |simulator: &Simulator| {
        let received = simulator.received();
        let orders = received
            .iter()
            .filter(|message| message.name == "PlaceOrderRequest");
        orders.count()
    };
    assert_eq!(placed(&simulator), 1);

    simulator.control().go_silent();
    let second = order(true);
    let cancel = second.cancel.clone();
    let running = {
        let tools = tools.clone();
        tokio::spawn(async move { tools.call("ibkr_place_order", second).await })
    };
    until("the order did not arrive", || placed(&simulator) == 2).await;
    cancel.cancel();
    let failure = failure(running.await.unwrap().unwrap());
    assert_eq!(failure.kind, FailureKind::Uncertain, "{failure:?}");
}
