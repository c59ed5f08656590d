//! What may be traded, by name.

use super::market::*;
use crate::gate::*;
use crate::model::{Order, OrderType};

fn names(names: &[&str]) -> std::collections::BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn allow(list: &[&str]) -> Allowance {
    Allowance {
        allow: Some(names(list)),
        ..Allowance::default()
    }
}

fn deny(list: &[&str]) -> Allowance {
    Allowance {
        deny: names(list),
        ..Allowance::default()
    }
}

fn market() -> Order {
    buy(n("1"), OrderType::Market)
}

/// A rule, how it is set, a name that the order has, and one that it has not.
type Listed = (Rule, fn(&mut Rules, Allowance), &'static str, &'static str);

#[test]
fn a_list_allows_what_it_names_and_denies_what_it_names() {
    let stock = place(contract(STOCK), market());
    let cases: Vec<Listed> = vec![
        (
            Rule::Symbols,
            |rules, list| rules.symbols = list,
            "acme",
            "FERN",
        ),
        (
            Rule::SecurityTypes,
            |rules, list| rules.security_types = list,
            "STK",
            "OPT",
        ),
        (
            Rule::Currencies,
            |rules, list| rules.currencies = list,
            "usd",
            "EUR",
        ),
        (
            Rule::Exchanges,
            |rules, list| rules.exchanges = list,
            "SMART",
            "CME",
        ),
        (
            Rule::OrderTypes,
            |rules, list| rules.order_types = list,
            "MKT",
            "LMT",
        ),
    ];
    for (rule, set, own, other) in cases {
        let judged = |list: Allowance, refused: Option<Rule>| {
            let mut rules = Rules::default();
            set(&mut rules, list);
            refuses_only(&with(rules), &stock, &situation(), refused);
        };
        judged(allow(&[own, other]), None);
        judged(allow(&[other]), Some(rule));
        judged(allow(&[]), Some(rule));
        judged(deny(&[other]), None);
        judged(deny(&[own]), Some(rule));
        let both = Allowance {
            deny: names(&[own]),
            ..allow(&[own])
        };
        judged(both, Some(rule));
    }
}

#[test]
fn a_denied_exchange_may_not_be_the_primary_listing() {
    let stock = place(contract(STOCK), market());
    let config = with(Rules {
        exchanges: deny(&["nyse"]),
        ..Rules::default()
    });
    refuses_only(&config, &stock, &situation(), Some(Rule::Exchanges));
    // But the listing need not be allowed where the route is.
    let config = with(Rules {
        exchanges: allow(&["SMART"]),
        ..Rules::default()
    });
    refuses_only(&config, &stock, &situation(), None);
}

#[test]
fn what_an_order_calls_its_instrument_does_not_count() {
    // The number of the foreign stock under the name of the other.
    let mut disguised = contract(STOCK);
    disguised.con_id = Some(FOREIGN);
    let order = place(disguised, market());
    let config = with(Rules {
        symbols: allow(&["ACME"]),
        currencies: allow(&["USD"]),
        ..Rules::default()
    });
    let verdict = judge(&config, &order, &situation());
    for rule in [Rule::Symbols, Rule::Currencies] {
        assert_eq!(verdict.check(rule).unwrap().outcome, Outcome::Refused);
    }
}

#[test]
fn a_combo_is_judged_by_its_legs() {
    let order = place(combo(), market());
    let types = |list| {
        with(Rules {
            security_types: list,
            ..Rules::default()
        })
    };
    refuses_only(&types(allow(&["OPT"])), &order, &situation(), None);
    refuses_only(
        &types(allow(&["STK"])),
        &order,
        &situation(),
        Some(Rule::SecurityTypes),
    );
    refuses_only(
        &types(deny(&["BAG"])),
        &order,
        &situation(),
        Some(Rule::SecurityTypes),
    );
    let mut situation = situation();
    situation.instruments.remove(&PUT);
    refuses_only(
        &types(allow(&["OPT"])),
        &order,
        &situation,
        Some(Rule::SecurityTypes),
    );
}
