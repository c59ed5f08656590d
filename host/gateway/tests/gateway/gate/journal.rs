//! When the journal cannot be written.

use sandpit_gateway::journal::Kind;
use sandpit_gateway::model::OrderType;

use super::{gated, plain};
use crate::support::{buy, caller, kind, n};

#[tokio::test]
async fn nothing_goes_out_but_cancels_while_the_journal_cannot_be_written() {
    let setup = gated(|_| {}).await;
    let gateway = &setup.gateway;
    let spy = setup.stock("SPY").await;
    let order = buy(1, OrderType::Limit(n("100")));
    let placed = gateway
        .place(&caller(), &spy, &order, &plain())
        .await
        .unwrap();
    // Another program holds the file.
    let path = setup.folder.path().join("journal.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (kind_of, text) = kind(gateway.place(&caller(), &spy, &order, &plain()).await);
    assert_eq!(kind_of, "other");
    assert!(text.contains("No order goes out"), "{text}");
    let changed = gateway
        .modify(&caller(), placed.order_id, &spy, &order, &plain())
        .await;
    assert_eq!(kind(changed).0, "other");
    let cancelled = gateway.cancel(&caller(), placed.order_id).await.unwrap();
    assert!(cancelled.status.is_final());
    assert_eq!(setup.received("PlaceOrderRequest"), 1);
    // It recovers by itself.
    other.execute_batch("ROLLBACK").unwrap();
    gateway
        .place(&caller(), &spy, &order, &plain())
        .await
        .unwrap();
    assert_eq!(setup.rows(&[Kind::Sending]).len(), 2);
    setup.end().await;
}

#[tokio::test]
async fn nothing_goes_out_once_the_journal_was_moved_away() {
    let setup = gated(|_| {}).await;
    let spy = setup.stock("SPY").await;
    let path = setup.folder.path().join("journal.db");
    std::fs::rename(&path, setup.folder.path().join("elsewhere.db")).unwrap();
    std::fs::create_dir(&path).unwrap();
    let order = buy(1, OrderType::Market);
    let refused = setup.gateway.place(&caller(), &spy, &order, &plain()).await;
    let (kind_of, text) = kind(refused);
    assert_eq!(kind_of, "other");
    assert!(text.contains("moved"), "{text}");
    assert_eq!(setup.received("PlaceOrderRequest"), 0);
    setup.end().await;
}

#[tokio::test]
async fn what_the_gate_remembered_and_cannot_be_read_halts() {
    let setup = gated(|_| {}).await;
    let spy = setup.stock("SPY").await;
    let order = buy(1, OrderType::Limit(n("100")));
    setup
        .gateway
        .place(&caller(), &spy, &order, &plain())
        .await
        .unwrap();
    let path = setup.folder.path().join("journal.db");
    let meddler = rusqlite::Connection::open(&path).unwrap();
    meddler
        .execute("UPDATE kept SET state = 'nonsense'", [])
        .unwrap();
    drop(meddler);
    let setup = setup.restart(|_| {}).await;
    let refused = setup.gateway.place(&caller(), &spy, &order, &plain()).await;
    let (kind_of, text) = kind(refused);
    assert_eq!(kind_of, "no-permission");
    assert!(text.contains("remembered"), "{text}");
    setup.gateway.resume("ops").await.unwrap();
    setup
        .gateway
        .place(&caller(), &spy, &order, &plain())
        .await
        .unwrap();
    setup.end().await;
}
