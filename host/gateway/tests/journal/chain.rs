//! Whatever is changed, removed, put in or moved is found.

use std::sync::OnceLock;

use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value;
use sandpit_gateway::journal::{Fault, OpenError, Reader, Row, Verified};

use super::support::*;

/// How many rows the journal of these tests has.
const ROWS: i64 = 12;

const COLUMNS: [&str; 15] = [
    "seq",
    "time",
    "kind",
    "order_key",
    "request",
    "gateway",
    "account",
    "client_id",
    "order_id",
    "perm_id",
    "exec_id",
    "idempotency_key",
    "payload",
    "previous",
    "hash",
];

/// A closed journal as its two files, and what is in it.
fn template() -> &'static (Vec<u8>, Vec<u8>, Vec<Row>) {
    static TEMPLATE: OnceLock<(Vec<u8>, Vec<u8>, Vec<Row>)> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let folder = Folder::new();
        let journal = folder.open();
        some_rows(&journal);
        drop(journal);
        let rows = all(&folder.read());
        assert_eq!(rows.len() as i64, ROWS);
        let bytes = |path| std::fs::read(path).unwrap();
        (bytes(folder.journal()), bytes(folder.head()), rows)
    })
}

/// A journal of its own for each case.
fn copy() -> Folder {
    let (journal, head, _) = template();
    let folder = Folder::new();
    std::fs::write(folder.journal(), journal).unwrap();
    std::fs::write(folder.head(), head).unwrap();
    folder
}

fn verify(folder: &Folder) -> Verified {
    folder.read().verify().unwrap()
}

/// Moves the rows from this one on by so many numbers.
fn shift(meddler: &Connection, from: i64, by: i64) {
    let sql = "UPDATE rows SET seq = -(seq + ?2) WHERE seq >= ?1";
    meddler.execute(sql, [from, by]).unwrap();
    meddler
        .execute("UPDATE rows SET seq = -seq WHERE seq < 0", [])
        .unwrap();
}

#[test]
fn an_untouched_journal_is_whole() {
    let verified = verify(&copy());
    assert_eq!((verified.rows, verified.fault), (ROWS, None));
    let (_, _, rows) = template();
    assert_eq!(rows.last().map(|row| row.hash), Some(verified.hash));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_changed_byte_of_a_row_is_found(
        seq in 1..=ROWS, column in 1usize..15, at: prop::sample::Index, with in 1u8..=255,
    ) {
        let folder = copy();
        let meddler = folder.meddle();
        let column = COLUMNS[column];
        let value: Value = meddler
            .query_row(&format!("SELECT {column} FROM rows WHERE seq = ?1"), [seq], |row| {
                row.get(0)
            })
            .unwrap();
        let change = |mut bytes: Vec<u8>| {
            if bytes.is_empty() {
                bytes.push(with);
            } else {
                let at = at.index(bytes.len());
                bytes[at] ^= with;
            }
            bytes
        };
        let integer = matches!(
            column, "time" | "request" | "client_id" | "order_id" | "perm_id"
        );
        let (sql, value) = match value {
            Value::Null if integer => ("?2", Value::Integer(with.into())),
            Value::Null => ("CAST(?2 AS TEXT)", Value::Blob(vec![with])),
            Value::Integer(number) => ("?2", Value::Integer(number ^ i64::from(with))),
            Value::Text(text) => ("CAST(?2 AS TEXT)", Value::Blob(change(text.into_bytes()))),
            Value::Blob(bytes) => ("?2", Value::Blob(change(bytes))),
            Value::Real(_) => unreachable!(),
        };
        let sql = format!("UPDATE rows SET {column} = {sql} WHERE seq = ?1");
        meddler.execute(&sql, (seq, value)).unwrap();
        let verified = verify(&folder);
        prop_assert_eq!(verified.fault, Some(Fault::Altered { seq }), "{}", column);
        prop_assert_eq!(verified.rows, seq - 1);
    }

    #[test]
    fn missing_rows_are_found(from in 1..=ROWS, count in 1..=ROWS, renumber: bool) {
        let to = ROWS.min(from + count - 1);
        let folder = copy();
        let meddler = folder.meddle();
        meddler.execute("DELETE FROM rows WHERE seq BETWEEN ?1 AND ?2", [from, to]).unwrap();
        if renumber {
            shift(&meddler, to, from - 1 - to);
        }
        let fault = verify(&folder).fault;
        if to == ROWS {
            // At the end only the head file knows of them.
            prop_assert!(matches!(fault, Some(Fault::Tail { .. })), "{fault:?}");
        } else {
            prop_assert_eq!(fault, Some(Fault::Missing { from, to }));
        }
    }

    #[test]
    fn swapped_rows_are_found(a in 1..=ROWS, b in 1..=ROWS) {
        prop_assume!(a < b);
        let folder = copy();
        let meddler = folder.meddle();
        for (from, to) in [(a, -1), (b, a), (-1, b)] {
            meddler.execute("UPDATE rows SET seq = ?2 WHERE seq = ?1", [from, to]).unwrap();
        }
        let fault = verify(&folder).fault;
        prop_assert_eq!(fault, Some(Fault::Reordered { seq: a, written_as: b }));
    }

    #[test]
    fn an_inserted_row_is_found(at in 1..=ROWS + 1, of in 1..=ROWS) {
        let folder = copy();
        let meddler = folder.meddle();
        shift(&meddler, at, 1);
        let of = if of >= at { of + 1 } else { of };
        let columns = COLUMNS[1..].join(", ");
        let fields = columns.replace("idempotency_key", "NULL");
        meddler
            .execute(
                &format!(
                    "INSERT INTO rows (seq, {columns}) SELECT ?1, {fields} FROM rows WHERE seq = ?2"
                ),
                [at, of],
            )
            .unwrap();
        let fault = verify(&folder).fault;
        let moved = of == at + 1;
        if moved {
            // A copy right before the original: which is which cannot be told.
            prop_assert_eq!(fault, Some(Fault::Inserted { seq: at + 1 }));
        } else {
            prop_assert_eq!(fault, Some(Fault::Inserted { seq: at }));
        }
    }

    #[test]
    fn a_changed_byte_of_the_file_is_found_or_changes_nothing(
        at: prop::sample::Index, with in 1u8..=255,
    ) {
        let folder = copy();
        let mut bytes = template().0.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= with;
        std::fs::write(folder.journal(), bytes).unwrap();
        // What does not open or cannot be walked is found too.
        let Ok(reader) = Reader::open(folder.journal()) else {
            return Ok(());
        };
        let Ok(verified) = reader.verify() else {
            return Ok(());
        };
        if verified.is_whole() {
            let rows: Result<Vec<Row>, _> = reader.rows(&Default::default()).collect();
            prop_assert_eq!(rows.as_ref(), Ok(&template().2));
        }
    }

    #[test]
    fn a_changed_byte_of_the_head_file_is_found(
        at: prop::sample::Index, with in 1u8..=255,
    ) {
        let folder = copy();
        let mut bytes = template().1.clone();
        // The process behind it is no part of the chain.
        let at = at.index(bytes.len() - 11);
        bytes[at] ^= with;
        std::fs::write(folder.head(), bytes).unwrap();
        let fault = verify(&folder).fault;
        prop_assert!(matches!(fault, Some(Fault::Tail { .. })), "{fault:?}");
        let opened = sandpit_gateway::Journal::open(folder.journal(), Default::default());
        prop_assert!(matches!(opened, Err(OpenError::Tail { .. })), "it opened");
    }
}

/// The hash of a row as somebody who knows how computes it.
fn forge(meddler: &Connection, seq: i64) {
    use sha2::{Digest, Sha256};
    let columns = COLUMNS[..14].join(", ");
    let sql = format!("SELECT {columns} FROM rows WHERE seq = ?1");
    let values: Vec<Value> = meddler
        .query_row(&sql, [seq], |row| (0..14).map(|at| row.get(at)).collect())
        .unwrap();
    let mut digest = Sha256::new();
    digest.update(b"sandpit row 1\0");
    digest.update(13u64.to_be_bytes());
    for value in values {
        let (kind, bytes) = match value {
            Value::Null => (0, Vec::new()),
            Value::Integer(number) => (1, number.to_be_bytes().to_vec()),
            Value::Text(text) => (3, text.into_bytes()),
            Value::Blob(bytes) => (4, bytes),
            Value::Real(_) => unreachable!(),
        };
        digest.update([kind]);
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    }
    let hash: [u8; 32] = digest.finalize().into();
    meddler
        .execute("UPDATE rows SET hash = ?2 WHERE seq = ?1", (seq, hash))
        .unwrap();
}

#[test]
fn a_row_that_was_forged_with_its_hash_is_found() {
    for seq in 1..=ROWS {
        let folder = copy();
        let meddler = folder.meddle();
        meddler
            .execute("UPDATE rows SET time = time + 1 WHERE seq = ?1", [seq])
            .unwrap();
        forge(&meddler, seq);
        let fault = verify(&folder).fault;
        if seq == ROWS {
            assert!(matches!(fault, Some(Fault::Tail { .. })), "{fault:?}");
        } else {
            assert_eq!(fault, Some(Fault::Altered { seq }));
        }
    }
}

#[test]
fn a_row_that_was_forged_and_put_in_is_found() {
    for at in 2..=ROWS {
        let folder = copy();
        let meddler = folder.meddle();
        shift(&meddler, at, 1);
        meddler
            .execute(
                "INSERT INTO rows (seq, time, kind, payload, previous, hash)
                 SELECT ?1, time, 'note', '{}', hash, hash FROM rows WHERE seq = ?1 - 1",
                [at],
            )
            .unwrap();
        forge(&meddler, at);
        assert_eq!(verify(&folder).fault, Some(Fault::Inserted { seq: at }));
    }
}

#[test]
fn a_chain_that_was_forged_to_its_end_does_not_fit_its_head() {
    let folder = copy();
    let meddler = folder.meddle();
    meddler
        .execute("UPDATE rows SET time = time + 1 WHERE seq = 3", [])
        .unwrap();
    forge(&meddler, 3);
    for seq in 4..=ROWS {
        meddler
            .execute(
                "UPDATE rows SET previous = (SELECT hash FROM rows WHERE seq = ?1 - 1)
                 WHERE seq = ?1",
                [seq],
            )
            .unwrap();
        forge(&meddler, seq);
    }
    let verified = verify(&folder);
    assert!(
        matches!(&verified.fault, Some(Fault::Tail { found }) if found.contains("replaced")),
        "{verified:?}"
    );
}

#[test]
fn another_name_of_the_journal_breaks_the_first_row() {
    let folder = copy();
    let meddler = folder.meddle();
    meddler
        .execute("UPDATE journal SET name = 'other'", [])
        .unwrap();
    assert_eq!(verify(&folder).fault, Some(Fault::Altered { seq: 1 }));
}

#[test]
fn a_meddled_index_of_orders_is_found() {
    for sql in [
        "UPDATE orders SET ended = 1 WHERE order_id = 8",
        "UPDATE orders SET order_id = 9 WHERE order_id = 8",
        "DELETE FROM orders WHERE order_id = 7",
    ] {
        let folder = copy();
        folder.meddle().execute(sql, []).unwrap();
        let fault = verify(&folder).fault;
        assert!(matches!(fault, Some(Fault::Index { .. })), "{sql}");
    }
}

#[test]
fn a_fault_is_told_in_a_sentence() {
    let folder = copy();
    let meddler = folder.meddle();
    meddler
        .execute("DELETE FROM rows WHERE seq IN (3, 4)", [])
        .unwrap();
    let fault = verify(&folder).fault.map(|fault| fault.to_string());
    assert_eq!(fault.as_deref(), Some("Rows 3 to 4 are missing."));
    meddler
        .execute("DELETE FROM rows WHERE seq > 10", [])
        .unwrap();
    let opened = sandpit_gateway::Journal::open(folder.journal(), Default::default());
    let words = opened.map(drop).unwrap_err().to_string();
    assert!(
        words.contains("It ends with row 10, and row 12 was written"),
        "{words}"
    );
}
