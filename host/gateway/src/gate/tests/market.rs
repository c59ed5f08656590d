//! A market in which everything is known, and orders for it.

use std::str::FromStr;

use proptest::prelude::*;
use rust_decimal::Decimal;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::gate::state::Counts;
use crate::gate::*;
use crate::model::{
    Action, Caller, ComboLeg, Contract, OptionRight, Order, OrderState, OrderStatus, OrderType,
    PlacedOrder, Position, Quote, SecurityType, Session,
};

/// Sunday is no trading day, but nobody checks.
pub const NOW: OffsetDateTime = datetime!(2026-11-23 15:00 UTC);
pub const ACCOUNT: &str = "DU1";
pub const CLIENT: i32 = 7;

/// A stock in dollars, quoted 99 / 101, last 100.
pub const STOCK: i32 = 1;
/// A call on it, strike 110, of 100, quoted 4 / 6, last 5.
pub const CALL: i32 = 2;
/// A put on it, strike 90, of 100, quoted 2 / 3, last 2.
pub const PUT: i32 = 3;
/// A stock in euros, quoted 49 / 51, last 50. A euro is 1.1 dollars.
pub const FOREIGN: i32 = 4;
/// A future of 50, quoted 20 / 21, last 20.
pub const FUTURE: i32 = 5;
/// A currency pair without a last price, quoted 1.09 / 1.11.
pub const PAIR: i32 = 6;

pub fn n(text: &str) -> Decimal {
    Decimal::from_str(text).unwrap()
}

pub fn contract(con_id: i32) -> Contract {
    let base = |symbol: &str, security_type| Contract {
        con_id: Some(con_id),
        exchange: Some("SMART".into()),
        currency: Some("USD".into()),
        ..Contract::new(symbol, security_type)
    };
    let option = |right, strike: &str| Contract {
        expiry: Some("2026-12-18".into()),
        right: Some(right),
        strike: Some(n(strike)),
        multiplier: Some(n("100")),
        ..base("ACME", SecurityType::Option)
    };
    match con_id {
        STOCK => Contract {
            primary_exchange: Some("NYSE".into()),
            ..base("ACME", SecurityType::Stock)
        },
        CALL => option(OptionRight::Call, "110"),
        PUT => option(OptionRight::Put, "90"),
        FOREIGN => Contract {
            currency: Some("EUR".into()),
            ..base("FERN", SecurityType::Stock)
        },
        FUTURE => Contract {
            multiplier: Some(n("50")),
            exchange: Some("CME".into()),
            ..base("FUT", SecurityType::Future)
        },
        PAIR => Contract {
            exchange: Some("IDEALPRO".into()),
            ..base("EUR", SecurityType::Forex)
        },
        other => panic!("no instrument {other}"),
    }
}

/// A combo of the call and, sold, the put.
pub fn combo() -> Contract {
    let leg = |con_id, action, ratio| ComboLeg {
        con_id,
        ratio,
        action,
        exchange: "SMART".into(),
    };
    Contract {
        con_id: None,
        combo_legs: vec![leg(CALL, Action::Buy, 1), leg(PUT, Action::Sell, 2)],
        exchange: Some("SMART".into()),
        currency: Some("USD".into()),
        ..Contract::new("ACME", SecurityType::Combo)
    }
}

pub fn quote(bid: &str, ask: &str, last: Option<&str>) -> QuoteSeen {
    QuoteSeen {
        quote: Quote {
            bid: Some(n(bid)),
            ask: Some(n(ask)),
            last: last.map(n),
            ..Quote::default()
        },
        as_of: NOW,
    }
}

pub fn amount(text: &str, currency: &str) -> AmountSeen {
    AmountSeen {
        amount: n(text),
        currency: currency.into(),
        as_of: NOW,
    }
}

/// Everything is known, nothing is held, nothing was ordered.
pub fn situation() -> Situation {
    let mut situation = Situation::at(NOW);
    situation.connection = Connection {
        connected: true,
        read_only: false,
        accounts: vec![ACCOUNT.into()],
        client_id: CLIENT,
    };
    let hours = |hours| Session {
        opens: NOW - Duration::hours(hours),
        closes: NOW + Duration::hours(hours),
    };
    for con_id in [STOCK, CALL, PUT, FOREIGN, FUTURE, PAIR] {
        let instrument = Instrument {
            contract: contract(con_id),
            price_magnifier: 1,
            trading_sessions: vec![hours(5)],
            liquid_sessions: vec![hours(2)],
        };
        situation.instruments.insert(con_id, instrument);
    }
    situation.quotes = [
        (STOCK, quote("99", "101", Some("100"))),
        (CALL, quote("4", "6", Some("5"))),
        (PUT, quote("2", "3", Some("2"))),
        (FOREIGN, quote("49", "51", Some("50"))),
        (FUTURE, quote("20", "21", Some("20"))),
        (PAIR, quote("1.09", "1.11", None)),
    ]
    .into();
    situation.combo_quote = Some(quote("0.5", "1.5", None));
    situation.positions = Some(vec![]);
    situation.open_orders = Some(vec![]);
    situation
        .net_liquidation
        .insert(ACCOUNT.into(), amount("100000", "USD"));
    let pnl = PnlSeen {
        daily: n("0"),
        peak: n("0"),
        currency: "USD".into(),
        as_of: NOW,
    };
    situation.pnl.insert(ACCOUNT.into(), pnl);
    let rate = Rate {
        rate: n("1.1"),
        as_of: NOW,
    };
    situation.rates.insert("EUR".into(), rate);
    situation.counts = Some(Counts::default());
    situation
}

pub fn hold(situation: &mut Situation, con_id: i32, quantity: &str) {
    situation.positions.get_or_insert_default().push(Position {
        account: ACCOUNT.into(),
        contract: contract(con_id),
        quantity: n(quantity),
        average_cost: None,
    });
}

/// An open order of this client.
pub fn open(situation: &mut Situation, order_id: i32, con_id: i32, order: Order) {
    let placed = placed(order_id, contract(con_id), order);
    situation.open_orders.get_or_insert_default().push(placed);
}

pub fn placed(order_id: i32, contract: Contract, order: Order) -> PlacedOrder {
    PlacedOrder {
        contract,
        state: OrderState {
            order_id,
            perm_id: None,
            client_id: CLIENT,
            status: OrderStatus::Submitted,
            filled: Decimal::ZERO,
            remaining: order.quantity,
            average_fill_price: None,
            last_fill_price: None,
            why_held: None,
            warnings: vec![],
        },
        order,
    }
}

pub fn caller() -> Caller {
    Caller {
        tool: "ibkr_place_order".into(),
        digest: "d1".into(),
        client: "desk".into(),
        call_id: "c1".into(),
    }
}

pub fn proposal(request: Request) -> Proposal {
    Proposal {
        caller: caller(),
        gateway: "paper".into(),
        account: ACCOUNT.into(),
        request,
    }
}

pub fn place(contract: Contract, order: Order) -> Proposal {
    proposal(Request::Place(vec![NewOrder {
        contract,
        order,
        role: Role::Alone,
    }]))
}

pub fn group(orders: impl IntoIterator<Item = (Role, i32, Order)>) -> Proposal {
    let orders = orders.into_iter().map(|(role, con_id, order)| NewOrder {
        contract: contract(con_id),
        order,
        role,
    });
    proposal(Request::Place(orders.collect()))
}

pub fn modify(existing: PlacedOrder, order: Order) -> Proposal {
    let contract = existing.contract.clone();
    proposal(Request::Modify(Box::new(Change {
        existing,
        contract,
        order,
    })))
}

pub fn buy(quantity: Decimal, order_type: OrderType) -> Order {
    Order::new(Action::Buy, quantity, order_type)
}

pub fn sell(quantity: Decimal, order_type: OrderType) -> Order {
    Order::new(Action::Sell, quantity, order_type)
}

pub fn with(rules: Rules) -> GateConfig {
    GateConfig {
        rules,
        ..GateConfig::default()
    }
}

/// What became of one rule.
pub fn outcome(
    config: &GateConfig,
    proposal: &Proposal,
    situation: &Situation,
    rule: Rule,
) -> Option<Outcome> {
    let verdict = judge(config, proposal, situation);
    verdict.check(rule).map(|check| check.outcome)
}

/// That nothing but this rule stands in the way, or that nothing does.
#[track_caller]
pub fn refuses_only(
    config: &GateConfig,
    proposal: &Proposal,
    situation: &Situation,
    rule: Option<Rule>,
) {
    let verdict = judge(config, proposal, situation);
    let refused: Vec<_> = verdict
        .checks
        .iter()
        .filter(|check| check.outcome == Outcome::Refused)
        .map(|check| check.rule)
        .collect();
    assert_eq!(refused, Vec::from_iter(rule), "{:#?}", verdict.checks);
    assert_eq!(verdict.allowed, rule.is_none());
    assert_eq!(verdict.sentence.is_some(), rule.is_some());
}

/// The smallest step between numbers that the tests use.
pub const STEP: Decimal = Decimal::from_parts(1, 0, 0, false, 4);

/// A quantity or a price: above 0, with up to two digits behind the point.
pub fn number() -> impl Strategy<Value = Decimal> {
    (1_i64..100_000_000, 0_u32..3).prop_map(|(digits, scale)| Decimal::new(digits, scale))
}
