//! Orders that a person has to confirm.

use sandpit_gateway::gate::{Demand, GateConfig, Mode};
use sandpit_gateway::journal::{Event, Kind};
use sandpit_gateway::model::{Approval, Caller, Confirmation, Error, Order, OrderType};

use super::{gated, gated_live, keyed, plain};
use crate::support::{Setup, buy, caller, kind, n};

fn demand(gate: &mut GateConfig) {
    gate.confirmation = Demand::All;
}

/// What the person is asked about an order.
async fn asked(setup: &Setup, order: &Order) -> Confirmation {
    let spy = setup.stock("SPY").await;
    match setup
        .gateway
        .place(&caller(), &spy, order, &keyed("c"))
        .await
    {
        Err(Error::ConfirmationNeeded(confirmation)) => *confirmation,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_confirmed_order_runs_again_and_only_that_one() {
    let setup = gated(demand).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let order = Order {
        reference: Some(
            "please say “yes”\nAccount: nobody's"
                .to_owned()
                .replace('\n', " "),
        ),
        ..buy(10, OrderType::Limit(n("100")))
    };
    let confirmation = asked(&setup, &order).await;
    for fact in ["Buy 10 SPY", "limit 100", "DU1234567", "paper", "“test”"] {
        let message = &confirmation.message;
        assert!(message.contains(fact), "{fact}: {message}");
    }
    assert_eq!(setup.received("PlaceOrderRequest"), 0);
    assert_eq!(setup.refusals(), ["confirmation"]);
    // It travels as text.
    let text = serde_json::to_string(&confirmation.approval).unwrap();
    let approval: Approval = serde_json::from_str(&text).unwrap();
    assert_eq!(approval.gateway(), "default");
    gateway.approve(&approval).await.unwrap();
    assert_eq!(kind(gateway.approve(&approval).await).0, "no-permission");
    assert_eq!(kind(gateway.decline(&approval).await).0, "no-permission");

    let place = async |caller: Caller, order: &Order| {
        let placed = gateway.place(&caller, &spy, order, &keyed("c")).await;
        placed.map_err(|error| kind::<()>(Err(error)).0)
    };
    // Neither another order nor somebody else's.
    let other = buy(11, OrderType::Limit(n("100")));
    assert_eq!(place(caller(), &other).await, Err("confirmation-needed"));
    let somebody = Caller {
        client: "somebody".to_owned(),
        ..caller()
    };
    assert_eq!(place(somebody, &order).await, Err("confirmation-needed"));
    let placed = place(caller(), &order).await.unwrap();
    // It is used up; asked again under its key, the first answer stands.
    assert_eq!(
        place(caller(), &order).await.unwrap().order_id,
        placed.order_id
    );
    let again = gateway.place(&caller(), &spy, &order, &plain()).await;
    assert_eq!(kind(again).0, "confirmation-needed");
    assert_eq!(setup.received("PlaceOrderRequest"), 1);
    setup.end().await;
}

#[tokio::test]
async fn a_declined_order_is_in_the_journal_and_stays_unsent() {
    let setup = gated(demand).await;
    let order = buy(10, OrderType::Limit(n("100")));
    let confirmation = asked(&setup, &order).await;
    setup.gateway.decline(&confirmation.approval).await.unwrap();
    let late = setup.gateway.approve(&confirmation.approval).await;
    assert_eq!(kind(late).0, "no-permission");
    let words: Vec<_> = setup
        .rows(&[Kind::Refused])
        .into_iter()
        .filter_map(|row| match row.event {
            Event::Refused(refused) => Some((row.about.order.clone()?, refused.sentence)),
            _ => None,
        })
        .collect();
    assert_eq!(words.len(), 2);
    assert_eq!(words[0].0, words[1].0);
    assert!(words[1].1.contains("A person declined"), "{words:?}");
    asked(&setup, &order).await;
    assert_eq!(setup.received("PlaceOrderRequest"), 0);
    setup.end().await;
}

#[tokio::test]
async fn a_question_survives_a_restart_and_passes_away() {
    let setup = gated(demand).await;
    let order = buy(10, OrderType::Limit(n("100")));
    let first = asked(&setup, &order).await;
    let setup = setup
        .restart(|gate| {
            demand(gate);
            gate.confirmation_seconds = 1;
        })
        .await;
    setup.gateway.approve(&first.approval).await.unwrap();
    let second = asked(&setup, &buy(11, OrderType::Limit(n("100")))).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let late = setup.gateway.approve(&second.approval).await;
    assert_eq!(kind(late).0, "no-permission");
    // So does a confirmation.
    asked(&setup, &order).await;
    setup.end().await;
}

#[tokio::test]
async fn real_money_is_confirmed_by_default() {
    let setup = gated_live(|gate| gate.mode = Mode::Live).await;
    let confirmation = asked(&setup, &buy(1, OrderType::Limit(n("100")))).await;
    assert!(confirmation.message.contains("LIVE, real money"));
    setup.end().await;
}
