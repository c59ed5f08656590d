//! Opening: what is refused, with which words, and what is put right.

use std::os::unix::fs::PermissionsExt;

use sandpit_gateway::Journal;
use sandpit_gateway::journal::{Event, OpenError, Options, Reader};

use super::support::*;

fn refusal(folder: &Folder) -> OpenError {
    Journal::open(folder.journal(), Options::default())
        .map(drop)
        .unwrap_err()
}

#[test]
fn a_second_host_is_refused_and_told_who_holds_it() {
    let folder = Folder::new();
    let first = folder.open();
    let error = refusal(&folder);
    assert!(matches!(error, OpenError::InUse { .. }), "{error:?}");
    let words = error.to_string();
    let process = format!("process {}", std::process::id());
    assert!(
        words.contains(&process) && words.contains("in use"),
        "{words}"
    );
    // It may be read all the same.
    append(&first, &Default::default(), note("here"));
    assert_eq!(all(&folder.read()).len(), 1);
    drop(first);
    folder.open();
}

#[test]
fn nobody_else_may_read_its_files() {
    let folder = Folder::new();
    let journal = folder.open();
    append(&journal, &Default::default(), note("secret"));
    let check = || {
        for name in ["journal.db", "journal.db.head", "journal.db-wal"] {
            let rights = std::fs::metadata(folder.file(name)).unwrap().permissions();
            assert_eq!(rights.mode() & 0o777, 0o600, "{name}");
        }
    };
    check();
    drop(journal);
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(folder.journal(), open).unwrap();
    let journal = folder.open();
    append(&journal, &Default::default(), note("secret"));
    check();
}

#[test]
fn a_later_version_is_not_touched() {
    let folder = Folder::new();
    drop(folder.open());
    folder
        .meddle()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let error = refusal(&folder);
    assert!(
        matches!(error, OpenError::TooNew { found: 99, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("later version"), "{error}");
    assert!(Reader::open(folder.journal()).is_err());
}

#[test]
fn another_file_is_not_taken_for_a_journal() {
    let folder = Folder::new();
    folder
        .meddle()
        .execute_batch("CREATE TABLE other (x)")
        .unwrap();
    let error = refusal(&folder);
    assert!(error.to_string().contains("another program"), "{error}");

    let folder = Folder::new();
    std::fs::write(folder.journal(), "no database ".repeat(100)).unwrap();
    let error = refusal(&folder);
    assert!(matches!(error, OpenError::NotAJournal { .. }), "{error:?}");
    assert!(Reader::open(folder.journal()).is_err());
}

#[test]
fn what_is_not_there_is_not_begun_by_reading() {
    let folder = Folder::new();
    let error = Reader::open(folder.journal()).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Missing { .. }));
    assert!(!folder.journal().exists());
    let nowhere = folder.file("no/such/folder.db");
    let error = Journal::open(nowhere, Options::default())
        .map(drop)
        .unwrap_err();
    assert!(error.to_string().contains("the folder exists"), "{error}");
}

#[test]
fn an_older_journal_is_brought_up_to_date() {
    let folder = Folder::new();
    let journal = folder.open();
    some_rows(&journal);
    let before = folder.read().unfinished().unwrap();
    assert_eq!(before.len(), 2);
    drop(journal);
    let older = folder.meddle();
    older
        .execute_batch("DROP TABLE orders; DROP TABLE kept; PRAGMA user_version = 1")
        .unwrap();
    drop(older);
    assert!(Reader::open(folder.journal()).is_err());
    let journal = folder.open();
    assert_eq!(folder.read().unfinished().unwrap(), before);
    assert!(folder.read().verify().unwrap().is_whole());
    append(&journal, &Default::default(), note("goes on"));
}

#[test]
fn a_missing_head_file_is_a_fault() {
    let folder = Folder::new();
    some_rows(&folder.open());
    std::fs::remove_file(folder.head()).unwrap();
    let error = refusal(&folder);
    assert!(error.to_string().contains("head file"), "{error}");
    // Looking at it does not make it whole.
    assert!(matches!(refusal(&folder), OpenError::Tail { .. }));
}

#[test]
fn the_files_of_two_journals_do_not_mix() {
    let (one, two) = (Folder::new(), Folder::new());
    some_rows(&one.open());
    some_rows(&two.open());
    std::fs::copy(two.journal(), one.journal()).unwrap();
    let error = refusal(&one);
    assert!(error.to_string().contains("another journal"), "{error}");
}

#[test]
fn a_lost_wal_file_is_noticed() {
    let folder = Folder::new();
    let journal = folder.open();
    some_rows(&journal);
    // As after a crash, with one file forgotten.
    let copy = Folder::new();
    std::fs::copy(folder.journal(), copy.journal()).unwrap();
    std::fs::copy(folder.head(), copy.head()).unwrap();
    let error = refusal(&copy);
    assert!(error.to_string().contains("was removed"), "{error}");
    // With it, everything is there.
    let whole = Folder::new();
    for name in ["journal.db", "journal.db-wal", "journal.db.head"] {
        std::fs::copy(folder.file(name), whole.file(name)).unwrap();
    }
    let journal = whole.open();
    assert_eq!(all(&journal.reader().unwrap()).len(), 12);
    assert!(journal.reader().unwrap().verify().unwrap().is_whole());
}

#[test]
fn a_journal_that_is_gone_is_not_begun_anew_over_its_wal_file() {
    let folder = Folder::new();
    let journal = folder.open();
    some_rows(&journal);
    let crashed = Folder::new();
    for name in ["journal.db", "journal.db-wal", "journal.db.head"] {
        std::fs::copy(folder.file(name), crashed.file(name)).unwrap();
    }
    std::fs::rename(crashed.journal(), crashed.file("away")).unwrap();
    for _ in 0..2 {
        let error = refusal(&crashed);
        assert!(error.to_string().contains("gone or empty"), "{error}");
    }
    std::fs::rename(crashed.file("away"), crashed.journal()).unwrap();
    crashed.open();
    assert_eq!(all(&crashed.read()).len(), 12);
}

#[test]
fn an_operator_can_take_the_journal_as_it_is_and_a_row_says_so() {
    let folder = Folder::new();
    some_rows(&folder.open());
    folder
        .meddle()
        .execute("DELETE FROM rows WHERE seq > 10", [])
        .unwrap();
    let options = Options {
        accept_tail: Some(NOON),
        ..Options::default()
    };
    drop(Journal::open(folder.journal(), options.clone()).unwrap());
    let rows = all(&folder.read());
    let Some(Event::Note(note)) = rows.last().map(|row| &row.event) else {
        panic!("{rows:?}");
    };
    assert!(note.text.contains("row 12 was written"), "{}", note.text);
    // Without a fault there is nothing to accept.
    drop(Journal::open(folder.journal(), options).unwrap());
    assert_eq!(all(&folder.read()).len(), 11);
    folder.open();
}
