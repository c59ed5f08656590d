//! Instruments that are out of reach.

use sandpit_gateway::model::{Contract, OrderOptions, SecurityType};

use super::*;
use crate::bindings::sandpit::broker::account::Host as Account;
use crate::bindings::sandpit::broker::contracts::Host as Contracts;
use crate::bindings::sandpit::broker::history::{BarsRequest, Host as History};
use crate::bindings::sandpit::broker::market_data::Host as MarketData;
use crate::bindings::sandpit::broker::order_book::{self, ExecutionFilter};

const AAPL: i32 = 265_598;
const SPY: i32 = 756_733;

/// AAPL's number under SPY's name.
fn disguised() -> wit::Contract {
    given(Contract {
        con_id: Some(AAPL),
        ..Contract::us_stock("SPY")
    })
}

/// A number alone.
fn number(con_id: i32) -> wit::Contract {
    given(Contract {
        con_id: Some(con_id),
        ..Contract::new("", SecurityType::Other(String::new()))
    })
}

fn bars() -> BarsRequest {
    use crate::bindings::sandpit::broker::history::{BarSize, Duration, DurationUnit, WhatToShow};
    BarsRequest {
        duration: Duration {
            amount: 5,
            unit: DurationUnit::Days,
        },
        bar_size: BarSize::Day1,
        what_to_show: WhatToShow::Trades,
        regular_trading_hours: true,
        end: None,
    }
}

#[tokio::test]
async fn what_counts_is_the_instrument_that_tws_knows() {
    let setup = Setup::new(&["DU1"]).await;
    let mut tool = setup.tool(symbols(&["SPY"]));
    let mut view = tool.view();
    for (asked, named) in [
        (stock("AAPL"), "AAPL"),
        (disguised(), "conId 265598"),
        (number(AAPL), "conId 265598"),
    ] {
        for text in [
            forbidden(view.qualify(asked.clone())).await,
            forbidden(view.details(asked.clone())).await,
            forbidden(view.bars(asked.clone(), bars())).await,
            forbidden(MarketData::subscribe(&mut view, asked.clone())).await,
        ] {
            assert!(text.contains(named), "{text}");
        }
    }
    assert_eq!(setup.received("MarketDataRequest"), 0);
    assert_eq!(setup.received("HistoricalDataRequest"), 0);
    for asked in [stock("SPY"), number(SPY)] {
        let known = view.qualify(asked.clone()).await.unwrap();
        assert_eq!((known.con_id, known.symbol.as_str()), (Some(SPY), "SPY"));
        assert_eq!(view.details(asked.clone()).await.unwrap().len(), 1);
        assert!(!view.bars(asked.clone(), bars()).await.unwrap().is_empty());
        MarketData::subscribe(&mut view, asked).await.unwrap();
    }
    // TWS hears the contract as it knows it.
    let received = setup.simulator.received();
    for request in received
        .iter()
        .filter(|one| matches!(one.name, "MarketDataRequest" | "HistoricalDataRequest"))
    {
        let field = |name| request.fields.get(name).map(String::as_str);
        assert_eq!(field("conId"), Some("756733"));
        assert_eq!(field("symbol"), Some("SPY"));
    }
    setup.end().await;
}

#[tokio::test]
async fn security_types_bind_as_well() {
    let setup = Setup::new(&["DU1"]).await;
    let scope = |types: &[&str]| Scope {
        reach: Reach {
            symbols: set(&["SPY"]),
            security_types: set(types),
            ..Reach::default()
        },
        ..Scope::default()
    };
    let chain = || -> wit::Contract {
        given(Contract {
            security_type: SecurityType::Option,
            ..Contract::us_stock("SPY")
        })
    };
    let mut stocks = setup.tool(scope(&["stk"]));
    stocks.view().qualify(stock("SPY")).await.unwrap();
    forbidden(stocks.view().details(chain())).await;
    let mut options = setup.tool(scope(&["OPT"]));
    forbidden(options.view().qualify(stock("SPY"))).await;
    assert!(!options.view().details(chain()).await.unwrap().is_empty());
    setup.end().await;
}

#[tokio::test]
async fn a_search_leaves_out_what_is_out_of_reach() {
    let setup = Setup::new(&["DU1"]).await;
    // Without a type, SPY is a fund and a chain of options.
    let question = || -> wit::Contract {
        given(Contract {
            security_type: SecurityType::Option,
            ..Contract::us_stock("SPY")
        })
    };
    let mut all = setup.tool(Scope::default());
    let found = all.view().details(question()).await.unwrap().len();
    assert!(found > 1);
    let mut none = setup.tool(symbols(&[]));
    forbidden(none.view().details(question())).await;
    setup.end().await;
}

#[tokio::test]
async fn holdings_and_orders_out_of_reach_are_not_seen() {
    let setup = Setup::new(&["DU1"]).await;
    for symbol in ["SPY", "AAPL"] {
        let contract = setup.stock(symbol).await;
        let filled = limit_order("10000");
        setup
            .gateway
            .place(&caller(), &contract, &filled, &OrderOptions::default())
            .await
            .unwrap();
        setup.resting(&contract, "DU1").await;
        let gone = setup.resting(&contract, "DU1").await;
        setup.gateway.cancel(&caller(), gone).await.unwrap();
    }
    let mut tool = setup.tool(symbols(&["SPY"]));
    let mut view = tool.view();
    let only_spy = |contracts: Vec<wit::Contract>| {
        assert!(!contracts.is_empty());
        assert!(contracts.iter().all(|of| of.symbol == "SPY"));
    };
    let positions = view.positions().await.unwrap();
    only_spy(positions.into_iter().map(|one| one.contract).collect());
    let open = order_book::Host::open_orders(&mut view).await.unwrap();
    only_spy(open.into_iter().map(|one| one.contract).collect());
    let completed = order_book::Host::completed_orders(&mut view).await.unwrap();
    only_spy(completed.into_iter().map(|one| one.contract).collect());
    let filter = || ExecutionFilter {
        account: None,
        symbol: None,
        side: None,
        after: None,
    };
    let executions = order_book::Host::executions(&mut view, filter())
        .await
        .unwrap();
    only_spy(executions.into_iter().map(|one| one.contract).collect());

    // A position that is not seen is as absent as one that there is not.
    let absent = |error: Error, con_id: i32| match error {
        Error::NotFound(text) => text.replace(&con_id.to_string(), "ID"),
        other => panic!("it should not be found: {other:?}"),
    };
    assert_eq!(
        absent(refused(view.pnl_single(None, AAPL)).await, AAPL),
        absent(refused(view.pnl_single(None, 4_711)).await, 4_711),
    );
    view.pnl_single(None, SPY).await.unwrap();
    // The totals of the account are governed by accounts alone.
    assert!(!view.summary().await.unwrap().is_empty());
    view.pnl(None).await.unwrap();
    setup.end().await;
}

#[tokio::test]
async fn without_a_scope_nothing_more_is_asked() {
    let setup = Setup::new(&["DU1", "DU2"]).await;
    let spy = setup.stock("SPY").await;
    let id = setup.resting(&spy, "DU1").await;
    let mut tool = setup.tool(Scope::default());
    let before = setup.simulator.received().len();
    let mut view = tool.view();
    view.bars(given(spy.clone()), bars()).await.unwrap();
    MarketData::subscribe(&mut view, given(spy.clone()))
        .await
        .unwrap();
    view.positions().await.unwrap();
    order_book::Host::open_orders(&mut view).await.unwrap();
    let order: model::Order = model::Order {
        account: Some("DU1".to_owned()),
        ..limit_order("2")
    };
    use crate::bindings::sandpit::broker::trading::Host as Trading;
    Trading::modify(
        &mut view,
        id,
        given(spy.clone()),
        given(order.clone()),
        plain(),
    )
    .await
    .unwrap();
    Trading::place(&mut view, given(spy), given(order), plain())
        .await
        .unwrap();
    Trading::cancel(&mut view, id).await.unwrap();
    let received = setup.simulator.received();
    let names: Vec<_> = received.iter().skip(before).map(|one| one.name).collect();
    let answers = ["CancelPositionsRequest", "CancelPositions"];
    let names: Vec<_> = names
        .into_iter()
        .filter(|name| !answers.contains(name))
        .collect();
    assert_eq!(
        names,
        [
            "HistoricalDataRequest",
            "MarketDataRequest",
            "PositionsRequest",
            "AllOpenOrdersRequest",
            "PlaceOrderRequest",
            "PlaceOrderRequest",
            "CancelOrderRequest",
        ]
    );
    setup.end().await;
}
