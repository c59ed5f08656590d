//! The same request under the same key is done once.

use sandpit_gateway::gate::Role;
use sandpit_gateway::journal::Kind;
use sandpit_gateway::model::{Order, OrderStatus, OrderType};

use super::{gated, keyed, one_of, plain};
use crate::support::{buy, caller, kind, n, sell, until};

#[tokio::test]
async fn asking_twice_sends_once_and_another_order_is_refused() {
    let setup = gated(|_| {}).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let order = buy(3, OrderType::Limit(n("100")));
    let first = gateway
        .place(&caller(), &spy, &order, &keyed("a"))
        .await
        .unwrap();
    // 100.00 is the same price.
    let again = buy(3, OrderType::Limit(n("100.00")));
    let second = gateway
        .place(&caller(), &spy, &again, &keyed("a"))
        .await
        .unwrap();
    assert_eq!(first.order_id, second.order_id);
    let other = buy(4, OrderType::Limit(n("100")));
    let refused = gateway.place(&caller(), &spy, &other, &keyed("a")).await;
    let (kind_of, text) = kind(refused);
    assert_eq!(kind_of, "invalid-request");
    assert!(text.contains("idempotencyKey a"), "{text}");
    let spaced = gateway.place(&caller(), &spy, &order, &keyed("a b")).await;
    assert_eq!(kind(spaced).0, "invalid-request");

    // A change has its own key.
    let id = first.order_id;
    for _ in 0..2 {
        let changed = gateway
            .modify(&caller(), id, &spy, &other, &keyed("b"))
            .await
            .unwrap();
        assert_eq!((changed.order_id, changed.remaining), (id, n("4")));
    }
    assert_eq!(setup.received("PlaceOrderRequest"), 2);
    setup.end().await;
}

#[tokio::test]
async fn two_at_once_are_one_order() {
    let setup = gated(|_| {}).await;
    let spy = setup.stock("SPY").await;
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let (gateway, spy) = (setup.gateway.clone(), spy.clone());
            let order = buy(1, OrderType::Market);
            tokio::spawn(async move {
                let placed = gateway.place(&caller(), &spy, &order, &keyed("once")).await;
                placed.unwrap().order_id
            })
        })
        .collect();
    let mut ids = Vec::new();
    for call in calls {
        ids.push(call.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(setup.received("PlaceOrderRequest"), 1);
    setup.end().await;
}

#[tokio::test]
async fn what_happened_is_answered_after_a_restart() {
    let setup = gated(|_| {}).await;
    let spy = setup.stock("SPY").await;
    let filled = buy(2, OrderType::Market);
    let refused = buy(1, OrderType::Limit(n("100.003")));
    let first = setup
        .gateway
        .place(&caller(), &spy, &filled, &keyed("filled"))
        .await
        .unwrap();
    let wrong = setup
        .gateway
        .place(&caller(), &spy, &refused, &keyed("wrong"))
        .await;
    let setup = setup.restart(|_| {}).await;
    let again = setup
        .gateway
        .place(&caller(), &spy, &filled, &keyed("filled"))
        .await
        .unwrap();
    assert_eq!(again.order_id, first.order_id);
    assert_eq!(again.status, OrderStatus::Filled);
    assert_eq!(again.filled, n("2"));
    let wrong_again = setup
        .gateway
        .place(&caller(), &spy, &refused, &keyed("wrong"))
        .await;
    assert_eq!(kind(wrong), kind(wrong_again));
    assert_eq!(setup.received("PlaceOrderRequest"), 2);
    setup.end().await;
}

#[tokio::test]
async fn what_was_refused_before_it_was_sent_leaves_its_key() {
    let setup = gated(|gate| gate.rules.max_quantity = Some(n("5"))).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let large = buy(6, OrderType::Limit(n("100")));
    let refused = gateway.place(&caller(), &spy, &large, &keyed("a")).await;
    assert_eq!(kind(refused).0, "no-permission");
    let small = buy(5, OrderType::Limit(n("100")));
    gateway
        .place(&caller(), &spy, &small, &keyed("a"))
        .await
        .unwrap();
    assert_eq!(setup.received("PlaceOrderRequest"), 1);
    setup.end().await;
}

#[tokio::test]
async fn a_group_is_placed_once() {
    let setup = gated(|_| {}).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let group = || {
        vec![
            one_of(Role::Entry, &spy, buy(5, OrderType::Limit(n("100")))),
            one_of(Role::Exit, &spy, sell(5, OrderType::Limit(n("900")))),
            one_of(Role::Exit, &spy, sell(5, OrderType::Stop(n("50")))),
        ]
    };
    let first = gateway
        .place_group(&caller(), group(), &keyed("g"))
        .await
        .unwrap();
    let second = gateway
        .place_group(&caller(), group(), &keyed("g"))
        .await
        .unwrap();
    let ids = |states: &[sandpit_gateway::model::OrderState]| {
        states.iter().map(|one| one.order_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&first), ids(&second));
    let mut other = group();
    other[2].order.order_type = OrderType::Stop(n("51"));
    let refused = gateway.place_group(&caller(), other, &keyed("g")).await;
    assert_eq!(kind(refused).0, "invalid-request");
    assert_eq!(setup.received("PlaceOrderRequest"), 3);
    let setup = setup.restart(|_| {}).await;
    let third = setup
        .gateway
        .place_group(&caller(), group(), &keyed("g"))
        .await
        .unwrap();
    assert_eq!(ids(&first), ids(&third));
    setup.end().await;
}

#[tokio::test]
async fn the_key_of_an_order_travels_and_nobody_sees_it() {
    let setup = gated(|_| {}).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let quiet = buy(1, OrderType::Limit(n("100")));
    let own = Order {
        reference: Some("mine".to_owned()),
        ..quiet.clone()
    };
    let placed = gateway
        .place(&caller(), &spy, &quiet, &plain())
        .await
        .unwrap();
    gateway
        .place(&caller(), &spy, &own, &plain())
        .await
        .unwrap();
    // A change keeps what travels.
    let larger = buy(2, OrderType::Limit(n("100")));
    gateway
        .modify(&caller(), placed.order_id, &spy, &larger, &plain())
        .await
        .unwrap();
    let sent: Vec<_> = setup
        .simulator
        .received()
        .into_iter()
        .filter(|one| one.name == "PlaceOrderRequest")
        .filter_map(|one| one.fields.get("orderRef").cloned())
        .collect();
    let key = setup.rows(&[Kind::Sending])[0].about.order.clone().unwrap();
    assert_eq!(sent, [key.as_str(), "mine", key.as_str()]);
    let mut seen: Vec<_> = gateway
        .open_orders()
        .await
        .unwrap()
        .into_iter()
        .map(|placed| placed.order.reference)
        .collect();
    seen.sort();
    assert_eq!(seen, [None, Some("mine".to_owned())]);
    let known = gateway.order(placed.order_id).await.unwrap();
    assert_eq!(known.order.reference, None);
    // Nobody else can take such a name.
    let stolen = Order {
        reference: Some(key.to_string()),
        ..quiet
    };
    let refused = gateway.place(&caller(), &spy, &stolen, &plain()).await;
    assert_eq!(kind(refused).0, "invalid-request");
    setup.end().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_a_whole_order_in_the_journal() {
    let setup = gated(|_| {}).await;
    let spy = setup.stock("SPY").await;
    setup.simulator.control().pause_fills();
    let gateway = setup.gateway.clone();
    let order = buy(2, OrderType::Market);
    let call = {
        let (spy, order) = (spy.clone(), order.clone());
        tokio::spawn(async move { gateway.place(&caller(), &spy, &order, &keyed("gone")).await })
    };
    until("it is asked", || !setup.rows(&[Kind::Asked]).is_empty()).await;
    call.abort();
    until("TWS has it", || setup.received("PlaceOrderRequest") == 1).await;
    setup.simulator.control().resume_fills();
    until("it is answered for", || {
        setup.rows(&[Kind::Acknowledged]).len() == 1
    })
    .await;
    // Who comes back with the key learns of it.
    let again = setup
        .gateway
        .place(&caller(), &spy, &order, &keyed("gone"))
        .await
        .unwrap();
    assert_eq!(again.remaining + again.filled, n("2"));
    assert_eq!(setup.received("PlaceOrderRequest"), 1);
    setup.end().await;
}
