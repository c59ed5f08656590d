//! The journal from the command line: while a host writes it, and after.

use std::path::Path;

use serde_json::Value;

use super::{Floor, place, refusal};
use crate::support::simulator;

#[tokio::test]
async fn orders_are_listed_told_and_exported() {
    let simulator = simulator().await;
    let floor = Floor::new("[gate.rules]\nmax_quantity = 10");
    let mut host = floor.host(simulator.address()).await;
    let id = place(&host, 2).await.to_string();
    refusal(&host, 11).await.expect("eleven are too many");

    // While the host has it open.
    let table = floor.run(&["journal", "list"]).await.ok();
    for words in [
        "SEQ",
        "asked",
        "verdict",
        "refused",
        "sending",
        "ibkr_place_order",
    ] {
        assert!(table.contains(words), "{words}: {table}");
    }
    let last = floor
        .run(&["journal", "list", "--limit", "1", "--format", "json"])
        .await
        .json();
    let refused = floor
        .run(&["journal", "list", "--kind", "refused"])
        .await
        .ok();
    assert!(
        refused.contains("refused by max_quantity") && !refused.contains("sending"),
        "{refused}"
    );
    let lines = |text: String| -> Vec<Value> {
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    };
    let export = ["journal", "export", "--format", "json"];
    let all = lines(floor.run(&export).await.ok());
    assert_eq!(all.last(), Some(&last));
    assert_eq!(all.len() as i64, last["seq"].as_i64().unwrap());

    let orders = ["journal", "list", "--orders", "--format", "json"];
    let orders = lines(floor.run(&orders).await.ok());
    let sent: Vec<_> = orders
        .iter()
        .filter(|order| order["sent"] == true)
        .collect();
    let [order] = sent.as_slice() else {
        panic!("one order was sent: {orders:?}");
    };
    let key = order["orderKey"].as_str().unwrap();
    assert_eq!(order["orderId"].to_string(), id);
    let by_id = floor.run(&["journal", "show", &id]).await.ok();
    let by_key = floor.run(&["journal", "show", key]).await.ok();
    assert_eq!(by_id, by_key);
    for words in [key, "SPY", "working", "sending"] {
        assert!(by_id.contains(words), "{words}: {by_id}");
    }
    for (flag, value, some) in [
        ("--symbol", "spy", true),
        ("--symbol", "QQQ", false),
        ("--order", key, true),
        ("--order", "999999", false),
        ("--account", "DU1234567", true),
        ("--account", "U1", false),
        ("--gateway", "default", true),
        ("--gateway", "live", false),
        ("--since", "1h", true),
        ("--until", "1h", false),
        ("--since", "2000-01-01", true),
    ] {
        let mut command = export.to_vec();
        command.extend([flag, value]);
        let rows = lines(floor.run(&command).await.ok());
        assert_eq!(!rows.is_empty(), some, "{flag} {value}: {rows:?}");
        assert!(rows.len() <= all.len());
    }
    let csv = floor.run(&["journal", "export"]).await.ok();
    assert!(csv.starts_with("seq,time,kind,orderKey,"), "{csv}");
    assert_eq!(csv.lines().count(), all.len() + 1);
    for (wrong, words, code) in [
        (["show", "999999"], "has no order 999999", 1),
        (["show", "k1"], "not the key of an order", 1),
        (["list", "--kind=bought"], "asked, verdict", 2),
        (["list", "--since=soon"], "how long ago", 2),
    ] {
        let error = floor
            .run(&["journal", wrong[0], wrong[1]])
            .await
            .failed(code);
        assert!(error.contains(words), "{error}");
    }
    host.stop().await;
    floor.run(&["journal", "verify"]).await.ok();
}

#[tokio::test]
async fn an_altered_row_is_found_and_a_cut_is_accepted_by_word_only() {
    let simulator = simulator().await;
    let floor = Floor::new("");
    let mut host = floor.host(simulator.address()).await;
    place(&host, 2).await;
    place(&host, 3).await;
    let whole = floor.run(&["journal", "verify"]).await.ok();
    assert!(whole.contains("is whole"), "{whole}");
    host.stop().await;
    // A closed journal is these two files.
    let copy = floor.path("copy.db");
    std::fs::copy(floor.journal(), &copy).unwrap();
    std::fs::copy(floor.path("journal.db.head"), floor.path("copy.db.head")).unwrap();
    let verify = ["journal", "verify", "--file", copy.to_str().unwrap()];
    floor.run(&verify).await.ok();
    edit(
        &copy,
        "UPDATE rows SET payload = replace(payload, 'SPY', 'QQQ') WHERE seq = 1",
    );
    let broken = floor.run(&verify).await.failed(1);
    assert!(broken.contains("Row 1 was changed"), "{broken}");
    let broken = floor
        .run(&["journal", "verify", "--json", "--file", "copy.db"])
        .await;
    assert_eq!(broken.code, 1);
    assert_eq!(broken.json()["fault"]["what"], "altered");

    edit(
        &floor.journal(),
        "DELETE FROM rows WHERE seq = (SELECT max(seq) FROM rows)",
    );
    let cut = floor.run(&["journal", "verify"]).await.failed(1);
    assert!(cut.contains("was removed"), "{cut}");
    let host = floor.host(simulator.address()).await;
    let sentence = refusal(&host, 1).await.expect("its journal is not whole");
    assert!(sentence.contains("not whole"), "{sentence}");
    drop(host);
    floor.run(&["journal", "accept"]).await.ok();
    let notes = floor.run(&["journal", "list", "--kind", "note"]).await.ok();
    assert!(notes.contains("Accepted the journal as it is"), "{notes}");
    let host = floor.host(simulator.address()).await;
    assert_eq!(refusal(&host, 1).await, None);
}

/// Changes a journal behind its back, as somebody with the right tools can.
fn edit(journal: &Path, sql: &str) {
    let database = rusqlite::Connection::open(journal).unwrap();
    let guards: Vec<String> = {
        let names = "SELECT name FROM sqlite_master WHERE type = 'trigger'";
        let mut names = database.prepare(names).unwrap();
        let names = names.query_map([], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    };
    for guard in guards {
        database
            .execute(&format!("DROP TRIGGER {guard}"), [])
            .unwrap();
    }
    assert_eq!(database.execute(sql, []).unwrap(), 1);
}
