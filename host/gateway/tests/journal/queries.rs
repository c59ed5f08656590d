//! Finding rows.

use sandpit_gateway::journal::{
    About, Event, Filter, Gap, GapKind, Halt, Kind, RequestKind, Resume, UnknownKind, Verdict,
};
use time::Duration;

use super::support::*;

fn seqs(folder: &Folder, filter: &Filter) -> Vec<i64> {
    let reader = folder.read();
    let rows = reader.rows(filter);
    rows.map(|row| row.unwrap().seq).collect()
}

#[test]
fn rows_are_found_by_kind_time_gateway_and_number() {
    let folder = Folder::new();
    let journal = folder.open();
    for minute in 0..6 {
        let gateway = if minute % 2 == 0 { "paper" } else { "live" };
        let time = NOON + Duration::minutes(minute);
        let event = match minute % 3 {
            0 => note("x"),
            1 => Event::Fill(fill(&minute.to_string(), "1", "1")),
            _ => Event::Gap(Gap {
                what: GapKind::Back,
                lost_at: NOON,
                length_ns: Some(1_500_000_000),
                reason: "restart".into(),
            }),
        };
        let about = About {
            account: (minute == 4).then(|| "DU9".to_owned()),
            ..About::gateway(gateway)
        };
        journal.append(time, about, event).wait().unwrap();
    }
    let none = Filter::default();
    assert_eq!(seqs(&folder, &none), [1, 2, 3, 4, 5, 6]);
    let filter = Filter {
        kinds: vec!["fill".parse().unwrap(), Kind::Gap],
        ..none.clone()
    };
    assert_eq!(seqs(&folder, &filter), [2, 3, 5, 6]);
    let filter = Filter {
        from: Some(NOON + Duration::minutes(1)),
        until: Some(NOON + Duration::minutes(4)),
        ..none.clone()
    };
    assert_eq!(seqs(&folder, &filter), [2, 3, 4]);
    let filter = Filter {
        gateway: Some("live".into()),
        newest_first: true,
        limit: Some(2),
        ..none.clone()
    };
    assert_eq!(seqs(&folder, &filter), [6, 4]);
    let filter = Filter {
        account: Some("DU9".into()),
        ..none.clone()
    };
    assert_eq!(seqs(&folder, &filter), [5]);
    let filter = Filter {
        after_seq: Some(4),
        ..none.clone()
    };
    assert_eq!(seqs(&folder, &filter), [5, 6]);
    let filter = Filter {
        limit: Some(0),
        ..none
    };
    assert_eq!(seqs(&folder, &filter), [0_i64; 0]);
    assert_eq!("filled".parse::<Kind>(), Err(UnknownKind));
}

#[test]
fn the_latest_orders_come_with_what_the_gate_said_of_each_last() {
    let folder = Folder::new();
    let journal = folder.open();
    let first = send(&journal, 1);
    let second = begin(&journal, place("5", "1.50"));
    let verdict = |allowed: bool| {
        Event::Verdict(Verdict {
            allowed,
            checks: Vec::new(),
            sentence: (!allowed).then(|| "Too much.".to_owned()),
            notional: None,
            base_currency: Some("USD".to_owned()),
        })
    };
    append(&journal, &second, verdict(true));
    append(&journal, &second, verdict(false));
    append(&journal, &About::gateway("paper"), note("of no order"));
    let latest = |limit: usize, rows: u64| {
        let orders = folder.read().latest_orders(limit, rows).unwrap();
        let told = orders.into_iter().map(|(standing, verdict)| {
            let sentence = verdict.and_then(|verdict| verdict.sentence);
            (standing.about.order, sentence)
        });
        told.collect::<Vec<_>>()
    };
    let first = (first.order, None);
    let second = (second.order, Some("Too much.".to_owned()));
    assert_eq!(latest(9, 100), [second.clone(), first.clone()]);
    assert_eq!(latest(1, 100), std::slice::from_ref(&second));
    // One row is of no order, and two are of the second one.
    assert_eq!(latest(9, 3), [second]);
    assert!(latest(9, 1).is_empty() && latest(0, 100).is_empty());
}

#[test]
fn more_rows_than_a_page_come_in_order_without_a_hole() {
    let folder = Folder::new();
    let journal = folder.open();
    let pending: Vec<_> = (0..1203)
        .map(|number| journal.append(NOON, About::default(), note(&number.to_string())))
        .collect();
    for row in pending {
        row.wait().unwrap();
    }
    let expected: Vec<i64> = (1..=1203).collect();
    assert_eq!(seqs(&folder, &Filter::default()), expected);
    let newest = Filter {
        newest_first: true,
        limit: Some(1000),
        ..Filter::default()
    };
    let expected: Vec<i64> = (204..=1203).rev().collect();
    assert_eq!(seqs(&folder, &newest), expected);
}

#[test]
fn an_order_is_found_by_its_ids_and_the_latest_wins() {
    let folder = Folder::new();
    let journal = folder.open();
    let first = acknowledge(&journal, &send(&journal, 7), 70);
    let second = acknowledge(&journal, &send(&journal, 7), 71);
    assert_ne!(first.order, second.order);
    let reader = folder.read();
    let by_id = |gateway, client, order| reader.key_of(gateway, client, order).unwrap();
    assert_eq!(by_id(Some("paper"), 1, 7), second.order);
    assert_eq!(by_id(Some("paper"), 2, 7), None);
    assert_eq!(by_id(Some("live"), 1, 7), None);
    assert_eq!(by_id(None, 1, 7), None);
    let by_perm_id = reader.key_of_perm_id(Some("paper"), 70).unwrap();
    assert_eq!(by_perm_id, first.order);
    let rows = reader.order_rows(first.order.as_ref().unwrap()).unwrap();
    assert_eq!(rows.len(), 4);
    let filter = Filter {
        order: first.order.clone(),
        ..Filter::default()
    };
    assert_eq!(seqs(&folder, &filter), [1, 2, 3, 4]);
}

#[test]
fn a_halt_lasts_until_it_is_lifted_over_restarts() {
    let folder = Folder::new();
    let journal = folder.open();
    assert_eq!(folder.read().halt().unwrap(), None);
    let halt = Halt {
        who: "operator".into(),
        why: "lunch".into(),
        cancel_all: true,
    };
    append(&journal, &About::default(), Event::Halt(halt.clone()));
    append(&journal, &About::default(), note("later"));
    drop(journal);
    let journal = folder.open();
    let halted = folder.read().halt().unwrap();
    assert_eq!(halted.map(|row| row.event), Some(Event::Halt(halt)));
    let resume = Resume {
        who: "operator".into(),
        why: "back".into(),
    };
    append(&journal, &About::default(), Event::Resume(resume));
    assert_eq!(folder.read().halt().unwrap(), None);
}

#[test]
fn the_days_rows_are_counted() {
    let folder = Folder::new();
    let journal = folder.open();
    send(&journal, 7);
    send(&journal, 8);
    let yesterday = NOON - Duration::days(1);
    let old = journal.append(yesterday, About::gateway("paper"), sending());
    old.wait().unwrap();
    let today = Filter {
        from: Some(NOON),
        gateway: Some("paper".into()),
        ..Filter::default()
    };
    let counts = folder.read().counts(&today).unwrap();
    assert_eq!(counts.of(Kind::Asked), 2);
    assert_eq!(counts.of(Kind::Sending), 2);
    assert_eq!(counts.sent(RequestKind::Place), 2);
    assert_eq!(counts.sent(RequestKind::Cancel), 0);
    assert_eq!(counts.of(Kind::Fill), 0);
    let ever = folder.read().counts(&Filter::default()).unwrap();
    assert_eq!(ever.sent(RequestKind::Place), 3);
}
