//! The rules at work: what they let through, what they refuse, and that nobody
//! slips past them.

use sandpit_gateway::Gateway;
use sandpit_gateway::gate::{Allowance, Mode};
use sandpit_gateway::journal::Kind;
use sandpit_gateway::model::{Endpoint, OrderType};

use super::{gated, gated_live, plain};
use crate::support::{buy, caller, config_for, kind, n, sell, until};

#[tokio::test]
async fn what_a_rule_refuses_never_reaches_tws_and_is_in_the_journal() {
    let setup = gated(|gate| gate.rules.max_quantity = Some(n("10"))).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let limit = OrderType::Limit(n("100"));
    let placed = gateway
        .place(&caller(), &spy, &buy(10, limit.clone()), &plain())
        .await
        .unwrap();
    let refused = gateway
        .place(&caller(), &spy, &buy(11, limit.clone()), &plain())
        .await;
    let (kind_of, text) = kind(refused);
    assert_eq!(kind_of, "no-permission");
    assert!(text.contains("11") && text.contains("10"), "{text}");
    let changed = gateway
        .modify(&caller(), placed.order_id, &spy, &buy(11, limit), &plain())
        .await;
    assert_eq!(kind(changed).0, "no-permission");
    assert_eq!(setup.received("PlaceOrderRequest"), 1);
    assert_eq!(setup.refusals(), ["max_quantity", "max_quantity"]);
    assert_eq!(setup.rows(&[Kind::Verdict]).len(), 3);
    assert!(setup.reader().verify().unwrap().is_whole());
    setup.end().await;
}

#[tokio::test]
async fn real_money_is_not_touched_unless_it_is_allowed() {
    let setup = gated_live(|_| {}).await;
    let spy = setup.stock("SPY").await;
    let order = buy(1, OrderType::Limit(n("100")));
    let refused = setup.gateway.place(&caller(), &spy, &order, &plain()).await;
    let (kind_of, text) = kind(refused);
    assert_eq!(kind_of, "no-permission");
    assert!(text.contains("U7654321"), "{text}");
    assert_eq!(setup.received("PlaceOrderRequest"), 0);
    assert_eq!(setup.refusals(), ["mode"]);
    setup.end().await;
}

#[tokio::test]
async fn rules_are_replaced_while_it_runs_and_what_was_counted_stays() {
    let setup = gated(|gate| gate.mode = Mode::Off).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let order = buy(1, OrderType::Limit(n("100")));
    let off = gateway.place(&caller(), &spy, &order, &plain()).await;
    assert_eq!(kind(off).0, "no-permission");
    let mut gate = sandpit_gateway::GateConfig::default();
    gateway.set_gate(gate.clone());
    gateway
        .place(&caller(), &spy, &order, &plain())
        .await
        .unwrap();
    gate.rules.orders_per_day = Some(1);
    gateway.set_gate(gate);
    let second = gateway.place(&caller(), &spy, &order, &plain()).await;
    assert_eq!(kind(second).0, "no-permission");
    assert_eq!(setup.refusals(), ["mode", "orders_per_day"]);
    setup.end().await;
}

#[tokio::test]
async fn of_two_at_once_one_gets_the_last_free_place() {
    let setup = gated(|gate| {
        gate.rules.max_open_orders = Some(3);
        gate.rules.max_position = Some(n("1000"));
    })
    .await;
    let spy = setup.stock("SPY").await;
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let (gateway, spy) = (setup.gateway.clone(), spy.clone());
            let order = buy(1, OrderType::Limit(n("50")));
            tokio::spawn(async move { gateway.place(&caller(), &spy, &order, &plain()).await })
        })
        .collect();
    let mut stand = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => stand += 1,
            refused => assert_eq!(kind(refused).0, "no-permission"),
        }
    }
    assert_eq!(stand, 3);
    assert_eq!(setup.gateway.open_orders().await.unwrap().len(), 3);
    assert_eq!(setup.received("PlaceOrderRequest"), 3);
    assert_eq!(setup.refusals(), vec!["max_open_orders"; 5]);
    setup.end().await;
}

#[tokio::test]
async fn a_position_is_limited_with_what_is_open_and_what_was_filled() {
    let setup = gated(|gate| gate.rules.max_position = Some(n("10"))).await;
    let gateway = &setup.gateway;
    let qqq = setup.stock("QQQ").await;
    let place = async |order| gateway.place(&caller(), &qqq, &order, &plain()).await;
    place(buy(6, OrderType::Market)).await.unwrap();
    let resting = place(buy(4, OrderType::Limit(n("10")))).await.unwrap();
    assert_eq!(
        kind(place(buy(1, OrderType::Limit(n("10")))).await).0,
        "no-permission"
    );
    gateway.cancel(&caller(), resting.order_id).await.unwrap();
    place(buy(1, OrderType::Limit(n("10")))).await.unwrap();
    // What makes a position smaller passes.
    place(sell(6, OrderType::Limit(n("9000")))).await.unwrap();
    setup.end().await;
}

#[tokio::test]
async fn an_order_is_valued_by_a_fresh_quote_in_the_base_currency() {
    let setup = gated(|gate| gate.rules.max_notional = Some(n("6500"))).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let control = setup.simulator.control();
    control.set_price("SPY", n("600")).unwrap();
    let place = async |order| gateway.place(&caller(), &spy, &order, &plain()).await;
    place(buy(10, OrderType::Market)).await.unwrap();
    assert_eq!(
        kind(place(buy(11, OrderType::Market)).await).0,
        "no-permission"
    );
    control.set_price("SPY", n("700")).unwrap();
    assert_eq!(
        kind(place(buy(10, OrderType::Market)).await).0,
        "no-permission"
    );
    assert_eq!(setup.refusals(), ["max_notional", "max_notional"]);
    until("the quotes are let go", || setup.subscriptions() == 0).await;
    setup.end().await;
}

#[tokio::test]
async fn a_share_of_what_the_account_is_worth_is_the_limit() {
    let setup = gated(|gate| {
        gate.rules.max_percent_of_net_liquidation = Some(n("1"));
        gate.rules.max_daily_loss = Some(n("1000000"));
    })
    .await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let small = buy(1, OrderType::Limit(n("100")));
    gateway
        .place(&caller(), &spy, &small, &plain())
        .await
        .unwrap();
    let large = buy(100_000, OrderType::Limit(n("100")));
    let refused = gateway.place(&caller(), &spy, &large, &plain()).await;
    assert_eq!(kind(refused).0, "no-permission");
    assert_eq!(setup.refusals(), ["max_percent_of_net_liquidation"]);
    setup.end().await;
}

#[tokio::test]
async fn what_tws_refuses_trips_the_breaker() {
    let setup = gated(|gate| gate.rules.max_rejections = Some(2)).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let off_tick = buy(1, OrderType::Limit(n("100.003")));
    let place = async |order| gateway.place(&caller(), &spy, order, &plain()).await;
    assert_eq!(kind(place(&off_tick).await).0, "rejected");
    // One success ends the row.
    let good = buy(1, OrderType::Limit(n("100")));
    place(&good).await.unwrap();
    assert_eq!(kind(place(&off_tick).await).0, "rejected");
    assert_eq!(kind(place(&off_tick).await).0, "rejected");
    let (kind_of, text) = kind(place(&good).await);
    assert_eq!(kind_of, "no-permission");
    assert!(text.contains("2 orders in a row"), "{text}");
    // An operator who resumes has seen to it.
    gateway.resume("ops").await.unwrap();
    place(&good).await.unwrap();
    setup.end().await;
}

#[tokio::test]
async fn what_was_counted_survives_a_restart() {
    let rules = |gate: &mut sandpit_gateway::GateConfig| {
        gate.rules.orders_per_day = Some(2);
        gate.rules.duplicate_seconds = Some(86_400);
    };
    let setup = gated(rules).await;
    let spy = setup.stock("SPY").await;
    let order = buy(1, OrderType::Limit(n("100")));
    let other = buy(2, OrderType::Limit(n("100")));
    setup
        .gateway
        .place(&caller(), &spy, &order, &plain())
        .await
        .unwrap();
    let setup = setup.restart(rules).await;
    let place = async |order| setup.gateway.place(&caller(), &spy, order, &plain()).await;
    assert_eq!(kind(place(&order).await).0, "no-permission");
    place(&other).await.unwrap();
    let third = buy(3, OrderType::Limit(n("100")));
    assert_eq!(kind(place(&third).await).0, "no-permission");
    assert_eq!(setup.refusals(), ["duplicate_seconds", "orders_per_day"]);
    setup.end().await;
}

#[tokio::test]
async fn cancels_pass_whatever_the_rules_say() {
    let setup = gated(|_| {}).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let order = buy(1, OrderType::Limit(n("100")));
    let mut ids = Vec::new();
    for _ in 0..3 {
        let placed = gateway.place(&caller(), &spy, &order, &plain()).await;
        ids.push(placed.unwrap().order_id);
    }
    let mut gate = sandpit_gateway::GateConfig {
        mode: Mode::Off,
        ..sandpit_gateway::GateConfig::default()
    };
    gate.rules.symbols = Allowance {
        deny: ["SPY".to_owned()].into(),
        ..Allowance::default()
    };
    gateway.set_gate(gate);
    let first = ids[0];
    let cancelled = gateway.cancel(&caller(), first).await.unwrap();
    assert!(cancelled.status.is_final());
    let spared = ids[1];
    let all = gateway
        .cancel_all(&caller(), move |placed| placed.state.order_id != spared)
        .await
        .unwrap();
    let [(id, Ok(state))] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert!(*id == ids[2] && state.status.is_final());
    assert_eq!(gateway.open_orders().await.unwrap().len(), 1);
    setup.end().await;
}

#[tokio::test]
async fn without_a_journal_nothing_is_sent_but_cancels() {
    let setup = gated(|_| {}).await;
    let spy = setup.stock("SPY").await;
    let order = buy(1, OrderType::Limit(n("100")));
    let placed = setup
        .gateway
        .place(&caller(), &spy, &order, &plain())
        .await
        .unwrap();
    setup.gateway.disconnect().await.unwrap();
    let bare = Gateway::new(config_for(&setup.simulator));
    bare.connect(Endpoint::default()).await.unwrap();
    let (kind_of, text) = kind(bare.place(&caller(), &spy, &order, &plain()).await);
    assert_eq!(kind_of, "no-permission");
    assert!(text.contains("[journal]"), "{text}");
    let changed = bare
        .modify(&caller(), placed.order_id, &spy, &order, &plain())
        .await;
    assert_eq!(kind(changed).0, "no-permission");
    assert_eq!(setup.received("PlaceOrderRequest"), 1);
    let cancelled = bare.cancel(&caller(), placed.order_id).await.unwrap();
    assert!(cancelled.status.is_final());
    bare.shutdown().await;
    setup.end().await;
}
