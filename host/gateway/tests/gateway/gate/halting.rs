//! Halts: by an operator, by a file, by losses.

use sandpit_gateway::gate::state::HaltSource;
use sandpit_gateway::journal::Kind;
use sandpit_gateway::model::OrderType;

use super::{gated, plain};
use crate::support::{buy, caller, kind, n, until};

#[tokio::test]
async fn a_halt_stops_orders_and_not_cancels_until_an_operator_resumes() {
    let setup = gated(|_| {}).await;
    let spy = setup.stock("SPY").await;
    let order = buy(1, OrderType::Limit(n("100")));
    let place = async |setup: &crate::support::Setup| {
        setup.gateway.place(&caller(), &spy, &order, &plain()).await
    };
    let first = place(&setup).await.unwrap();
    assert_eq!(setup.gateway.halted(), None);
    setup
        .gateway
        .halt("ops", "lunch", HaltSource::Operator)
        .await
        .unwrap();
    let (kind_of, text) = kind(place(&setup).await);
    assert_eq!(kind_of, "no-permission");
    assert!(text.contains("lunch"), "{text}");
    let changed = setup
        .gateway
        .modify(&caller(), first.order_id, &spy, &order, &plain())
        .await;
    assert_eq!(kind(changed).0, "no-permission");

    let setup = setup.restart(|_| {}).await;
    assert!(setup.gateway.halted().is_some_and(|halt| halt.who == "ops"));
    assert_eq!(kind(place(&setup).await).0, "no-permission");
    let cancelled = setup.gateway.cancel(&caller(), first.order_id).await;
    assert!(cancelled.unwrap().status.is_final());
    let lifted = setup.gateway.resume("ops").await.unwrap();
    assert_eq!(lifted.len(), 1);
    assert_eq!(setup.gateway.halted(), None);
    place(&setup).await.unwrap();
    let kinds: Vec<_> = setup
        .rows(&[Kind::Halt, Kind::Resume])
        .iter()
        .map(|row| row.event.kind())
        .collect();
    assert_eq!(kinds, [Kind::Halt, Kind::Resume]);
    setup.end().await;
}

#[tokio::test]
async fn a_halt_can_cancel_what_is_open() {
    let setup = gated(|_| {}).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let order = buy(1, OrderType::Limit(n("100")));
    for _ in 0..3 {
        gateway
            .place(&caller(), &spy, &order, &plain())
            .await
            .unwrap();
    }
    let cancelled = gateway
        .halt_and_cancel("ops", "enough", HaltSource::Operator)
        .await
        .unwrap();
    assert_eq!(cancelled.len(), 3);
    assert!(cancelled.iter().all(|(_, outcome)| outcome.is_ok()));
    assert!(gateway.open_orders().await.unwrap().is_empty());
    assert!(gateway.halted().is_some());
    setup.end().await;
}

#[tokio::test]
async fn a_file_halts_and_its_removal_alone_does_not_resume() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("HALT");
    let setup = gated(|gate| gate.halt_file = Some(file.clone())).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let order = buy(1, OrderType::Limit(n("100")));
    std::fs::write(&file, "").unwrap();
    // At each order, at once.
    let refused = gateway.place(&caller(), &spy, &order, &plain()).await;
    assert_eq!(kind(refused).0, "no-permission");
    assert_eq!(kind(gateway.resume("ops").await).0, "no-permission");
    std::fs::remove_file(&file).unwrap();
    assert!(gateway.halted().is_some());
    gateway.resume("ops").await.unwrap();
    gateway
        .place(&caller(), &spy, &order, &plain())
        .await
        .unwrap();
    // And between the orders.
    std::fs::write(&file, "").unwrap();
    until("the file is seen", || gateway.halted().is_some()).await;
    assert_eq!(setup.received("PlaceOrderRequest"), 1);
    setup.end().await;
}

#[tokio::test]
async fn a_loss_halts_between_the_orders_and_at_them() {
    let setup = gated(|gate| gate.rules.max_daily_loss = Some(n("1000"))).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let control = setup.simulator.control();
    control.set_price("SPY", n("600")).unwrap();
    let order = buy(100, OrderType::Market);
    gateway
        .place(&caller(), &spy, &order, &plain())
        .await
        .unwrap();
    control.set_price("SPY", n("500")).unwrap();
    let small = buy(1, OrderType::Limit(n("100")));
    let refused = gateway.place(&caller(), &spy, &small, &plain()).await;
    let (kind_of, text) = kind(refused);
    assert_eq!(kind_of, "no-permission", "{text}");
    assert_eq!(
        gateway.halted().map(|halt| halt.source),
        Some(HaltSource::Loss)
    );
    gateway.resume("ops").await.unwrap();
    // It is still beyond the limit: the next look halts again.
    until("the loss is seen", || gateway.halted().is_some()).await;
    setup.end().await;
}

#[tokio::test]
async fn the_best_of_today_is_remembered_over_a_restart() {
    let rules = |gate: &mut sandpit_gateway::GateConfig| {
        gate.rules.max_drawdown = Some(n("5000"));
    };
    let setup = gated(rules).await;
    let spy = setup.stock("SPY").await;
    let control = setup.simulator.control();
    control.set_price("SPY", n("600")).unwrap();
    let order = buy(100, OrderType::Market);
    let placed = setup.gateway.place(&caller(), &spy, &order, &plain()).await;
    placed.unwrap();
    control.set_price("SPY", n("650")).unwrap();
    let small = buy(1, OrderType::Limit(n("100")));
    let place = async |setup: &crate::support::Setup| {
        setup.gateway.place(&caller(), &spy, &small, &plain()).await
    };
    // Some 5,000 ahead.
    place(&setup).await.unwrap();
    let setup = setup.restart(rules).await;
    // Nothing is lost by the day, and 6,000 from its best.
    setup
        .simulator
        .control()
        .set_price("SPY", n("590"))
        .unwrap();
    assert_eq!(kind(place(&setup).await).0, "no-permission");
    assert_eq!(setup.refusals(), ["max_drawdown"]);
    setup.end().await;
}
