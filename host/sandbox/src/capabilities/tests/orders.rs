//! Orders that are out of reach.

use sandpit_gateway::model::{
    Action, ComboLeg, Contract, Oca, OcaType, OptionRight, OrderOptions, SecurityType,
};

use super::*;
use crate::bindings::sandpit::broker::order_book;
use crate::bindings::sandpit::broker::trading::Host;

/// An order as a tool gives it.
pub(super) fn order(
    change: impl FnOnce(&mut model::Order),
) -> crate::bindings::sandpit::broker::orders::Order {
    let mut order = limit_order("1");
    change(&mut order);
    given(order)
}

pub(super) fn same(_: &mut model::Order) {}

/// The sentence of an order that there is not, without its id.
pub(super) fn absent(error: Error, order_id: i32) -> String {
    match error {
        Error::NotFound(text) => text.replace(&order_id.to_string(), "ID"),
        other => panic!("it should not be found: {other:?}"),
    }
}

#[tokio::test]
async fn only_instruments_in_reach_are_traded() {
    let setup = Setup::new(&["DU1"]).await;
    let mut tool = setup.tool(trades(&["SPY"]));
    // AAPL's number under SPY's name, with all that TWS wants of an order.
    let disguised: wit::Contract = given(Contract {
        symbol: "SPY".to_owned(),
        ..setup.stock("AAPL").await
    });
    for (asked, named) in [(stock("AAPL"), "AAPL"), (disguised.clone(), "conId 265598")] {
        for text in [
            forbidden(tool.view().place(asked.clone(), order(same), plain())).await,
            forbidden(tool.view().what_if(asked.clone(), order(same))).await,
        ] {
            assert!(text.contains(named), "{text}");
        }
    }
    assert_eq!(setup.received("PlaceOrderRequest"), 0);
    // A call that was turned away leaves nobody in doubt of an order.
    assert!(!tool.broker.orders_sent);

    tool.view()
        .what_if(stock("SPY"), order(same))
        .await
        .unwrap();
    let placed = tool
        .view()
        .place(stock("SPY"), order(same), plain())
        .await
        .unwrap();
    // Nor does an order become another's.
    forbidden(
        tool.view()
            .modify(placed.order_id, disguised, order(same), plain()),
    )
    .await;
    tool.view()
        .modify(placed.order_id, stock("SPY"), order(same), plain())
        .await
        .unwrap();
    tool.view().cancel(placed.order_id).await.unwrap();
    setup.end().await;
}

#[tokio::test]
async fn an_order_out_of_sight_reads_as_one_that_does_not_exist() {
    let setup = Setup::new(&["DU1"]).await;
    let aapl = setup.stock("AAPL").await;
    let id = setup.resting(&aapl, "DU1").await;
    let sent = setup.received("PlaceOrderRequest");
    let mut blind = setup.tool(symbols(&["SPY"]));
    for (hidden, missing) in [
        (
            refused(blind.view().cancel(id)).await,
            refused(blind.view().cancel(4_711)).await,
        ),
        (
            refused(blind.view().modify(id, stock("SPY"), order(same), plain())).await,
            refused(
                blind
                    .view()
                    .modify(4_711, stock("SPY"), order(same), plain()),
            )
            .await,
        ),
    ] {
        assert_eq!(absent(hidden, id), absent(missing, 4_711));
    }
    // One that is seen and may not be traded is another matter.
    let mut reader = setup.tool(trades(&["SPY"]));
    forbidden(reader.view().cancel(id)).await;
    forbidden(reader.view().modify(id, stock("SPY"), order(same), plain())).await;
    assert_eq!(setup.received("CancelOrderRequest"), 0);
    assert_eq!(setup.received("PlaceOrderRequest"), sent);
    setup.end().await;
}

#[tokio::test]
async fn the_word_of_whoever_staged_an_order_does_not_count() {
    let setup = Setup::new(&["DU1"]).await;
    // Staged, TWS says nothing of it: what is known is what was said here.
    let disguised = Contract {
        symbol: "SPY".to_owned(),
        ..setup.stock("AAPL").await
    };
    let staged = model::Order {
        transmit: false,
        ..limit_order("1")
    };
    let placed = setup
        .gateway
        .place(&caller(), &disguised, &staged, &OrderOptions::default())
        .await;
    let id = placed.unwrap().order_id;
    let mut tool = setup.tool(symbols(&["SPY"]));
    let mut view = tool.view();
    assert!(
        order_book::Host::open_orders(&mut view)
            .await
            .unwrap()
            .is_empty()
    );
    let refusal = refused(view.modify(id, stock("SPY"), order(same), plain())).await;
    absent(refusal, id);
    setup.end().await;
}

#[tokio::test]
async fn a_child_needs_a_parent_in_reach() {
    let setup = Setup::new(&["DU1"]).await;
    let aapl = setup.stock("AAPL").await;
    let staged = model::Order {
        transmit: false,
        ..limit_order("1")
    };
    let parent = setup
        .gateway
        .place(&caller(), &aapl, &staged, &OrderOptions::default())
        .await;
    let parent = parent.unwrap().order_id;
    let sent = setup.received("PlaceOrderRequest");
    let child = |id: i32| {
        order(move |order| {
            order.action = Action::Sell;
            order.parent_id = Some(id);
        })
    };
    // The last child transmits its parent, so this would trade AAPL.
    let mut reader = setup.tool(trades(&["SPY"]));
    forbidden(reader.view().place(stock("SPY"), child(parent), plain())).await;
    let mut blind = setup.tool(symbols(&["SPY"]));
    let words = |error: Error, id: i32| match error {
        Error::InvalidRequest(text) => text.replace(&id.to_string(), "ID"),
        other => panic!("there is no such parent: {other:?}"),
    };
    let hidden = refused(blind.view().place(stock("SPY"), child(parent), plain())).await;
    let missing = refused(blind.view().place(stock("SPY"), child(4_711), plain())).await;
    assert_eq!(words(hidden, parent), words(missing, 4_711));
    assert_eq!(setup.received("PlaceOrderRequest"), sent);

    let own = order(|order| order.transmit = false);
    let own = blind
        .view()
        .place(stock("SPY"), own, plain())
        .await
        .unwrap()
        .order_id;
    blind
        .view()
        .place(stock("SPY"), child(own), plain())
        .await
        .unwrap();
    setup.end().await;
}

#[tokio::test]
async fn a_group_out_of_reach_is_not_joined() {
    let setup = Setup::new(&["DU1"]).await;
    let aapl = setup.stock("AAPL").await;
    let group = |name: &str| {
        Some(Oca {
            group: name.to_owned(),
            oca_type: OcaType::CancelWithBlock,
        })
    };
    let theirs = model::Order {
        oca: group("theirs"),
        ..limit_order("1")
    };
    setup
        .gateway
        .place(&caller(), &aapl, &theirs, &OrderOptions::default())
        .await
        .unwrap();
    let mut tool = setup.tool(trades(&["SPY"]));
    // Its fill would cancel their order.
    let joins = order(|order| order.oca = group("theirs"));
    let text = forbidden(tool.view().place(stock("SPY"), joins, plain())).await;
    assert!(text.contains("theirs"), "{text}");
    for _ in 0..2 {
        let own = order(|order| order.oca = group("own"));
        tool.view().place(stock("SPY"), own, plain()).await.unwrap();
    }
    setup.end().await;
}

/// Two calls on an underlying, the lower strike bought: the legs of a combo.
async fn legs(setup: &Setup, symbol: &str) -> Vec<ComboLeg> {
    let question = Contract {
        right: Some(OptionRight::Call),
        security_type: SecurityType::Option,
        ..Contract::us_stock(symbol)
    };
    let found = setup.gateway.details(&question).await.unwrap();
    let expiry = found.first().unwrap().contract.expiry.clone();
    let mut calls: Vec<_> = found.into_iter().map(|details| details.contract).collect();
    calls.retain(|call| call.expiry == expiry);
    calls.sort_by_key(|call| call.strike);
    let actions = [Action::Buy, Action::Sell];
    let leg = |(call, action): (Contract, Action)| ComboLeg {
        con_id: call.con_id.unwrap(),
        ratio: 1,
        action,
        exchange: "SMART".to_owned(),
    };
    calls.into_iter().zip(actions).map(leg).collect()
}

/// A combo that calls itself by this symbol.
fn bag(symbol: &str, combo_legs: Vec<ComboLeg>) -> Contract {
    Contract {
        security_type: SecurityType::Combo,
        combo_legs,
        ..Contract::us_stock(symbol)
    }
}

#[tokio::test]
async fn a_combo_is_judged_by_its_legs_and_its_type() {
    let one = |order: &mut model::Order| order.quantity = 1.into();
    let setup = Setup::new(&["DU1"]).await;
    let spy = bag("SPY", legs(&setup, "SPY").await);
    let aapl = legs(&setup, "AAPL").await;
    let disguised = bag("SPY", aapl.clone());
    let mixed = {
        let first = spy.combo_legs.first().unwrap().clone();
        bag("SPY", vec![first, aapl.first().unwrap().clone()])
    };
    let scope = |types: &[&str]| Scope {
        reach: Reach {
            symbols: set(&["SPY"]),
            security_types: set(types),
            ..Reach::default()
        },
        ..Scope::default()
    };
    let mut whole = setup.tool(scope(&["BAG", "OPT"]));
    let mut view = whole.view();
    for combo in [disguised, mixed] {
        let text = forbidden(view.place(given(combo.clone()), order(one), plain())).await;
        assert!(text.contains("SPY (BAG)"), "{text}");
        forbidden(view.what_if(given(combo), order(one))).await;
    }
    let placed = view
        .place(given(spy.clone()), order(one), plain())
        .await
        .unwrap();
    assert_eq!(
        order_book::Host::open_orders(&mut view)
            .await
            .unwrap()
            .len(),
        1
    );

    // Without the type of the combo or of its legs it is out of reach.
    for types in [&["OPT"], &["BAG"]] {
        let mut tool = setup.tool(scope(types));
        forbidden(tool.view().place(given(spy.clone()), order(one), plain())).await;
        let mut view = tool.view();
        assert!(
            order_book::Host::open_orders(&mut view)
                .await
                .unwrap()
                .is_empty()
        );
        absent(refused(view.cancel(placed.order_id)).await, placed.order_id);
    }
    // One whose legs are out of reach is not seen either.
    let mut other = setup.tool(symbols(&["AAPL"]));
    let mut view = other.view();
    assert!(
        order_book::Host::open_orders(&mut view)
            .await
            .unwrap()
            .is_empty()
    );
    whole.view().cancel(placed.order_id).await.unwrap();
    setup.end().await;
}
