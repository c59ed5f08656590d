//! Many who write at once, and readers beside them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use sandpit_gateway::journal::{About, Event, Filter, Journal};

use super::support::*;

const WRITERS: usize = 12;
const EACH: usize = 60;

fn text(event: &Event) -> String {
    match event {
        Event::Note(note) => note.text.clone(),
        other => panic!("no note: {other:?}"),
    }
}

#[test]
fn numbers_follow_the_commits_and_each_writers_own_order() {
    let folder = Folder::new();
    let journal = folder.open();
    let write = |writer: usize, journal: &Journal| -> Vec<i64> {
        let mut seqs = Vec::new();
        for number in 0..EACH {
            let event = note(&format!("{writer} {number}"));
            let row = journal.append(NOON, About::default(), event).wait();
            let seq = row.unwrap().seq;
            // What is answered for is there for any reader at once.
            let reader = journal.reader().unwrap();
            let after = Filter {
                after_seq: Some(seq - 1),
                limit: Some(1),
                ..Filter::default()
            };
            let row = reader.rows(&after).next().unwrap().unwrap();
            assert_eq!(text(&row.event), format!("{writer} {number}"));
            seqs.push(seq);
        }
        seqs
    };
    let all_seqs: Vec<Vec<i64>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let journal = journal.clone();
                scope.spawn(move || write(writer, &journal))
            })
            .collect();
        let seqs = threads.into_iter().map(|thread| thread.join().unwrap());
        seqs.collect()
    });
    for seqs in &all_seqs {
        assert!(seqs.is_sorted_by(|a, b| a < b));
    }
    let together: BTreeSet<i64> = all_seqs.into_iter().flatten().collect();
    let expected: BTreeSet<i64> = (1..=(WRITERS * EACH) as i64).collect();
    assert_eq!(together, expected);
    let verified = folder.read().verify().unwrap();
    assert_eq!((verified.rows, verified.fault), (720, None));
}

#[test]
fn rows_stand_in_the_order_of_the_calls() {
    let folder = Folder::new();
    let journal = folder.open();
    let pending: Vec<_> = (0..2000)
        .map(|number| journal.append(NOON, About::default(), note(&number.to_string())))
        .collect();
    // The answers are waited for backwards: it does not matter.
    for (number, pending) in pending.into_iter().enumerate().rev() {
        assert_eq!(pending.wait().unwrap().seq, number as i64 + 1);
    }
    for (number, row) in all(&folder.read()).iter().enumerate() {
        assert_eq!(text(&row.event), number.to_string());
    }
}

#[test]
fn a_journal_is_whole_at_every_look_while_it_grows() {
    let folder = Folder::new();
    let journal = folder.open();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for order_id in 0..60 {
                let about = told(&acknowledge(&journal, &send(&journal, order_id), 70));
                append(&journal, &about, Event::Status(state("Filled", "10", "0")));
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut looks = Vec::new();
        while !done.load(Ordering::Relaxed) {
            let verified = folder.read().verify().unwrap();
            assert_eq!(verified.fault, None);
            looks.push(verified.rows);
        }
        assert!(looks.is_sorted());
        assert!(looks.len() > 1, "{looks:?}");
    });
    let verified = folder.read().verify().unwrap();
    assert_eq!((verified.rows, verified.fault), (300, None));
}

#[test]
fn what_nobody_waits_for_is_written_all_the_same() {
    let folder = Folder::new();
    let journal = folder.open();
    for number in 0..500 {
        let event = note(&number.to_string());
        journal.append(NOON, About::default(), event).detach();
    }
    drop(journal);
    assert_eq!(all(&folder.read()).len(), 500);
}
