//! Idempotency keys: the same request is done once.

use sandpit_gateway::Journal;
use sandpit_gateway::journal::{
    About, Asked, Begun, Cause, Event, IdempotencyKey, JournalError, RequestOutcome, Stage,
};

use super::support::*;

fn key(text: &str) -> IdempotencyKey {
    text.parse().unwrap()
}

fn ask(journal: &Journal, gateway: &str, asked: Asked) -> Begun {
    let about = About::gateway(gateway);
    journal.begin(NOON, about, asked).wait().unwrap()
}

#[test]
fn the_same_key_with_the_same_order_tells_what_happened() {
    let folder = Folder::new();
    let journal = folder.open();
    let about = begin(&journal, place("10", "101.50").once(key("a")));
    append(&journal, &about, sending());
    acknowledge(&journal, &about, 70);
    drop(journal);

    let journal = folder.open();
    let rows = all(&folder.read()).len();
    // 101.5 is the same price.
    let again = ask(&journal, "paper", place("10.0", "101.5").once(key("a")));
    let Begun::Repeated(told) = again else {
        panic!("{again:?}");
    };
    assert_eq!(Some(told.request.id), about.request);
    assert!(matches!(
        told.request.outcome,
        RequestOutcome::Acknowledged { .. }
    ));
    assert_eq!(told.standing.as_ref().unwrap().stage, Stage::Working);
    assert_eq!(all(&folder.read()).len(), rows);
    let looked_up = folder.read().by_idempotency_key(&key("a")).unwrap();
    assert_eq!(looked_up, Some(*told));
    assert_eq!(folder.read().by_idempotency_key(&key("b")).unwrap(), None);
}

#[test]
fn the_same_key_with_another_order_is_a_conflict() {
    let folder = Folder::new();
    let journal = folder.open();
    begin(&journal, place("10", "101.50").once(key("a")));
    let mut sell = limit("10", "101.50");
    sell.action = sandpit_gateway::model::Action::Sell;
    let mut account = limit("10", "101.50");
    account.account = Some("DU2".into());
    let spy = spy();
    let mut qqq = spy.clone();
    qqq.symbol = "QQQ".into();
    for other in [
        place("11", "101.50"),
        place("10", "101.51"),
        Asked::place(&caller(), &spy, &sell),
        Asked::place(&caller(), &spy, &account),
        Asked::place(&caller(), &qqq, &limit("10", "101.50")),
        Asked::modify(&caller(), 7, &spy, &limit("10", "101.50")),
    ] {
        let begun = ask(&journal, "paper", other.once(key("a")));
        let Begun::Conflict(told) = begun else {
            panic!("{begun:?}");
        };
        assert!(told.conflict().contains("Use a new key"));
    }
    let elsewhere = ask(&journal, "live", place("10", "101.50").once(key("a")));
    assert!(matches!(elsewhere, Begun::Conflict(_)));
    assert_eq!(all(&folder.read()).len(), 1);
}

#[test]
fn what_never_left_does_not_use_its_key_up() {
    use sandpit_gateway::journal::{NotSent, Refused, RequestKind};
    let folder = Folder::new();
    let journal = folder.open();
    let first = begin(&journal, place("10", "101.50").once(key("a")));
    let refused = Refused {
        of: RequestKind::Place,
        by: "max_quantity".into(),
        sentence: "Too much.".into(),
    };
    append(&journal, &first, Event::Refused(refused));
    // Another order under the same key is a new try too.
    let second = begin(&journal, place("5", "101.50").once(key("a")));
    append(&journal, &second, sending());
    let not_sent = NotSent {
        of: RequestKind::Place,
        sentence: "It never left.".into(),
    };
    append(&journal, &second, Event::NotSent(not_sent));
    let third = begin(&journal, place("5", "101.50").once(key("a")));
    append(&journal, &third, sending());
    let again = ask(&journal, "paper", place("5", "101.50").once(key("a")));
    let Begun::Repeated(told) = again else {
        panic!("{again:?}");
    };
    assert_eq!(Some(told.request.id), third.request);
    let other = ask(&journal, "paper", place("10", "101.50").once(key("a")));
    assert!(matches!(other, Begun::Conflict(_)), "{other:?}");
}

#[test]
fn what_a_gate_remembers_is_kept_with_its_rows_or_not_at_all() {
    use sandpit_gateway::journal::Entry;
    let folder = Folder::new();
    let journal = folder.open();
    let entry = |event| Entry::new(NOON, About::default(), event);
    let kept = |gateway: &str| folder.read().kept(gateway).unwrap();
    assert_eq!(kept("paper"), None);
    let with = |entries, state: &str| journal.append_and_keep(entries, "paper", state.into());
    with(vec![entry(note("1"))], "first").wait().unwrap();
    with(vec![], "second").wait().unwrap();
    assert_eq!(kept("paper").as_deref(), Some("second"));
    let bad = with(vec![entry(Event::Asked(place("1", "1")))], "third");
    assert!(bad.wait().is_err());
    assert_eq!(kept("paper").as_deref(), Some("second"));
    assert_eq!(kept("live"), None);
    drop(journal);
    folder.open();
    assert_eq!(kept("paper").as_deref(), Some("second"));
    assert!(folder.read().verify().unwrap().is_whole());
}

#[test]
fn who_asks_plays_no_part_and_a_given_fingerprint_decides() {
    let folder = Folder::new();
    let journal = folder.open();
    let with = |quantity, fingerprint: &str| Asked {
        fingerprint: fingerprint.into(),
        ..place(quantity, "1").once(key("a"))
    };
    begin(&journal, with("1", "same"));
    let mut other = with("2", "same");
    other.caller.client = "somebody".into();
    assert!(matches!(ask(&journal, "paper", other), Begun::Repeated(_)));
    let other = with("1", "different");
    assert!(matches!(ask(&journal, "paper", other), Begun::Conflict(_)));
}

#[test]
fn of_many_at_once_one_is_new() {
    let folder = Folder::new();
    let journal = folder.open();
    let asked = || place("10", "101.50").once(key("a"));
    let pending: Vec<_> = (0..100)
        .map(|_| journal.begin(NOON, About::gateway("paper"), asked()))
        .collect();
    let begun: Vec<_> = pending
        .into_iter()
        .map(|pending| pending.wait().unwrap())
        .collect();
    let new = |begun: &&Begun| matches!(begun, Begun::New { .. });
    assert_eq!(begun.iter().filter(new).count(), 1);
    assert!(matches!(begun[0], Begun::New { .. }));
    assert_eq!(all(&folder.read()).len(), 1);
}

#[test]
fn without_a_key_each_is_new() {
    let folder = Folder::new();
    let journal = folder.open();
    let first = begin(&journal, place("10", "101.50"));
    let second = begin(&journal, place("10", "101.50"));
    assert_ne!(first.order, second.order);
}

#[test]
fn a_request_cannot_be_slipped_in_by_append() {
    let folder = Folder::new();
    let journal = folder.open();
    let asked = Event::Asked(place("1", "1"));
    let pending = journal.append(NOON, About::default(), asked);
    assert!(matches!(pending.wait(), Err(JournalError::BadRow(_))));
    // Only that row failed.
    append(&journal, &About::default(), note("good"));
    assert_eq!(journal.trouble(), None);
}

#[test]
fn rows_that_belong_together_are_written_all_or_none() {
    use sandpit_gateway::journal::Entry;
    let folder = Folder::new();
    let journal = folder.open();
    let entry = |event| Entry::new(NOON, About::default(), event);
    let good = journal.append_all(vec![entry(note("1")), entry(note("2"))]);
    let bad = journal.append_all(vec![entry(note("3")), entry(Event::Asked(place("1", "1")))]);
    let later = journal.append(NOON, About::default(), note("4"));
    let seqs: Vec<_> = good.wait().unwrap().iter().map(|row| row.seq).collect();
    assert_eq!(seqs, [1, 2]);
    assert!(bad.wait().is_err());
    assert_eq!(later.wait().unwrap().seq, 3);
    assert!(folder.read().verify().unwrap().is_whole());
}

#[tokio::test]
async fn a_closed_journal_takes_nothing() {
    let folder = Folder::new();
    let journal = folder.open();
    journal
        .append(NOON, About::default(), note("in time"))
        .await
        .unwrap();
    let rows = journal.read(|reader| Ok(all(reader).len())).await;
    assert_eq!(rows, Ok(1));
    journal.close().await;
    let late = journal.append(NOON, About::default(), note("late")).await;
    assert!(matches!(
        late,
        Err(JournalError::Unwritable {
            cause: Cause::Closed,
            ..
        })
    ));
    // It is unlocked by now.
    folder.open();
}
