//! Quotes as they change.

use std::time::Duration;

use rust_decimal::Decimal;
use sandpit_gateway::QuoteStream;
use sandpit_gateway::model::{Contract, DataType, Quote, QuoteBatch};
use sandpit_simulator::{Farm, Fault, MarketDataPermission, SimulatorConfig};

use crate::support::{SOON, Setup, kind, n, until};

/// Reads until the quote is as wanted.
async fn quote_with(stream: &mut QuoteStream, wanted: impl Fn(&Quote) -> bool) -> Quote {
    let reading = async {
        loop {
            let batch = stream.next(SOON).await.unwrap().unwrap();
            if wanted(&batch.quote) {
                return batch.quote;
            }
        }
    };
    tokio::time::timeout(SOON, reading).await.unwrap()
}

#[tokio::test]
async fn a_price_that_moves_is_seen_by_every_watcher() {
    let setup = Setup::new().await;
    let spy = setup.stock("SPY").await;
    let mut first = setup.gateway.subscribe_quotes("test", &spy).await.unwrap();
    let mut second = setup.gateway.subscribe_quotes("test", &spy).await.unwrap();
    let whole = |quote: &Quote| quote.bid.is_some() && quote.ask.is_some();
    for stream in [&mut first, &mut second] {
        let quote = quote_with(stream, whole).await;
        assert_eq!(quote.data_type, DataType::Live);
        assert!(quote.updated.is_some() && quote.bid < quote.ask);
    }
    setup
        .simulator
        .control()
        .set_price("SPY", n("700"))
        .unwrap();
    for stream in [&mut first, &mut second] {
        quote_with(stream, |quote| quote.bid == Some(n("699.99"))).await;
    }
    drop(first);
    until("one runs on", || setup.subscriptions() == 1).await;
    setup
        .simulator
        .control()
        .set_price("SPY", n("701"))
        .unwrap();
    quote_with(&mut second, |quote| quote.bid == Some(n("700.99"))).await;
    drop(second);
    until("none runs on", || setup.subscriptions() == 0).await;
    setup.end().await;
}

#[tokio::test]
async fn a_quiet_time_gives_the_quote_without_ticks() {
    let setup = Setup::new().await;
    let spy = setup.stock("SPY").await;
    let mut stream = setup.gateway.subscribe_quotes("test", &spy).await.unwrap();
    let quote = quote_with(&mut stream, |quote| quote.ask.is_some()).await;
    while !stream
        .next(Duration::from_millis(300))
        .await
        .unwrap()
        .unwrap()
        .ticks
        .is_empty()
    {}
    let batch = stream
        .next(Duration::from_millis(1))
        .await
        .unwrap()
        .unwrap();
    assert!(batch.ticks.is_empty());
    assert_eq!((batch.quote.ask, batch.lost), (quote.ask, 0));
    setup.end().await;
}

#[tokio::test]
async fn delayed_quotes_stand_in() {
    let config = SimulatorConfig {
        market_data: MarketDataPermission::Delayed,
        ..SimulatorConfig::default()
    };
    let setup = Setup::with(config.clone(), |_| {}).await;
    let spy = setup.stock("SPY").await;
    let mut stream = setup.gateway.subscribe_quotes("test", &spy).await.unwrap();
    let quote = quote_with(&mut stream, |quote| quote.bid.is_some()).await;
    assert_eq!(quote.data_type, DataType::Delayed);
    setup.end().await;

    let strict = Setup::with(config, |gateway| gateway.delayed_quotes = false).await;
    let spy = strict.stock("SPY").await;
    let mut stream = strict.gateway.subscribe_quotes("test", &spy).await.unwrap();
    let outcome = async {
        loop {
            match stream.next(SOON).await {
                Ok(Some(_)) => {}
                other => return other,
            }
        }
    };
    let (kind, text) = kind(tokio::time::timeout(SOON, outcome).await.unwrap());
    assert_eq!(kind, "no-permission");
    assert!(
        text.contains("354") && text.contains("delayed_quotes"),
        "{text}"
    );
    assert_eq!(stream.next(SOON).await, Ok(None));
    strict.end().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_connection() {
    let setup = Setup::new().await;
    let spy = setup.stock("SPY").await;
    let mut stream = setup.gateway.subscribe_quotes("test", &spy).await.unwrap();
    quote_with(&mut stream, |quote| quote.bid.is_some()).await;
    setup.gateway.disconnect().await.unwrap();
    let ending = async {
        loop {
            match stream.next(SOON).await {
                Ok(Some(_)) => {}
                other => return other,
            }
        }
    };
    let (kind, _) = kind(tokio::time::timeout(SOON, ending).await.unwrap());
    assert_eq!(kind, "not-connected");
    assert_eq!(stream.next(SOON).await, Ok(None));
    setup.end().await;
}

#[tokio::test]
async fn an_unknown_instrument_gets_no_line() {
    let setup = Setup::new().await;
    let nope = Contract::us_stock("NOPE");
    assert_eq!(
        kind(setup.gateway.subscribe_quotes("test", &nope).await).0,
        "not-found"
    );
    assert_eq!(setup.received("MarketDataRequest"), 0);
    setup.end().await;
}

#[tokio::test]
async fn streams_of_different_instruments_do_not_mix() {
    let setup = Setup::new().await;
    let mut streams = Vec::new();
    for (symbol, price) in [("SPY", "650"), ("TLT", "90"), ("VTI", "330")] {
        let contract = setup.stock(symbol).await;
        let stream = setup
            .gateway
            .subscribe_quotes("test", &contract)
            .await
            .unwrap();
        setup
            .simulator
            .control()
            .set_price(symbol, n(price))
            .unwrap();
        streams.push((stream, n(price)));
    }
    for (mut stream, price) in streams {
        let cent = Decimal::new(1, 2);
        let quote = quote_with(&mut stream, |quote| quote.bid == Some(price - cent)).await;
        assert!(quote.ask >= Some(price));
    }
    setup.end().await;
}

/// Reads until a batch is as wanted.
async fn batch_with(stream: &mut QuoteStream, wanted: impl Fn(&QuoteBatch) -> bool) -> QuoteBatch {
    let reading = async {
        loop {
            let batch = stream.next(SOON).await.unwrap().unwrap();
            if wanted(&batch) {
                return batch;
            }
        }
    };
    tokio::time::timeout(SOON, reading).await.unwrap()
}

#[tokio::test]
async fn who_comes_later_begins_with_what_is_known() {
    let setup = Setup::new().await;
    let spy = setup.stock("SPY").await;
    let mut first = setup.gateway.subscribe_quotes("test", &spy).await.unwrap();
    let known = quote_with(&mut first, |quote| quote.volume.is_some()).await;
    let mut second = setup.gateway.subscribe_quotes("test", &spy).await.unwrap();
    let batch = second.next(Duration::ZERO).await.unwrap().unwrap();
    assert_eq!(
        (batch.quote.bid, batch.quote.volume),
        (known.bid, known.volume)
    );
    assert!(batch.ticks.iter().any(|tick| tick.name == "bid"));
    assert!(!batch.quote.stale && batch.quote.age_ms.is_some());
    assert_eq!(setup.received("MarketDataRequest"), 1);
    setup.end().await;
}

#[tokio::test]
async fn a_line_waits_a_while_for_a_new_reader() {
    let setup = Setup::with(SimulatorConfig::default(), |config| {
        config.idle_time = Duration::from_secs(3_600);
    })
    .await;
    let spy = setup.stock("SPY").await;
    for _ in 0..3 {
        let mut stream = setup.gateway.subscribe_quotes("test", &spy).await.unwrap();
        quote_with(&mut stream, |quote| quote.bid.is_some()).await;
    }
    assert_eq!(setup.received("MarketDataRequest"), 1);
    assert_eq!(setup.received("CancelMarketData"), 0);
    setup.gateway.disconnect().await.unwrap();
    until("TWS hears of the end", || {
        setup.received("CancelMarketData") == 1
    })
    .await;
    setup.end().await;
}

#[tokio::test]
async fn a_broken_connection_is_a_gap_and_no_end() {
    let setup = Setup::new().await;
    let spy = setup.stock("SPY").await;
    let mut stream = setup.gateway.subscribe_quotes("test", &spy).await.unwrap();
    quote_with(&mut stream, |quote| quote.bid.is_some()).await;
    let control = setup.simulator.control();
    control.refuse_connections();
    control.drop_connections();
    let stale = quote_with(&mut stream, |quote| quote.stale).await;
    assert!(stale.bid.is_some(), "what was known is still told");
    control.set_price("SPY", n("710")).unwrap();
    control.accept_connections();
    let back = batch_with(&mut stream, |batch| batch.gap.is_some()).await;
    let gap = back.gap.unwrap();
    assert!(gap.since <= gap.until && !back.quote.stale);
    if back.quote.bid != Some(n("709.99")) {
        quote_with(&mut stream, |quote| quote.bid == Some(n("709.99"))).await;
    }
    assert_eq!(setup.subscriptions(), 1);
    drop(stream);
    until("none runs on", || setup.subscriptions() == 0).await;
    setup.end().await;
}

#[tokio::test]
async fn subscriptions_that_tws_lost_come_back() {
    let setup = Setup::new().await;
    let spy = setup.stock("SPY").await;
    let mut stream = setup.gateway.subscribe_quotes("test", &spy).await.unwrap();
    quote_with(&mut stream, |quote| quote.bid.is_some()).await;
    let control = setup.simulator.control();
    for (data_lost, requests) in [(true, 2), (false, 2)] {
        control.act(Fault::LinkLost).unwrap();
        quote_with(&mut stream, |quote| quote.stale).await;
        control.act(Fault::LinkRestored { data_lost }).unwrap();
        let back = batch_with(&mut stream, |batch| batch.gap.is_some()).await;
        if back.quote.stale {
            batch_with(&mut stream, |batch| !batch.quote.stale).await;
        }
        until("it is subscribed once", || {
            setup.subscriptions() == 1 && setup.received("MarketDataRequest") == requests
        })
        .await;
    }
    control.set_price("SPY", n("720")).unwrap();
    quote_with(&mut stream, |quote| quote.bid == Some(n("719.99"))).await;
    setup.end().await;
}

#[tokio::test]
async fn a_broken_farm_makes_quotes_stale_and_keeps_the_socket() {
    let setup = Setup::new().await;
    let spy = setup.stock("SPY").await;
    let mut stream = setup.gateway.subscribe_quotes("test", &spy).await.unwrap();
    quote_with(&mut stream, |quote| quote.bid.is_some()).await;
    let control = setup.simulator.control();
    let farm = Farm::MarketData;
    control.act(Fault::FarmBroken { farm }).unwrap();
    quote_with(&mut stream, |quote| quote.stale).await;
    let soon = Duration::from_millis(50);
    let (stale, text) = kind(setup.gateway.quote_now(&spy, soon).await);
    assert_eq!(stale, "no-data");
    assert!(text.contains("stale"), "{text}");
    control.act(Fault::FarmRestored { farm }).unwrap();
    let back = batch_with(&mut stream, |batch| batch.gap.is_some()).await;
    assert!(!back.quote.stale);
    assert!(setup.gateway.quote_now(&spy, SOON).await.is_ok());
    // What history comes from is no matter of quotes.
    let farm = Farm::Historical;
    control.act(Fault::FarmBroken { farm }).unwrap();
    until("it is told", || {
        let notices = setup.gateway.status().notices;
        notices.iter().any(|notice| notice.contains("2105"))
    })
    .await;
    let quiet = stream.next(Duration::from_millis(1)).await.unwrap();
    assert!(!quiet.unwrap().quote.stale);
    assert_eq!(setup.simulator.connection_totals().seen, 1);
    setup.end().await;
}

#[tokio::test]
async fn without_a_free_line_the_holders_are_named() {
    let setup = Setup::with(SimulatorConfig::default(), |config| {
        config.market_data_lines = 2;
        config.idle_time = Duration::from_secs(3_600);
    })
    .await;
    let gateway = &setup.gateway;
    let (spy, tlt, vti) = (
        setup.stock("SPY").await,
        setup.stock("TLT").await,
        setup.stock("VTI").await,
    );
    let held = gateway.subscribe_quotes("one_tool", &spy).await.unwrap();
    let other = gateway.subscribe_quotes("another", &tlt).await.unwrap();
    // Who watches the same needs no line.
    drop(gateway.subscribe_quotes("third", &spy).await.unwrap());
    let (refused, text) = kind(gateway.subscribe_quotes("third", &vti).await);
    assert_eq!(refused, "pacing");
    for part in [
        "2 market data lines",
        "one_tool holds 1 (SPY",
        "another holds 1 (TLT",
    ] {
        assert!(text.contains(part), "{text}");
    }
    // A line that nobody reads makes room, though its idle time is not over.
    drop(held);
    let mut third = gateway.subscribe_quotes("third", &vti).await.unwrap();
    quote_with(&mut third, |quote| quote.bid.is_some()).await;
    assert_eq!(setup.subscriptions(), 2);
    drop(other);
    setup.end().await;
}

#[tokio::test]
async fn a_quote_of_now_comes_from_the_shared_line() {
    let setup = Setup::with(SimulatorConfig::default(), |config| {
        config.idle_time = Duration::from_secs(3_600);
    })
    .await;
    let spy = setup.stock("SPY").await;
    let begin = time::OffsetDateTime::now_utc() - time::Duration::SECOND;
    let seen = setup.gateway.quote_now(&spy, SOON).await.unwrap();
    assert!(seen.quote.bid.is_some() && seen.quote.ask.is_some() && seen.quote.last.is_some());
    assert!(seen.as_of > begin);
    setup
        .simulator
        .control()
        .set_price("SPY", n("730"))
        .unwrap();
    until_quote(&setup, &spy, "729.99").await;
    // Of a currency pair TWS sends no last price.
    let pair = Contract {
        security_type: sandpit_gateway::model::SecurityType::Forex,
        exchange: Some("IDEALPRO".into()),
        ..Contract::us_stock("EUR")
    };
    let pair = setup.gateway.qualify(&pair).await.unwrap();
    let seen = setup.gateway.quote_now(&pair, SOON).await.unwrap();
    assert!(seen.quote.bid.is_some() && seen.quote.last.is_none());
    assert_eq!(setup.received("MarketDataRequest"), 2);
    setup.end().await;
}

async fn until_quote(setup: &Setup, contract: &Contract, bid: &str) {
    let reading = async {
        loop {
            let seen = setup.gateway.quote_now(contract, SOON).await.unwrap();
            if seen.quote.bid == Some(n(bid)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, reading).await.unwrap();
}
