//! No number is too large, too small or too strange.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::market::*;
use super::monotony::{request, rules};
use crate::gate::*;
use crate::model::{Order, OrderType, Pegged, StopAndLimit, TrailBy, TrailingStop};

/// Any decimal there is.
fn any_decimal() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        (
            any::<u32>(),
            any::<u32>(),
            any::<u32>(),
            any::<bool>(),
            0_u32..29
        )
            .prop_map(|(low, middle, high, negative, scale)| {
                Decimal::from_parts(low, middle, high, negative, scale)
            }),
        prop::sample::select(vec![
            Decimal::MAX,
            Decimal::MIN,
            Decimal::ZERO,
            -Decimal::ZERO,
            Decimal::ONE,
            Decimal::from_parts(1, 0, 0, false, 28),
        ]),
    ]
}

fn any_type() -> impl Strategy<Value = OrderType> {
    let d = any_decimal;
    prop_oneof![
        Just(OrderType::Market),
        d().prop_map(OrderType::Limit),
        (d(), d()).prop_map(|(stop, limit)| OrderType::StopLimit(StopAndLimit { stop, limit })),
        (d(), d(), any::<bool>()).prop_map(|(by, stop, percent)| {
            OrderType::TrailingStop(TrailingStop {
                trail_by: if percent {
                    TrailBy::Percent(by)
                } else {
                    TrailBy::Amount(by)
                },
                initial_stop: Some(stop),
            })
        }),
        (d(), d()).prop_map(|(offset, limit)| OrderType::Relative(Pegged {
            offset: Some(offset),
            limit: Some(limit),
        })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn nothing_panics(
        mut rules in rules(),
        mut request in request(),
        numbers in prop::collection::vec(any_decimal(), 24),
        order_type in any_type(),
    ) {
        let mut next = numbers.into_iter().cycle();
        let mut next = || next.next().unwrap();
        for limit in [
            &mut rules.max_quantity,
            &mut rules.max_notional,
            &mut rules.max_percent_of_net_liquidation,
            &mut rules.max_position,
            &mut rules.max_position_notional,
            &mut rules.price_collar_percent,
            &mut rules.max_daily_loss,
            &mut rules.max_drawdown,
        ] {
            *limit = Some(next());
        }
        let mut situation = situation();
        for quote in situation.quotes.values_mut() {
            quote.quote.bid = Some(next());
            quote.quote.ask = Some(next());
            quote.quote.last = Some(next());
        }
        for instrument in situation.instruments.values_mut() {
            instrument.contract.multiplier = Some(next());
            instrument.contract.strike = Some(next());
        }
        for con_id in 1..7 {
            hold(&mut situation, con_id, &next().to_string());
            open(&mut situation, con_id, con_id, buy(next(), OrderType::Market));
        }
        situation.rates.get_mut("EUR").unwrap().rate = next();
        situation.net_liquidation.get_mut(ACCOUNT).unwrap().amount = next();
        situation.pnl.get_mut(ACCOUNT).unwrap().daily = next();
        situation.pnl.get_mut(ACCOUNT).unwrap().peak = next();
        match &mut request {
            Request::Place(orders) => for new in orders {
                new.order.quantity = next();
                new.order.order_type = order_type.clone();
            },
            Request::Exercise(exercise) => exercise.quantity = next(),
            _ => {}
        }
        let config = with(rules);
        let proposal = proposal(request);
        let verdict = judge(&config, &proposal, &situation);
        confirmation(&config, &proposal, &situation, &verdict, None);
        OrderDigest::of(&proposal);
        needs(&config, &proposal);
        config.check("gate").ok();

        let existing = placed(1, contract(STOCK), buy(next(), order_type.clone()));
        let change = modify(existing, buy(next(), order_type));
        judge(&config, &change, &situation);
    }
}

#[test]
fn what_cannot_be_reckoned_is_refused() {
    let config = with(Rules {
        max_notional: Some(Decimal::MAX),
        max_position: Some(Decimal::MAX),
        ..Rules::default()
    });
    let order = |order: Order| place(contract(STOCK), order);
    let mut situation = situation();
    let huge = order(buy(Decimal::MAX, OrderType::Limit(n("2"))));
    refuses_only(&config, &huge, &situation, Some(Rule::MaxNotional));
    hold(&mut situation, STOCK, "1");
    let verdict = judge(&config, &huge, &situation);
    for rule in [Rule::MaxNotional, Rule::MaxPosition] {
        assert_eq!(
            verdict.check(rule).unwrap().outcome,
            Outcome::Refused,
            "{rule:?}"
        );
    }
    assert!(verdict.sentence.unwrap().contains("too large"));
}
