//! Combos: several instruments in one order.

use rust_decimal::Decimal;
use sandpit_gateway::model::{
    Action, ComboLeg, Contract, ExecutionFilter, OptionRight, OrderOptions, OrderStatus, OrderType,
    SecurityType, StopAndLimit,
};

use crate::support::{Setup, buy, caller, kind, n, sell};

fn leg(contract: &Contract, action: Action) -> ComboLeg {
    ComboLeg {
        con_id: contract.con_id.unwrap(),
        ratio: 1,
        action,
        exchange: "SMART".into(),
    }
}

fn bag(combo_legs: Vec<ComboLeg>) -> Contract {
    Contract {
        security_type: SecurityType::Combo,
        combo_legs,
        ..Contract::us_stock("SPY")
    }
}

/// Two SPY calls of one expiry, the lower strike first.
async fn calls(setup: &Setup) -> (Contract, Contract) {
    let question = Contract {
        right: Some(OptionRight::Call),
        security_type: SecurityType::Option,
        ..Contract::us_stock("SPY")
    };
    let found = setup.gateway.details(&question).await.unwrap();
    let expiry = found.first().unwrap().contract.expiry.clone();
    let mut calls: Vec<_> = found
        .into_iter()
        .map(|details| details.contract)
        .filter(|call| call.expiry == expiry)
        .collect();
    calls.sort_by_key(|call| call.strike);
    let mut middle = calls.into_iter().skip(4);
    (middle.next().unwrap(), middle.next().unwrap())
}

/// A vertical spread, and its legs.
async fn vertical(setup: &Setup) -> (Contract, Contract, Contract) {
    let (low, high) = calls(setup).await;
    let legs = vec![leg(&low, Action::Buy), leg(&high, Action::Sell)];
    (bag(legs), low, high)
}

/// What is held, by conId.
async fn held(setup: &Setup, contract: &Contract) -> Decimal {
    setup.simulator.books().check().unwrap();
    let positions = setup.gateway.positions().await.unwrap();
    let mine = positions
        .iter()
        .find(|position| position.contract.con_id == contract.con_id);
    mine.map(|position| position.quantity).unwrap_or_default()
}

#[tokio::test]
async fn a_vertical_spread_becomes_two_positions() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let (spread, low, high) = vertical(&setup).await;
    let resting = buy(2, OrderType::Limit(n("0.01")));
    let placed = gateway
        .place(&caller(), &spread, &resting, &OrderOptions::default())
        .await
        .unwrap();
    assert_eq!(placed.status, OrderStatus::Submitted);
    let open = gateway.open_orders().await.unwrap();
    let listed = &open.first().unwrap().contract;
    assert_eq!(listed.security_type, SecurityType::Combo);
    assert_eq!(listed.combo_legs, spread.combo_legs);

    // A strike apart, it cannot cost more than the strikes are apart.
    let width = high.strike.unwrap() - low.strike.unwrap();
    let raised = buy(2, OrderType::Limit(width));
    let state = gateway
        .modify(
            &caller(),
            placed.order_id,
            &spread,
            &raised,
            &OrderOptions::default(),
        )
        .await
        .unwrap();
    assert_eq!(state.status, OrderStatus::Filled);
    assert!(state.average_fill_price.unwrap() < width);
    assert_eq!(held(&setup, &low).await, 2.into());
    assert_eq!(held(&setup, &high).await, n("-2"));

    let executions = gateway
        .executions(&ExecutionFilter::default())
        .await
        .unwrap();
    let parts: Vec<_> = executions
        .iter()
        .map(|one| (one.contract.security_type.clone(), one.commission.is_some()))
        .collect();
    // The commission is on the legs.
    assert_eq!(
        parts,
        [
            (SecurityType::Combo, false),
            (SecurityType::Option, true),
            (SecurityType::Option, true)
        ]
    );
    let completed = gateway.completed_orders().await.unwrap();
    assert_eq!(completed.first().unwrap().order.quantity, 2.into());

    // Sold back at a limit that is no price for anything else: it may cost a dollar to be rid of.
    let rid = sell(2, OrderType::Limit(n("-1")));
    let state = gateway
        .place(&caller(), &spread, &rid, &OrderOptions::default())
        .await
        .unwrap();
    assert_eq!(state.status, OrderStatus::Filled);
    assert_eq!(held(&setup, &low).await, 0.into());
    setup.end().await;
}

#[tokio::test]
async fn a_credit_is_a_negative_price() {
    let setup = Setup::new().await;
    let (low, high) = calls(&setup).await;
    let credit = bag(vec![leg(&low, Action::Sell), leg(&high, Action::Buy)]);
    let order = buy(1, OrderType::Limit(n("-0.01")));
    let state = setup
        .gateway
        .place(&caller(), &credit, &order, &OrderOptions::default())
        .await
        .unwrap();
    assert_eq!(state.status, OrderStatus::Filled);
    assert!(state.average_fill_price.unwrap() <= n("-0.01"));
    assert_eq!(held(&setup, &low).await, n("-1"));
    let (kind, _) = kind(
        setup
            .gateway
            .place(&caller(), &low, &order, &OrderOptions::default())
            .await,
    );
    assert_eq!(kind, "invalid-request");
    setup.end().await;
}

#[tokio::test]
async fn a_what_if_of_a_combo_places_nothing() {
    let setup = Setup::new().await;
    let (spread, ..) = vertical(&setup).await;
    let order = buy(1, OrderType::Limit(n("3")));
    let impact = setup
        .gateway
        .what_if(&caller(), &spread, &order)
        .await
        .unwrap();
    assert_eq!(impact.commission, Some(n("2")));
    assert!(setup.simulator.books().orders.is_empty());
    setup.end().await;
}

#[tokio::test]
async fn a_bad_leg_is_named_and_nothing_is_sent() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let (spread, low, high) = vertical(&setup).await;
    let order = buy(1, OrderType::Limit(n("3")));
    let with = |second: ComboLeg| bag(vec![leg(&low, Action::Buy), second]);
    let unknown = with(ComboLeg {
        con_id: 999,
        ..leg(&high, Action::Sell)
    });
    let (missing, text) = kind(
        gateway
            .place(&caller(), &unknown, &order, &OrderOptions::default())
            .await,
    );
    assert_eq!(missing, "not-found");
    assert!(
        text.contains("leg 2") && text.contains("conId 999"),
        "{text}"
    );
    let elsewhere = with(ComboLeg {
        exchange: "NOWHERE".into(),
        ..leg(&high, Action::Sell)
    });
    let (missing, text) = kind(gateway.qualify(&elsewhere).await);
    assert_eq!(missing, "not-found");
    assert!(text.contains("NOWHERE"), "{text}");

    let asked = setup.received("ContractDataRequest");
    let halves = [
        bag(vec![leg(&low, Action::Buy)]),
        with(ComboLeg {
            ratio: 0,
            ..leg(&high, Action::Sell)
        }),
        with(ComboLeg {
            con_id: 0,
            ..leg(&high, Action::Sell)
        }),
    ];
    for half in halves {
        let (refused, _) = kind(
            gateway
                .place(&caller(), &half, &order, &OrderOptions::default())
                .await,
        );
        assert_eq!(refused, "invalid-request");
    }
    let (refused, _) = kind(gateway.details(&spread).await);
    assert_eq!(refused, "invalid-request");
    assert_eq!(setup.received("ContractDataRequest"), asked);
    assert_eq!(setup.received("PlaceOrderRequest"), 0);

    // A good one stays as it was given; each leg is looked up once.
    assert_eq!(gateway.qualify(&spread).await.unwrap(), spread);
    let asked = setup.received("ContractDataRequest");
    assert_eq!(gateway.qualify(&spread).await.unwrap(), spread);
    assert_eq!(setup.received("ContractDataRequest"), asked);

    // What TWS will not do with a combo is said at once.
    let stop = OrderType::StopLimit(StopAndLimit {
        stop: n("3"),
        limit: n("4"),
    });
    let (refused, text) = kind(
        gateway
            .place(&caller(), &spread, &buy(1, stop), &OrderOptions::default())
            .await,
    );
    assert_eq!(refused, "rejected");
    assert!(text.contains("387"), "{text}");
    setup.end().await;
}
