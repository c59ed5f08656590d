//! Quotes as they change.

use std::time::Duration;

use rust_decimal::Decimal;
use sandpit_gateway::QuoteStream;
use sandpit_gateway::model::{Contract, DataType, Quote};
use sandpit_simulator::{MarketDataPermission, SimulatorConfig};

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
    assert!(text.contains("354"), "{text}");
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
