//! Brackets, one-cancels-all groups and combos, each as a whole.

use rust_decimal::Decimal;

use super::market::*;
use crate::gate::*;
use crate::model::{Contract, Oca, OcaType, Order, OrderType};

fn rules(change: impl FnOnce(&mut Rules)) -> GateConfig {
    let mut config = GateConfig::default();
    change(&mut config.rules);
    config
}

fn at(price: &str) -> OrderType {
    OrderType::Limit(n(price))
}

fn in_group(order: Order, name: &str) -> Order {
    Order {
        oca: Some(Oca {
            group: name.into(),
            oca_type: OcaType::CancelWithBlock,
        }),
        ..order
    }
}

fn child(order: Order, parent: i32) -> Order {
    Order {
        parent_id: Some(parent),
        ..order
    }
}

fn bracket(entry: &str, exits: &str) -> Proposal {
    group([
        (Role::Entry, STOCK, buy(n(entry), at("100"))),
        (Role::Exit, STOCK, sell(n(exits), at("120"))),
        (Role::Exit, STOCK, sell(n(exits), OrderType::Stop(n("90")))),
    ])
}

#[test]
fn a_bracket_is_worth_its_entry() {
    let config = rules(|rules| {
        rules.max_notional = Some(n("1000"));
        rules.max_position = Some(n("10"));
        rules.max_quantity = Some(n("10"));
        rules.max_percent_of_net_liquidation = Some(n("1"));
    });
    refuses_only(&config, &bracket("10", "10"), &situation(), None);
    let verdict = judge(&config, &bracket("10", "10"), &situation());
    assert_eq!(verdict.notional, Some(n("1000")));
    assert!(!judge(&config, &bracket("11", "11"), &situation()).allowed);
}

#[test]
fn an_exit_may_not_be_larger_than_its_entry_or_add_to_it() {
    let config = GateConfig::default();
    refuses_only(&config, &bracket("10", "10"), &situation(), None);
    refuses_only(&config, &bracket("10", "9"), &situation(), None);
    let larger = bracket("10", "10.0001");
    refuses_only(&config, &larger, &situation(), Some(Rule::Exits));
    let adds = group([
        (Role::Entry, STOCK, buy(n("10"), at("100"))),
        (Role::Exit, STOCK, buy(n("10"), at("120"))),
    ]);
    refuses_only(&config, &adds, &situation(), Some(Rule::Exits));
    let elsewhere = group([
        (Role::Entry, STOCK, buy(n("10"), at("100"))),
        (Role::Exit, FOREIGN, sell(n("10"), at("120"))),
    ]);
    refuses_only(&config, &elsewhere, &situation(), Some(Rule::Exits));
}

#[test]
fn an_entry_that_closes_leaves_less_for_its_exits() {
    let config = GateConfig::default();
    let mut short = situation();
    hold(&mut short, STOCK, "-4");
    refuses_only(&config, &bracket("10", "6"), &short, None);
    refuses_only(&config, &bracket("10", "7"), &short, Some(Rule::Exits));
    let mut long = situation();
    hold(&mut long, STOCK, "4");
    refuses_only(&config, &bracket("10", "10"), &long, None);
}

#[test]
fn the_child_of_an_open_order_is_its_exit() {
    let config = rules(|rules| rules.max_notional = Some(n("1")));
    let mut situation = situation();
    open(&mut situation, 5, STOCK, buy(n("10"), at("100")));
    let attached = |order| place(contract(STOCK), child(order, 5));
    refuses_only(
        &config,
        &attached(sell(n("10"), at("120"))),
        &situation,
        None,
    );
    let larger = attached(sell(n("11"), at("120")));
    refuses_only(&config, &larger, &situation, Some(Rule::Exits));
    let adds = attached(buy(n("1"), at("120")));
    refuses_only(&config, &adds, &situation, Some(Rule::Exits));
    // Of another client, order 5 is another order: this is an order by itself.
    situation.connection.client_id = CLIENT + 1;
    let alone = attached(sell(n("10"), at("120")));
    refuses_only(&config, &alone, &situation, Some(Rule::MaxNotional));
    // So it is on another instrument.
    situation.connection.client_id = CLIENT;
    let hedge = place(contract(FOREIGN), child(buy(n("1"), at("50")), 5));
    refuses_only(&config, &hedge, &situation, Some(Rule::MaxNotional));
}

#[test]
fn an_exit_of_a_position_closes_no_more_than_is_left() {
    let config = GateConfig::default();
    let exit = |order| group([(Role::Exit, STOCK, order)]);
    let mut situation = situation();
    hold(&mut situation, STOCK, "10");
    refuses_only(&config, &exit(sell(n("10"), at("120"))), &situation, None);
    for wrong in [sell(n("11"), at("120")), buy(n("1"), at("120"))] {
        refuses_only(&config, &exit(wrong), &situation, Some(Rule::Exits));
    }
    open(&mut situation, 5, STOCK, sell(n("4"), at("130")));
    refuses_only(&config, &exit(sell(n("6"), at("120"))), &situation, None);
    refuses_only(
        &config,
        &exit(sell(n("7"), at("120"))),
        &situation,
        Some(Rule::Exits),
    );
}

#[test]
fn one_cancels_all_against_a_position_does_not_turn_it_around() {
    let config = rules(|rules| rules.max_position = Some(n("20")));
    let pair = |quantity: &str| {
        group([
            (
                Role::Alone,
                STOCK,
                in_group(sell(n(quantity), at("120")), "x"),
            ),
            (
                Role::Alone,
                STOCK,
                in_group(sell(n(quantity), OrderType::Stop(n("90"))), "x"),
            ),
        ])
    };
    let mut situation = situation();
    hold(&mut situation, STOCK, "10");
    refuses_only(&config, &pair("10"), &situation, None);
    refuses_only(&config, &pair("11"), &situation, Some(Rule::Exits));
    // Another group that works already may fill as well; the own one may not.
    let mut own = situation.clone();
    open(&mut own, 5, STOCK, in_group(sell(n("10"), at("130")), "x"));
    refuses_only(&config, &pair("10"), &own, None);
    let mut other = situation.clone();
    open(
        &mut other,
        5,
        STOCK,
        in_group(sell(n("10"), at("130")), "y"),
    );
    refuses_only(&config, &pair("10"), &other, Some(Rule::Exits));
}

#[test]
fn of_one_cancels_all_entries_the_largest_counts() {
    let pair = group([
        (Role::Alone, STOCK, in_group(buy(n("10"), at("100")), "x")),
        (Role::Alone, STOCK, in_group(buy(n("8"), at("110")), "x")),
    ]);
    let apart = group([
        (Role::Alone, STOCK, buy(n("10"), at("100"))),
        (Role::Alone, STOCK, buy(n("8"), at("110"))),
    ]);
    for (proposal, worth, position) in [(pair, "1000", "10"), (apart, "1880", "18")] {
        let limits = |less: Decimal| {
            rules(|rules| {
                rules.max_notional = Some(n(worth) - less);
                rules.max_position = Some(n(position));
            })
        };
        refuses_only(&limits(Decimal::ZERO), &proposal, &situation(), None);
        refuses_only(
            &limits(STEP),
            &proposal,
            &situation(),
            Some(Rule::MaxNotional),
        );
        let tight = rules(|rules| rules.max_position = Some(n(position) - STEP));
        refuses_only(&tight, &proposal, &situation(), Some(Rule::MaxPosition));
    }
}

#[test]
fn the_exits_of_open_brackets_are_no_short_positions() {
    let config = rules(|rules| rules.max_position = Some(n("20")));
    let mut situation = situation();
    open(&mut situation, 5, STOCK, buy(n("10"), at("100")));
    open(&mut situation, 6, STOCK, child(sell(n("10"), at("120")), 5));
    open(
        &mut situation,
        7,
        STOCK,
        child(sell(n("10"), OrderType::Stop(n("90"))), 5),
    );
    let short = |quantity: &str| place(contract(STOCK), sell(n(quantity), at("100")));
    refuses_only(&config, &short("20"), &situation, None);
    refuses_only(&config, &short("21"), &situation, Some(Rule::MaxPosition));
    // Half filled, the exits can sell that half, which is held.
    let orders = situation.open_orders.as_mut().unwrap();
    orders[0].state.filled = n("5");
    orders[0].state.remaining = n("5");
    hold(&mut situation, STOCK, "5");
    refuses_only(&config, &short("20"), &situation, None);
    refuses_only(&config, &short("21"), &situation, Some(Rule::MaxPosition));
    // Filled and gone, its children exclude each other.
    situation.open_orders.as_mut().unwrap().remove(0);
    situation.positions.as_mut().unwrap()[0].quantity = n("10");
    refuses_only(&config, &short("20"), &situation, None);
    refuses_only(&config, &short("21"), &situation, Some(Rule::MaxPosition));
}

#[test]
fn staged_and_uncertain_orders_count_and_ended_ones_do_not() {
    use crate::model::OrderStatus;
    let config = rules(|rules| {
        rules.max_position = Some(n("10"));
        rules.max_open_orders = Some(1);
    });
    let order = place(contract(STOCK), buy(n("1"), at("100")));
    for (status, counts) in [
        (OrderStatus::Staged, true),
        (OrderStatus::ApiPending, true),
        (OrderStatus::Inactive, true),
        (OrderStatus::Filled, false),
        (OrderStatus::Cancelled, false),
    ] {
        let mut situation = situation();
        open(&mut situation, 5, STOCK, buy(n("10"), at("100")));
        situation.open_orders.as_mut().unwrap()[0].state.status = status;
        let verdict = judge(&config, &order, &situation);
        assert_eq!(verdict.allowed, !counts);
        for rule in [Rule::MaxPosition, Rule::MaxOpenOrders] {
            let refused = verdict.check(rule).unwrap().outcome == Outcome::Refused;
            assert_eq!(refused, counts, "{rule:?}");
        }
    }
}

#[test]
fn orders_of_other_accounts_do_not_count() {
    let config = rules(|rules| rules.max_position = Some(n("10")));
    let order = place(contract(STOCK), buy(n("10"), at("100")));
    let mut situation = situation();
    situation.connection.accounts.push("DU2".into());
    let foreign = Order {
        account: Some("DU2".into()),
        ..buy(n("10"), at("100"))
    };
    open(&mut situation, 5, STOCK, foreign);
    hold(&mut situation, STOCK, "10");
    situation.positions.as_mut().unwrap()[0].account = "DU2".into();
    refuses_only(&config, &order, &situation, None);
}

#[test]
fn the_legs_of_a_combo_add_up() {
    // Each: a call bought for 6 × 100, two puts written at strike 90 × 100.
    let order = |quantity: &str| place(combo(), buy(n(quantity), OrderType::Market));
    let worth = |limit: &str| rules(|rules| rules.max_notional = Some(n(limit)));
    refuses_only(&worth("37200"), &order("2"), &situation(), None);
    refuses_only(
        &worth("37199"),
        &order("2"),
        &situation(),
        Some(Rule::MaxNotional),
    );
    let position = |limit: &str| rules(|rules| rules.max_position = Some(n(limit)));
    refuses_only(&position("4"), &order("2"), &situation(), None);
    refuses_only(
        &position("3"),
        &order("2"),
        &situation(),
        Some(Rule::MaxPosition),
    );
    let empty = Contract {
        combo_legs: vec![],
        ..combo()
    };
    let order = place(empty, buy(n("1"), OrderType::Market));
    refuses_only(
        &worth("37200"),
        &order,
        &situation(),
        Some(Rule::MaxNotional),
    );
}

#[test]
fn an_option_that_is_held_is_sold_at_its_premium() {
    let order = |quantity: &str| place(contract(CALL), sell(n(quantity), OrderType::Market));
    let worth = |limit: &str| rules(|rules| rules.max_notional = Some(n(limit)));
    let mut situation = situation();
    hold(&mut situation, CALL, "5");
    // Five at 6 × 100, and one that is written at 110 × 100.
    refuses_only(&worth("3000"), &order("5"), &situation, None);
    refuses_only(&worth("14000"), &order("6"), &situation, None);
    refuses_only(
        &worth("13999"),
        &order("6"),
        &situation,
        Some(Rule::MaxNotional),
    );
    // What an open order sells already is not there to be sold.
    open(&mut situation, 5, CALL, sell(n("5"), at("7")));
    refuses_only(
        &worth("54999"),
        &order("5"),
        &situation,
        Some(Rule::MaxNotional),
    );
    refuses_only(&worth("55000"), &order("5"), &situation, None);
}
