//! Trouble on purpose: what each fault does to a client, and that a seed repeats it.

use futures::StreamExt;
use ibapi::Client;
use ibapi::market_data::historical::{BarSize, HistoricalData, ToDuration};
use sandpit_simulator::{
    Chaos, Farm, Fault, Garbage, Happening, HistoryPacing, Profile, Script, Simulator, Wait,
};

use crate::chaos_orders::buy;
use crate::support::{Raw, Trader, code, connect, decimal, eventually, next_data, still, stock};

pub fn act(simulator: &Simulator, fault: Fault) {
    simulator.control().act(fault).unwrap();
}

/// Two days of history.
async fn days(client: &Client) -> Result<HistoricalData, ibapi::Error> {
    client
        .historical_data(&stock("VTI"), BarSize::Day)
        .duration(2.days())
        .fetch()
        .await
}

/// Reads the messages with which a session starts.
async fn past_the_start(raw: &mut Raw) {
    for _ in 0..5 {
        raw.read().await.unwrap();
    }
}

#[tokio::test]
async fn a_half_open_connection_is_never_answered() {
    let simulator = still().await;
    act(&simulator, Fault::HalfOpenConnections);
    let mut raw = Raw::open(&simulator).await;
    raw.send(b"API\0").await;
    raw.frame(b"v100..226").await;
    eventually("the connection", || simulator.connection_totals().open == 1).await;
    act(&simulator, Fault::AcceptConnections);
    // Others are served while it hangs.
    connect(&simulator, 1).await.server_time().await.unwrap();
    act(&simulator, Fault::DropConnections);
    assert_eq!(raw.read().await, None);
    simulator.shutdown().await;
}

#[tokio::test]
async fn slow_sockets_work_all_the_same() {
    let simulator = still().await;
    let slow = Fault::SlowSockets {
        bytes: 7,
        pause_millis: 0,
    };
    act(&simulator, slow);
    let client = connect(&simulator, 1).await;
    client.contract_details(&stock("VTI")).await.unwrap();
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_restart_ends_connections_until_someone_has_logged_in() {
    let simulator = still().await;
    let mut raw = Raw::started(&simulator, 1).await;
    let login = Wait::Steps(2);
    act(&simulator, Fault::Restart { login });
    while raw.read().await.is_some() {}
    simulator.control().step(1);
    assert_eq!(Raw::open(&simulator).await.read().await, None);
    simulator.control().step(1);
    connect(&simulator, 1).await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_read_only_api_takes_no_orders() {
    let simulator = still().await;
    let connecting = Client::builder()
        .address(simulator.address().to_string())
        .client_id(1)
        .connect_with_notice_stream();
    let (client, mut notices) = connecting.await.unwrap();
    act(&simulator, Fault::ReadOnlyApi);
    // The refusal names no request: whoever waits for the answer waits on.
    let refused = client.all_open_orders().await.unwrap();
    let notice = loop {
        let notice = notices.next().await.unwrap();
        if notice.code == 321 {
            break notice;
        }
    };
    assert!(notice.message.contains("Read-Only mode"), "{notice:?}");
    drop(refused);
    // What is no order can be read all the same.
    client.server_time().await.unwrap();
    client.contract_details(&stock("VTI")).await.unwrap();
    act(&simulator, Fault::WritableApi);
    let mut allowed = client.all_open_orders().await.unwrap();
    assert!(allowed.next().await.is_none());
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_client_id_can_be_someone_elses() {
    let simulator = still().await;
    act(&simulator, Fault::TakeClientId { client_id: 4 });
    assert!(matches!(
        Client::connect(&simulator.address().to_string(), 4).await,
        Err(ibapi::Error::ClientIdInUse { client_id: 4 })
    ));
    act(&simulator, Fault::FreeClientId { client_id: 4 });
    connect(&simulator, 4).await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_lost_link_keeps_what_happens_to_orders_until_it_is_back() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    act(&simulator, Fault::LinkLost);
    trader.place(1, &stock("VTI"), &buy(10.0)).await;
    trader.settle().await;
    assert_eq!(simulator.books().orders[0].status, "Filled");
    act(&simulator, Fault::LinkRestored { data_lost: false });
    let heard = trader.hears_until("commission").await;
    assert_eq!(heard[0], "open 1 PreSubmitted", "{heard:?}");
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_link_restored_without_data_has_ended_the_subscriptions() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let mut quotes = client.market_data(&stock("SPY")).subscribe().await.unwrap();
    next_data(&mut quotes).await;
    act(&simulator, Fault::LinkLost);
    act(&simulator, Fault::LinkRestored { data_lost: false });
    assert_eq!(simulator.connections()[0].subscriptions.len(), 1);
    act(&simulator, Fault::LinkRestored { data_lost: true });
    assert_eq!(simulator.connections()[0].subscriptions, []);
    simulator.shutdown().await;
}

#[tokio::test]
async fn farms_come_and_go() {
    let simulator = still().await;
    let (client, mut notices) = Client::builder()
        .address(simulator.address().to_string())
        .client_id(1)
        .connect_with_notice_stream()
        .await
        .unwrap();
    for farm in [Farm::MarketData, Farm::Historical, Farm::Definitions] {
        act(&simulator, Fault::FarmBroken { farm });
        act(&simulator, Fault::FarmIdle { farm });
    }
    assert_eq!(code(days(&client).await), 162);
    act(&simulator, Fault::ServerLinkBroken);
    act(&simulator, Fault::Heal);
    days(&client).await.unwrap();
    let mut codes = Vec::new();
    while codes.len() < 12 {
        codes.push(notices.next().await.unwrap().code);
    }
    assert_eq!(
        codes,
        [
            2104, 2106, 2158, 2103, 2108, 2105, 2107, 2157, 2110, 2104, 2106, 2158
        ]
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn no_quotes_come_while_their_farm_is_gone() {
    let simulator = still().await;
    let mut raw = Raw::started(&simulator, 1).await;
    past_the_start(&mut raw).await;
    // A request for SPY's quotes: id 1, contract {symbol 2, secType 3, exchange 8, currency 10}.
    let contract = b"\x12\x03SPY\x1a\x03STKB\x05SMARTR\x03USD";
    let mut request = vec![8, 1, 18, u8::try_from(contract.len()).unwrap()];
    request.extend_from_slice(contract);
    raw.message(1, &request).await;
    raw.message(49, &[]).await;
    while raw.read_id().await != Some(49) {}
    let farm = Farm::MarketData;
    act(&simulator, Fault::FarmBroken { farm });
    simulator.control().step(5);
    act(&simulator, Fault::FarmRestored { farm });
    simulator.control().step(1);
    assert_eq!(raw.read_id().await, Some(4));
    assert_eq!(raw.read_id().await, Some(4));
    assert_eq!(raw.read_id().await, Some(1));
    simulator.shutdown().await;
}

#[tokio::test]
async fn too_many_messages_are_refused_when_limits_are_enforced() {
    let simulator = still().await;
    let mut raw = Raw::started(&simulator, 1).await;
    past_the_start(&mut raw).await;
    let limit = |messages| Fault::EnforcePacing {
        messages,
        history: HistoryPacing::Off,
    };
    act(&simulator, limit(Some(0)));
    raw.message(49, &[]).await;
    assert_eq!(raw.read_id().await, Some(4));
    act(&simulator, limit(Some(50)));
    raw.message(49, &[]).await;
    assert_eq!(raw.read_id().await, Some(49));
    simulator.shutdown().await;
}

#[tokio::test]
async fn whoever_goes_on_asking_too_much_is_disconnected() {
    let simulator = still().await;
    let mut raw = Raw::started(&simulator, 1).await;
    past_the_start(&mut raw).await;
    act(
        &simulator,
        Fault::EnforcePacing {
            messages: Some(0),
            history: HistoryPacing::Off,
        },
    );
    // A refusal for each, up to the third second of them.
    let mut refusals = 0;
    while raw.try_message(49, &[]).await {
        match raw.read_id().await {
            Some(id) => assert_eq!(id, 4),
            None => break,
        }
        refusals += 1;
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    assert!(refusals >= 3, "{refusals}");
    eventually("the end", || simulator.connections().is_empty()).await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn history_asked_twice_is_a_violation_when_limits_are_enforced() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    days(&client).await.unwrap();
    days(&client).await.unwrap();
    act(
        &simulator,
        Fault::EnforcePacing {
            messages: None,
            history: HistoryPacing::All,
        },
    );
    days(&client).await.unwrap();
    assert_eq!(code(days(&client).await), 162);
    simulator.shutdown().await;
}

#[tokio::test]
async fn garbage_reaches_every_client() {
    let simulator = still().await;
    let mut raw = Raw::started(&simulator, 1).await;
    past_the_start(&mut raw).await;
    for (kind, start) in [
        (Garbage::Noise, &b":;<="[..]),
        (Garbage::UnknownMessage, &[0, 0, 1, 134]),
        (Garbage::Truncated, &[0, 0, 0, 203, 8, 1, 18, 9]),
    ] {
        act(&simulator, Fault::Garbage { kind });
        let frame = raw.read().await.unwrap();
        assert!(frame.starts_with(start), "{kind:?}: {frame:?}");
    }
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_script_is_played_by_steps_and_by_the_clock() {
    let simulator = still().await;
    let control = simulator.control();
    let script = r#"{"events": [
        {"at": {"steps": 2}, "do": "setPrice", "symbol": "VTI", "price": "250.00"},
        {"after": {"steps": 1}, "do": "setPrice", "symbol": "NOPE", "price": 1},
        {"after": {"millis": 5}, "do": "setPrice", "symbol": "TLT", "price": 50.5},
        {"at": {"steps": 0}, "do": "notice", "code": 1300, "text": "moved"}
    ]}"#;
    control.play(Script::from_json(script).unwrap());
    assert_eq!(control.happened().len(), 1);
    eventually("the clock", || {
        control.price("TLT").unwrap() == decimal("50.5")
    })
    .await;
    control.step(1);
    assert_eq!(control.happened().len(), 2);
    control.step(2);
    let lines: Vec<String> = control.happened().iter().map(ToString::to_string).collect();
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert!(lines[2].starts_with("step 2, "), "{lines:?}");
    assert!(
        lines[4].contains("no instrument has the local symbol"),
        "{lines:?}"
    );
    assert!(Script::from_json(r#"{"events": [{"do": "explode"}]}"#).is_err());
    simulator.shutdown().await;
}

#[test]
fn a_script_survives_being_written_down() {
    let script = Chaos::seeded(3, &Profile::everything(2_000));
    let json = serde_json::to_string(&script).unwrap();
    assert!(!json.contains("takeClientId"));
    assert_eq!(Script::from_json(&json).unwrap(), script);
    assert!(script.events.len() > 100);
    assert_ne!(script, Chaos::seeded(4, &Profile::everything(2_000)));

    let mut profile = Profile::everything(2_000);
    profile.client_id = Some(5);
    let faults: Vec<Fault> = Chaos::seeded(3, &profile)
        .events
        .into_iter()
        .map(|event| event.fault)
        .collect();
    for fault in [
        Fault::TakeClientId { client_id: 5 },
        Fault::FreeClientId { client_id: 5 },
        Fault::PriceBand { percent: None },
        Fault::DropOnOrder {
            next: 1,
            arrives: true,
        },
    ] {
        assert!(faults.contains(&fault), "{fault}");
    }
}

/// Steps through a seeded script and returns what was done, without what depends on clients.
async fn played(seed: u64) -> Vec<(u64, Fault)> {
    let simulator = still().await;
    let control = simulator.control();
    control.play(Chaos::seeded(seed, &Profile::everything(400)));
    control.step(400);
    let done = control
        .happened()
        .into_iter()
        .filter_map(|one| match one.what {
            Happening::Fault(fault) => Some((one.step, fault)),
            _ => None,
        })
        .collect();
    simulator.shutdown().await;
    done
}

#[tokio::test]
async fn the_same_seed_does_the_same() {
    let first = played(11).await;
    assert_eq!(first, played(11).await);
    assert_ne!(first, played(12).await);
}

#[tokio::test]
async fn the_books_add_up_after_any_trouble_and_all_is_well_in_the_end() {
    for seed in 1..=5 {
        let simulator = still().await;
        let control = simulator.control();
        control.play(Chaos::seeded(seed, &Profile::everything(300)));
        for round in 0..60 {
            // A client of bytes: it sends what it can, and does not mind what comes back.
            if let Ok(mut raw) = tokio::net::TcpStream::connect(simulator.address()).await {
                let order = 1 + round;
                let text = format!(
                    "71\x002\x001\0\0|3\0{order}\x000\0VTI\0STK\0\x000.0\0\0\0SMART\0\0USD\0\0\0\0\0BUY\x005\0MKT\0"
                );
                let mut bytes = b"API\0\0\0\0\x09v100..178".to_vec();
                for body in text.split('|') {
                    bytes.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
                    bytes.extend_from_slice(body.as_bytes());
                }
                // It may have been closed already.
                let _ = tokio::io::AsyncWriteExt::write_all(&mut raw, &bytes).await;
            }
            control.step(5);
        }
        let done = control.happened();
        simulator.books().check().unwrap_or_else(|defects| {
            panic!("seed {seed}: {defects:?}\n{done:#?}");
        });
        let mut trader = Trader::new(&simulator, 7).await;
        trader.place(1, &stock("VTI"), &buy(1.0)).await;
        trader.hears_until("commission").await;
        simulator.shutdown().await;
    }
}
