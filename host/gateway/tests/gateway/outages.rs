//! What breaks: the socket, TWS's own links, TWS's attention.

use std::time::Duration;

use sandpit_gateway::model::{Contract, Endpoint, Error, OrderOptions, OrderStatus, OrderType};
use sandpit_simulator::SimulatorConfig;

use crate::support::{SOON, Setup, buy, caller, kind, n, until};

#[tokio::test]
async fn a_broken_connection_is_told_and_restored() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    setup.simulator.control().drop_connections();
    until("it is noticed", || !gateway.status().connected).await;
    let reason = gateway.status().reason.unwrap();
    assert!(reason.contains("being restored"), "{reason}");
    assert_eq!(kind(gateway.positions().await).0, "not-connected");
    until("it is back", || {
        gateway.status().connected && gateway.status().reason.is_none()
    })
    .await;
    assert!(!gateway.positions().await.unwrap().is_empty());
    setup.end().await;
}

#[tokio::test]
async fn connect_does_not_wait_for_the_next_attempt() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let control = setup.simulator.control();
    control.refuse_connections();
    control.drop_connections();
    until("it is noticed", || !gateway.status().connected).await;
    assert_eq!(
        kind(gateway.connect(Endpoint::default()).await).0,
        "not-connected"
    );
    control.accept_connections();
    let result = gateway.connect(Endpoint::default()).await.unwrap();
    assert!(!result.already_connected && result.status.connected);
    let simulator = &setup.simulator;
    until("one is open", || simulator.connection_totals().open == 1).await;
    setup.end().await;
}

#[tokio::test]
async fn silence_ends_in_a_typed_time_out() {
    let setup = Setup::with(SimulatorConfig::default(), |config| {
        config.request_timeout = Duration::from_millis(300);
    })
    .await;
    let gateway = &setup.gateway;
    setup.simulator.control().go_silent();
    let tlt = Contract::us_stock("TLT");
    for outcome in [
        gateway.details(&tlt).await.map(|_| ()),
        gateway.accounts().await.map(|_| ()),
        gateway.summary().await.map(|_| ()),
        gateway.positions().await.map(|_| ()),
        gateway.pnl(None).await.map(|_| ()),
        gateway.open_orders().await.map(|_| ()),
        gateway.completed_orders().await.map(|_| ()),
        gateway.executions(&Default::default()).await.map(|_| ()),
        gateway.next_valid_id(&caller()).await.map(|_| ()),
    ] {
        let (kind, text) = kind(outcome);
        assert_eq!(kind, "timed-out", "{text}");
    }
    setup.simulator.control().end_silence();
    assert!(!gateway.positions().await.unwrap().is_empty());
    assert!(gateway.open_orders().await.unwrap().is_empty());
    until("nothing runs on", || setup.subscriptions() == 0).await;
    setup.end().await;
}

#[tokio::test]
async fn an_order_into_silence_is_uncertain() {
    let setup = Setup::with(SimulatorConfig::default(), |config| {
        config.order_timeout = Duration::from_millis(300);
    })
    .await;
    let spy = setup.stock("SPY").await;
    setup.simulator.control().go_silent();
    let placed = setup
        .gateway
        .place(
            &caller(),
            &spy,
            &buy(1, OrderType::Market),
            &OrderOptions::default(),
        )
        .await;
    let Err(Error::Uncertain(order)) = placed else {
        panic!("{placed:?}")
    };
    assert!(
        order.message.contains("Do not send it again"),
        "{}",
        order.message
    );
    assert_eq!(setup.received("PlaceOrderRequest"), 1);
    let sent = setup.simulator.received();
    let sent = sent
        .iter()
        .find(|one| one.name == "PlaceOrderRequest")
        .unwrap();
    assert_eq!(sent.id, order.order_id);
    setup.end().await;
}

#[tokio::test]
async fn an_order_whose_connection_breaks_is_uncertain_at_once() {
    let setup = Setup::with(SimulatorConfig::default(), |config| {
        config.order_timeout = Duration::from_secs(600);
    })
    .await;
    let spy = setup.stock("SPY").await;
    setup.simulator.control().go_silent();
    let gateway = setup.gateway.clone();
    let placing = tokio::spawn(async move {
        gateway
            .place(
                &caller(),
                &spy,
                &buy(1, OrderType::Market),
                &OrderOptions::default(),
            )
            .await
    });
    until("it is sent", || setup.received("PlaceOrderRequest") == 1).await;
    setup.simulator.control().drop_connections();
    let placed = tokio::time::timeout(SOON, placing).await.unwrap().unwrap();
    assert_eq!(kind(placed).0, "uncertain");
    setup.end().await;
}

#[tokio::test]
async fn tws_without_ibkr_is_told() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let control = setup.simulator.control();
    control.notify(1100, "Connectivity between IB and TWS has been lost.");
    until("it is told", || gateway.status().reason.is_some()).await;
    let status = gateway.status();
    assert!(status.connected);
    assert!(
        status.notices.iter().any(|notice| notice.contains("1100")),
        "{:?}",
        status.notices
    );
    control.notify(1102, "Connectivity restored - data maintained.");
    until("it is over", || gateway.status().reason.is_none()).await;
    control.notify(2103, "Market data farm connection is broken:usfarm");
    until("it is kept", || {
        gateway
            .status()
            .notices
            .iter()
            .any(|notice| notice.contains("2103"))
    })
    .await;
    assert!(gateway.status().connected);
    setup.end().await;
}

#[tokio::test]
async fn orders_outlive_an_outage() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let resting = gateway
        .place(
            &caller(),
            &spy,
            &buy(1, OrderType::Limit(n("1"))),
            &OrderOptions::default(),
        )
        .await
        .unwrap();
    assert_eq!(resting.status, OrderStatus::Submitted);
    gateway.disconnect().await.unwrap();
    gateway.connect(Endpoint::default()).await.unwrap();
    let open = gateway.open_orders().await.unwrap();
    assert_eq!(open.len(), 1);
    let next = gateway.next_valid_id(&caller()).await.unwrap();
    assert!(next > resting.order_id);
    let cancelled = gateway.cancel(&caller(), resting.order_id).await.unwrap();
    assert_eq!(cancelled.status, OrderStatus::Cancelled);
    setup.end().await;
}

#[tokio::test]
async fn a_fill_during_an_outage_is_caught_up_with() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let control = setup.simulator.control();
    control.set_price("SPY", n("600")).unwrap();
    let order = buy(2, OrderType::Limit(n("590")));
    let resting = gateway
        .place(&caller(), &spy, &order, &OrderOptions::default())
        .await
        .unwrap();
    assert_eq!(resting.status, OrderStatus::Submitted);
    control.refuse_connections();
    control.drop_connections();
    until("it is noticed", || !gateway.status().connected).await;
    control.set_price("SPY", n("580")).unwrap();
    assert_eq!(setup.simulator.books().executions.len(), 1);
    control.accept_connections();
    until("it is back", || gateway.status().connected).await;
    until("it asks what ended", || {
        setup.received("CompletedOrdersRequest") > 0
    })
    .await;
    // The answer to that question may still be on its way.
    let state = async {
        loop {
            match gateway.cancel(&caller(), resting.order_id).await {
                Ok(state) => return state,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let state = tokio::time::timeout(SOON, state).await.unwrap();
    assert_eq!(
        (state.status, state.filled),
        (OrderStatus::Filled, 2.into())
    );
    setup.end().await;
}
