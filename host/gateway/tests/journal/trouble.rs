//! What happens when the journal cannot be written, and when it can be again.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use sandpit_gateway::Journal;
use sandpit_gateway::journal::{About, Appended, Cause, JournalError, Options};

use super::support::*;

fn try_append(journal: &Journal, text: &str) -> Result<Appended, JournalError> {
    journal.append(NOON, About::default(), note(text)).wait()
}

/// Fails for this cause, and says what every such sentence says.
fn fails(journal: &Journal, expected: Cause) {
    let error = try_append(journal, "lost").unwrap_err();
    assert!(
        matches!(&error, JournalError::Unwritable { cause, .. } if *cause == expected),
        "{error:?}"
    );
    assert!(error.to_string().contains("No order goes out"), "{error}");
    assert_eq!(journal.trouble(), Some(error));
}

fn works(journal: &Journal) {
    try_append(journal, "kept").unwrap();
    assert_eq!(journal.trouble(), None);
    assert_eq!(journal.reader().unwrap().verify().unwrap().fault, None);
}

#[test]
fn a_lock_of_another_program_fails_and_passes() {
    let folder = Folder::new();
    let journal = folder.open();
    works(&journal);
    let meddler = folder.meddle();
    meddler.execute_batch("BEGIN IMMEDIATE").unwrap();
    fails(&journal, Cause::Locked);
    meddler.execute_batch("ROLLBACK").unwrap();
    works(&journal);
    assert_eq!(all(&folder.read()).len(), 2);
}

#[test]
fn more_rows_than_may_wait_are_refused_at_once() {
    use sandpit_gateway::journal::Entry;
    let folder = Folder::new();
    let journal = folder.open();
    let many = || vec![Entry::new(NOON, About::default(), note("x")); 60_000];
    let meddler = folder.meddle();
    meddler.execute_batch("BEGIN IMMEDIATE").unwrap();
    let first = journal.append_all(many());
    let error = journal.append_all(many()).wait().unwrap_err();
    assert!(error.to_string().contains("more rows wait"), "{error}");
    meddler.execute_batch("ROLLBACK").unwrap();
    assert_eq!(first.wait().unwrap().len(), 60_000);
    works(&journal);
}

#[test]
fn a_full_journal_fails_and_a_larger_one_goes_on() {
    let folder = Folder::new();
    let options = Options {
        max_bytes: Some(200_000),
        ..Options::default()
    };
    let journal = Journal::open(folder.journal(), options).unwrap();
    let mut kept = 0;
    let long = "x".repeat(5000);
    while try_append(&journal, &long).is_ok() {
        kept += 1;
        assert!(kept < 100, "it never became full");
    }
    assert!(kept > 5, "{kept}");
    let error = try_append(&journal, &long).unwrap_err();
    assert!(error.to_string().contains("no space"), "{error}");
    assert!(error.to_string().contains("No order goes out"), "{error}");
    assert_eq!(journal.reader().unwrap().verify().unwrap().rows, kept);
    drop(journal);
    let journal = folder.open();
    works(&journal);
    assert_eq!(all(&folder.read()).len() as i64, kept + 1);
}

#[test]
fn a_file_that_was_moved_away_is_not_written() {
    let folder = Folder::new();
    let journal = folder.open();
    works(&journal);
    for name in ["journal.db", "journal.db.head"] {
        std::fs::rename(folder.file(name), folder.file("away")).unwrap();
        fails(&journal, Cause::Moved);
        // Another file in its place is not it.
        std::fs::write(folder.file(name), "").unwrap();
        fails(&journal, Cause::Moved);
        std::fs::rename(folder.file("away"), folder.file(name)).unwrap();
        works(&journal);
    }
    assert_eq!(all(&folder.read()).len(), 3);
}

#[test]
fn rows_that_somebody_else_took_or_gave_stop_it() {
    for meddling in [
        "DELETE FROM rows WHERE seq = 3",
        "UPDATE rows SET hash = zeroblob(32) WHERE seq = 3",
        "INSERT INTO rows SELECT 4, time, kind, order_key, request, gateway, account, client_id,
             order_id, perm_id, exec_id, idempotency_key, payload, previous, zeroblob(32)
         FROM rows WHERE seq = 3",
    ] {
        let folder = Folder::new();
        let journal = folder.open();
        for _ in 0..3 {
            works(&journal);
        }
        folder.meddle().execute(meddling, []).unwrap();
        fails(&journal, Cause::Altered);
        fails(&journal, Cause::Altered);
    }
}

/// Says over and over whether it could write. Ends when its output is closed.
#[test]
#[ignore = "a process of the test below"]
fn writer_of_a_full_disk() {
    let path = std::env::var("SANDPIT_TEST_JOURNAL").unwrap();
    let journal = Journal::open(path, Options::default()).unwrap();
    loop {
        let said = match try_append(&journal, &"x".repeat(2000)) {
            Ok(_) => "wrote".to_owned(),
            Err(error) => format!("failed {error}"),
        };
        use std::io::Write;
        if writeln!(std::io::stdout(), "{said}").is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A bound on the size of files, put on the process and taken off again, is a
/// disk that fails and recovers, for the kernel's own reasons.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_takes_nothing_fails_and_recovers() {
    let folder = Folder::new();
    // A write beyond the bound shall fail, not end the process.
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "trouble::writer_of_a_full_disk"])
        .args(["--ignored", "--nocapture"])
        .env("SANDPIT_TEST_JOURNAL", folder.journal())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = |start: &str| {
        let mut lines = lines.by_ref().map(|line| line.unwrap());
        lines.find(|line| line.starts_with(start)).unwrap()
    };
    let bound = |bytes: &str| {
        let set = Command::new("prlimit")
            .arg(format!("--pid={}", child.id()))
            .arg(format!("--fsize={bytes}:"))
            .status();
        assert!(set.unwrap().success());
    };
    for _ in 0..3 {
        until("wrote");
        bound("4096");
        let words = until("failed");
        assert!(words.contains("No order goes out"), "{words}");
        bound("unlimited");
    }
    until("wrote");
    drop(lines);
    child.wait().unwrap();
    let verified = folder.read().verify().unwrap();
    assert_eq!(verified.fault, None);
    assert!(verified.rows >= 4);
}
