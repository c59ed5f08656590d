//! Groups, cancelling all, single orders, and orders that a person confirms.

use sandpit_gateway::gate::{Demand, GateConfig};
use sandpit_gateway::model::Action;

use super::orders::{absent, order, same};
use super::*;
use crate::bindings::sandpit::broker::order_book;
use crate::bindings::sandpit::broker::trading::{Host, NewOrder, Role};
use crate::capabilities::Unconfirmed;

/// Two orders as one group.
fn group(symbols: [&str; 2]) -> Vec<NewOrder> {
    let [entry, exit] = symbols;
    let new = |symbol, order, role| NewOrder {
        contract: stock(symbol),
        order,
        role,
    };
    let closes = order(|order| {
        order.action = Action::Sell;
        order.order_type = model::OrderType::Limit(1_000.into());
    });
    vec![
        new(entry, order(same), Role::Entry),
        new(exit, closes, Role::Exit),
    ]
}

#[tokio::test]
async fn a_group_is_in_reach_as_a_whole() {
    let setup = Setup::new(&["DU1"]).await;
    let mut tool = setup.tool(trades(&["SPY"]));
    for symbols in [["SPY", "AAPL"], ["AAPL", "SPY"]] {
        forbidden(tool.view().place_group(group(symbols), plain())).await;
        forbidden(tool.view().preview(group(symbols))).await;
    }
    assert_eq!(setup.received("PlaceOrderRequest"), 0);
    assert!(!tool.broker.orders_sent);

    let both = group(["SPY", "SPY"]);
    let placed = tool.view().place_group(both, plain()).await.unwrap();
    assert_eq!(placed.len(), 2);
    assert!(tool.broker.orders_sent);
    setup.end().await;
}

#[tokio::test]
async fn cancel_all_takes_what_may_be_traded() {
    let setup = Setup::new(&["DU1"]).await;
    let (spy, aapl) = (setup.stock("SPY").await, setup.stock("AAPL").await);
    let ours = setup.resting(&spy, "DU1").await;
    let theirs = setup.resting(&aapl, "DU1").await;
    let mut tool = setup.tool(trades(&["SPY"]));
    let cancelled = tool.view().cancel_all().await.unwrap();
    let ids: Vec<_> = cancelled.iter().map(|one| one.order_id).collect();
    assert_eq!(ids, [ours]);
    assert!(cancelled.iter().all(|one| one.outcome.is_ok()));
    let left = setup.gateway.open_orders().await.unwrap();
    let left: Vec<_> = left.iter().map(|placed| placed.state.order_id).collect();
    assert_eq!(left, [theirs]);

    // Without a limit, all.
    let mut tool = setup.tool(Scope::default());
    tool.view().cancel_all().await.unwrap();
    assert!(setup.gateway.open_orders().await.unwrap().is_empty());
    setup.end().await;
}

#[tokio::test]
async fn an_order_is_told_to_those_who_may_see_it() {
    let setup = Setup::new(&["DU1"]).await;
    let aapl = setup.stock("AAPL").await;
    let id = setup.resting(&aapl, "DU1").await;
    let mut reader = setup.tool(trades(&["SPY"]));
    let seen = order_book::Host::order(&mut reader.view(), id).await;
    assert_eq!(seen.unwrap().state.order_id, id);
    let mut blind = setup.tool(symbols(&["SPY"]));
    let hidden = refused(order_book::Host::order(&mut blind.view(), id)).await;
    let missing = refused(order_book::Host::order(&mut blind.view(), 4_711)).await;
    assert_eq!(absent(hidden, id), absent(missing, 4_711));
    setup.end().await;
}

#[tokio::test]
async fn only_the_first_order_of_a_call_can_be_confirmed() {
    let setup = Setup::new(&["DU1"]).await;
    setup.gateway.set_gate(GateConfig {
        confirmation: Demand::All,
        ..GateConfig::default()
    });
    // It ends the call, and nothing was sent.
    let mut tool = setup.tool(Scope::default());
    let ended = tool.view().place(stock("SPY"), order(same), plain()).await;
    match ended {
        Err(CapabilityError::Trap(error)) => {
            assert!(error.downcast_ref::<Unconfirmed>().is_some(), "{error:?}");
        }
        other => panic!("it should end the call: {other:?}"),
    }
    let asked = tool.broker.unconfirmed.take().unwrap();
    assert!(asked.message.contains("SPY"), "{}", asked.message);
    assert!(!tool.broker.orders_sent);

    // A call that has sent something would send it again.
    tool.broker.orders_sent = true;
    let second = refused(tool.view().place(stock("SPY"), order(same), plain())).await;
    assert!(
        matches!(&second, Error::NoPermission(text) if text.contains("a call of its own")),
        "{second:?}"
    );
    assert!(tool.broker.unconfirmed.is_none() && tool.broker.orders_sent);
    assert_eq!(setup.received("PlaceOrderRequest"), 0);
    setup.end().await;
}

#[tokio::test]
async fn only_what_is_in_reach_is_exercised() {
    let setup = Setup::new(&["DU1"]).await;
    let mut tool = setup.tool(trades(&["SPY"]));
    let text = forbidden(tool.view().exercise(stock("AAPL"), 1, true, None)).await;
    assert!(text.contains("AAPL"), "{text}");
    // In reach, it is for the gateway to say that a stock has no exercise.
    let error = refused(tool.view().exercise(stock("SPY"), 1, true, None)).await;
    assert!(matches!(error, Error::InvalidRequest(_)), "{error:?}");
    assert!(!tool.broker.orders_sent);
    assert_eq!(setup.received("ExerciseOptionsRequest"), 0);
    setup.end().await;
}
