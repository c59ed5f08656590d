//! The supervisor: death and restoration of the connection, and what is told of
//! it.

use std::time::Duration;

use sandpit_gateway::gate::Blackout;
use sandpit_gateway::model::{
    ConnectionState, Contract, Endpoint, ExecutionFilter, OrderOptions, OrderType,
};
use sandpit_gateway::{Gateway, GatewayConfig, Gateways};
use sandpit_simulator::{Fault, Simulator, SimulatorConfig, Wait};
use time::OffsetDateTime;

use crate::support::{SOON, Setup, buy, caller, config_for, kind, n, until};

fn act(simulator: &Simulator, fault: Fault) {
    simulator.control().act(fault).unwrap();
}

/// A setup whose supervisor takes nothing for the nightly restart.
async fn by_day() -> Setup {
    with(|config| config.restart_window = None).await
}

async fn with(tune: impl FnOnce(&mut GatewayConfig)) -> Setup {
    Setup::with(SimulatorConfig::default(), tune).await
}

/// Waits until the status has this state, and answers its sentence.
async fn state(gateway: &Gateway, state: ConnectionState) -> String {
    let what = format!("the state {}", state.name());
    until(&what, || gateway.status().state == state).await;
    gateway.status().reason.unwrap_or_default()
}

#[tokio::test]
async fn silence_on_an_open_socket_is_noticed() {
    let setup = with(|config| {
        config.heartbeat = Duration::from_millis(100);
        config.heartbeat_timeout = Duration::from_millis(200);
        config.connect_timeout = Duration::from_millis(300);
        config.restart_window = None;
    })
    .await;
    let gateway = &setup.gateway;
    setup.simulator.control().go_silent();
    // A request that is under way ends with the connection, not with its limit.
    let tlt = Contract::us_stock("TLT");
    let asked = tokio::time::timeout(SOON, gateway.details(&tlt)).await;
    assert_eq!(kind(asked.unwrap()).0, "not-connected");
    until("it is noticed", || !gateway.status().connected).await;
    let reason = gateway.status().reason.unwrap();
    assert!(reason.contains(", since 20"), "{reason}");
    setup.simulator.control().end_silence();
    until("it is back", || gateway.status().connected).await;
    assert!(!gateway.positions().await.unwrap().is_empty());
    let simulator = &setup.simulator;
    until("one is open", || simulator.connection_totals().open == 1).await;
    setup.end().await;
}

#[tokio::test]
async fn a_quiet_connection_is_asked_and_kept() {
    let setup = with(|config| {
        config.heartbeat = Duration::from_millis(20);
    })
    .await;
    until("it is asked for signs of life", || {
        setup.received("CurrentTimeRequest") >= 3
    })
    .await;
    assert!(setup.gateway.status().connected);
    assert_eq!(setup.simulator.connection_totals().seen, 1);
    setup.end().await;
}

#[tokio::test]
async fn a_restart_waits_for_its_login() {
    let setup = by_day().await;
    let gateway = &setup.gateway;
    let login = Wait::Steps(1);
    act(&setup.simulator, Fault::Restart { login });
    let reason = state(gateway, ConnectionState::WaitingForLogin).await;
    assert!(
        reason.contains("login") && reason.contains("keeps trying"),
        "{reason}"
    );
    let since = gateway.status().since.unwrap();
    // What the next attempts find does not move the beginning.
    let refused = setup.simulator.connection_totals().refused;
    let simulator = &setup.simulator;
    until("it tries again", || {
        simulator.connection_totals().refused > refused
    })
    .await;
    assert_eq!(gateway.status().since, Some(since));
    setup.simulator.control().step(1);
    state(gateway, ConnectionState::Connected).await;
    assert_eq!(gateway.status().reason, None);
    assert_eq!(gateway.status().client_id, 1);
    setup.end().await;
}

#[tokio::test]
async fn the_nightly_restart_is_told_as_a_pause() {
    let hour = OffsetDateTime::now_utc().hour();
    let around_now = Blackout {
        from: format!("{:02}:00", (hour + 23) % 24),
        to: format!("{:02}:00", (hour + 2) % 24),
        zone: "Etc/UTC".into(),
    };
    let setup = with(|config| config.restart_window = Some(around_now)).await;
    let gateway = &setup.gateway;
    let login = Wait::Steps(1);
    act(&setup.simulator, Fault::Restart { login });
    let reason = state(gateway, ConnectionState::Restarting).await;
    assert!(reason.contains("every night"), "{reason}");
    setup.simulator.control().step(1);
    state(gateway, ConnectionState::Connected).await;
    setup.end().await;
}

#[tokio::test]
async fn a_client_id_in_use_is_waited_for() {
    let setup = by_day().await;
    let gateway = &setup.gateway;
    act(&setup.simulator, Fault::TakeClientId { client_id: 1 });
    setup.simulator.control().drop_connections();
    let reason = state(gateway, ConnectionState::ClientIdInUse).await;
    assert!(
        reason.contains("326") && reason.contains("id 1"),
        "{reason}"
    );
    act(&setup.simulator, Fault::FreeClientId { client_id: 1 });
    state(gateway, ConnectionState::Connected).await;
    assert_eq!(gateway.status().client_id, 1);
    setup.end().await;
}

#[tokio::test]
async fn a_port_without_tws_is_told_and_tried() {
    let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let address = simulator.address();
    let config = GatewayConfig {
        restart_window: None,
        ..config_for(&simulator)
    };
    simulator.shutdown().await;
    let gateway = Gateway::new(config);
    // A wish that is there from the start outlives the first attempt.
    let (kind, text) = kind(gateway.keep_connected().await);
    assert_eq!(kind, "not-connected");
    assert!(text.contains("Nothing listens"), "{text}");
    let reason = state(&gateway, ConnectionState::TwsUnreachable).await;
    assert!(reason.contains("keeps trying"), "{reason}");
    let simulator = Simulator::start(SimulatorConfig {
        listen: address,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap();
    state(&gateway, ConnectionState::Connected).await;
    gateway.shutdown().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_connect_that_fails_is_not_repeated() {
    let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
    simulator.control().refuse_connections();
    let gateway = Gateway::new(config_for(&simulator));
    let (_, text) = kind(gateway.connect(Endpoint::default()).await);
    assert!(text.contains("Trusted IPs"), "{text}");
    simulator.control().accept_connections();
    // Another gateway's connection shows that time has passed.
    let other = Gateway::new(GatewayConfig {
        client_id: 2,
        ..config_for(&simulator)
    });
    other.connect(Endpoint::default()).await.unwrap();
    other.shutdown().await;
    assert_eq!(gateway.status().state, ConnectionState::Refused);
    let totals = simulator.connection_totals();
    assert_eq!((totals.refused, totals.seen), (1, 1));
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_disconnect_ends_the_wish() {
    let setup = by_day().await;
    let gateway = &setup.gateway;
    let control = setup.simulator.control();
    control.refuse_connections();
    control.drop_connections();
    state(gateway, ConnectionState::WaitingForLogin).await;
    assert_eq!(gateway.disconnect().await, Ok(false));
    let status = gateway.status();
    assert_eq!(status.state, ConnectionState::Closed);
    assert!(status.reason.unwrap().contains("on request"));
    control.accept_connections();
    let (_, text) = kind(gateway.positions().await);
    assert!(text.contains("ibkr_connect"), "{text}");
    assert_eq!(setup.simulator.connection_totals().open, 0);
    setup.end().await;
}

#[tokio::test]
async fn a_disconnect_does_not_wait_for_an_attempt() {
    let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
    act(&simulator, Fault::HalfOpenConnections);
    let gateway = Gateway::new(GatewayConfig {
        connect_timeout: Duration::from_secs(600),
        ..config_for(&simulator)
    });
    let connecting = {
        let gateway = gateway.clone();
        tokio::spawn(async move { gateway.connect(Endpoint::default()).await })
    };
    until("it is tried", || simulator.connection_totals().open == 1).await;
    assert_eq!(gateway.status().state, ConnectionState::Connecting);
    assert_eq!(gateway.disconnect().await, Ok(false));
    let (kind, text) = kind(connecting.await.unwrap());
    assert_eq!(kind, "not-connected");
    assert!(text.contains("on request"), "{text}");
    until("it is closed", || simulator.connection_totals().open == 0).await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_long_outage_is_no_storm() {
    let setup = with(|config| {
        config.restart_window = None;
        config.reconnect_pause = Duration::from_millis(50);
        config.reconnect_pause_longest = Duration::from_secs(3_600);
    })
    .await;
    let gateway = &setup.gateway;
    let control = setup.simulator.control();
    control.refuse_connections();
    let began = std::time::Instant::now();
    control.drop_connections();
    state(gateway, ConnectionState::WaitingForLogin).await;
    // As long as it takes: requests meanwhile try nothing of their own.
    for _ in 0..200 {
        assert_eq!(kind(gateway.positions().await).0, "not-connected");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let tries = setup.simulator.connection_totals().refused;
    // Pauses of at least 50, 75, 150, 300, ... ms fit so often into that time.
    let mut most = 1;
    let (mut sum, mut pause) = (Duration::from_millis(50), Duration::from_millis(75));
    while sum < began.elapsed() {
        most += 1;
        sum += pause;
        pause *= 2;
    }
    assert!(tries >= 1 && tries <= most, "{tries} of at most {most}");
    setup.end().await;
}

#[tokio::test]
async fn a_session_that_dies_at_once_is_no_reason_to_hurry() {
    let setup = with(|config| {
        config.restart_window = None;
        config.reconnect_pause = Duration::from_millis(100);
        config.reconnect_pause_longest = Duration::from_secs(3_600);
    })
    .await;
    let gateway = &setup.gateway;
    let began = std::time::Instant::now();
    for _ in 0..4 {
        setup.simulator.control().drop_connections();
        until("it is noticed", || !gateway.status().connected).await;
        until("it is back", || gateway.status().connected).await;
    }
    // At least 100, 150, 300 and 600 ms of pause.
    assert!(began.elapsed() >= Duration::from_millis(1_150));
    setup.end().await;
}

#[tokio::test]
async fn gateways_have_fates_of_their_own() {
    let mut all = Vec::new();
    let mut simulators = Vec::new();
    for name in ["paper", "adviser", "live"] {
        let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
        all.push(Gateway::new(GatewayConfig {
            name: name.to_owned(),
            restart_window: None,
            ..config_for(&simulator)
        }));
        simulators.push(simulator);
    }
    let gateways = Gateways::new(all).unwrap();
    for gateway in gateways.iter() {
        gateway.connect(Endpoint::default()).await.unwrap();
    }
    let [_, adviser, live] = simulators.as_slice() else {
        panic!("three")
    };
    adviser.control().refuse_connections();
    adviser.control().drop_connections();
    act(live, Fault::LinkLost);
    let of = |name| gateways.get(Some(name)).unwrap();
    let reason = state(&of("adviser"), ConnectionState::WaitingForLogin).await;
    let port = adviser.address().port().to_string();
    assert!(reason.contains(&port), "{reason}");
    state(&of("live"), ConnectionState::LinkDown).await;
    let paper = gateways.get(None).unwrap();
    assert_eq!(paper.status().gateway, "paper");
    assert_eq!(paper.status().state, ConnectionState::Connected);
    assert!(!paper.positions().await.unwrap().is_empty());
    adviser.control().accept_connections();
    state(&of("adviser"), ConnectionState::Connected).await;
    gateways.shutdown().await;
    for simulator in simulators {
        until("all are closed", || simulator.connection_totals().open == 0).await;
        simulator.shutdown().await;
    }
}

#[tokio::test]
async fn orders_are_reconciled_when_tws_has_ibkr_again() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let control = setup.simulator.control();
    control.set_price("SPY", n("600")).unwrap();
    let order = buy(2, OrderType::Limit(n("590")));
    let options = OrderOptions::default();
    gateway
        .place(&caller(), &spy, &order, &options)
        .await
        .unwrap();
    for data_lost in [false, true] {
        let asked = setup.received("AllOpenOrdersRequest");
        act(&setup.simulator, Fault::LinkLost);
        let reason = state(gateway, ConnectionState::LinkDown).await;
        assert!(
            reason.contains("1100") && reason.contains("since 20"),
            "{reason}"
        );
        assert!(gateway.status().connected);
        act(&setup.simulator, Fault::LinkRestored { data_lost });
        state(gateway, ConnectionState::Connected).await;
        until("TWS is asked for the orders", || {
            setup.received("AllOpenOrdersRequest") > asked
        })
        .await;
    }
    // None of it cost the connection.
    assert_eq!(setup.simulator.connection_totals().seen, 1);
    setup.end().await;
}

#[tokio::test]
async fn a_read_only_api_is_told_and_left_when_it_is_changed() {
    let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
    act(&simulator, Fault::ReadOnlyApi);
    let gateway = Gateway::new(GatewayConfig {
        heartbeat: Duration::from_millis(50),
        ..config_for(&simulator)
    });
    let result = gateway.connect(Endpoint::default()).await.unwrap();
    assert!(result.status.connected && result.status.read_only);
    let reason = result.status.reason.unwrap();
    assert!(reason.contains("Read-Only API"), "{reason}");
    let (kind, text) = kind(gateway.open_orders().await);
    assert_eq!(kind, "rejected");
    assert!(text.contains("Read-Only"), "{text}");
    // What is no order works all the same.
    assert!(!gateway.positions().await.unwrap().is_empty());
    gateway
        .executions(&ExecutionFilter::default())
        .await
        .unwrap();
    act(&simulator, Fault::WritableApi);
    until("it is noticed", || !gateway.status().read_only).await;
    assert_eq!(gateway.status().reason, None);
    gateway.shutdown().await;
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connect_answers_when_the_connection_can_be_used() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    for _ in 0..20 {
        assert_eq!(gateway.disconnect().await, Ok(true));
        assert_eq!(gateway.status().state, ConnectionState::Closed);
        until("TWS has seen that too, and the client id is free", || {
            setup.simulator.connection_totals().open == 0
        })
        .await;
        let result = gateway.connect(Endpoint::default()).await.unwrap();
        assert!(result.status.connected && gateway.status().connected);
        assert!(!result.already_connected);
    }
    setup.end().await;
}

#[tokio::test]
async fn a_gateway_that_nobody_has_any_more_lets_go() {
    let setup = Setup::new().await;
    let Setup {
        simulator, gateway, ..
    } = setup;
    assert_eq!(simulator.connection_totals().open, 1);
    drop(gateway);
    until("it is closed", || simulator.connection_totals().open == 0).await;
    simulator.shutdown().await;
}
