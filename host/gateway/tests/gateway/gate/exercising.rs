//! Exercising options.

use sandpit_gateway::gate::{Demand, Mode};
use sandpit_gateway::journal::{Kind, Stage};
use sandpit_gateway::model::{Contract, OptionRight, OrderType, SecurityType};

use super::{gated, plain};
use crate::support::{Setup, buy, caller, kind, n};

/// A call on SPY.
async fn option(setup: &Setup) -> Contract {
    let question = Contract {
        right: Some(OptionRight::Call),
        exchange: Some("SMART".to_owned()),
        currency: Some("USD".to_owned()),
        ..Contract::new("SPY", SecurityType::Option)
    };
    let found = setup.gateway.details(&question).await.unwrap();
    found.into_iter().next_back().unwrap().contract
}

#[tokio::test]
async fn an_exercised_call_becomes_shares_at_the_strike() {
    let setup = gated(|_| {}).await;
    let gateway = &setup.gateway;
    let call = option(&setup).await;
    gateway
        .place(&caller(), &call, &buy(2, OrderType::Market), &plain())
        .await
        .unwrap();
    gateway
        .exercise(&caller(), &call, 2, true, None)
        .await
        .unwrap();
    let held = |symbol: &'static str, kind: SecurityType| async move {
        let positions = gateway.positions().await.unwrap();
        let mut of = positions
            .into_iter()
            .filter(|one| one.contract.symbol == symbol && one.contract.security_type == kind);
        of.next().map(|one| one.quantity)
    };
    assert_eq!(held("SPY", SecurityType::Stock).await, Some(n("200")));
    assert_eq!(held("SPY", SecurityType::Option).await, None);
    setup.simulator.books().check().unwrap();
    let executions = gateway.executions(&Default::default()).await.unwrap();
    assert!(executions.iter().any(|one| Some(one.price) == call.strike));
    // It is in the journal like an order.
    let sending = setup.rows(&[Kind::Sending]);
    let key = sending[1].about.order.clone().unwrap();
    let standing = setup.reader().order(&key).unwrap().unwrap();
    assert_eq!(standing.stage, Stage::Filled);
    setup.end().await;
}

#[tokio::test]
async fn what_cannot_be_exercised_is_refused() {
    let setup = gated(|_| {}).await;
    let gateway = &setup.gateway;
    let call = option(&setup).await;
    let spy = setup.stock("SPY").await;
    let exercise = async |contract, quantity| {
        kind(
            gateway
                .exercise(&caller(), contract, quantity, true, None)
                .await,
        )
        .0
    };
    assert_eq!(exercise(&spy, 1).await, "invalid-request");
    assert_eq!(exercise(&call, 0).await, "invalid-request");
    assert_eq!(exercise(&call, 1).await, "rejected");
    let mut gate = sandpit_gateway::GateConfig {
        mode: Mode::Off,
        ..sandpit_gateway::GateConfig::default()
    };
    gateway.set_gate(gate.clone());
    assert_eq!(exercise(&call, 1).await, "no-permission");
    gate.mode = Mode::Paper;
    assert_eq!(setup.received("ExerciseOptionsRequest"), 1);
    gate.preview = Demand::All;
    gateway.set_gate(gate.clone());
    assert_eq!(exercise(&call, 1).await, "confirmation-needed");
    gate.preview = Demand::Never;
    // The ids go on behind it.
    gateway.set_gate(gate);
    gateway
        .place(&caller(), &spy, &buy(1, OrderType::Market), &plain())
        .await
        .unwrap();
    setup.end().await;
}
