use proptest::prelude::*;
use time::macros::datetime;

use super::*;
use crate::model::Action;

fn price() -> impl Strategy<Value = Decimal> {
    (any::<i64>(), 0u32..10).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale))
}

fn order_type() -> impl Strategy<Value = OrderType> {
    let maybe = || proptest::option::of(price());
    let both = || (price(), price()).prop_map(|(stop, limit)| StopAndLimit { stop, limit });
    let pegged = || (maybe(), maybe()).prop_map(|(offset, limit)| Pegged { offset, limit });
    let trail_by = || {
        prop_oneof![
            price().prop_map(TrailBy::Amount),
            price().prop_map(TrailBy::Percent)
        ]
    };
    prop_oneof![
        Just(OrderType::Market),
        Just(OrderType::MarketOnClose),
        price().prop_map(OrderType::Limit),
        price().prop_map(OrderType::Stop),
        price().prop_map(OrderType::LimitOnClose),
        price().prop_map(OrderType::MarketIfTouched),
        both().prop_map(OrderType::StopLimit),
        both().prop_map(OrderType::LimitIfTouched),
        pegged().prop_map(OrderType::Relative),
        pegged().prop_map(OrderType::PeggedToMidpoint),
        maybe().prop_map(OrderType::Midprice),
        (trail_by(), maybe()).prop_map(|(trail_by, initial_stop)| OrderType::TrailingStop(
            TrailingStop {
                trail_by,
                initial_stop
            }
        )),
        (trail_by(), maybe(), price()).prop_map(|(trail_by, initial_stop, limit_offset)| {
            OrderType::TrailingStopLimit(TrailingStopLimit {
                trail_by,
                initial_stop,
                limit_offset,
            })
        }),
        (maybe(), maybe()).prop_map(|(limit, auxiliary)| OrderType::Other(OtherOrderType {
            code: "VOL".into(),
            limit,
            auxiliary,
        })),
    ]
}

fn order() -> impl Strategy<Value = Order> {
    let end = datetime!(2026-12-18 21:00 UTC);
    let tif = prop_oneof![
        Just(TimeInForce::Day),
        Just(TimeInForce::GoodTillCancelled),
        Just(TimeInForce::GoodTillDate(end)),
        Just(TimeInForce::ImmediateOrCancel),
        Just(TimeInForce::FillOrKill),
        Just(TimeInForce::AtTheOpening),
        Just(TimeInForce::Other("DTC".into())),
    ];
    let action = prop_oneof![
        Just(Action::Buy),
        Just(Action::Sell),
        Just(Action::SellShort)
    ];
    let oca_type = prop_oneof![
        Just(OcaType::CancelWithBlock),
        Just(OcaType::ReduceWithBlock),
        Just(OcaType::ReduceNonBlock),
    ];
    let oca = (".*", oca_type).prop_map(|(group, oca_type)| Oca { group, oca_type });
    let algorithm =
        (".*", proptest::collection::vec((".*", ".*"), 0..3)).prop_map(|(strategy, parameters)| {
            Algorithm {
                strategy,
                parameters,
            }
        });
    let groups = (
        proptest::option::of(oca),
        proptest::option::of(algorithm),
        proptest::option::of(any::<i32>()),
        proptest::option::of(".*"),
        proptest::option::of(".*"),
        proptest::option::of(price()),
        any::<[bool; 5]>(),
    );
    (action, price(), order_type(), tif, groups).prop_map(
        move |(action, quantity, order_type, time_in_force, groups)| {
            let (oca, algorithm, parent_id, account, reference, display_quantity, flags) = groups;
            let [outside, transmit, all_or_none, hidden, later] = flags;
            Order {
                time_in_force,
                account,
                outside_regular_hours: outside,
                good_after: later.then_some(end),
                parent_id,
                oca,
                transmit,
                algorithm,
                reference,
                display_quantity,
                all_or_none,
                hidden,
                ..Order::new(action, quantity, order_type)
            }
        },
    )
}

proptest! {
    #[test]
    fn an_order_comes_back_as_it_was(order in order()) {
        let record = OrderRecord::from(&order);
        let text = serde_json::to_string(&record).unwrap();
        let back: OrderRecord = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back.to_order(), Some(order));
    }
}

#[test]
fn an_order_without_its_price_is_none() {
    let limit = Order::new(Action::Buy, Decimal::TEN, OrderType::Limit(Decimal::ONE));
    let mut record = OrderRecord::from(&limit);
    assert_eq!(record.words(), "BUY 10 LMT 1 DAY");
    record.limit_price = None;
    assert_eq!(record.to_order(), None);
}
