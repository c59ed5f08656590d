//! What makes two orders the same.

use std::collections::BTreeSet;

use proptest::prelude::*;
use time::macros::{datetime, offset};

use super::market::*;
use super::monotony::order_type;
use crate::gate::*;
use crate::model::{
    Action, Algorithm, Contract, Oca, OcaType, OptionRight, Order, OrderType, OtherOrderType,
    Pegged, SecurityType, StopAndLimit, TimeInForce, TrailBy, TrailingStop, TrailingStopLimit,
};

fn base() -> Order {
    Order {
        algorithm: Some(Algorithm {
            strategy: "Adaptive".into(),
            parameters: vec![("a".into(), "1".into()), ("b".into(), "2".into())],
        }),
        good_after: Some(datetime!(2026-11-24 15:00 UTC)),
        oca: Some(Oca {
            group: "g".into(),
            oca_type: OcaType::CancelWithBlock,
        }),
        reference: Some("r".into()),
        ..buy(n("10"), OrderType::Limit(n("5.5")))
    }
}

fn of(order: Order) -> OrderDigest {
    OrderDigest::of(&place(contract(CALL), order))
}

fn of_contract(contract: Contract) -> OrderDigest {
    OrderDigest::of(&place(contract, base()))
}

#[test]
fn what_changes_nothing_changes_no_digest() {
    let same = [
        Order {
            quantity: n("10.000"),
            order_type: OrderType::Limit(n("5.50")),
            ..base()
        },
        Order {
            good_after: Some(datetime!(2026-11-24 10:00 -5).to_offset(offset!(-5))),
            ..base()
        },
        Order {
            algorithm: base().algorithm.map(|mut algorithm| {
                algorithm.parameters.reverse();
                algorithm
            }),
            ..base()
        },
        // The account is that of the proposal.
        Order {
            account: Some(ACCOUNT.into()),
            ..base()
        },
    ];
    for order in same {
        assert_eq!(of(order.clone()), of(base()), "{order:?}");
    }
    let mut turned = combo();
    turned.combo_legs.reverse();
    assert_eq!(of_contract(turned), of_contract(combo()));
    // Who asks is no part of an order.
    let mut asked = place(contract(CALL), base());
    asked.caller.call_id = "c9".into();
    asked.caller.tool = "other".into();
    assert_eq!(OrderDigest::of(&asked), of(base()));
}

/// One order for each way in which two can differ.
fn orders() -> Vec<Order> {
    let typed = |order_type| Order {
        order_type,
        ..base()
    };
    let timed = |time_in_force| Order {
        time_in_force,
        ..base()
    };
    let algorithm = |strategy: &str, parameters: &[(&str, &str)]| Order {
        algorithm: Some(Algorithm {
            strategy: strategy.into(),
            parameters: parameters
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        }),
        ..base()
    };
    let oca = |group: &str, oca_type| Order {
        oca: Some(Oca {
            group: group.into(),
            oca_type,
        }),
        ..base()
    };
    let both = |stop: &str, limit: &str| StopAndLimit {
        stop: n(stop),
        limit: n(limit),
    };
    let trail = |trail_by, initial_stop| {
        OrderType::TrailingStop(TrailingStop {
            trail_by,
            initial_stop,
        })
    };
    let trail_limit = |offset: &str| {
        OrderType::TrailingStopLimit(TrailingStopLimit {
            trail_by: TrailBy::Amount(n("1")),
            initial_stop: None,
            limit_offset: n(offset),
        })
    };
    let pegged = |offset: Option<&str>, limit: Option<&str>| Pegged {
        offset: offset.map(n),
        limit: limit.map(n),
    };
    let other = |code: &str, limit, auxiliary| {
        OrderType::Other(OtherOrderType {
            code: code.into(),
            limit,
            auxiliary,
        })
    };
    vec![
        base(),
        Order {
            action: Action::Sell,
            ..base()
        },
        Order {
            action: Action::SellShort,
            ..base()
        },
        Order {
            quantity: n("10.1"),
            ..base()
        },
        Order {
            quantity: n("100"),
            ..base()
        },
        Order {
            outside_regular_hours: true,
            ..base()
        },
        Order {
            good_after: None,
            ..base()
        },
        Order {
            good_after: Some(datetime!(2026-11-24 15:00:01 UTC)),
            ..base()
        },
        Order {
            parent_id: Some(1),
            ..base()
        },
        Order {
            parent_id: Some(2),
            ..base()
        },
        Order {
            oca: None,
            ..base()
        },
        oca("h", OcaType::CancelWithBlock),
        oca("g", OcaType::ReduceWithBlock),
        oca("g", OcaType::ReduceNonBlock),
        Order {
            transmit: false,
            ..base()
        },
        Order {
            algorithm: None,
            ..base()
        },
        algorithm("Vwap", &[("a", "1"), ("b", "2")]),
        algorithm("Adaptive", &[("a", "1")]),
        algorithm("Adaptive", &[("a", "1"), ("b", "3")]),
        algorithm("Adaptive", &[("a", "1"), ("c", "2")]),
        algorithm("Adaptive", &[("a", "2"), ("b", "1")]),
        Order {
            reference: None,
            ..base()
        },
        Order {
            reference: Some(String::new()),
            ..base()
        },
        Order {
            reference: Some("s".into()),
            ..base()
        },
        Order {
            display_quantity: Some(n("1")),
            ..base()
        },
        Order {
            display_quantity: Some(n("2")),
            ..base()
        },
        Order {
            all_or_none: true,
            ..base()
        },
        Order {
            hidden: true,
            ..base()
        },
        timed(TimeInForce::GoodTillCancelled),
        timed(TimeInForce::GoodTillDate(datetime!(2026-12-01 0:00 UTC))),
        timed(TimeInForce::GoodTillDate(datetime!(2026-12-02 0:00 UTC))),
        timed(TimeInForce::ImmediateOrCancel),
        timed(TimeInForce::FillOrKill),
        timed(TimeInForce::AtTheOpening),
        timed(TimeInForce::Other("AUC".into())),
        timed(TimeInForce::Other("DTC".into())),
        typed(OrderType::Market),
        typed(OrderType::Limit(n("5.51"))),
        typed(OrderType::Limit(n("-5.5"))),
        typed(OrderType::Limit(n("55"))),
        typed(OrderType::Stop(n("5.5"))),
        typed(OrderType::MarketOnClose),
        typed(OrderType::LimitOnClose(n("5.5"))),
        typed(OrderType::MarketIfTouched(n("5.5"))),
        typed(OrderType::StopLimit(both("5", "6"))),
        typed(OrderType::StopLimit(both("6", "5"))),
        typed(OrderType::LimitIfTouched(both("5", "6"))),
        typed(trail(TrailBy::Amount(n("1")), None)),
        typed(trail(TrailBy::Percent(n("1")), None)),
        typed(trail(TrailBy::Percent(n("1")), Some(n("5")))),
        typed(trail_limit("1")),
        typed(trail_limit("2")),
        typed(OrderType::Relative(pegged(None, None))),
        typed(OrderType::Relative(pegged(Some("1"), None))),
        typed(OrderType::Relative(pegged(None, Some("1")))),
        typed(OrderType::PeggedToMidpoint(pegged(None, Some("1")))),
        typed(OrderType::Midprice(None)),
        typed(OrderType::Midprice(Some(n("1")))),
        typed(other("VOL", None, None)),
        typed(other("VOL", Some(n("1")), None)),
        typed(other("VOL", None, Some(n("1")))),
    ]
}

fn contracts() -> Vec<Contract> {
    let base = || contract(CALL);
    let leg = |change: fn(&mut crate::model::ComboLeg)| {
        let mut combo = combo();
        change(&mut combo.combo_legs[0]);
        combo
    };
    vec![
        base(),
        Contract {
            con_id: None,
            ..base()
        },
        Contract {
            con_id: Some(20),
            ..base()
        },
        Contract {
            symbol: "OTHER".into(),
            ..base()
        },
        Contract {
            security_type: SecurityType::FutureOption,
            ..base()
        },
        Contract {
            expiry: None,
            ..base()
        },
        Contract {
            expiry: Some("2027-12-18".into()),
            ..base()
        },
        Contract {
            strike: None,
            ..base()
        },
        Contract {
            strike: Some(n("111")),
            ..base()
        },
        Contract {
            right: None,
            ..base()
        },
        Contract {
            right: Some(OptionRight::Put),
            ..base()
        },
        Contract {
            multiplier: Some(n("10")),
            ..base()
        },
        Contract {
            exchange: Some("CBOE".into()),
            ..base()
        },
        Contract {
            primary_exchange: Some("SMART".into()),
            exchange: None,
            ..base()
        },
        Contract {
            currency: Some("EUR".into()),
            ..base()
        },
        Contract {
            local_symbol: Some("X".into()),
            ..base()
        },
        Contract {
            trading_class: Some("X".into()),
            ..base()
        },
        Contract {
            include_expired: true,
            ..base()
        },
        combo(),
        leg(|leg| leg.con_id = PUT),
        leg(|leg| leg.ratio = 2),
        leg(|leg| leg.action = Action::Sell),
        leg(|leg| leg.exchange = "CBOE".into()),
    ]
}

#[test]
fn every_field_changes_the_digest() {
    let orders = orders();
    let digests: BTreeSet<_> = orders.iter().cloned().map(of).collect();
    assert_eq!(digests.len(), orders.len());
    let contracts = contracts();
    let digests: BTreeSet<_> = contracts.iter().cloned().map(of_contract).collect();
    assert_eq!(digests.len(), contracts.len());
}

#[test]
fn every_way_to_ask_has_a_digest_of_its_own() {
    let new = |role| NewOrder {
        contract: contract(CALL),
        order: base(),
        role,
    };
    let exercise = |quantity: &str, exercise, underlying: Option<i32>| {
        Request::Exercise(Box::new(Exercise {
            contract: contract(CALL),
            underlying: underlying.map(contract),
            quantity: n(quantity),
            exercise,
        }))
    };
    let change = |order_id| modify(placed(order_id, contract(CALL), base()), base()).request;
    let requests = [
        Request::Place(vec![]),
        Request::Place(vec![new(Role::Alone)]),
        Request::Place(vec![new(Role::Entry)]),
        Request::Place(vec![new(Role::Exit)]),
        Request::Place(vec![new(Role::Entry), new(Role::Exit)]),
        Request::Place(vec![new(Role::Exit), new(Role::Entry)]),
        change(1),
        change(2),
        exercise("1", true, None),
        exercise("1", false, None),
        exercise("2", true, None),
        exercise("1", true, Some(STOCK)),
        Request::Cancel { order_id: 1 },
        Request::Cancel { order_id: 2 },
        Request::CancelAll,
    ];
    let mut proposals: Vec<_> = requests.into_iter().map(proposal).collect();
    let mut elsewhere = proposals[1].clone();
    elsewhere.gateway = "live".into();
    proposals.push(elsewhere.clone());
    elsewhere.gateway = "paper".into();
    elsewhere.account = "U1".into();
    proposals.push(elsewhere);
    let digests: BTreeSet<_> = proposals.iter().map(OrderDigest::of).collect();
    assert_eq!(digests.len(), proposals.len());
    let alike: BTreeSet<_> = proposals.iter().map(OrderDigest::alike).collect();
    assert!(digests.is_disjoint(&alike));
}

#[test]
fn alike_are_orders_that_differ_only_in_names() {
    let alike = |order| OrderDigest::alike(&place(contract(CALL), order));
    let renamed = Order {
        reference: None,
        oca: Some(Oca {
            group: "h".into(),
            oca_type: OcaType::CancelWithBlock,
        }),
        ..base()
    };
    assert_eq!(alike(renamed.clone()), alike(base()));
    assert_ne!(of(renamed), of(base()));
    let larger = Order {
        quantity: n("11"),
        ..base()
    };
    assert_ne!(alike(larger), alike(base()));
}

#[test]
fn a_digest_is_read_as_it_is_written() {
    let digest = of(base());
    let text = digest.to_string();
    assert_eq!(OrderDigest::try_from(text.clone()), Ok(digest));
    for wrong in [
        "",
        "12",
        &text[1..],
        &format!("{text}0"),
        &"+1".repeat(32),
        &"é".repeat(32),
    ] {
        assert_eq!(
            OrderDigest::try_from(wrong.to_owned()),
            Err(NoDigest),
            "{wrong}"
        );
    }
}

proptest! {
    #[test]
    fn zeros_at_the_end_do_not_matter_and_digits_do(
        quantity in number(),
        other in number(),
        scale in 0_u32..6,
        one in order_type(),
        two in order_type(),
    ) {
        let with = |quantity, order_type: &OrderType| Order {
            quantity,
            order_type: order_type.clone(),
            ..base()
        };
        let mut padded = quantity;
        padded.rescale(quantity.scale() + scale);
        prop_assert_eq!(of(with(padded, &one)), of(with(quantity, &one)));
        prop_assert_eq!(quantity == other, of(with(quantity, &one)) == of(with(other, &one)));
        prop_assert_eq!(one == two, of(with(quantity, &one)) == of(with(quantity, &two)));
    }
}
