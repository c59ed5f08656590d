//! Each limit of size: what is at it just passes, what is one step above it
//! just fails.

use proptest::prelude::*;
use rust_decimal::Decimal;
use time::Duration;

use super::market::*;
use crate::gate::state::Counts;
use crate::gate::*;
use crate::model::{DataType, OrderType};

fn limit(rules: impl Fn(&mut Rules, Decimal), at: Decimal) -> GateConfig {
    let mut config = GateConfig::default();
    rules(&mut config.rules, at);
    config
}

/// At the limit it passes; with a limit one step lower it fails.
#[track_caller]
fn just(
    rule: Rule,
    value: Decimal,
    set: impl Fn(&mut Rules, Decimal),
    proposal: &Proposal,
    situation: &Situation,
) {
    refuses_only(&limit(&set, value), proposal, situation, None);
    let check = judge(&limit(&set, value), proposal, situation);
    assert_eq!(
        check.check(rule).map(|check| check.outcome),
        Some(Outcome::Passed)
    );
    refuses_only(&limit(&set, value - STEP), proposal, situation, Some(rule));
}

proptest! {
    #[test]
    fn quantity(quantity in number()) {
        let order = place(contract(STOCK), buy(quantity, OrderType::Market));
        let all = |rules: &mut Rules, at| rules.max_quantity = Some(at);
        just(Rule::MaxQuantity, quantity, all, &order, &situation());
        let stocks = |rules: &mut Rules, at| {
            rules.max_quantity = Some(Decimal::ONE / Decimal::ONE_THOUSAND);
            rules.max_quantity_of.insert("STK".into(), at);
        };
        just(Rule::MaxQuantity, quantity, stocks, &order, &situation());
        let legs = place(combo(), buy(quantity, OrderType::Market));
        just(Rule::MaxQuantity, quantity * Decimal::TWO, all, &legs, &situation());
    }

    #[test]
    fn notional_of_a_bound_buy(quantity in number(), price in number()) {
        let order = place(contract(STOCK), buy(quantity, OrderType::Limit(price)));
        let set = |rules: &mut Rules, at| rules.max_notional = Some(at);
        let mut blind = situation();
        blind.quotes.clear();
        just(Rule::MaxNotional, quantity * price, set, &order, &blind);
    }

    #[test]
    fn notional_by_the_quote(quantity in number(), ask in number(), buys: bool, con_id in 1..7) {
        let mut situation = situation();
        let mut quote = quote("0.01", "0.01", None);
        quote.quote.ask = Some(ask);
        situation.quotes.insert(con_id, quote);
        let stop = OrderType::Stop(Decimal::new(1, 2));
        for order_type in [OrderType::Market, stop] {
            let order = if buys { buy(quantity, order_type) } else { sell(quantity, order_type) };
            // What sells options that are not held counts by the strike.
            let (price, multiplier, rate) = match con_id {
                CALL if !buys => (ask.max(n("110")), n("100"), Decimal::ONE),
                PUT if !buys => (ask.max(n("90")), n("100"), Decimal::ONE),
                CALL | PUT => (ask, n("100"), Decimal::ONE),
                FOREIGN => (ask, Decimal::ONE, n("1.1")),
                FUTURE => (ask, n("50"), Decimal::ONE),
                _ => (ask, Decimal::ONE, Decimal::ONE),
            };
            let worth = quantity * price * multiplier * rate;
            let set = |rules: &mut Rules, at| rules.max_notional = Some(at);
            let order = place(contract(con_id), order);
            just(Rule::MaxNotional, worth, set, &order, &situation);
        }
    }

    #[test]
    fn share_of_net_liquidation(quantity in 1_i64..1_000_000) {
        // 100 dollars each are a tenth of a per cent of 100,000.
        let order = place(contract(STOCK), buy(quantity.into(), OrderType::Limit(n("100"))));
        let set = |rules: &mut Rules, at| rules.max_percent_of_net_liquidation = Some(at);
        let percent = Decimal::new(quantity, 1);
        just(Rule::MaxPercentOfNetLiquidation, percent, set, &order, &situation());
    }

    #[test]
    fn position(held in -1_000_i64..1_000, working in 0_i64..1_000, more in 1_i64..1_000, buys: bool) {
        let mut situation = situation();
        hold(&mut situation, STOCK, &held.to_string());
        let order = |quantity: i64| if buys {
            buy(quantity.into(), OrderType::Market)
        } else {
            sell(quantity.into(), OrderType::Market)
        };
        if working > 0 {
            open(&mut situation, 1, STOCK, order(working));
        }
        // What works on the other side does not help.
        let other = if buys { sell(n("5000"), OrderType::Market) } else { buy(n("5000"), OrderType::Market) };
        open(&mut situation, 2, STOCK, other);
        let after = (if buys { held } else { -held }) + working + more;
        let proposal = place(contract(STOCK), order(more));
        if after > 0 {
            let set = |rules: &mut Rules, at| rules.max_position = Some(at);
            just(Rule::MaxPosition, after.into(), set, &proposal, &situation);
            let set = |rules: &mut Rules, at| {
                rules.max_position_of.insert("STK".into(), at);
            };
            just(Rule::MaxPosition, after.into(), set, &proposal, &situation);
            let set = |rules: &mut Rules, at| rules.max_position_notional = Some(at);
            let worth = Decimal::from(after) * n("101");
            just(Rule::MaxPositionNotional, worth, set, &proposal, &situation);
        } else {
            // It stays on the other side of nothing: that is no larger position.
            let rules = Rules { max_position: Some(STEP), ..Rules::default() };
            refuses_only(&with(rules), &proposal, &situation, None);
        }
    }

    #[test]
    fn losses(lost in number(), peak in number()) {
        let mut situation = situation();
        let pnl = situation.pnl.get_mut(ACCOUNT).unwrap();
        pnl.daily = -lost;
        pnl.peak = peak;
        let order = place(contract(STOCK), buy(n("1"), OrderType::Market));
        let set = |rules: &mut Rules, at| rules.max_daily_loss = Some(at);
        just(Rule::MaxDailyLoss, lost, set, &order, &situation);
        let set = |rules: &mut Rules, at| rules.max_drawdown = Some(at);
        just(Rule::MaxDrawdown, peak + lost, set, &order, &situation);
        let broken = limit(set, peak);
        prop_assert!(judge(&broken, &order, &situation).halt.is_some());
        prop_assert!(loss_halt(&broken, ACCOUNT, &situation).is_some());
        prop_assert!(loss_halt(&limit(set, peak + lost), ACCOUNT, &situation).is_none());
    }

    #[test]
    fn collar(percent in 1_i64..1_000, above: bool) {
        let off = Decimal::new(percent, 1);
        let price = if above { n("100") + off } else { n("100") - off };
        let set = |rules: &mut Rules, at| rules.price_collar_percent = Some(at);
        for order_type in [OrderType::Limit(price), OrderType::Stop(price)] {
            let order = place(contract(STOCK), sell(n("1"), order_type));
            just(Rule::PriceCollarPercent, off, set, &order, &situation());
        }
    }

    #[test]
    fn counts(sent in 0_u32..1_000, orders in 1_u32..4) {
        let mut situation = situation();
        situation.counts = Some(Counts { last_minute: sent, today: sent });
        let one = || (Role::Alone, STOCK, buy(n("1"), OrderType::Market));
        let order = group((0..orders).map(|_| one()));
        let then = sent + orders;
        for id in 0..sent {
            open(&mut situation, 1 + i32::try_from(id).unwrap(), STOCK, buy(n("1"), OrderType::Market));
        }
        let rules = |at| [
            (Rule::OrdersPerMinute, Rules { orders_per_minute: Some(at), ..Rules::default() }),
            (Rule::OrdersPerDay, Rules { orders_per_day: Some(at), ..Rules::default() }),
            (Rule::MaxOpenOrders, Rules { max_open_orders: Some(at), ..Rules::default() }),
        ];
        for (_, rules) in rules(then) {
            refuses_only(&with(rules), &order, &situation, None);
        }
        for (rule, rules) in rules(then - 1) {
            refuses_only(&with(rules), &order, &situation, Some(rule));
        }
    }
}

#[test]
fn a_duplicate_is_one_until_its_time_is_over() {
    let config = with(Rules {
        duplicate_seconds: Some(10),
        ..Rules::default()
    });
    let order = place(contract(STOCK), buy(n("1"), OrderType::Market));
    let mut situation = situation();
    situation.last_alike = Some(NOW - Duration::seconds(10));
    refuses_only(&config, &order, &situation, None);
    situation.last_alike = Some(NOW - Duration::seconds(10) + Duration::NANOSECOND);
    refuses_only(&config, &order, &situation, Some(Rule::DuplicateSeconds));
}

#[test]
fn a_quote_is_fresh_until_its_time_is_over() {
    let config = with(Rules {
        max_notional: Some(n("1000")),
        ..Rules::default()
    });
    let order = place(contract(STOCK), buy(n("1"), OrderType::Market));
    let mut situation = situation();
    let mut seen = |age: Duration, data_type| {
        let quote = situation.quotes.get_mut(&STOCK).unwrap();
        quote.as_of = NOW - age;
        quote.quote.data_type = data_type;
        situation.clone()
    };
    let five = Duration::seconds(5);
    refuses_only(&config, &order, &seen(five, DataType::Live), None);
    let late = seen(five + Duration::NANOSECOND, DataType::Live);
    refuses_only(&config, &order, &late, Some(Rule::MaxNotional));
    let sentence = judge(&config, &order, &late).sentence.unwrap();
    assert!(sentence.contains("no quote for"), "{sentence}");
    assert!(sentence.contains("younger than 5 s"), "{sentence}");

    let delayed = seen(Duration::ZERO, DataType::Delayed);
    refuses_only(&config, &order, &delayed, Some(Rule::MaxNotional));
    let lenient = GateConfig {
        delayed_quotes: true,
        ..config
    };
    refuses_only(&lenient, &order, &delayed, None);
}

/// Rules, an order, what is forgotten, the rule that misses it, and a word of
/// its sentence.
type Unknown = (GateConfig, Proposal, fn(&mut Situation), Rule, &'static str);

#[test]
fn what_is_not_known_is_refused_and_named() {
    let base = || with(Rules::default());
    let set = |change: fn(&mut Rules)| {
        let mut config = base();
        change(&mut config.rules);
        config
    };
    let notional = || set(|rules| rules.max_notional = Some(n("1000000")));
    let market = |con_id| place(contract(con_id), buy(n("1"), OrderType::Market));
    let cases: Vec<Unknown> = vec![
        (
            notional(),
            market(FOREIGN),
            |s| s.rates.clear(),
            Rule::MaxNotional,
            "exchange rate from EUR",
        ),
        (
            notional(),
            market(STOCK),
            |s| s.instruments.clear(),
            Rule::MaxNotional,
            "conId 1",
        ),
        (
            notional(),
            market(FUTURE),
            |s| s.instruments.get_mut(&FUTURE).unwrap().contract.multiplier = None,
            Rule::MaxNotional,
            "multiplier",
        ),
        (
            notional(),
            place(contract(CALL), sell(n("1"), OrderType::Market)),
            |s| s.positions = None,
            Rule::MaxNotional,
            "holds",
        ),
        (
            set(|rules| rules.max_percent_of_net_liquidation = Some(n("90"))),
            market(STOCK),
            |s| s.net_liquidation.get_mut(ACCOUNT).unwrap().as_of = NOW - Duration::seconds(301),
            Rule::MaxPercentOfNetLiquidation,
            "300 s",
        ),
        (
            set(|rules| rules.max_position = Some(n("10"))),
            market(STOCK),
            |s| s.open_orders = None,
            Rule::MaxPosition,
            "open",
        ),
        (
            set(|rules| rules.max_daily_loss = Some(n("10"))),
            market(STOCK),
            |s| s.pnl.clear(),
            Rule::MaxDailyLoss,
            "profit and loss",
        ),
        (
            set(|rules| rules.orders_per_day = Some(10)),
            market(STOCK),
            |s| s.counts = None,
            Rule::OrdersPerDay,
            "today",
        ),
        (
            set(|rules| rules.price_collar_percent = Some(n("10"))),
            place(contract(STOCK), buy(n("1"), OrderType::Limit(n("100")))),
            |s| s.quotes.get_mut(&STOCK).unwrap().quote = crate::model::Quote::default(),
            Rule::PriceCollarPercent,
            "last price",
        ),
    ];
    for (config, order, forget, rule, word) in cases {
        let mut known = situation();
        refuses_only(&config, &order, &known, None);
        forget(&mut known);
        refuses_only(&config, &order, &known, Some(rule));
        let verdict = judge(&config, &order, &known);
        let sentence = verdict.sentence.unwrap();
        assert!(sentence.contains(word), "{word}: {sentence}");
        assert!(verdict.halt.is_none(), "not knowing is no loss");
    }
}

#[test]
fn a_magnified_price_is_worth_less() {
    let config = with(Rules {
        max_notional: Some(n("1.01")),
        ..Rules::default()
    });
    let order = place(contract(STOCK), buy(n("1"), OrderType::Market));
    let mut situation = situation();
    refuses_only(&config, &order, &situation, Some(Rule::MaxNotional));
    situation
        .instruments
        .get_mut(&STOCK)
        .unwrap()
        .price_magnifier = 100;
    refuses_only(&config, &order, &situation, None);
}

#[test]
fn a_trailing_stop_is_held_against_the_collar() {
    use crate::model::{TrailBy, TrailingStop};
    let trail = |trail_by| {
        let stop = TrailingStop {
            trail_by,
            initial_stop: None,
        };
        place(contract(STOCK), sell(n("1"), OrderType::TrailingStop(stop)))
    };
    let set = |rules: &mut Rules, at| rules.price_collar_percent = Some(at);
    let rule = Rule::PriceCollarPercent;
    just(
        rule,
        n("3"),
        set,
        &trail(TrailBy::Percent(n("3"))),
        &situation(),
    );
    just(
        rule,
        n("3"),
        set,
        &trail(TrailBy::Amount(n("3"))),
        &situation(),
    );
    // The pair has no last price: the middle of 1.09 and 1.11 stands in.
    let pair = place(contract(PAIR), buy(n("1"), OrderType::Limit(n("1.21"))));
    just(rule, n("10"), set, &pair, &situation());
    let combo = place(combo(), buy(n("1"), OrderType::Limit(n("1.5"))));
    just(rule, n("50"), set, &combo, &situation());
}
