//! Changes, exercises and cancels.

use rust_decimal::Decimal;

use super::market::*;
use crate::gate::*;
use crate::model::{OrderType, PlacedOrder};

fn existing(quantity: &str, price: &str, filled: &str) -> PlacedOrder {
    let order = buy(n(quantity), OrderType::Limit(n(price)));
    let mut placed = placed(4, contract(STOCK), order);
    placed.state.filled = n(filled);
    placed.state.remaining = n(quantity) - n(filled);
    placed
}

fn change(existing: &PlacedOrder, quantity: &str, price: &str) -> Proposal {
    let order = buy(n(quantity), OrderType::Limit(n(price)));
    modify(existing.clone(), order)
}

fn known(existing: &PlacedOrder) -> Situation {
    let mut situation = situation();
    situation.open_orders = Some(vec![existing.clone()]);
    situation
}

#[test]
fn a_change_counts_as_what_it_leads_to() {
    let config = with(Rules {
        max_quantity: Some(n("100")),
        max_notional: Some(n("10000")),
        max_position: Some(n("100")),
        ..Rules::default()
    });
    let order = existing("90", "100", "0");
    let situation = known(&order);
    refuses_only(&config, &change(&order, "100", "100"), &situation, None);
    let verdict = judge(&config, &change(&order, "101", "100"), &situation);
    for rule in [Rule::MaxQuantity, Rule::MaxNotional, Rule::MaxPosition] {
        assert_eq!(
            verdict.check(rule).unwrap().outcome,
            Outcome::Refused,
            "{rule:?}"
        );
    }
    // Steps that are small each are no way around.
    let order = existing("100", "100", "0");
    let situation = known(&order);
    refuses_only(
        &config,
        &change(&order, "100", "100.01"),
        &situation,
        Some(Rule::MaxNotional),
    );
}

#[test]
fn what_is_beyond_a_limit_may_become_less() {
    let config = with(Rules {
        max_quantity: Some(n("10")),
        max_notional: Some(n("1000")),
        max_percent_of_net_liquidation: Some(n("1")),
        max_position: Some(n("10")),
        ..Rules::default()
    });
    let order = existing("90", "100", "0");
    let situation = known(&order);
    refuses_only(&config, &change(&order, "80", "100"), &situation, None);
    refuses_only(&config, &change(&order, "90", "100"), &situation, None);
    assert!(!judge(&config, &change(&order, "90.01", "100"), &situation).allowed);
    // Another side is another order.
    let mut turned = change(&order, "80", "100");
    if let Request::Modify(change) = &mut turned.request {
        change.order = sell(n("80"), OrderType::Limit(n("100")));
    }
    let verdict = judge(&config, &turned, &situation);
    for rule in [Rule::MaxNotional, Rule::MaxPosition] {
        assert_eq!(
            verdict.check(rule).unwrap().outcome,
            Outcome::Refused,
            "{rule:?}"
        );
    }
}

#[test]
fn what_is_filled_is_no_longer_ordered() {
    let config = with(Rules {
        max_notional: Some(n("4000")),
        max_position: Some(n("100")),
        ..Rules::default()
    });
    let order = existing("90", "10", "60");
    let mut situation = known(&order);
    hold(&mut situation, STOCK, "60");
    // 100 less 60 are 40, at 100 each.
    refuses_only(&config, &change(&order, "100", "100"), &situation, None);
    assert!(!judge(&config, &change(&order, "101", "100"), &situation).allowed);
}

#[test]
fn prices_that_stay_are_not_held_against_the_collar() {
    let config = with(Rules {
        price_collar_percent: Some(n("1")),
        ..Rules::default()
    });
    let order = existing("90", "50", "0");
    let situation = known(&order);
    refuses_only(&config, &change(&order, "80", "50"), &situation, None);
    refuses_only(
        &config,
        &change(&order, "80", "51"),
        &situation,
        Some(Rule::PriceCollarPercent),
    );
}

fn exercise(con_id: i32, quantity: &str, exercise: bool) -> Proposal {
    proposal(Request::Exercise(Box::new(Exercise {
        contract: contract(con_id),
        underlying: Some(contract(STOCK)),
        quantity: n(quantity),
        exercise,
    })))
}

#[test]
fn an_exercise_counts_as_an_order_for_what_it_delivers() {
    let notional = |limit: &str| {
        with(Rules {
            max_notional: Some(n(limit)),
            ..Rules::default()
        })
    };
    let position = |limit: &str| {
        with(Rules {
            max_position_of: [("STK".to_owned(), n(limit))].into(),
            ..Rules::default()
        })
    };
    let mut situation = situation();
    hold(&mut situation, CALL, "3");
    hold(&mut situation, STOCK, "50");
    let call = exercise(CALL, "2", true);
    refuses_only(&notional("22000"), &call, &situation, None);
    refuses_only(
        &notional("21999"),
        &call,
        &situation,
        Some(Rule::MaxNotional),
    );
    refuses_only(&position("250"), &call, &situation, None);
    refuses_only(&position("249"), &call, &situation, Some(Rule::MaxPosition));
    // A put sells.
    let put = exercise(PUT, "2", true);
    refuses_only(&position("150"), &put, &situation, None);
    refuses_only(&position("149"), &put, &situation, Some(Rule::MaxPosition));
    // What lapses delivers nothing, but counts.
    let lapse = exercise(CALL, "2", false);
    refuses_only(&notional("0.01"), &lapse, &situation, None);
    refuses_only(&position("1"), &lapse, &situation, None);
    let rate = with(Rules {
        orders_per_day: Some(1),
        max_quantity: Some(n("1")),
        ..Rules::default()
    });
    refuses_only(&rate, &lapse, &situation, Some(Rule::MaxQuantity));
}

#[test]
fn a_position_after_an_exercise_is_worth_the_market_price() {
    let config = |limit: &str| {
        with(Rules {
            max_position_notional: Some(n(limit)),
            ..Rules::default()
        })
    };
    let call = exercise(CALL, "1", true);
    refuses_only(&config("10100"), &call, &situation(), None);
    refuses_only(
        &config("10099"),
        &call,
        &situation(),
        Some(Rule::MaxPositionNotional),
    );
}

#[test]
fn cancels_pass_whatever_is_set() {
    let config = GateConfig {
        mode: Mode::Off,
        accounts: Some([].into()),
        preview: Demand::All,
        confirmation: Demand::All,
        rules: Rules {
            orders_per_minute: Some(1),
            max_notional: Some(STEP),
            symbols: Allowance {
                allow: Some([].into()),
                ..Allowance::default()
            },
            ..Rules::default()
        },
        ..GateConfig::default()
    };
    let mut situation = Situation::at(NOW);
    situation.connection.connected = true;
    situation.connection.accounts = vec!["U1".into()];
    situation.halt = Some(state::Halt {
        source: state::HaltSource::Operator,
        who: "me".into(),
        why: "lunch".into(),
        since: NOW,
    });
    for request in [Request::Cancel { order_id: 4 }, Request::CancelAll] {
        let proposal = proposal(request);
        assert_eq!(needs(&config, &proposal), Needs::default());
        refuses_only(&config, &proposal, &situation, None);
        let demands = Demands::of(&config, &proposal);
        assert!(!demands.token && !demands.confirmation);
        let mut read_only = situation.clone();
        read_only.connection.read_only = true;
        refuses_only(&config, &proposal, &read_only, Some(Rule::Connection));
    }
}

#[test]
fn nothing_of_nothing_is_no_order() {
    let config = GateConfig::default();
    for quantity in [Decimal::ZERO, n("-1"), n("-0.01")] {
        let order = place(contract(STOCK), buy(quantity, OrderType::Market));
        refuses_only(&config, &order, &situation(), Some(Rule::Order));
    }
    refuses_only(&config, &group([]), &situation(), Some(Rule::Order));
}
