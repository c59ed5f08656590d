//! Contract details, history and quotes.

use ibapi::contracts::tick_types::TickType;
use ibapi::contracts::{Contract, SecurityType};
use ibapi::market_data::MarketDataType;
use ibapi::market_data::TradingHours;
use ibapi::market_data::historical::{
    BarSize, BarTimestamp, HistoricalBarUpdate, ToDuration, WhatToShow,
};
use ibapi::market_data::realtime::TickTypes;
use sandpit_simulator::{MarketDataPermission, Simulator, SimulatorConfig};

use crate::support::{
    PATIENCE, code, connect, decimal, from_fixture, next, next_data, still, stock,
};

#[tokio::test]
async fn a_stock_has_details() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let found = client.contract_details(&stock("AAPL")).await.unwrap();
    assert_eq!(found.len(), 1);
    let details = &found[0];
    assert_eq!(details.contract.contract_id, 265_598);
    assert_eq!(details.long_name, "APPLE INC");
    assert_eq!(
        (details.industry.as_str(), details.category.as_str()),
        ("Technology", "Computers")
    );
    assert_eq!(details.contract.primary_exchange.to_string(), "NASDAQ");
    assert!((details.min_tick - 0.01).abs() < 1e-12);
    assert_eq!(details.trading_hours.len(), 6);
    assert!(details.order_types.contains(&"TRAIL".to_owned()));
    // The contract id alone is enough.
    let by_id = Contract {
        contract_id: 265_598,
        ..Contract::default()
    };
    assert_eq!(
        client.contract_details(&by_id).await.unwrap()[0].long_name,
        "APPLE INC"
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn what_does_not_exist_is_200_and_what_makes_no_sense_is_321() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    assert_eq!(code(client.contract_details(&stock("NOSUCH")).await), 200);
    let on_mars = Contract::stock("AAPL").on_exchange("MARS").build();
    assert_eq!(code(client.contract_details(&on_mars).await), 200);
    let in_euro = Contract::stock("AAPL").in_currency("EUR").build();
    assert_eq!(code(client.contract_details(&in_euro).await), 200);
    let nonsense = Contract {
        security_type: SecurityType::Other("XYZ".into()),
        ..stock("AAPL")
    };
    assert_eq!(code(client.contract_details(&nonsense).await), 321);
    let bond = Contract {
        security_type: SecurityType::Bond,
        ..stock("AAPL")
    };
    assert_eq!(code(client.contract_details(&bond).await), 200);
    simulator.shutdown().await;
}

#[tokio::test]
async fn an_open_description_finds_several_and_is_ambiguous_where_one_is_needed() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let chain = Contract {
        symbol: "AAPL".into(),
        security_type: SecurityType::Option,
        ..stock("AAPL")
    };
    let options = client.contract_details(&chain).await.unwrap();
    assert!(options.len() >= 78, "{}", options.len());
    assert_eq!(
        code(
            client
                .historical_data(&chain, BarSize::Day)
                .duration(5.days())
                .fetch()
                .await
        ),
        200
    );

    let one = &options[0].contract;
    let calls = Contract {
        right: one.right,
        strike: one.strike,
        ..chain.clone()
    };
    let calls = client.contract_details(&calls).await.unwrap();
    assert!(calls.len() > 1 && calls.len() < options.len());
    let exact = Contract {
        last_trade_date_or_contract_month: one.last_trade_date_or_contract_month.clone(),
        strike: one.strike,
        right: one.right,
        ..chain
    };
    let exact = client.contract_details(&exact).await.unwrap();
    assert_eq!(exact.len(), 1);
    assert_eq!(exact[0].contract.local_symbol, one.local_symbol);
    assert_eq!(exact[0].contract.multiplier, "100");
    assert_eq!(exact[0].under_symbol, "AAPL");
    simulator.shutdown().await;
}

#[tokio::test]
async fn futures_forex_and_indices_are_listed() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let future = Contract {
        symbol: "ES".into(),
        security_type: SecurityType::Future,
        exchange: "CME".into(),
        ..Contract::default()
    };
    let futures = client.contract_details(&future).await.unwrap();
    assert_eq!(futures.len(), 3);
    assert_eq!(futures[0].contract.multiplier, "50");
    // A contract month is enough to name one.
    let month = &futures[1].contract_month;
    let by_month = Contract {
        last_trade_date_or_contract_month: month.clone(),
        ..future
    };
    assert_eq!(client.contract_details(&by_month).await.unwrap().len(), 1);

    let euro = client
        .contract_details(&Contract::forex("EUR", "USD").build())
        .await
        .unwrap();
    assert_eq!(euro[0].contract.local_symbol, "EUR.USD");
    let spx = Contract {
        symbol: "SPX".into(),
        security_type: SecurityType::Index,
        exchange: "CBOE".into(),
        ..Contract::default()
    };
    assert_eq!(
        client.contract_details(&spx).await.unwrap()[0]
            .contract
            .contract_id,
        416_904
    );

    let matches = client.matching_symbols("AAP").await.unwrap();
    assert_eq!(matches[0].contract.symbol.to_string(), "AAPL");
    assert_eq!(matches[0].derivative_security_types, ["OPT"]);
    assert!(
        (client.market_rule(26).await.unwrap().price_increments[0].increment - 0.01).abs() < 1e-12
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn history_comes_as_bars_that_hang_together() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let vti = stock("VTI");
    let data = client
        .historical_data(&vti, BarSize::Day)
        .duration(30.days())
        .what_to_show(WhatToShow::Trades)
        .fetch()
        .await
        .unwrap();
    assert_eq!(data.bars.len(), 30);
    assert!(data.start < data.end);
    assert!(data.bars.windows(2).all(|pair| pair[0].date < pair[1].date));
    for bar in &data.bars {
        assert!(matches!(bar.date, BarTimestamp::Date(_)));
        assert!(
            bar.low <= bar.open.min(bar.close) && bar.high >= bar.open.max(bar.close),
            "{bar:?}"
        );
        assert!(bar.volume > 0.0 && bar.count > 0 && bar.wap > 0.0);
    }
    // The past leads up to the present.
    let last = data.bars.last().unwrap().close;
    assert!((last / 328.5 - 1.0).abs() < 0.05, "{last}");
    // Asked again it is the same past.
    let again = client
        .historical_data(&vti, BarSize::Day)
        .duration(30.days())
        .what_to_show(WhatToShow::Trades)
        .fetch()
        .await
        .unwrap();
    assert_eq!(again.bars[..29], data.bars[..29]);

    let hourly = client
        .historical_data(&vti, BarSize::Hour)
        .duration(2.days())
        .trading_hours(TradingHours::Regular)
        .fetch()
        .await
        .unwrap();
    assert!(matches!(hourly.bars[0].date, BarTimestamp::DateTime(_)));
    let minutes = client
        .historical_data(&vti, BarSize::Min)
        .duration(3_600.seconds())
        .fetch()
        .await
        .unwrap();
    assert_eq!(minutes.bars.len(), 60);
    for (size, span, least) in [
        (BarSize::Week, 6.months(), 24),
        (BarSize::Month, 2.years(), 22),
        (BarSize::Sec30, 1_800.seconds(), 60),
        (BarSize::Min15, 1.weeks(), 100),
    ] {
        let bars = client
            .historical_data(&vti, size)
            .duration(span)
            .fetch()
            .await
            .unwrap()
            .bars;
        assert!(bars.len() >= least, "{size:?}: {}", bars.len());
    }
    simulator.shutdown().await;
}

#[tokio::test]
async fn what_to_show_changes_the_bars() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let vti = stock("VTI");
    let ended = time::OffsetDateTime::now_utc() - time::Duration::days(10);
    let mut closes = Vec::new();
    for shows in [WhatToShow::Bid, WhatToShow::MidPoint, WhatToShow::Ask] {
        let data = client
            .historical_data(&vti, BarSize::Day)
            .duration(5.days())
            .ending(ended)
            .what_to_show(shows)
            .fetch()
            .await
            .unwrap();
        assert!(
            data.bars
                .iter()
                .all(|bar| bar.volume < 0.0 && bar.count == -1)
        );
        closes.push(data.bars[0].close);
    }
    assert!(closes[0] < closes[1] && closes[1] < closes[2], "{closes:?}");
    // Currencies have no trades.
    let euro = Contract::forex("EUR", "USD").build();
    assert_eq!(
        code(
            client
                .historical_data(&euro, BarSize::Day)
                .duration(5.days())
                .what_to_show(WhatToShow::Trades)
                .fetch()
                .await
        ),
        162
    );
    client
        .historical_data(&euro, BarSize::Day)
        .duration(5.days())
        .what_to_show(WhatToShow::MidPoint)
        .fetch()
        .await
        .unwrap();
    let schedule = client
        .historical_schedules(&vti, 10.days())
        .fetch()
        .await
        .unwrap();
    assert!(schedule.sessions.len() >= 6);
    simulator.shutdown().await;
}

#[tokio::test]
async fn history_that_cannot_be_had_is_refused_like_tws_does() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let vti = stock("VTI");
    let long_ago = time::macros::datetime!(1990-01-02 0:00 UTC);
    assert_eq!(
        code(
            client
                .historical_data(&vti, BarSize::Day)
                .duration(5.days())
                .ending(long_ago)
                .fetch()
                .await
        ),
        162
    );
    assert_eq!(
        code(
            client
                .historical_data(&vti, BarSize::Sec)
                .duration(1.years())
                .fetch()
                .await
        ),
        162
    );
    assert_eq!(
        code(
            client
                .historical_data(&vti, BarSize::Day)
                .duration(400.days())
                .fetch()
                .await
        ),
        321
    );
    assert_eq!(
        code(
            client
                .historical_data(&stock("NOSUCH"), BarSize::Day)
                .duration(5.days())
                .fetch()
                .await
        ),
        200
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_fixture_says_what_history_is() {
    let simulator = from_fixture(include_str!("../../fixtures/example.json")).await;
    let client = connect(&simulator, 1).await;
    let data = client
        .historical_data(&stock("VTI"), BarSize::Day)
        .duration(2.days())
        .fetch()
        .await
        .unwrap();
    assert_eq!(
        data.bars.iter().map(|bar| bar.close).collect::<Vec<_>>(),
        [299.5, 300.0]
    );
    let empty = r#"{"history": [{"symbol": "TLT", "barSize": "1 day", "bars": []}]}"#;
    let simulator = from_fixture(empty).await;
    let client = connect(&simulator, 1).await;
    assert_eq!(
        code(
            client
                .historical_data(&stock("TLT"), BarSize::Day)
                .duration(2.days())
                .fetch()
                .await
        ),
        162
    );
    simulator.shutdown().await;
}

fn price_of(ticks: &[TickTypes], wanted: TickType) -> Option<f64> {
    ticks.iter().rev().find_map(|tick| match tick {
        TickTypes::Price(tick) if tick.tick_type == wanted => Some(tick.price),
        TickTypes::PriceSize(tick) if tick.price_tick_type == wanted => Some(tick.price),
        _ => None,
    })
}

#[tokio::test]
async fn a_snapshot_shows_the_market() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let ticks = client
        .market_data(&stock("VTI"))
        .snapshot()
        .snapshot_once(PATIENCE)
        .await
        .unwrap();
    assert_eq!(price_of(&ticks, TickType::Bid), Some(328.49));
    assert_eq!(price_of(&ticks, TickType::Ask), Some(328.51));
    assert_eq!(price_of(&ticks, TickType::Last), Some(328.5));
    for tick_type in [
        TickType::High,
        TickType::Low,
        TickType::Close,
        TickType::Open,
    ] {
        assert!(price_of(&ticks, tick_type).is_some(), "{tick_type:?}");
    }
    assert!(
        ticks.iter().any(
            |tick| matches!(tick, TickTypes::Size(size) if size.tick_type == TickType::Volume)
        )
    );
    assert!(simulator.connections()[0].subscriptions.is_empty());
    simulator.shutdown().await;
}

#[tokio::test]
async fn quotes_stream_as_prices_change() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let mut quotes = client.market_data(&stock("VTI")).subscribe().await.unwrap();
    while !matches!(next_data(&mut quotes).await, TickTypes::Price(tick) if tick.tick_type == TickType::Close)
    {
    }
    simulator
        .control()
        .set_price("VTI", decimal("330.00"))
        .unwrap();
    let mut ticks = Vec::new();
    while price_of(&ticks, TickType::Last) != Some(330.0) {
        ticks.push(next_data(&mut quotes).await);
    }
    assert_eq!(price_of(&ticks, TickType::Bid), Some(329.99));
    simulator.shutdown().await;
}

#[tokio::test]
async fn an_option_has_a_model_and_follows_its_underlying() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let chain = Contract {
        symbol: "AAPL".into(),
        security_type: SecurityType::Option,
        ..stock("AAPL")
    };
    let options = client.contract_details(&chain).await.unwrap();
    let call = &options
        .iter()
        .find(|option| option.contract.local_symbol.contains('C'))
        .unwrap()
        .contract;
    let before = simulator.control().price(&call.local_symbol).unwrap();
    simulator
        .control()
        .set_price("AAPL", decimal("290.00"))
        .unwrap();
    assert!(simulator.control().price(&call.local_symbol).unwrap() > before);
    let ticks = client
        .market_data(call)
        .snapshot()
        .snapshot_once(PATIENCE)
        .await
        .unwrap();
    let model = ticks.iter().find_map(|tick| match tick {
        TickTypes::OptionComputation(model) => Some(model),
        _ => None,
    });
    let model = model.unwrap();
    assert!(model.delta.unwrap() > 0.5);
    assert_eq!(model.underlying_price, Some(290.0));
    simulator.shutdown().await;
}

#[tokio::test]
async fn without_the_permission_data_is_refused_or_delayed() {
    let config = SimulatorConfig {
        tick_interval: None,
        market_data: MarketDataPermission::Delayed,
        ..SimulatorConfig::default()
    };
    let simulator = Simulator::start(config).await.unwrap();
    let client = connect(&simulator, 1).await;
    let vti = stock("VTI");
    let mut refused = client.market_data(&vti).subscribe().await.unwrap();
    assert_eq!(code(next(&mut refused).await), 354);
    client
        .switch_market_data_type(MarketDataType::Delayed)
        .await
        .unwrap();
    let ticks = client
        .market_data(&vti)
        .snapshot()
        .snapshot_once(PATIENCE)
        .await
        .unwrap();
    assert_eq!(price_of(&ticks, TickType::DelayedLast), Some(328.5));
    assert_eq!(price_of(&ticks, TickType::Last), None);
    simulator.shutdown().await;
}

#[tokio::test]
async fn bars_that_keep_up_to_date_are_a_subscription() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let mut live = client
        .historical_data(&stock("VTI"), BarSize::Day)
        .duration(2.days())
        .stream()
        .await
        .unwrap();
    next_data(&mut live).await;
    let head = client
        .head_timestamp(&stock("VTI"), WhatToShow::Trades, TradingHours::Regular)
        .await
        .unwrap();
    assert_eq!(head.year(), 2004);
    simulator.control().step(3);
    assert_eq!(simulator.connections()[0].subscriptions.len(), 1);
    drop(live);
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_stream_of_bars_begins_with_the_past_and_every_size_has_bars() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let euro = Contract::forex("EUR", "USD").build();
    let mut live = client
        .historical_data(&euro, BarSize::Day)
        .duration(2.days())
        .what_to_show(WhatToShow::MidPoint)
        .stream()
        .await
        .unwrap();
    let HistoricalBarUpdate::Historical(past) = next_data(&mut live).await else {
        panic!("the past first")
    };
    assert_eq!(past.bars.len(), 2);
    for size in [BarSize::Sec, BarSize::Min5, BarSize::Week, BarSize::Month] {
        let more = client
            .historical_data(&euro, size)
            .duration(if size == BarSize::Sec {
                60.seconds()
            } else {
                3.months()
            })
            .what_to_show(WhatToShow::MidPoint)
            .fetch()
            .await
            .unwrap();
        assert!(!more.bars.is_empty(), "{size:?}");
    }
    simulator.shutdown().await;
}
