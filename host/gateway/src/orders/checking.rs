//! Whether the journal has the fills that TWS has.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use time::OffsetDateTime;
use time_tz::{OffsetDateTimeExt, Tz};

use super::book::Book;
use crate::journal::{Event, FillRecord, Filter, Kind, ReadError, Reader};
use crate::session::Session;

/// Fills by the part of their id that corrections keep: signed quantity, and
/// what was traded.
type Fills = BTreeMap<String, (Decimal, String)>;

/// Holds the fills of today in the journal against those of TWS, and says in
/// the log where they differ.
pub(super) async fn check_fills(session: &Session) {
    let book = &session.book;
    let first = differences(book).await;
    if first.is_empty() {
        return;
    }
    // A fill in this very moment may be known here and not be written yet.
    tokio::time::sleep(session.config.order_settle).await;
    book.settled().await;
    let again = differences(book).await;
    for difference in first.iter().filter(|one| again.contains(one)) {
        tracing::error!("{difference}");
    }
}

/// What does not agree, in sentences.
async fn differences(book: &Book) -> Vec<String> {
    let (Some(recorder), Some(zone)) = (&book.recorder, book.zone()) else {
        return Vec::new();
    };
    let midnight = midnight(OffsetDateTime::now_utc(), zone);
    let client_id = book.state().client_id;
    let gateway = recorder.gateway.clone();
    let question = move |reader: &Reader| journalled(reader, gateway, client_id, midnight);
    let journalled = match recorder.journal.read(question).await {
        Ok(journalled) => journalled,
        Err(error) => {
            return vec![format!(
                "The fills in the order journal cannot be held against those of TWS: {error}"
            )];
        }
    };
    compare(&journalled, &told(book, midnight))
}

fn midnight(now: OffsetDateTime, zone: &Tz) -> OffsetDateTime {
    now.to_timezone(zone).replace_time(time::Time::MIDNIGHT)
}

/// The fills of today as the journal has them.
fn journalled(
    reader: &Reader,
    gateway: String,
    client_id: i32,
    since: OffsetDateTime,
) -> Result<Fills, ReadError> {
    let filter = Filter {
        gateway: Some(gateway),
        kinds: vec![Kind::Fill, Kind::Correction],
        from: Some(since),
        ..Filter::default()
    };
    let mut latest: BTreeMap<String, Option<FillRecord>> = BTreeMap::new();
    for row in reader.rows(&filter) {
        let row = row?;
        if row.about.client_id.is_some_and(|id| id != client_id) {
            continue;
        }
        match row.event {
            Event::Fill(fill) => {
                latest.entry(root(&fill.exec_id)).or_insert(Some(fill));
            }
            Event::Correction(correction) => {
                latest.insert(root(&correction.exec_id), correction.fill);
            }
            _ => {}
        }
    }
    let fills = latest.into_iter().filter_map(|(root, fill)| {
        let fill = fill.filter(|fill| fill.time >= since)?;
        let signed = if fill.side == "SLD" {
            -fill.shares
        } else {
            fill.shares
        };
        let of = format!("{} on {}", fill.contract.words(), fill.account);
        Some((root, (signed, of)))
    });
    Ok(fills.collect())
}

/// The fills of today as TWS told of them.
fn told(book: &Book, since: OffsetDateTime) -> Fills {
    let state = book.state();
    let mut latest: BTreeMap<String, FillRecord> = BTreeMap::new();
    let executions = state.executions.values().map(|told| &told.execution);
    for execution in executions.filter(|execution| execution.time >= since) {
        let fill = FillRecord::from(execution);
        let root = root(&fill.exec_id);
        let newer = latest
            .get(&root)
            .is_none_or(|known| known.exec_id < fill.exec_id);
        if newer {
            latest.insert(root, fill);
        }
    }
    let fills = latest.into_iter().map(|(root, fill)| {
        let signed = if fill.side == "SLD" {
            -fill.shares
        } else {
            fill.shares
        };
        let of = format!("{} on {}", fill.contract.words(), fill.account);
        (root, (signed, of))
    });
    fills.filter(|(_, (signed, _))| !signed.is_zero()).collect()
}

/// Where two lists of fills differ, by what was traded.
fn compare(journalled: &Fills, told: &Fills) -> Vec<String> {
    let mut sums: BTreeMap<&str, (Decimal, Decimal, Vec<&str>)> = BTreeMap::new();
    for (root, (signed, of)) in journalled {
        let (ours, _, odd) = sums.entry(of).or_default();
        *ours += *signed;
        if told.get(root).is_none_or(|(other, _)| other != signed) {
            odd.push(root);
        }
    }
    for (root, (signed, of)) in told {
        let (_, theirs, odd) = sums.entry(of).or_default();
        *theirs += *signed;
        if !journalled.contains_key(root) {
            odd.push(root);
        }
    }
    let differ = sums.into_iter().filter(|(_, (_, _, odd))| !odd.is_empty());
    differ
        .map(|(of, (ours, theirs, odd))| {
            format!(
                "The order journal and TWS do not agree on today's fills of {of}: the journal \
                 adds up to {ours}, TWS to {theirs}. They differ in {}.",
                odd.join(", ")
            )
        })
        .collect()
}

/// The part of an execution's id that its corrections keep.
fn root(exec_id: &str) -> String {
    let root = exec_id.rsplit_once('.').map_or(exec_id, |(root, _)| root);
    root.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fills(all: &[(&str, i64)]) -> Fills {
        let of = || "SPY STK on DU1".to_owned();
        all.iter()
            .map(|(root, signed)| ((*root).to_owned(), (Decimal::from(*signed), of())))
            .collect()
    }

    #[test]
    fn what_differs_is_told_with_both_numbers() {
        let journalled = fills(&[("a", 10), ("b", -4)]);
        assert_eq!(compare(&journalled, &journalled), Vec::<String>::new());
        for (told, sum, id) in [
            (fills(&[("a", 10)]), "10", "b"),
            (fills(&[("a", 10), ("b", -3)]), "7", "b"),
            (fills(&[("a", 10), ("b", -4), ("c", 1)]), "7", "c"),
        ] {
            let words = compare(&journalled, &told).concat();
            let expected = format!("adds up to 6, TWS to {sum}. They differ in {id}.");
            assert!(words.ends_with(&expected), "{words}");
        }
    }

    #[test]
    fn fills_that_only_add_up_to_the_same_are_told_too() {
        let words = compare(&fills(&[("a", 5)]), &fills(&[("b", 5)]));
        assert_eq!(words.len(), 1);
    }
}
