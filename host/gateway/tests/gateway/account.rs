//! Accounts: summary, positions, profit and loss, and their stream.

use std::time::Duration;

use sandpit_gateway::AccountStream;
use sandpit_gateway::model::{AccountBatch, OrderOptions, OrderType, Value};
use sandpit_simulator::SimulatorConfig;

use crate::support::{SOON, Setup, buy, caller, kind, until};

const ACCOUNT: &str = "DU1234567";

#[tokio::test]
async fn the_summary_agrees_with_the_books() {
    let setup = Setup::new().await;
    let summary = setup.gateway.summary().await.unwrap();
    let books = setup.simulator.books();
    let row = summary
        .iter()
        .find(|row| row.tag == "NetLiquidation")
        .unwrap();
    assert_eq!(row.account, ACCOUNT);
    assert_eq!(row.currency.as_deref(), Some("USD"));
    let Value::Number(value) = &row.value else {
        panic!("{row:?}")
    };
    let exact = books.account(ACCOUNT).unwrap().net_liquidation;
    assert!(
        (*value - exact).abs() < crate::support::n("0.01"),
        "{value} {exact}"
    );
    let kind = summary.iter().find(|row| row.tag == "AccountType").unwrap();
    assert!(matches!(kind.value, Value::Text(_)));
    until("nothing runs on", || setup.subscriptions() == 0).await;
    setup.end().await;
}

#[tokio::test]
async fn positions_agree_with_the_books() {
    let setup = Setup::new().await;
    let positions = setup.gateway.positions().await.unwrap();
    let books = setup.simulator.books();
    let account = books.account(ACCOUNT).unwrap();
    assert_eq!(positions.len(), account.positions.len());
    for position in &positions {
        let record = account
            .positions
            .iter()
            .find(|record| Some(record.con_id) == position.contract.con_id)
            .unwrap();
        assert_eq!(position.quantity, record.quantity);
    }
    setup.end().await;
}

#[tokio::test]
async fn many_callers_at_once_get_whole_answers() {
    let setup = Setup::new().await;
    let expected = setup.gateway.positions().await.unwrap().len();
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let gateway = setup.gateway.clone();
            tokio::spawn(async move {
                let positions = gateway.positions().await.unwrap().len();
                let summary = gateway.summary().await.unwrap();
                let orders = gateway.open_orders().await.unwrap().len();
                let accounts = gateway.accounts().await.unwrap().len();
                (positions, summary.is_empty(), orders, accounts)
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), (expected, false, 0, 1));
    }
    until("nothing runs on", || setup.subscriptions() == 0).await;
    setup.end().await;
}

#[tokio::test]
async fn profit_and_loss_have_numbers() {
    let setup = Setup::new().await;
    let pnl = setup.gateway.pnl(None).await.unwrap();
    assert!(pnl.daily.is_some() && pnl.unrealized.is_some());
    let vti = setup.stock("VTI").await.con_id.unwrap();
    let single = setup.gateway.pnl_single(Some(ACCOUNT), vti).await.unwrap();
    assert_eq!(single.quantity, 120.into());
    assert!(single.value.is_some());
    let (kind, text) = kind(setup.gateway.pnl_single(None, 999).await);
    assert_eq!(kind, "not-found");
    assert!(text.contains("999"), "{text}");
    until("nothing runs on", || setup.subscriptions() == 0).await;
    setup.end().await;
}

fn two_accounts() -> SimulatorConfig {
    SimulatorConfig {
        accounts: vec!["DU1".into(), "DU2".into()],
        ..SimulatorConfig::default()
    }
}

#[tokio::test]
async fn with_several_accounts_one_must_be_named() {
    let setup = Setup::with(two_accounts(), |_| {}).await;
    assert_eq!(setup.gateway.accounts().await.unwrap(), ["DU1", "DU2"]);
    for outcome in [
        setup.gateway.pnl(None).await.map(|_| ()),
        setup.gateway.pnl(Some("DU9")).await.map(|_| ()),
        setup.gateway.subscribe_account(None).await.map(|_| ()),
        setup
            .gateway
            .place(
                &caller(),
                &setup.stock("SPY").await,
                &buy(1, OrderType::Market),
                &OrderOptions::default(),
            )
            .await
            .map(|_| ()),
    ] {
        let (kind, text) = kind(outcome);
        assert_eq!(kind, "invalid-request");
        assert!(text.contains("DU1, DU2"), "{text}");
    }
    assert!(setup.gateway.pnl(Some("DU2")).await.is_ok());
    assert_eq!(setup.received("PlaceOrderRequest"), 0);
    setup.end().await;
}

/// Reads until the account was told completely.
async fn complete(stream: &mut AccountStream) -> AccountBatch {
    let mut all = AccountBatch::default();
    while !all.complete {
        let batch = stream.next(SOON).await.unwrap().unwrap();
        all.values.extend(batch.values);
        all.portfolio.extend(batch.portfolio);
        all.complete = batch.complete;
        all.updated = batch.updated;
        all.stale = batch.stale;
    }
    all
}

#[tokio::test]
async fn two_watchers_share_one_subscription() {
    let setup = Setup::new().await;
    let mut first = setup.gateway.subscribe_account(None).await.unwrap();
    let mut second = setup
        .gateway
        .subscribe_account(Some(ACCOUNT))
        .await
        .unwrap();
    for stream in [&mut first, &mut second] {
        let all = complete(stream).await;
        assert!(all.values.iter().any(|value| value.tag == "NetLiquidation"));
        assert_eq!(all.portfolio.len(), 3);
    }
    assert_eq!(setup.subscriptions(), 1);
    assert_eq!(setup.received("AccountDataRequest"), 1);
    drop(first);
    let mut third = setup.gateway.subscribe_account(None).await.unwrap();
    complete(&mut third).await;
    drop((second, third));
    until("it is cancelled", || setup.subscriptions() == 0).await;
    let mut again = setup.gateway.subscribe_account(None).await.unwrap();
    complete(&mut again).await;
    setup.end().await;
}

#[tokio::test]
async fn a_fill_shows_in_the_stream() {
    let setup = Setup::new().await;
    let mut stream = setup.gateway.subscribe_account(None).await.unwrap();
    complete(&mut stream).await;
    let spy = setup.stock("SPY").await;
    setup
        .gateway
        .place(
            &caller(),
            &spy,
            &buy(3, OrderType::Market),
            &OrderOptions::default(),
        )
        .await
        .unwrap();
    let bought = async {
        loop {
            setup.simulator.control().step(1);
            let batch = stream
                .next(Duration::from_millis(200))
                .await
                .unwrap()
                .unwrap();
            let item = batch
                .portfolio
                .into_iter()
                .find(|item| item.position.contract.symbol == "SPY");
            if let Some(item) = item {
                return item;
            }
        }
    };
    let item = tokio::time::timeout(SOON, bought).await.unwrap();
    assert_eq!(item.position.quantity, 3.into());
    assert!(item.market_value.is_some());
    setup.end().await;
}

#[tokio::test]
async fn tws_streams_one_account_at_a_time() {
    let setup = Setup::with(two_accounts(), |_| {}).await;
    let first = setup.gateway.subscribe_account(Some("DU1")).await.unwrap();
    let (kind, text) = kind(setup.gateway.subscribe_account(Some("DU2")).await);
    assert_eq!(kind, "pacing");
    assert!(text.contains("DU1"), "{text}");
    drop(first);
    let mut second = setup.gateway.subscribe_account(Some("DU2")).await.unwrap();
    let all = complete(&mut second).await;
    assert!(all.values.iter().all(|value| value.account == "DU2"));
    setup.end().await;
}

#[tokio::test]
async fn positions_are_asked_for_once_and_never_older_than_a_fill() {
    let setup = Setup::with(SimulatorConfig::default(), |config| {
        config.idle_time = Duration::from_secs(3_600);
    })
    .await;
    let gateway = &setup.gateway;
    for _ in 0..5 {
        assert_eq!(gateway.positions().await.unwrap().len(), 3);
    }
    assert_eq!(setup.received("PositionsRequest"), 1);
    let spy = setup.stock("SPY").await;
    for bought in 1..=5 {
        let order = buy(1, OrderType::Market);
        let options = OrderOptions::default();
        let placed = gateway.place(&caller(), &spy, &order, &options).await;
        assert_eq!(placed.unwrap().filled, 1.into());
        let positions = gateway.positions().await.unwrap();
        let held = positions
            .iter()
            .find(|position| position.contract.con_id == spy.con_id)
            .unwrap();
        assert_eq!(held.quantity, bought.into());
    }
    setup.end().await;
}

#[tokio::test]
async fn profit_and_loss_share_a_subscription() {
    let setup = Setup::with(SimulatorConfig::default(), |config| {
        config.idle_time = Duration::from_secs(3_600);
    })
    .await;
    let gateway = &setup.gateway;
    let begin = time::OffsetDateTime::now_utc() - time::Duration::SECOND;
    for _ in 0..5 {
        let pnl = gateway.pnl(None).await.unwrap();
        assert!(pnl.as_of > begin && !pnl.stale);
    }
    assert_eq!(setup.received("PnLRequest"), 1);
    setup.simulator.control().drop_connections();
    until("it is noticed", || !gateway.status().connected).await;
    until("it is back", || gateway.status().connected).await;
    let pnl = gateway.pnl(None).await.unwrap();
    assert!(pnl.daily.is_some());
    until("it is subscribed again", || {
        setup.received("PnLRequest") == 2
    })
    .await;
    setup.end().await;
}

#[tokio::test]
async fn what_changed_while_the_connection_was_broken_is_told() {
    let setup = Setup::new().await;
    let gateway = &setup.gateway;
    let mut stream = gateway.subscribe_account(None).await.unwrap();
    let before = complete(&mut stream).await;
    assert!(before.updated.is_some() && !before.stale);
    let control = setup.simulator.control();
    control.refuse_connections();
    control.drop_connections();
    let stale = async { while !stream.next(SOON).await.unwrap().unwrap().stale {} };
    tokio::time::timeout(SOON, stale).await.unwrap();
    control.accept_connections();
    let back = async {
        let mut gap = None;
        loop {
            let batch = stream.next(SOON).await.unwrap().unwrap();
            gap = gap.or(batch.gap);
            if let Some(gap) = gap.filter(|_| batch.complete && !batch.stale) {
                return gap;
            }
        }
    };
    let gap = tokio::time::timeout(SOON, back).await.unwrap();
    assert!(gap.since <= gap.until);
    drop(stream);
    until("nothing runs on", || setup.subscriptions() == 0).await;
    setup.end().await;
}
