//! What concerns all orders alike.

use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::market::*;
use crate::gate::state::{Halt, HaltSource, Pause};
use crate::gate::*;
use crate::model::{OrderType, SecurityType, Session};

fn order() -> Proposal {
    place(contract(STOCK), buy(n("1"), OrderType::Market))
}

fn mode(mode: Mode) -> GateConfig {
    GateConfig {
        mode,
        ..GateConfig::default()
    }
}

#[test]
fn the_mode_is_judged_by_the_accounts_of_the_connection() {
    let connected = |accounts: &[&str]| {
        let mut situation = situation();
        situation.connection.accounts = accounts.iter().map(|one| (*one).to_owned()).collect();
        situation
    };
    let paper = connected(&[ACCOUNT, "DU2"]);
    let mixed = connected(&[ACCOUNT, "U2"]);
    let nobody = connected(&[]);
    refuses_only(&mode(Mode::Off), &order(), &paper, Some(Rule::Mode));
    refuses_only(&mode(Mode::Paper), &order(), &paper, None);
    refuses_only(&mode(Mode::Paper), &order(), &mixed, Some(Rule::Mode));
    refuses_only(&mode(Mode::Live), &order(), &paper, None);
    refuses_only(&mode(Mode::Live), &order(), &mixed, None);
    for any in [Mode::Paper, Mode::Live] {
        let verdict = judge(&mode(any), &order(), &nobody);
        assert_eq!(verdict.check(Rule::Mode).unwrap().outcome, Outcome::Refused);
    }
}

#[test]
fn an_account_must_be_of_the_connection_and_allowed() {
    let named = |names: &[&str]| GateConfig {
        accounts: Some(names.iter().map(|one| (*one).to_owned()).collect()),
        ..GateConfig::default()
    };
    refuses_only(&named(&[ACCOUNT]), &order(), &situation(), None);
    refuses_only(
        &named(&["DU9"]),
        &order(),
        &situation(),
        Some(Rule::Accounts),
    );
    refuses_only(&named(&[]), &order(), &situation(), Some(Rule::Accounts));
    let mut other = order();
    other.account = "DU9".into();
    refuses_only(&named(&["DU9"]), &other, &situation(), Some(Rule::Accounts));
}

#[test]
fn a_connection_that_only_reads_is_told_plainly() {
    let config = GateConfig::default();
    let mut read_only = situation();
    read_only.connection.read_only = true;
    refuses_only(&config, &order(), &read_only, Some(Rule::Connection));
    let sentence = judge(&config, &order(), &read_only).sentence.unwrap();
    assert!(sentence.contains("read-only"), "{sentence}");
    let mut gone = situation();
    gone.connection.connected = false;
    refuses_only(&config, &order(), &gone, Some(Rule::Connection));
}

#[test]
fn a_halt_stops_every_order() {
    let config = GateConfig::default();
    let mut situation = situation();
    situation.halt = Some(Halt {
        source: HaltSource::File,
        who: "/etc/halt".into(),
        why: "fire\u{202e}drill\nnow".into(),
        since: NOW,
    });
    refuses_only(&config, &order(), &situation, Some(Rule::Halt));
    let sentence = judge(&config, &order(), &situation).sentence.unwrap();
    assert!(sentence.contains("fire�drill�now"), "{sentence}");
}

#[test]
fn a_pause_is_over_at_its_end() {
    let config = with(Rules {
        max_rejections: Some(3),
        ..Rules::default()
    });
    let mut situation = situation();
    let pause = |until| {
        Some(Pause {
            until,
            rejections: 3,
        })
    };
    situation.pause = pause(NOW + Duration::NANOSECOND);
    refuses_only(&config, &order(), &situation, Some(Rule::MaxRejections));
    situation.pause = pause(NOW);
    refuses_only(&config, &order(), &situation, None);
}

#[test]
fn hours_are_those_of_the_instrument() {
    let at = |hours, now: OffsetDateTime, outside| {
        let rules = Rules {
            hours: Some(hours),
            ..Rules::default()
        };
        let mut situation = situation();
        situation.now = now;
        let mut order = order();
        if let Request::Place(orders) = &mut order.request {
            orders[0].order.outside_regular_hours = outside;
        }
        outcome(&with(rules), &order, &situation, Rule::Hours).unwrap()
    };
    let two = Duration::hours(2);
    let five = Duration::hours(5);
    let instant = Duration::NANOSECOND;
    let (passed, refused) = (Outcome::Passed, Outcome::Refused);
    assert_eq!(at(Hours::Regular, NOW - two, false), passed);
    assert_eq!(at(Hours::Regular, NOW - two - instant, false), refused);
    assert_eq!(at(Hours::Regular, NOW + two - instant, false), passed);
    assert_eq!(at(Hours::Regular, NOW + two, false), refused);
    assert_eq!(at(Hours::Regular, NOW, true), refused);
    assert_eq!(at(Hours::Extended, NOW + five - instant, true), passed);
    assert_eq!(at(Hours::Extended, NOW + five, true), refused);
}

#[test]
fn every_leg_must_be_open_and_known_to_be() {
    let config = with(Rules {
        hours: Some(Hours::Extended),
        ..Rules::default()
    });
    let order = place(combo(), buy(n("1"), OrderType::Market));
    let mut situation = situation();
    refuses_only(&config, &order, &situation, None);
    let put = situation.instruments.get_mut(&PUT).unwrap();
    let opens = NOW + Duration::HOUR;
    put.trading_sessions = vec![Session {
        opens,
        closes: opens + Duration::HOUR,
    }];
    refuses_only(&config, &order, &situation, Some(Rule::Hours));
    let put = situation.instruments.get_mut(&PUT).unwrap();
    put.trading_sessions.clear();
    refuses_only(&config, &order, &situation, Some(Rule::Hours));
}

#[test]
fn there_is_a_blackout_in_its_window() {
    let config = with(Rules {
        blackout: vec![Blackout {
            from: "23:45".into(),
            to: "00:15".into(),
            zone: "America/New_York".into(),
        }],
        ..Rules::default()
    });
    let judged = |now| {
        let mut situation = situation();
        situation.now = now;
        outcome(&config, &order(), &situation, Rule::Blackout)
    };
    let (passed, refused) = (Some(Outcome::Passed), Some(Outcome::Refused));
    assert_eq!(judged(datetime!(2026-11-23 04:44:59 UTC)), passed);
    assert_eq!(judged(datetime!(2026-11-23 04:45 UTC)), refused);
    assert_eq!(judged(datetime!(2026-11-23 05:14:59 UTC)), refused);
    assert_eq!(judged(datetime!(2026-11-23 05:15 UTC)), passed);
}

#[test]
fn a_window_that_cannot_be_read_is_always_closed() {
    let config = with(Rules {
        blackout: vec![Blackout {
            from: "soon".into(),
            to: "00:15".into(),
            zone: "UTC".into(),
        }],
        ..Rules::default()
    });
    refuses_only(&config, &order(), &situation(), Some(Rule::Blackout));
}

#[test]
fn rules_that_are_not_set_are_not_in_the_verdict() {
    let verdict = judge(&GateConfig::default(), &order(), &situation());
    let rules: Vec<_> = verdict.checks.iter().map(|check| check.rule).collect();
    assert_eq!(
        rules,
        [
            Rule::Connection,
            Rule::Mode,
            Rule::Accounts,
            Rule::Halt,
            Rule::Order,
            Rule::Exits
        ]
    );
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["allowed"], true);
    assert_eq!(json["checks"][0]["rule"], "connection");
    assert_eq!(json["checks"][0]["outcome"], "passed");
    assert_eq!(json["checks"][5]["outcome"], "not-applicable");
}

#[test]
fn an_instrument_of_no_known_kind_is_not_valued() {
    let config = with(Rules {
        max_notional: Some(n("1000000")),
        ..Rules::default()
    });
    let mut situation = situation();
    let stock = situation.instruments.get_mut(&STOCK).unwrap();
    stock.contract.security_type = SecurityType::Other("NEW".into());
    refuses_only(&config, &order(), &situation, Some(Rule::MaxNotional));
}
