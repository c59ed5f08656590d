//! Opening, closing and describing the connection.

use std::time::Duration;

use sandpit_gateway::model::{
    AccountKind, BarSize, BarsRequest, ConnectionState, Contract, DurationUnit, Endpoint,
    OrderOptions,
};
use sandpit_gateway::model::{ExecutionFilter, OrderType, WhatToShow};
use sandpit_gateway::{Gateway, GatewayConfig};
use sandpit_simulator::Simulator;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Setup, buy, caller, config_for, journal_in, kind, until};

#[tokio::test]
async fn the_status_tells_what_a_person_would_ask() {
    let setup = Setup::new().await;
    let status = setup.gateway.status();
    assert!(status.connected);
    assert_eq!(status.port, setup.simulator.address().port());
    assert_eq!(status.client_id, 1);
    assert_eq!(status.server_version, Some(226));
    assert_eq!(status.accounts, ["DU1234567"]);
    assert_eq!(status.account_kind, AccountKind::Paper);
    assert!(status.since.is_some() && status.time_zone.is_some());
    assert_eq!(status.reason, None);
    until("the data farms report", || {
        !setup.gateway.status().notices.is_empty()
    })
    .await;
    setup.end().await;
}

#[tokio::test]
async fn a_second_connect_changes_nothing_and_elsewhere_is_refused() {
    let setup = Setup::new().await;
    let again = setup.gateway.connect(Endpoint::default()).await.unwrap();
    assert!(again.already_connected);
    let other = Endpoint {
        client_id: Some(7),
        ..Endpoint::default()
    };
    let (kind, text) = kind(setup.gateway.connect(other).await);
    assert_eq!(kind, "invalid-request");
    assert!(text.contains("ibkr_disconnect"), "{text}");
    assert_eq!(setup.simulator.connection_totals().seen, 1);
    setup.end().await;
}

#[tokio::test]
async fn many_at_once_make_one_connection() {
    let simulator = Simulator::start(Default::default()).await.unwrap();
    let gateway = Gateway::new(config_for(&simulator));
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let gateway = gateway.clone();
            tokio::spawn(async move { gateway.connect(Endpoint::default()).await })
        })
        .collect();
    let mut fresh = 0;
    for call in calls {
        fresh += usize::from(!call.await.unwrap().unwrap().already_connected);
    }
    assert_eq!((fresh, simulator.connection_totals().seen), (1, 1));
    gateway.shutdown().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn disconnecting_closes_the_socket_and_can_be_repeated() {
    let setup = Setup::new().await;
    assert_eq!(setup.gateway.disconnect().await, Ok(true));
    assert_eq!(setup.gateway.disconnect().await, Ok(false));
    let simulator = &setup.simulator;
    until("the simulator sees it", || {
        simulator.connection_totals().open == 0
    })
    .await;
    let status = setup.gateway.status();
    assert!(!status.connected && status.accounts.is_empty() && status.since.is_some());
    setup.gateway.connect(Endpoint::default()).await.unwrap();
    assert!(setup.gateway.status().connected);
    setup.end().await;
}

#[tokio::test]
async fn every_request_before_connect_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal_in(&folder, "journal");
    let gateway = Gateway::with_journal(GatewayConfig::default(), journal);
    let spy = Contract::us_stock("SPY");
    let bars = BarsRequest {
        duration: sandpit_gateway::model::Duration {
            amount: 30,
            unit: DurationUnit::Days,
        },
        bar_size: BarSize::Day1,
        what_to_show: WhatToShow::Trades,
        regular_trading_hours: true,
        end: None,
    };
    let market = buy(1, OrderType::Market);
    let asked = [
        kind(gateway.details(&spy).await),
        kind(gateway.qualify(&spy).await),
        kind(gateway.bars(&spy, &bars).await),
        kind(gateway.accounts().await),
        kind(gateway.summary().await),
        kind(gateway.positions().await),
        kind(gateway.pnl(None).await),
        kind(gateway.pnl_single(None, 1).await),
        kind(gateway.subscribe_quotes("test", &spy).await),
        kind(gateway.subscribe_account(None).await),
        kind(gateway.open_orders().await),
        kind(gateway.executions(&ExecutionFilter::default()).await),
        kind(gateway.completed_orders().await),
        kind(gateway.next_valid_id(&caller()).await),
        kind(
            gateway
                .place(&caller(), &spy, &market, &OrderOptions::default())
                .await,
        ),
        kind(
            gateway
                .modify(&caller(), 1, &spy, &market, &OrderOptions::default())
                .await,
        ),
        kind(gateway.cancel(&caller(), 1).await),
        kind(gateway.what_if(&caller(), &spy, &market).await),
    ];
    for (kind, text) in asked {
        assert_eq!(kind, "not-connected");
        assert!(text.contains("ibkr_connect"), "{text}");
    }
}

/// What connecting to a listener says, that is no TWS or a strange one.
async fn connecting_to(answer: &'static [u8], stays_open: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut hello = [0; 64];
        let _ = socket.read(&mut hello).await;
        socket.write_all(answer).await.unwrap();
        while stays_open && socket.read(&mut hello).await.is_ok_and(|read| read > 0) {}
    });
    let gateway = Gateway::new(GatewayConfig {
        port,
        connect_timeout: Duration::from_millis(500),
        ..GatewayConfig::default()
    });
    let (kind, text) = kind(gateway.connect(Endpoint::default()).await);
    assert_eq!(kind, "not-connected");
    let status = gateway.status();
    assert!(!status.connected);
    let reason = status.reason.unwrap();
    assert!(
        reason.contains(", since 20") && reason.contains("ibkr_connect"),
        "{reason}"
    );
    // A wish begins with a connection that stood once.
    assert_eq!(status.state, ConnectionState::Refused);
    peer.abort();
    text
}

#[tokio::test]
async fn what_is_no_tws_gets_a_clear_sentence() {
    let old = connecting_to(b"\0\0\0\x1a178\x0020261122 10:00:00 EST\0", true).await;
    assert!(old.contains("too old"), "{old}");
    let silent = connecting_to(b"", true).await;
    assert!(silent.contains("handshake"), "{silent}");
    let rude = connecting_to(b"", false).await;
    assert!(rude.contains("closed"), "{rude}");
    connecting_to(b"HTTP/1.1 400 Bad Request\r\n\r\n", false).await;
}

#[tokio::test]
async fn nothing_listens_there() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let gateway = Gateway::new(GatewayConfig::default());
    let there = Endpoint {
        port: Some(port),
        ..Endpoint::default()
    };
    let (kind, text) = kind(gateway.connect(there).await);
    assert_eq!(kind, "not-connected");
    assert!(
        text.contains("start TWS") && text.contains("7497"),
        "{text}"
    );
}

#[tokio::test]
async fn a_client_id_in_use_is_named() {
    let setup = Setup::new().await;
    let second = Gateway::new(config_for(&setup.simulator));
    let (_, text) = kind(second.connect(Endpoint::default()).await);
    assert!(text.contains("client with id 1"), "{text}");
    assert!(setup.gateway.status().connected);
    setup.end().await;
}

#[tokio::test]
async fn shutdown_ends_subscriptions_before_the_socket() {
    let setup = Setup::new().await;
    let quotes = setup
        .gateway
        .subscribe_quotes("test", &setup.stock("SPY").await)
        .await
        .unwrap();
    let account = setup.gateway.subscribe_account(None).await.unwrap();
    until("both run", || setup.subscriptions() == 2).await;
    setup.gateway.shutdown().await;
    let simulator = &setup.simulator;
    until("the simulator sees it", || {
        simulator.connection_totals().open == 0
    })
    .await;
    assert_eq!(setup.received("CancelMarketData"), 1);
    let account_requests = simulator.received();
    let last = account_requests
        .iter()
        .rfind(|one| one.name == "AccountDataRequest");
    let subscribes = last.and_then(|one| one.fields.get("subscribe")).cloned();
    assert_eq!(subscribes.as_deref(), Some("false"));
    drop((quotes, account));
    setup.end().await;
}
