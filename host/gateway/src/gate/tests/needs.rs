//! What is to be known beforehand suffices.

use proptest::prelude::*;

use super::market::*;
use super::monotony::{request, rules, somewhere};
use crate::gate::*;
use crate::model::OrderType;

/// Only what is needed, beside what costs nothing.
fn only(needs: &Needs, full: &Situation) -> Situation {
    let mut situation = full.clone();
    situation
        .instruments
        .retain(|con_id, _| needs.instruments.contains(con_id));
    situation
        .quotes
        .retain(|con_id, _| needs.quotes.contains(con_id));
    if !needs.combo_quote {
        situation.combo_quote = None;
    }
    if !needs.positions {
        situation.positions = None;
    }
    if !needs.open_orders {
        situation.open_orders = None;
    }
    if !needs.net_liquidation {
        situation.net_liquidation.clear();
    }
    if !needs.pnl {
        situation.pnl.clear();
    }
    if !needs.rates {
        situation.rates.clear();
    }
    situation
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_needed_suffices(rules in rules(), request in request(), full in somewhere()) {
        let config = with(rules);
        let proposal = proposal(request);
        let needs = needs(&config, &proposal);
        let (all, some) = (
            judge(&config, &proposal, &full),
            judge(&config, &proposal, &only(&needs, &full)),
        );
        // The words may name an instrument less well, and the value be unknown.
        let outcomes = |verdict: &Verdict| -> Vec<_> {
            verdict.checks.iter().map(|check| (check.rule, check.outcome)).collect()
        };
        prop_assert_eq!(outcomes(&all), outcomes(&some));
        prop_assert_eq!(all.halt, some.halt);
    }
}

#[test]
fn an_order_with_few_rules_costs_nothing() {
    let order = place(contract(STOCK), buy(n("1"), OrderType::Market));
    assert_eq!(needs(&GateConfig::default(), &order), Needs::default());
    let cheap = with(Rules {
        max_quantity: Some(n("1")),
        orders_per_day: Some(1),
        duplicate_seconds: Some(1),
        ..Rules::default()
    });
    assert_eq!(needs(&cheap, &order), Needs::default());
    // A limit bounds what is bought, so that no quote is needed.
    let limit = place(contract(STOCK), buy(n("1"), OrderType::Limit(n("1"))));
    let notional = with(Rules {
        max_notional: Some(n("1")),
        ..Rules::default()
    });
    let needed = needs(&notional, &limit);
    assert!(needed.quotes.is_empty() && !needed.positions, "{needed:?}");
    assert_eq!(needs(&notional, &order).quotes, [STOCK].into());
}

#[test]
fn a_person_is_told_what_instrument_it_is() {
    let order = place(combo(), buy(n("1"), OrderType::Market));
    let config = GateConfig {
        confirmation: Demand::All,
        ..GateConfig::default()
    };
    assert_eq!(needs(&config, &order).instruments, [CALL, PUT].into());
}
