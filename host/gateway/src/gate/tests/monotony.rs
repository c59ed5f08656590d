//! A larger order never passes where a smaller one fails, and what is to be
//! known beforehand suffices.

use std::collections::BTreeMap;

use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rust_decimal::Decimal;

use super::market::*;
use crate::gate::state::Counts;
use crate::gate::*;
use crate::model::{
    Contract, Oca, OcaType, Order, OrderType, Pegged, StopAndLimit, TrailBy, TrailingStop,
    TrailingStopLimit,
};

fn small() -> impl Strategy<Value = Decimal> {
    (1_i64..20_000).prop_map(|digits| Decimal::new(digits, 2))
}

pub fn order_type() -> impl Strategy<Value = OrderType> {
    let trail = prop_oneof![
        small().prop_map(TrailBy::Amount),
        (1_i64..100).prop_map(|percent| TrailBy::Percent(percent.into())),
    ];
    prop_oneof![
        Just(OrderType::Market),
        small().prop_map(OrderType::Limit),
        small().prop_map(OrderType::Stop),
        (small(), small())
            .prop_map(|(stop, limit)| OrderType::StopLimit(StopAndLimit { stop, limit })),
        (trail.clone(), option::of(small())).prop_map(|(trail_by, initial_stop)| {
            OrderType::TrailingStop(TrailingStop {
                trail_by,
                initial_stop,
            })
        }),
        (trail, option::of(small()), small()).prop_map(|(trail_by, initial_stop, limit_offset)| {
            OrderType::TrailingStopLimit(TrailingStopLimit {
                trail_by,
                initial_stop,
                limit_offset,
            })
        }),
        (option::of(small()), option::of(small()))
            .prop_map(|(offset, limit)| OrderType::Relative(Pegged { offset, limit })),
        option::of(small()).prop_map(OrderType::Midprice),
        small().prop_map(OrderType::LimitOnClose),
        Just(OrderType::MarketOnClose),
    ]
}

prop_compose! {
    fn order()(
        buys: bool,
        quantity in 1_i64..1_000,
        order_type in order_type(),
        group in option::weighted(0.3, "[xy]"),
        parent in option::weighted(0.2, 1_i32..4),
    ) -> Order {
        let order = if buys {
            buy(quantity.into(), order_type)
        } else {
            sell(quantity.into(), order_type)
        };
        Order {
            oca: group.map(|group| Oca { group, oca_type: OcaType::CancelWithBlock }),
            parent_id: parent,
            ..order
        }
    }
}

fn instrument() -> impl Strategy<Value = Contract> {
    prop_oneof![
        6 => (1..7).prop_map(contract),
        1 => Just(combo()),
    ]
}

prop_compose! {
    /// Rules with limits of the size that orders have here.
    pub fn rules()(
        quantity in option::of(1_i64..2_000),
        notional in option::of(1_i64..500_000),
        share in option::of(1_i64..200),
        position in option::of(1_i64..3_000),
        position_notional in option::of(1_i64..500_000),
        collar in option::of(1_i64..100),
        open in option::of(1_u32..6),
        minute in option::of(1_u32..6),
        loss in option::of(1_i64..1_000),
        of_type in prop::bool::weighted(0.2),
        lists in prop::bool::weighted(0.2),
    ) -> Rules {
        let stocks = |limit: Option<i64>| -> BTreeMap<String, Decimal> {
            let limit = limit.filter(|_| of_type);
            limit.map(|limit| ("STK".to_owned(), (limit * 2).into())).into_iter().collect()
        };
        let mut rules = Rules {
            max_quantity: quantity.map(Decimal::from),
            max_quantity_of: stocks(quantity),
            max_notional: notional.map(Decimal::from),
            max_percent_of_net_liquidation: share.map(Decimal::from),
            max_position: position.map(Decimal::from),
            max_position_of: stocks(position),
            max_position_notional: position_notional.map(Decimal::from),
            price_collar_percent: collar.map(Decimal::from),
            max_open_orders: open,
            orders_per_minute: minute,
            max_daily_loss: loss.map(Decimal::from),
            ..Rules::default()
        };
        if lists {
            rules.security_types.deny.insert("FUT".into());
            rules.hours = Some(Hours::Regular);
        }
        rules
    }
}

prop_compose! {
    /// A market in which things are held and orders are open.
    pub fn somewhere()(
        held in prop::collection::vec((1_i32..7, -500_i64..500), 0..4),
        working in prop::collection::vec((instrument(), order(), 0_i64..1_000), 0..4),
        sent in 0_u32..4,
        daily in -2_000_i64..2_000,
    ) -> Situation {
        let mut situation = situation();
        for (con_id, quantity) in held {
            hold(&mut situation, con_id, &quantity.to_string());
        }
        for (order_id, (contract, order, filled)) in (1..).zip(working) {
            let mut placed = placed(order_id, contract, order);
            let filled = placed.order.quantity.min(filled.into());
            placed.state.filled = filled;
            placed.state.remaining = placed.order.quantity - filled;
            situation.open_orders.get_or_insert_default().push(placed);
        }
        situation.counts = Some(Counts { last_minute: sent, today: sent });
        let pnl = situation.pnl.get_mut(ACCOUNT).unwrap();
        pnl.daily = daily.into();
        pnl.peak = daily.max(0).into();
        situation
    }
}

/// Orders that belong together, or do not.
pub fn request() -> impl Strategy<Value = Request> {
    let role = prop_oneof![4 => Just(Role::Alone), 1 => Just(Role::Exit)];
    let new = (instrument(), order(), role).prop_map(|(contract, order, role)| NewOrder {
        contract,
        order,
        role,
    });
    let bracket = (instrument(), order(), order_type(), order_type()).prop_map(
        |(contract, entry, target, stop)| {
            let exit = |order_type| {
                let exit = match entry.action {
                    crate::model::Action::Buy => sell(entry.quantity, order_type),
                    _ => buy(entry.quantity, order_type),
                };
                NewOrder {
                    contract: contract.clone(),
                    order: exit,
                    role: Role::Exit,
                }
            };
            let exits = [exit(target), exit(stop)];
            let entry = NewOrder {
                contract: contract.clone(),
                order: Order {
                    parent_id: None,
                    ..entry.clone()
                },
                role: Role::Entry,
            };
            Request::Place([entry].into_iter().chain(exits).collect())
        },
    );
    let exercise = (2_i32..4, 1_i64..10, any::<bool>()).prop_map(|(con_id, quantity, exercise)| {
        Request::Exercise(Box::new(Exercise {
            contract: contract(con_id),
            underlying: Some(contract(STOCK)),
            quantity: quantity.into(),
            exercise,
        }))
    });
    prop_oneof![
        4 => prop::collection::vec(new, 1..4).prop_map(Request::Place),
        2 => bracket,
        1 => exercise,
    ]
}

/// The same, times a number.
fn larger(proposal: &Proposal, by: i64) -> Proposal {
    let mut proposal = proposal.clone();
    let by = Decimal::from(by);
    match &mut proposal.request {
        Request::Place(orders) => {
            for order in orders {
                order.order.quantity *= by;
            }
        }
        Request::Modify(change) => change.order.quantity *= by,
        Request::Exercise(exercise) => exercise.quantity *= by,
        Request::Cancel { .. } | Request::CancelAll => {}
    }
    proposal
}

/// Else the properties would say nothing.
#[test]
fn every_rule_passes_some_and_refuses_some() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<Rule, (u32, u32)> = BTreeMap::new();
    for _ in 0..2_000 {
        let mut draw = || {
            let rules = rules().new_tree(&mut runner).unwrap().current();
            let request = request().new_tree(&mut runner).unwrap().current();
            let situation = somewhere().new_tree(&mut runner).unwrap().current();
            (rules, request, situation)
        };
        let (rules, request, situation) = draw();
        for check in judge(&with(rules), &proposal(request), &situation).checks {
            let (passed, refused) = seen.entry(check.rule).or_default();
            match check.outcome {
                Outcome::Passed => *passed += 1,
                Outcome::Refused => *refused += 1,
                Outcome::NotApplicable => {}
            }
        }
    }
    for rule in [
        Rule::Exits,
        Rule::MaxQuantity,
        Rule::MaxOpenOrders,
        Rule::OrdersPerMinute,
        Rule::PriceCollarPercent,
        Rule::MaxNotional,
        Rule::MaxPercentOfNetLiquidation,
        Rule::MaxPosition,
        Rule::MaxPositionNotional,
        Rule::MaxDailyLoss,
        Rule::SecurityTypes,
    ] {
        let (passed, refused) = seen.get(&rule).copied().unwrap_or_default();
        assert!(passed > 20 && refused > 20, "{rule:?}: {passed}, {refused}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_larger_order_never_passes_where_a_smaller_one_fails(
        rules in rules(),
        request in request(),
        situation in somewhere(),
        by in 2_i64..20,
    ) {
        let config = with(rules);
        let small = proposal(request);
        let large = larger(&small, by);
        let (small, large) = (
            judge(&config, &small, &situation),
            judge(&config, &large, &situation),
        );
        for check in large.checks.iter().filter(|check| check.outcome != Outcome::Refused) {
            // An exit may be refused because its entry, being small, only closes.
            if check.rule == Rule::Exits {
                continue;
            }
            let same = small.check(check.rule).unwrap();
            prop_assert_ne!(same.outcome, Outcome::Refused, "{:?} and {:?}", same, check);
        }
    }

    #[test]
    fn a_larger_change_never_passes_where_a_smaller_one_fails(
        rules in rules(),
        mut situation in somewhere(),
        first in order(),
        contract in instrument(),
        order_type in order_type(),
        quantity in 1_i64..1_000,
        by in 2_i64..20,
    ) {
        let config = with(rules);
        let action = first.action;
        let existing = placed(9, contract, first);
        situation.open_orders.get_or_insert_default().push(existing.clone());
        let small = modify(existing, Order::new(action, quantity.into(), order_type));
        let large = larger(&small, by);
        let (small, large) = (
            judge(&config, &small, &situation),
            judge(&config, &large, &situation),
        );
        for check in large.checks.iter().filter(|check| check.outcome != Outcome::Refused) {
            let same = small.check(check.rule).unwrap();
            prop_assert_ne!(same.outcome, Outcome::Refused, "{:?} and {:?}", same, check);
        }
    }

    #[test]
    fn a_position_never_grows_beyond_its_limit(
        request in request(),
        situation in somewhere(),
        limit in 1_i64..3_000,
    ) {
        let limit = Decimal::from(limit);
        let config = with(Rules { max_position: Some(limit), ..Rules::default() });
        let proposal = proposal(request);
        let Request::Place(orders) = &proposal.request else { return Ok(()) };
        if !judge(&config, &proposal, &situation).allowed {
            return Ok(());
        }
        // Of the new orders that are no exits, each that fills alone.
        for new in orders.iter().filter(|new| new.role != Role::Exit && new.order.parent_id.is_none()) {
            if new.contract.con_id.is_none() {
                continue;
            }
            let held: Decimal = situation.positions.iter().flatten()
                .filter(|position| position.contract.con_id == new.contract.con_id)
                .map(|position| position.quantity)
                .sum();
            let buys = new.order.action == crate::model::Action::Buy;
            let after = if buys { held + new.order.quantity } else { new.order.quantity - held };
            // An OCA group may have had a larger order before this one.
            if new.order.oca.is_none() {
                prop_assert!(after <= limit || after <= Decimal::ZERO, "{after} > {limit}");
            }
        }
    }
}
