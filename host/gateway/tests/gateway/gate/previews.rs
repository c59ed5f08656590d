//! Previews and their tokens.

use sandpit_gateway::gate::{Demand, Role, Rule};
use sandpit_gateway::journal::Kind;
use sandpit_gateway::model::{Order, OrderOptions, OrderType};

use super::{gated, one_of, plain, with_token};
use crate::support::{buy, caller, kind, n, sell};

#[tokio::test]
async fn a_token_lets_exactly_its_order_through_once() {
    let setup = gated(|gate| gate.preview = Demand::All).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let order = buy(10, OrderType::Limit(n("100")));
    let place = async |order: &Order, options: OrderOptions| {
        gateway.place(&caller(), &spy, order, &options).await
    };
    let (kind_of, text) = kind(place(&order, plain()).await);
    assert_eq!(kind_of, "no-permission");
    assert!(text.contains("ibkr_preview_order"), "{text}");
    let preview = gateway.preview(&caller(), &spy, &order).await.unwrap();
    assert!(preview.demands.token && !preview.demands.confirmation);
    assert!(preview.verdict.allowed && preview.verdict.check(Rule::Mode).is_some());
    assert!(
        preview
            .impact
            .is_ok_and(|impact| impact.equity_after.is_some())
    );
    let token = preview.token.unwrap();
    assert!(token.expires > time::OffsetDateTime::now_utc());
    let token = with_token(&token.token);

    let other = buy(11, OrderType::Limit(n("100")));
    let (kind_of, text) = kind(place(&other, token.clone()).await);
    assert_eq!(kind_of, "no-permission");
    assert!(text.contains("another order"), "{text}");
    let (_, text) = kind(place(&order, with_token("0123")).await);
    assert!(text.contains("no token"), "{text}");
    let placed = place(&order, token.clone()).await.unwrap();
    let (kind_of, text) = kind(place(&order, token).await);
    assert_eq!(kind_of, "no-permission");
    assert!(text.contains("used already"), "{text}");

    // So does a change, with the preview of a change.
    let preview = gateway
        .preview_change(&caller(), placed.order_id, &spy, &other)
        .await
        .unwrap();
    let token = with_token(&preview.token.unwrap().token);
    gateway
        .modify(&caller(), placed.order_id, &spy, &other, &token)
        .await
        .unwrap();
    assert_eq!(setup.refusals(), vec!["preview"; 4]);
    setup.end().await;
}

#[tokio::test]
async fn a_token_survives_a_restart_and_passes_away() {
    let demand = |gate: &mut sandpit_gateway::GateConfig| gate.preview = Demand::All;
    let setup = gated(demand).await;
    let spy = setup.stock("SPY").await;
    let order = buy(10, OrderType::Limit(n("100")));
    let preview = setup.gateway.preview(&caller(), &spy, &order).await;
    let token = with_token(&preview.unwrap().token.unwrap().token);
    let setup = setup
        .restart(|gate| {
            demand(gate);
            gate.preview_seconds = 1;
        })
        .await;
    let place =
        async |token: OrderOptions| setup.gateway.place(&caller(), &spy, &order, &token).await;
    place(token).await.unwrap();
    let preview = setup.gateway.preview(&caller(), &spy, &order).await;
    let token = preview.unwrap().token.unwrap();
    while time::OffsetDateTime::now_utc() <= token.expires {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (_, text) = kind(place(with_token(&token.token)).await);
    assert!(text.contains("too old"), "{text}");
    setup.end().await;
}

#[tokio::test]
async fn what_would_be_refused_gets_no_token_and_the_reasons() {
    let setup = gated(|gate| gate.rules.max_quantity = Some(n("10"))).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let large = buy(11, OrderType::Limit(n("100")));
    let preview = gateway.preview(&caller(), &spy, &large).await.unwrap();
    assert!(!preview.verdict.allowed && preview.token.is_none());
    let check = preview.verdict.check(Rule::MaxQuantity).unwrap();
    assert!(check.sentence.contains("11"), "{}", check.sentence);
    let off_tick = buy(1, OrderType::Limit(n("100.003")));
    let preview = gateway.preview(&caller(), &spy, &off_tick).await.unwrap();
    assert!(preview.verdict.allowed && preview.token.is_none());
    assert_eq!(preview.impact.map_err(|message| message.code), Err(110));
    let nonsense = gateway
        .preview(&caller(), &spy, &buy(0, OrderType::Market))
        .await;
    assert_eq!(kind(nonsense).0, "invalid-request");
    assert!(setup.simulator.books().orders.is_empty());
    assert_eq!(setup.rows(&[Kind::Asked]).len(), 3);
    assert_eq!(setup.rows(&[Kind::Verdict]).len(), 2);
    setup.end().await;
}

#[tokio::test]
async fn a_group_is_previewed_as_a_whole() {
    let setup = gated(|gate| gate.preview = Demand::All).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let group = || {
        vec![
            one_of(Role::Entry, &spy, buy(5, OrderType::Limit(n("100")))),
            one_of(Role::Exit, &spy, sell(5, OrderType::Limit(n("900")))),
        ]
    };
    let preview = gateway.preview_group(&caller(), group()).await.unwrap();
    let token = with_token(&preview.token.unwrap().token);
    let alone = &group()[0].order;
    let part = gateway.place(&caller(), &spy, alone, &token).await;
    assert_eq!(kind(part).0, "no-permission");
    gateway
        .place_group(&caller(), group(), &token)
        .await
        .unwrap();
    setup.end().await;
}
