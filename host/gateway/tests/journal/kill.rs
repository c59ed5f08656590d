//! A host that is killed at any instant loses nothing that it was answered for.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::Rng;
use sandpit_gateway::Journal;
use sandpit_gateway::journal::{About, Event, Filter, Options, Row};

use super::support::*;

/// How often it is killed.
const KILLS: usize = 300;

/// After how many kills a new journal is begun.
const KILLS_OF_ONE: usize = 60;

/// How many write at once.
const WRITERS: usize = 3;

/// Orders and notes without an end, each told of on the output once the
/// journal has answered for it.
#[test]
#[ignore = "a process of the test below"]
fn writer_to_be_killed() {
    let path = std::env::var("SANDPIT_TEST_JOURNAL").unwrap();
    let journal = Journal::open(path, Options::default()).unwrap();
    let tell = |seq: i64, what: &str| {
        // In one piece, so that a kill does not cut it without being seen.
        let line = format!("row {seq} {what}\n");
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    };
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (journal, tell) = (&journal, &tell);
            scope.spawn(move || {
                for number in 0.. {
                    let text = format!("{}-{writer}-{number}", std::process::id());
                    tell(append(journal, &About::default(), note(&text)).seq, &text);
                    let about = begin(journal, place("10", "101.50"));
                    let request = about.request.unwrap();
                    tell(request.0, about.order.as_ref().unwrap().as_str());
                    let exec_id = format!("{text}.01");
                    let filled = Event::Fill(fill(&exec_id, "10", "101.5"));
                    let about = told(&about);
                    let both = [sending(), filled].map(|event| {
                        sandpit_gateway::journal::Entry::new(NOON, about.clone(), event)
                    });
                    let rows = journal.append_all(both.into()).wait().unwrap();
                    tell(rows[1].seq, &exec_id);
                }
            });
        }
    });
}

/// What a row is told of by.
fn name(row: &Row) -> String {
    match &row.event {
        Event::Note(note) => note.text.clone(),
        Event::Fill(fill) => fill.exec_id.clone(),
        _ => row.about.order.as_ref().unwrap().to_string(),
    }
}

/// When to kill.
#[derive(Clone, Copy, Debug)]
enum Kill {
    /// So long after the process began: now and then before it has opened the
    /// journal.
    Early(Duration),
    /// So long after it was answered for the first time.
    Writing(Duration),
}

/// Lets a process write, kills it, and answers what it told of.
fn run(folder: &Folder, kill: Kill) -> BTreeMap<i64, String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::writer_to_be_killed"])
        .args(["--ignored", "--nocapture"])
        .env("SANDPIT_TEST_JOURNAL", folder.journal())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (begins, begun) = std::sync::mpsc::channel();
    let told = std::thread::spawn(move || {
        let mut told = BTreeMap::new();
        let mut output = output;
        let mut line = String::new();
        while output.read_line(&mut line).unwrap() > 0 {
            // A line that was cut told of nothing.
            if let Some(whole) = line.strip_suffix('\n')
                && let Some(row) = whole.strip_prefix("row ")
            {
                let (seq, what) = row.split_once(' ').unwrap();
                told.insert(seq.parse().unwrap(), what.to_owned());
                // Nobody may be waiting for it.
                let _ = begins.send(());
            }
            line.clear();
        }
        told
    });
    match kill {
        Kill::Early(delay) => std::thread::sleep(delay),
        Kill::Writing(delay) => {
            begun.recv().unwrap();
            std::thread::sleep(delay);
        }
    }
    // On Unix it is SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    told.join().unwrap()
}

#[test]
fn what_was_answered_for_is_there_after_a_kill() {
    let mut random = rand::rng();
    let mut told_of = 0;
    let mut folder = Folder::new();
    let mut known = 0;
    for kill in 1..=KILLS {
        let after = |micros| Duration::from_micros(micros);
        let moment = if random.random_ratio(1, 4) {
            Kill::Early(after(random.random_range(500..30_000)))
        } else {
            Kill::Writing(after(random.random_range(0..20_000)))
        };
        let told = run(&folder, moment);
        told_of += told.len();
        if !folder.journal().exists() {
            continue;
        }
        // Whether the first kill came before the tables were made.
        let Ok(reader) = sandpit_gateway::journal::Reader::open(folder.journal()) else {
            assert!(told.is_empty());
            drop(folder.open());
            continue;
        };
        let after = Filter {
            after_seq: Some(known),
            ..Filter::default()
        };
        let rows: BTreeMap<i64, String> = reader
            .rows(&after)
            .map(|row| row.map(|row| (row.seq, name(&row))).unwrap())
            .collect();
        for (seq, what) in &told {
            assert_eq!(rows.get(seq), Some(what), "kill {kill}, {moment:?}");
        }
        known = rows.keys().last().copied().unwrap_or(known);
        if kill % 20 == 0 {
            assert_eq!(reader.verify().unwrap().fault, None, "kill {kill}");
        }
        if kill % KILLS_OF_ONE == 0 {
            // A host that opens it goes on where it was.
            let journal = folder.open();
            let next = append(&journal, &About::default(), note("next"));
            assert_eq!(next.seq, known + 1);
            assert_eq!(folder.read().verify().unwrap().fault, None);
            folder = Folder::new();
            known = 0;
        }
    }
    assert!(told_of > KILLS, "it hardly wrote: {told_of} rows");
}
