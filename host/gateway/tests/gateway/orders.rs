//! Placing, changing, cancelling and reading orders.

use rust_decimal::Decimal;
use sandpit_gateway::CodeMeaning;
use sandpit_gateway::model::{
    Contract, Error, ExecutionFilter, Oca, OcaType, Order, OrderOptions, OrderStatus, OrderType,
    SecurityType, Side, StopAndLimit, TimeInForce, TrailBy, TrailingStop,
};
use sandpit_simulator::{Fault, SimulatorConfig};

use crate::support::{Setup, buy, caller, kind, n, sell, until};

#[tokio::test]
async fn a_market_order_fills_and_its_execution_has_a_commission() {
    let setup = Setup::new().await;
    let spy = setup.stock("SPY").await;
    let order = Order {
        reference: Some("my reference".into()),
        ..buy(10, OrderType::Market)
    };
    let state = setup
        .gateway
        .place(&caller(), &spy, &order, &OrderOptions::default())
        .await
        .unwrap();
    assert_eq!(state.status, OrderStatus::Filled);
    assert_eq!((state.filled, state.remaining), (10.into(), 0.into()));
    assert!(state.average_fill_price.is_some() && state.perm_id.is_some());

    let filter = ExecutionFilter {
        symbol: Some("SPY".into()),
        side: Some(Side::Bought),
        ..ExecutionFilter::default()
    };
    let executions = setup.gateway.executions(&filter).await.unwrap();
    let total: Decimal = executions.iter().map(|execution| execution.quantity).sum();
    assert_eq!(total, 10.into());
    for execution in &executions {
        assert_eq!(execution.order_id, state.order_id);
        assert_eq!(execution.reference.as_deref(), Some("my reference"));
        let recent = time::OffsetDateTime::now_utc() - execution.time;
        assert!(
            recent.abs() < time::Duration::minutes(5),
            "{}",
            execution.time
        );
        let commission = execution.commission.as_ref().unwrap();
        assert!(commission.amount > Decimal::ZERO && commission.currency == "USD");
    }
    let none = ExecutionFilter {
        side: Some(Side::Sold),
        ..filter
    };
    assert!(setup.gateway.executions(&none).await.unwrap().is_empty());
    setup.simulator.books().check().unwrap();
    assert!(setup.gateway.open_orders().await.unwrap().is_empty());
    let completed = setup.gateway.completed_orders().await.unwrap();
    let completed = completed.first().unwrap();
    assert_eq!(completed.state.order_id, state.order_id);
    assert_eq!(completed.state.status, OrderStatus::Filled);
    assert_eq!(
        (completed.order.quantity, completed.state.filled),
        (10.into(), 10.into())
    );
    setup.end().await;
}

#[tokio::test]
async fn a_resting_order_is_listed_changed_and_cancelled() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let order = buy(5, OrderType::Limit(n("100")));
    let placed = gateway
        .place(&caller(), &spy, &order, &OrderOptions::default())
        .await
        .unwrap();
    assert_eq!(placed.status, OrderStatus::Submitted);
    let open = gateway.open_orders().await.unwrap();
    let [listed] = open.as_slice() else {
        panic!("{open:?}")
    };
    assert_eq!(listed.state.order_id, placed.order_id);
    assert_eq!(listed.contract.con_id, spy.con_id);
    assert_eq!(listed.order.order_type, OrderType::Limit(n("100")));

    let changed = buy(7, OrderType::Limit(n("101.5")));
    let state = gateway
        .modify(
            &caller(),
            placed.order_id,
            &spy,
            &changed,
            &OrderOptions::default(),
        )
        .await
        .unwrap();
    assert_eq!(
        (state.order_id, state.remaining),
        (placed.order_id, 7.into())
    );
    let open = gateway.open_orders().await.unwrap();
    let listed = open.first().unwrap();
    assert_eq!(listed.order.order_type, OrderType::Limit(n("101.5")));
    assert_eq!((open.len(), listed.order.quantity), (1, 7.into()));

    let state = gateway.cancel(&caller(), placed.order_id).await.unwrap();
    assert_eq!(state.status, OrderStatus::Cancelled);
    assert!(gateway.open_orders().await.unwrap().is_empty());
    let again = gateway.cancel(&caller(), placed.order_id).await.unwrap();
    assert_eq!(again.status, OrderStatus::Cancelled);
    assert_eq!(setup.received("CancelOrderRequest"), 1);
    let late = gateway
        .modify(
            &caller(),
            placed.order_id,
            &spy,
            &changed,
            &OrderOptions::default(),
        )
        .await;
    assert_eq!(kind(late).0, "not-found");
    setup.end().await;
}

#[tokio::test]
async fn a_staged_order_waits_until_it_is_transmitted() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let tlt = setup.stock("TLT").await;
    let staged = Order {
        transmit: false,
        ..buy(4, OrderType::Market)
    };
    let first = gateway
        .place(&caller(), &tlt, &staged, &OrderOptions::default())
        .await
        .unwrap();
    let second = gateway
        .place(&caller(), &tlt, &staged, &OrderOptions::default())
        .await
        .unwrap();
    assert_eq!(
        (&first.status, &second.status),
        (&OrderStatus::Staged, &OrderStatus::Staged)
    );
    let open = gateway.open_orders().await.unwrap();
    assert_eq!(open.len(), 2);
    for placed in &open {
        assert_eq!(placed.state.status, OrderStatus::Staged);
        assert!(!placed.order.transmit);
    }
    assert!(setup.simulator.books().executions.is_empty());

    let cancelled = gateway.cancel(&caller(), second.order_id).await.unwrap();
    assert!(cancelled.status.is_final(), "{cancelled:?}");
    let send = Order {
        transmit: true,
        ..staged
    };
    let sent = gateway
        .modify(
            &caller(),
            first.order_id,
            &tlt,
            &send,
            &OrderOptions::default(),
        )
        .await
        .unwrap();
    assert_eq!(
        (sent.order_id, sent.status),
        (first.order_id, OrderStatus::Filled)
    );
    assert!(gateway.open_orders().await.unwrap().is_empty());
    setup.end().await;
}

#[tokio::test]
async fn nonsense_reaches_nobody() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    for order in [
        buy(0, OrderType::Market),
        buy(-3, OrderType::Market),
        buy(1, OrderType::Limit(n("-5"))),
        Order {
            time_in_force: TimeInForce::Other("AUC".into()),
            ..buy(1, OrderType::Market)
        },
        Order {
            account: Some("DU9".into()),
            ..buy(1, OrderType::Market)
        },
        Order {
            parent_id: Some(4_711),
            ..buy(1, OrderType::Market)
        },
    ] {
        assert_eq!(
            kind(
                gateway
                    .place(&caller(), &spy, &order, &OrderOptions::default())
                    .await
            )
            .0,
            "invalid-request"
        );
    }
    let unknown = gateway.cancel(&caller(), 4_711).await;
    let (kind_of, text) = kind(unknown);
    assert_eq!(kind_of, "not-found");
    assert!(text.contains("4711"), "{text}");
    let order = buy(1, OrderType::Market);
    assert_eq!(
        kind(
            gateway
                .modify(&caller(), 4_711, &spy, &order, &OrderOptions::default())
                .await
        )
        .0,
        "not-found"
    );
    assert_eq!(
        kind(
            gateway
                .what_if(&caller(), &spy, &buy(0, OrderType::Market))
                .await
        )
        .0,
        "invalid-request"
    );
    assert_eq!(setup.received("PlaceOrderRequest"), 0);
    assert_eq!(setup.received("CancelOrderRequest"), 0);
    setup.end().await;
}

#[tokio::test]
async fn what_a_number_means_is_checked_before_it_is_sent() {
    let setup = Setup::new().await;
    let index = Contract::new("SPX", SecurityType::Index);
    let index = setup.gateway.qualify(&index).await.unwrap();
    let number = Contract {
        con_id: index.con_id,
        exchange: index.exchange,
        ..Contract::new("", SecurityType::Other(String::new()))
    };
    let placed = setup
        .gateway
        .place(
            &caller(),
            &number,
            &buy(1, OrderType::Market),
            &OrderOptions::default(),
        )
        .await;
    let (kind_of, text) = kind(placed);
    assert_eq!(kind_of, "invalid-request");
    assert!(text.contains("index"), "{text}");
    assert_eq!(setup.received("PlaceOrderRequest"), 0);
    setup.end().await;
}

#[tokio::test]
async fn a_refusal_carries_the_words_of_tws() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let too_much = gateway
        .place(
            &caller(),
            &spy,
            &buy(1_000_000, OrderType::Market),
            &OrderOptions::default(),
        )
        .await;
    let (kind_of, text) = kind(too_much);
    assert_eq!(kind_of, "rejected");
    assert!(text.contains("201"), "{text}");
    let off_tick = gateway
        .place(
            &caller(),
            &spy,
            &buy(1, OrderType::Limit(n("100.003"))),
            &OrderOptions::default(),
        )
        .await;
    let (kind_of, text) = kind(off_tick);
    assert_eq!(kind_of, "rejected");
    assert!(text.contains("110"), "{text}");
    assert!(gateway.open_orders().await.unwrap().is_empty());
    setup.end().await;
}

#[tokio::test]
async fn a_refused_change_leaves_the_order() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let order = buy(5, OrderType::Limit(n("100")));
    let placed = gateway
        .place(&caller(), &spy, &order, &OrderOptions::default())
        .await
        .unwrap();
    let off_tick = buy(5, OrderType::Limit(n("100.003")));
    let refused = gateway
        .modify(
            &caller(),
            placed.order_id,
            &spy,
            &off_tick,
            &OrderOptions::default(),
        )
        .await;
    assert_eq!(kind(refused).0, "rejected");
    let open = gateway.open_orders().await.unwrap();
    let listed = open.first().unwrap();
    assert_eq!(listed.order.order_type, OrderType::Limit(n("100")));
    assert_eq!(listed.state.status, OrderStatus::Submitted);
    setup.end().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_a_whole_order() {
    let setup = Setup::new().await;
    let spy = setup.stock("SPY").await;
    setup.simulator.control().pause_fills();
    let gateway = setup.gateway.clone();
    let order = buy(2, OrderType::Market);
    let call = tokio::spawn(async move {
        gateway
            .place(&caller(), &spy, &order, &OrderOptions::default())
            .await
    });
    until("it is sent", || setup.received("PlaceOrderRequest") == 1).await;
    call.abort();
    assert!(call.await.is_err_and(|error| error.is_cancelled()));
    setup.simulator.control().resume_fills();
    until("it fills", || {
        !setup.simulator.books().executions.is_empty()
    })
    .await;
    setup.end().await;
}

#[tokio::test]
async fn orders_at_once_have_ids_of_their_own() {
    let setup = Setup::new().await;
    let spy = setup.stock("SPY").await;
    let calls: Vec<_> = (0..12)
        .map(|_| {
            let (gateway, spy) = (setup.gateway.clone(), spy.clone());
            let order = buy(1, OrderType::Limit(n("50")));
            tokio::spawn(async move {
                gateway
                    .place(&caller(), &spy, &order, &OrderOptions::default())
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut ids = Vec::new();
    for call in calls {
        ids.push(call.await.unwrap().order_id);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 12);
    let sent: Vec<_> = setup
        .simulator
        .received()
        .into_iter()
        .filter(|one| one.name == "PlaceOrderRequest")
        .filter_map(|one| one.id)
        .collect();
    assert!(sent.is_sorted(), "{sent:?}");
    assert_eq!(setup.gateway.open_orders().await.unwrap().len(), 12);
    setup.end().await;
}

#[tokio::test]
async fn a_bracket_goes_out_with_its_last_child() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    setup
        .simulator
        .control()
        .set_price("SPY", n("600"))
        .unwrap();
    let parent = Order {
        transmit: false,
        ..buy(10, OrderType::Limit(n("590")))
    };
    let parent = gateway
        .place(&caller(), &spy, &parent, &OrderOptions::default())
        .await
        .unwrap();
    assert_eq!(parent.status, OrderStatus::Staged);
    let oca = Some(Oca {
        group: "bracket".into(),
        oca_type: OcaType::CancelWithBlock,
    });
    let profit = Order {
        transmit: false,
        parent_id: Some(parent.order_id),
        oca: oca.clone(),
        ..sell(10, OrderType::Limit(n("610")))
    };
    let profit = gateway
        .place(&caller(), &spy, &profit, &OrderOptions::default())
        .await
        .unwrap();
    let stop = Order {
        parent_id: Some(parent.order_id),
        oca,
        ..sell(10, OrderType::Stop(n("580")))
    };
    let stop = gateway
        .place(&caller(), &spy, &stop, &OrderOptions::default())
        .await
        .unwrap();
    assert!(parent.order_id < profit.order_id && profit.order_id < stop.order_id);
    let open = gateway.open_orders().await.unwrap();
    assert_eq!(open.len(), 3);
    assert!(
        open.iter()
            .all(|placed| placed.state.status != OrderStatus::Staged),
        "{open:?}"
    );
    let children = open
        .iter()
        .filter(|placed| placed.order.parent_id == Some(parent.order_id));
    assert_eq!(children.count(), 2);
    setup.end().await;
}

#[tokio::test]
async fn orders_of_others_are_seen_but_not_touched() {
    let setup = Setup::new().await;
    let other = setup.neighbour(2).await;
    let spy = setup.stock("SPY").await;
    let order = buy(1, OrderType::Limit(n("100")));
    let theirs = other
        .place(&caller(), &spy, &order, &OrderOptions::default())
        .await
        .unwrap();
    // Their ids and ours count apart: push ours past theirs.
    let open = setup.gateway.open_orders().await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open.first().unwrap().state.client_id, 2);
    let (kind_of, text) = kind(setup.gateway.cancel(&caller(), theirs.order_id).await);
    assert_eq!(kind_of, "not-found");
    assert!(text.contains("client 2"), "{text}");
    assert_eq!(setup.received("CancelOrderRequest"), 0);
    other.shutdown().await;
    setup.end().await;
}

#[tokio::test]
async fn what_if_answers_and_places_nothing() {
    let setup = Setup::new().await;
    let spy = setup.stock("SPY").await;
    let order = buy(10, OrderType::Market);
    let impact = setup
        .gateway
        .what_if(&caller(), &spy, &order)
        .await
        .unwrap();
    assert!(impact.initial_margin_after > impact.initial_margin_before);
    assert!(impact.equity_after.is_some());
    assert_eq!(impact.margin_currency.as_deref(), Some("USD"));
    assert!(setup.simulator.books().orders.is_empty());
    assert!(setup.gateway.open_orders().await.unwrap().is_empty());
    setup.end().await;
}

#[tokio::test]
async fn every_resting_type_is_taken_and_read_back() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    setup
        .simulator
        .control()
        .set_price("SPY", n("600"))
        .unwrap();
    let types = [
        OrderType::Stop(n("650")),
        OrderType::StopLimit(StopAndLimit {
            stop: n("650"),
            limit: n("651"),
        }),
        OrderType::TrailingStop(TrailingStop {
            trail_by: TrailBy::Percent(n("10")),
            initial_stop: Some(n("650")),
        }),
        OrderType::MarketIfTouched(n("550")),
        OrderType::LimitIfTouched(StopAndLimit {
            stop: n("550"),
            limit: n("549"),
        }),
        OrderType::MarketOnClose,
        OrderType::LimitOnClose(n("590")),
    ];
    for order_type in types {
        let placed = gateway
            .place(
                &caller(),
                &spy,
                &buy(1, order_type.clone()),
                &OrderOptions::default(),
            )
            .await;
        let placed = placed.unwrap_or_else(|error| panic!("{order_type:?}: {error}"));
        let open = gateway.open_orders().await.unwrap();
        let [listed] = open.as_slice() else {
            panic!("{open:?}")
        };
        assert_eq!(listed.order.order_type, order_type);
        gateway.cancel(&caller(), placed.order_id).await.unwrap();
    }
    setup.end().await;
}

#[tokio::test]
async fn the_order_behind_an_id_is_known() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let resting = buy(3, OrderType::Limit(n("1")));
    let placed = gateway
        .place(&caller(), &spy, &resting, &OrderOptions::default())
        .await
        .unwrap();
    let order = gateway.order(placed.order_id).await.unwrap();
    assert_eq!(order.contract.symbol, "SPY");
    assert_eq!(order.order.quantity, n("3"));
    assert_eq!(order.order.account.as_deref(), Some("DU1234567"));
    // Also when it has ended.
    gateway.cancel(&caller(), placed.order_id).await.unwrap();
    let ended = gateway.order(placed.order_id).await.unwrap();
    assert_eq!(ended.state.status, OrderStatus::Cancelled);

    for id in [0, -1, 4_711] {
        assert_eq!(gateway.order(id).await, Err(Error::no_order(id)));
    }
    // An order of another client is none of this one.
    let neighbour = setup.neighbour(7).await;
    assert_eq!(kind(neighbour.order(placed.order_id).await).0, "not-found");
    neighbour.shutdown().await;
    setup.end().await;
}

#[tokio::test]
async fn the_operator_says_what_a_code_means_and_the_status_how_the_order_stands() {
    for meaning in [None, Some(CodeMeaning::Warning), Some(CodeMeaning::Ignored)] {
        let setup = Setup::with(SimulatorConfig::default(), |config| {
            config.codes.extend(meaning.map(|meaning| (201, meaning)));
        })
        .await;
        let spy = setup.stock("SPY").await;
        let reject = Fault::RejectOrders {
            next: 1,
            code: 201,
            text: "Order rejected - reason: a test".into(),
        };
        setup.simulator.control().act(reject).unwrap();
        let order = buy(1, OrderType::Limit(n("1")));
        let options = OrderOptions::default();
        let placed = setup.gateway.place(&caller(), &spy, &order, &options).await;
        match meaning {
            None => assert_eq!(kind(placed).0, "rejected"),
            // Whatever the code means, TWS's status says that it does not work.
            Some(_) => assert_eq!(placed.unwrap().status, OrderStatus::Inactive),
        }
        setup.end().await;
    }
}
