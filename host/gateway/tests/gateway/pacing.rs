//! How fast TWS is asked: it refuses, and then disconnects, who asks too fast.

use futures::future::join_all;
use sandpit_gateway::model::{
    BarSize, BarsRequest, Contract, Duration, DurationUnit, OrderOptions, OrderType, SecurityType,
    WhatToShow,
};
use sandpit_simulator::{Fault, HistoryPacing, SimulatorConfig};
use time::OffsetDateTime;

use crate::support::{Setup, buy, caller, kind, n, until};

/// Requests for data that keep the gateway busy for twenty seconds.
const FLOOD: usize = 1_000;

#[tokio::test]
async fn orders_do_not_queue_behind_a_flood_of_requests() {
    let setup = Setup::with(SimulatorConfig::default(), |config| {
        // What the gate asks for an order does not queue either.
        config.gate.rules.max_notional = Some(n("1000000"));
        config.gate.rules.max_position = Some(n("1000"));
    })
    .await;
    let enforce = Fault::EnforcePacing {
        messages: Some(50),
        history: HistoryPacing::Off,
    };
    setup.simulator.control().act(enforce).unwrap();
    let spy = setup.stock("SPY").await;
    let mut flood = tokio::task::JoinSet::new();
    for _ in 0..FLOOD {
        let gateway = setup.gateway.clone();
        flood.spawn(async move { gateway.details(&Contract::us_stock("TLT")).await });
    }
    until("the flood has begun", || {
        setup.received("ContractDataRequest") > 20
    })
    .await;
    let order = buy(1, OrderType::Limit(n("1")));
    let caller = caller();
    let options = OrderOptions::default();
    let orders = (0..5).map(|_| setup.gateway.place(&caller, &spy, &order, &options));
    for placed in join_all(orders).await {
        placed.unwrap();
    }
    // Behind the flood they would have come after its last request.
    assert!(
        setup.received("ContractDataRequest") < FLOOD,
        "the orders waited for the flood"
    );
    flood.shutdown().await;
    assert_eq!(setup.simulator.connection_totals().seen, 1);
    assert_eq!(setup.simulator.books().orders.len(), 5);
    setup.end().await;
}

/// A minute of bars of five seconds, at another end for each number.
fn small_bars(number: i64, what_to_show: WhatToShow) -> BarsRequest {
    let end = OffsetDateTime::now_utc() - time::Duration::days(1);
    BarsRequest {
        duration: Duration {
            amount: 60,
            unit: DurationUnit::Seconds,
        },
        bar_size: BarSize::Sec5,
        what_to_show,
        regular_trading_hours: false,
        end: Some(end.truncate_to_second() - time::Duration::minutes(number)),
    }
}

async fn paced_history() -> Setup {
    let setup = Setup::new().await;
    let enforce = Fault::EnforcePacing {
        messages: Some(50),
        history: HistoryPacing::SmallBars,
    };
    setup.simulator.control().act(enforce).unwrap();
    setup
}

#[tokio::test]
async fn bars_wait_in_turn_instead_of_breaking_the_rules() {
    let setup = paced_history().await;
    let pair = Contract {
        security_type: SecurityType::Forex,
        exchange: Some("IDEALPRO".into()),
        ..Contract::us_stock("EUR")
    };
    let pair = setup.gateway.qualify(&pair).await.unwrap();
    // Seven of one series are two more than two seconds take.
    let requests: Vec<_> = (0..7)
        .map(|number| small_bars(number, WhatToShow::Midpoint))
        .collect();
    let answers = requests
        .iter()
        .map(|request| setup.gateway.bars(&pair, request));
    for bars in join_all(answers).await {
        assert!(!bars.unwrap().is_empty());
    }
    assert_eq!(setup.received("HistoricalDataRequest"), 7);
    setup.end().await;
}

#[tokio::test]
async fn callers_with_one_question_share_one_request() {
    let setup = paced_history().await;
    let spy = setup.stock("SPY").await;
    let daily = BarsRequest {
        duration: Duration {
            amount: 5,
            unit: DurationUnit::Days,
        },
        bar_size: BarSize::Day1,
        what_to_show: WhatToShow::Trades,
        regular_trading_hours: true,
        end: None,
    };
    let all = join_all((0..5).map(|_| setup.gateway.bars(&spy, &daily))).await;
    let first = all.first().unwrap().clone().unwrap();
    assert!(all.into_iter().all(|bars| bars.as_ref() == Ok(&first)));
    assert_eq!(setup.gateway.bars(&spy, &daily).await, Ok(first));
    assert_eq!(setup.received("HistoricalDataRequest"), 1);
    setup.end().await;
}

#[tokio::test]
async fn no_data_and_pacing_and_silence_are_three_answers() {
    let setup = Setup::with(SimulatorConfig::default(), |config| {
        config.request_timeout = std::time::Duration::from_millis(500);
    })
    .await;
    let spy = setup.stock("SPY").await;
    let gateway = &setup.gateway;
    // Long before anything was traded.
    let ancient = BarsRequest {
        bar_size: BarSize::Min1,
        end: Some(OffsetDateTime::UNIX_EPOCH),
        ..small_bars(0, WhatToShow::Trades)
    };
    let (no_data, text) = kind(gateway.bars(&spy, &ancient).await);
    assert_eq!(no_data, "no-data", "{text}");
    // The sixth at once would have to wait for longer than a request may take.
    let requests: Vec<_> = (0..6)
        .map(|number| small_bars(number, WhatToShow::Trades))
        .collect();
    let answers = join_all(requests.iter().map(|one| gateway.bars(&spy, one))).await;
    let (pacing, text) = kind(answers.into_iter().next_back().unwrap());
    assert_eq!(pacing, "pacing");
    assert!(text.contains("seconds"), "{text}");
    setup.simulator.control().go_silent();
    let (silence, _) = kind(gateway.bars(&spy, &unpaced()).await);
    assert_eq!(silence, "timed-out");
    setup.end().await;
}

/// A request that nothing paces.
fn unpaced() -> BarsRequest {
    BarsRequest {
        bar_size: BarSize::Min5,
        duration: Duration {
            amount: 1,
            unit: DurationUnit::Days,
        },
        ..small_bars(0, WhatToShow::Trades)
    }
}
