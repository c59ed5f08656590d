//! Orders that are placed together.

use sandpit_gateway::gate::Role;
use sandpit_gateway::journal::Kind;
use sandpit_gateway::model::{OrderStatus, OrderType};
use sandpit_simulator::Fault;

use super::{gated, one_of, plain};
use crate::support::{buy, caller, kind, n, sell};

#[tokio::test]
async fn a_bracket_is_linked_by_the_host_and_transmitted_as_one() {
    let setup = gated(|_| {}).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let control = setup.simulator.control();
    control.set_price("SPY", n("600")).unwrap();
    let group = vec![
        one_of(Role::Entry, &spy, buy(10, OrderType::Limit(n("590")))),
        one_of(Role::Exit, &spy, sell(10, OrderType::Limit(n("610")))),
        one_of(Role::Exit, &spy, sell(10, OrderType::Stop(n("580")))),
    ];
    let states = gateway
        .place_group(&caller(), group, &plain())
        .await
        .unwrap();
    let ids: Vec<_> = states.iter().map(|state| state.order_id).collect();
    assert_eq!(ids, [ids[0], ids[0] + 1, ids[0] + 2]);
    assert!(
        states
            .iter()
            .all(|state| state.status != OrderStatus::Staged)
    );
    let sent: Vec<_> = setup
        .simulator
        .received()
        .into_iter()
        .filter(|one| one.name == "PlaceOrderRequest")
        .map(|one| {
            let field = |name: &str| one.fields.get(name).cloned();
            (field("transmit"), field("parentId"), field("ocaGroup"))
        })
        .collect();
    let parent = Some(ids[0].to_string());
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(sent[0], (text("false"), None, None));
    assert_eq!((&sent[1].0, &sent[1].1), (&text("false"), &parent));
    assert_eq!((&sent[2].0, &sent[2].1), (&text("true"), &parent));
    assert!(sent[1].2.is_some() && sent[1].2 == sent[2].2, "{sent:?}");
    // All of it was in the journal before the first was sent.
    let sending = setup.rows(&[Kind::Sending]);
    let acknowledged = setup.rows(&[Kind::Acknowledged]);
    assert_eq!((sending.len(), acknowledged.len()), (3, 3));
    assert!(sending[2].seq < acknowledged[0].seq);

    // The entry fills, then the profit; the stop goes by itself.
    control.set_price("SPY", n("585")).unwrap();
    control.set_price("SPY", n("615")).unwrap();
    crate::support::until("nothing is open", || {
        let books = setup.simulator.books();
        books
            .executions
            .iter()
            .map(|one| one.order_id)
            .any(|id| id == ids[1])
    })
    .await;
    let stop = gateway.cancel(&caller(), ids[2]).await.unwrap();
    assert_eq!(stop.status, OrderStatus::Cancelled);
    setup.end().await;
}

#[tokio::test]
async fn one_cancels_all_others() {
    let setup = gated(|_| {}).await;
    let gateway = &setup.gateway;
    let (spy, qqq) = (setup.stock("SPY").await, setup.stock("QQQ").await);
    let group = vec![
        one_of(Role::Alone, &spy, buy(1, OrderType::Limit(n("100")))),
        one_of(Role::Alone, &qqq, buy(1, OrderType::Limit(n("100")))),
    ];
    let states = gateway
        .place_group(&caller(), group, &plain())
        .await
        .unwrap();
    let open = gateway.open_orders().await.unwrap();
    let groups: Vec<_> = open.iter().map(|placed| &placed.order.oca).collect();
    assert!(groups[0].is_some() && groups[0] == groups[1], "{groups:?}");
    setup.simulator.control().set_price("SPY", n("90")).unwrap();
    crate::support::until("the other is cancelled", || {
        let orders = setup.simulator.books().orders;
        let other = orders.iter().find(|one| one.order_id == states[1].order_id);
        other.is_some_and(|one| one.status == "Cancelled")
    })
    .await;
    setup.end().await;
}

#[tokio::test]
async fn the_gate_sees_a_group_as_a_whole() {
    let setup = gated(|gate| gate.rules.orders_per_minute = Some(2)).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let limit = |price: &str| OrderType::Limit(n(price));
    let three = vec![
        one_of(Role::Entry, &spy, buy(1, limit("100"))),
        one_of(Role::Exit, &spy, sell(1, limit("900"))),
        one_of(Role::Exit, &spy, sell(1, OrderType::Stop(n("50")))),
    ];
    let refused = gateway
        .place_group(&caller(), three.clone(), &plain())
        .await;
    assert_eq!(kind(refused).0, "no-permission");
    gateway.set_gate(sandpit_gateway::GateConfig::default());
    // An exit that would add to the position, or turn it around.
    for wrong in [buy(1, limit("90")), sell(2, limit("900"))] {
        let mut group = three.clone();
        group[1].order = wrong;
        let refused = gateway.place_group(&caller(), group, &plain()).await;
        assert_eq!(kind(refused).0, "no-permission");
    }
    let mut two_entries = three.clone();
    two_entries[1].role = Role::Entry;
    let mut linked = three.clone();
    linked[1].order.parent_id = Some(7);
    for wrong in [two_entries, linked, vec![]] {
        let refused = gateway.place_group(&caller(), wrong, &plain()).await;
        assert_eq!(kind(refused).0, "invalid-request");
    }
    assert_eq!(setup.received("PlaceOrderRequest"), 0);
    setup.end().await;
}

#[tokio::test]
async fn a_bracket_with_a_refused_part_is_taken_back() {
    let setup = gated(|_| {}).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let group = vec![
        one_of(Role::Entry, &spy, buy(1, OrderType::Limit(n("100")))),
        one_of(Role::Exit, &spy, sell(1, OrderType::Limit(n("900.001")))),
        one_of(Role::Exit, &spy, sell(1, OrderType::Stop(n("50")))),
    ];
    let (kind_of, text) = kind(gateway.place_group(&caller(), group, &plain()).await);
    assert_eq!(kind_of, "rejected", "{text}");
    assert!(
        text.contains("110") && text.contains("cancelled again"),
        "{text}"
    );
    let open = gateway.open_orders().await.unwrap();
    assert!(open.is_empty(), "{open:?}");
    setup.end().await;
}

#[tokio::test]
async fn a_connection_that_dies_in_a_bracket_leaves_no_half_of_it_at_work() {
    let setup = gated(|_| {}).await;
    let spy = setup.stock("SPY").await;
    let drop = Fault::DropOnOrder {
        next: 1,
        arrives: true,
    };
    setup.simulator.control().act(drop).unwrap();
    let group = vec![
        one_of(Role::Entry, &spy, buy(1, OrderType::Market)),
        one_of(Role::Exit, &spy, sell(1, OrderType::Limit(n("900")))),
        one_of(Role::Exit, &spy, sell(1, OrderType::Stop(n("50")))),
    ];
    let outcome = setup.gateway.place_group(&caller(), group, &plain()).await;
    let (kind_of, text) = kind(outcome);
    assert_eq!(kind_of, "uncertain", "{text}");
    assert!(setup.simulator.books().executions.is_empty());
    setup.end().await;
}
