//! The connection itself: handshake, sessions, and what malformed input does.

use ibapi::Client;
use ibapi::accounts::types::AccountGroup;
use sandpit_simulator::{Simulator, SimulatorConfig, SubscriptionKind};

use crate::support::{ACCOUNT, Raw, all, connect, eventually, next_data, still, stock};

#[tokio::test]
async fn a_client_connects_and_learns_its_accounts_and_order_id() {
    let simulator = still().await;
    let (client, mut notices) = Client::builder()
        .address(simulator.address().to_string())
        .client_id(7)
        .connect_with_notice_stream()
        .await
        .unwrap();
    assert_eq!(client.server_version(), 226);
    assert_eq!(client.handshake_managed_accounts(), [ACCOUNT]);
    assert_eq!(client.next_order_id(), 1);
    assert!(client.connection_time().is_some());
    let mut codes = Vec::new();
    while codes.len() < 3 {
        codes.push(notices.next().await.unwrap().code);
    }
    assert_eq!(codes, [2104, 2106, 2158]);
    assert_eq!(client.managed_accounts().await.unwrap(), [ACCOUNT]);
    assert_eq!(client.next_valid_order_id().await.unwrap(), 1);
    let offset = client.server_time().await.unwrap() - time::OffsetDateTime::now_utc();
    assert!(offset.abs() < time::Duration::MINUTE);

    let connections = simulator.connections();
    assert_eq!(
        (connections[0].client_id, connections[0].server_version),
        (Some(7), 226)
    );
    assert_eq!(connections[0].received["StartApiRequest"], 1);
    client.disconnect().await;
    eventually("the disconnect", || {
        simulator.connection_totals().closed == 1
    })
    .await;
    assert!(simulator.connections().is_empty());
    simulator.shutdown().await;
}

#[tokio::test]
async fn the_session_starts_with_accounts_then_the_order_id_then_notices() {
    let simulator = still().await;
    let mut raw = Raw::started(&simulator, 3).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(raw.read_id().await.unwrap());
    }
    assert_eq!(ids, [15, 9, 4, 4, 4]);
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_client_id_that_is_taken_gets_326_and_the_door() {
    let simulator = still().await;
    let first = connect(&simulator, 1).await;
    let second = Client::connect(&simulator.address().to_string(), 1).await;
    assert!(matches!(
        second,
        Err(ibapi::Error::ClientIdInUse { client_id: 1 })
    ));
    eventually("the close", || simulator.connection_totals().open == 1).await;
    first.server_time().await.unwrap();
    first.disconnect().await;
    eventually("the disconnect", || simulator.connection_totals().open == 0).await;
    // Free again once its holder has gone.
    connect(&simulator, 1).await.disconnect().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn garbage_ends_one_connection_and_nobody_else_notices() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;

    let mut web = Raw::open(&simulator).await;
    web.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(web.read().await, None);

    let mut old = Raw::open(&simulator).await;
    old.send(b"API\0").await;
    old.frame(b"v100..151").await;
    assert_eq!(old.read().await, None);

    let mut early = Raw::greeted(&simulator).await;
    early.message(61, &[]).await;
    assert_eq!(early.read().await, None);

    for body in [
        &b"\0"[..],
        b"\0\0\0\x01text\0",
        b"\0\0\0\xd1\xff\xff\xff\xff\xff",
    ] {
        let mut raw = Raw::started(&simulator, 9).await;
        for _ in 0..5 {
            raw.read().await.unwrap();
        }
        raw.frame(body).await;
        assert_eq!(raw.read().await, None, "{body:?}");
        eventually("the close", || simulator.connection_totals().open == 1).await;
    }

    let mut long = Raw::started(&simulator, 9).await;
    long.send(&u32::MAX.to_be_bytes()).await;
    while long.read().await.is_some() {}

    assert!(client.is_connected());
    client.server_time().await.unwrap();
    simulator.shutdown().await;
}

#[tokio::test]
async fn an_unknown_message_is_an_error_and_the_session_goes_on() {
    let simulator = still().await;
    let mut raw = Raw::started(&simulator, 2).await;
    for _ in 0..5 {
        raw.read().await.unwrap();
    }
    raw.message(199, &[]).await;
    assert_eq!(raw.read_id().await, Some(4));
    raw.message(49, &[]).await;
    assert_eq!(raw.read_id().await, Some(49));
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_request_is_recorded_with_its_fields() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    client.contract_details(&stock("VTI")).await.unwrap();
    let received = simulator.received();
    let last = received.last().unwrap();
    assert_eq!(
        (last.name, last.client_id),
        ("ContractDataRequest", Some(1))
    );
    assert_eq!(last.fields["symbol"], "VTI");
    assert_eq!(last.fields["secType"], "STK");
    simulator.shutdown().await;
}

#[tokio::test]
async fn subscriptions_are_seen_while_they_live_and_end_with_the_connection() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let mut quotes = client.market_data(&stock("SPY")).subscribe().await.unwrap();
    next_data(&mut quotes).await;
    all(client
        .account_summary(&AccountGroup("All".into()), &["NetLiquidation"])
        .await
        .unwrap())
    .await
    .unwrap();
    let positions = client.positions().await.unwrap();
    eventually("the subscriptions", || {
        let kinds: Vec<_> = simulator.connections()[0]
            .subscriptions
            .iter()
            .map(|live| live.kind)
            .collect();
        // The summary was dropped, which cancels it.
        kinds == [SubscriptionKind::MarketData, SubscriptionKind::Positions]
    })
    .await;
    assert_eq!(simulator.connections()[0].subscriptions[0].of, "SPY");
    drop(quotes);
    drop(positions);
    eventually("the cancels", || {
        simulator.connections()[0].subscriptions.is_empty()
    })
    .await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn shutdown_closes_the_connections_and_the_port() {
    let simulator = still().await;
    let address = simulator.address();
    let mut raw = Raw::started(&simulator, 1).await;
    simulator.shutdown().await;
    while raw.read().await.is_some() {}
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn connections_can_be_dropped_refused_and_silenced() {
    let simulator = still().await;
    let control = simulator.control();
    let mut first = Raw::started(&simulator, 1).await;
    control.drop_connections();
    while first.read().await.is_some() {}

    control.refuse_connections();
    let mut refused = Raw::open(&simulator).await;
    assert_eq!(refused.read().await, None);
    control.accept_connections();

    let mut silent = Raw::started(&simulator, 1).await;
    for _ in 0..5 {
        silent.read().await.unwrap();
    }
    control.go_silent();
    silent.message(49, &[]).await;
    eventually("the request", || {
        simulator.received().last().unwrap().name == "CurrentTimeRequest"
    })
    .await;
    control.end_silence();
    control.notify(
        1100,
        "Connectivity between IBKR and Trader Workstation has been lost.",
    );
    // The notice comes first: the request made in the silence is never answered.
    assert_eq!(silent.read_id().await, Some(4));
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_moving_market_streams_quotes_by_itself() {
    let simulator = Simulator::start(SimulatorConfig {
        tick_interval: Some(std::time::Duration::from_millis(2)),
        ..SimulatorConfig::default()
    })
    .await
    .unwrap();
    let client = connect(&simulator, 1).await;
    let mut quotes = client.market_data(&stock("SPY")).subscribe().await.unwrap();
    for _ in 0..200 {
        next_data(&mut quotes).await;
    }
    simulator.books().check().unwrap();
    simulator.shutdown().await;
}

#[tokio::test]
async fn the_same_seed_gives_the_same_prices() {
    let prices = |seed| async move {
        let config = SimulatorConfig {
            tick_interval: None,
            seed,
            ..SimulatorConfig::default()
        };
        let simulator = Simulator::start(config).await.unwrap();
        simulator.control().step(50);
        let prices =
            ["VTI", "TLT", "EUR.USD"].map(|symbol| simulator.control().price(symbol).unwrap());
        simulator.shutdown().await;
        prices
    };
    assert_eq!(prices(5).await, prices(5).await);
    assert_ne!(prices(5).await, prices(6).await);
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_so() {
    let simulator = still().await;
    let config = SimulatorConfig {
        listen: simulator.address(),
        ..SimulatorConfig::default()
    };
    let error = Simulator::start(config).await.unwrap_err().to_string();
    assert!(
        error.contains("cannot listen") && error.contains("another port"),
        "{error}"
    );
    simulator.shutdown().await;
}
