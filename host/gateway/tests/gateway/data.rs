//! Contracts and bars.

use sandpit_gateway::model::{
    BarSize, BarTime, BarsRequest, Contract, Duration, DurationUnit, OptionRight, SecurityType,
    WhatToShow,
};
use time::OffsetDateTime;

use crate::support::{Setup, kind, n};

#[tokio::test]
async fn a_stock_is_qualified_once() {
    let setup = Setup::new().await;
    let vti = setup.stock("VTI").await;
    assert_eq!(vti.con_id, Some(12_340_039));
    assert_eq!(vti.exchange.as_deref(), Some("SMART"));
    assert_eq!(vti.primary_exchange.as_deref(), Some("ARCA"));
    assert_eq!(setup.stock("VTI").await, vti);
    assert_eq!(setup.received("ContractDataRequest"), 1);
    setup.end().await;
}

#[tokio::test]
async fn a_number_alone_is_enough() {
    let setup = Setup::new().await;
    let number = |con_id| Contract {
        con_id: Some(con_id),
        ..Contract::new("", SecurityType::Other(String::new()))
    };
    let vti = setup.gateway.qualify(&number(12_340_039)).await.unwrap();
    assert_eq!(
        (vti.symbol.as_str(), &vti.security_type),
        ("VTI", &SecurityType::Stock)
    );
    assert!(
        setup
            .gateway
            .bars(&number(12_340_039), &daily())
            .await
            .is_ok()
    );
    let (kind, text) = kind(setup.gateway.qualify(&number(999)).await);
    assert_eq!(kind, "not-found");
    assert!(text.starts_with("Contract not found: conId 999."), "{text}");
    setup.end().await;
}

#[tokio::test]
async fn details_speak_of_hours_in_utc() {
    let setup = Setup::new().await;
    let details = setup
        .gateway
        .details(&Contract::us_stock("AAPL"))
        .await
        .unwrap();
    let apple = details.first().unwrap();
    assert_eq!(apple.long_name.as_deref(), Some("APPLE INC"));
    assert_eq!(apple.min_tick, Some(n("0.01")));
    assert!(apple.time_zone.is_some());
    assert!(apple.order_types.iter().any(|code| code == "LMT"));
    let session = apple.liquid_sessions.first().unwrap();
    assert!(session.closes > session.opens);
    assert!(session.closes > OffsetDateTime::now_utc() - time::Duration::days(2));
    setup.end().await;
}

#[tokio::test]
async fn what_is_unknown_is_named() {
    let setup = Setup::new().await;
    let nope = Contract::us_stock("NOPE");
    for outcome in [
        setup.gateway.qualify(&nope).await.map(|_| ()),
        setup.gateway.details(&nope).await.map(|_| ()),
        setup.gateway.bars(&nope, &daily()).await.map(|_| ()),
    ] {
        let (kind, text) = kind(outcome);
        assert_eq!(kind, "not-found");
        assert!(text.starts_with("Contract not found: NOPE"), "{text}");
    }
    setup.end().await;
}

#[tokio::test]
async fn an_option_chain_is_ambiguous_until_it_is_one_option() {
    let setup = Setup::new().await;
    let chain = Contract {
        security_type: SecurityType::Option,
        ..Contract::us_stock("SPY")
    };
    let (kind, text) = kind(setup.gateway.qualify(&chain).await);
    assert_eq!(kind, "invalid-request");
    assert!(text.contains("conId") && text.contains("more"), "{text}");
    let all = setup.gateway.details(&chain).await.unwrap();
    let one = &all.first().unwrap().contract;
    let exact = Contract {
        expiry: one.expiry.clone(),
        strike: one.strike,
        right: one.right,
        ..chain
    };
    assert_eq!(
        setup.gateway.qualify(&exact).await.unwrap().con_id,
        one.con_id
    );
    assert!(matches!(
        one.right,
        Some(OptionRight::Call | OptionRight::Put)
    ));
    assert_eq!(one.multiplier, Some(n("100")));
    setup.end().await;
}

fn daily() -> BarsRequest {
    BarsRequest {
        duration: Duration {
            amount: 30,
            unit: DurationUnit::Days,
        },
        bar_size: BarSize::Day1,
        what_to_show: WhatToShow::Trades,
        regular_trading_hours: true,
        end: None,
    }
}

#[tokio::test]
async fn bars_come_oldest_first() {
    let setup = Setup::new().await;
    let vti = setup.stock("VTI").await;
    let bars = setup.gateway.bars(&vti, &daily()).await.unwrap();
    assert_eq!(bars.len(), 30);
    let days: Vec<_> = bars
        .iter()
        .map(|bar| match &bar.time {
            BarTime::Day(day) => day.clone(),
            BarTime::Start(start) => panic!("a daily bar starts at {start}"),
        })
        .collect();
    assert!(
        days.is_sorted() && days.iter().all(|day| day.len() == 10),
        "{days:?}"
    );
    for bar in &bars {
        assert!(bar.low <= bar.open && bar.close <= bar.high);
        assert!(bar.volume.is_some());
    }
    setup.end().await;
}

#[tokio::test]
async fn minutes_have_a_start_and_midpoints_no_volume() {
    let setup = Setup::new().await;
    let pair = Contract {
        exchange: Some("IDEALPRO".into()),
        currency: Some("USD".into()),
        ..Contract::new("EUR", SecurityType::Forex)
    };
    let request = BarsRequest {
        duration: Duration {
            amount: 1,
            unit: DurationUnit::Days,
        },
        bar_size: BarSize::Min30,
        what_to_show: WhatToShow::Midpoint,
        regular_trading_hours: false,
        end: Some(OffsetDateTime::now_utc() - time::Duration::days(1)),
    };
    let bars = setup.gateway.bars(&pair, &request).await.unwrap();
    assert!(bars.iter().all(|bar| matches!(bar.time, BarTime::Start(_))));
    assert!(
        bars.iter()
            .all(|bar| bar.volume.is_none() && bar.count.is_none())
    );
    setup.end().await;
}

#[tokio::test]
async fn nonsense_reaches_nobody() {
    let setup = Setup::new().await;
    let vti = setup.stock("VTI").await;
    let before = setup.simulator.received().len();
    let too_long = BarsRequest {
        duration: Duration {
            amount: 400,
            unit: DurationUnit::Days,
        },
        ..daily()
    };
    let nameless = Contract::us_stock("");
    for outcome in [
        setup.gateway.bars(&vti, &too_long).await.map(|_| ()),
        setup.gateway.details(&nameless).await.map(|_| ()),
        setup.gateway.qualify(&nameless).await.map(|_| ()),
        setup
            .gateway
            .subscribe_quotes("test", &nameless)
            .await
            .map(|_| ()),
    ] {
        assert_eq!(kind(outcome).0, "invalid-request");
    }
    assert_eq!(setup.simulator.received().len(), before);
    setup.end().await;
}
