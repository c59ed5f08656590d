//! What is said about an order on its way, and in what order.

use ibapi::orders::Action;

use super::{limit, market, open_orders};
use crate::support::{ACCOUNT, Trader, decimal, still, stock};

#[tokio::test]
async fn a_market_order_is_reported_in_the_order_tws_does_it() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    trader
        .place(1, &stock("VTI"), &market(Action::Buy, 10.0))
        .await;
    assert_eq!(
        trader.hears(6).await,
        [
            "open 1 PreSubmitted",
            "status 1 PreSubmitted 0/10",
            "execution 1 BOT 10 at 328.51",
            "open 1 Filled",
            "status 1 Filled 10/0",
            "commission 1",
        ]
    );
    let books = simulator.books();
    books.check().unwrap();
    let mine = books.account(ACCOUNT).unwrap();
    assert_eq!(mine.cash["USD"], decimal("96713.90"));
    assert_eq!(mine.position("VTI").unwrap().quantity, decimal("130"));
    assert_eq!(trader.client.next_valid_order_id().await.unwrap(), 2);
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_large_order_fills_in_parts_with_one_minimum_commission() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    trader
        .place(1, &stock("XLF"), &market(Action::Buy, 6000.0))
        .await;
    let first = trader.hears_until("commission").await;
    assert!(
        first
            .iter()
            .any(|line| line.starts_with("status 1 Submitted")),
        "{first:?}"
    );
    simulator.control().step(20);
    let rest = trader.hears_until("status 1 Filled").await;
    assert!(
        rest.iter()
            .filter(|line| line.starts_with("execution"))
            .count()
            >= 1,
        "{rest:?}"
    );
    let books = simulator.books();
    books.check().unwrap();
    assert!(books.executions.len() > 1);
    assert_eq!(
        books.account(ACCOUNT).unwrap().commissions,
        decimal("30.00")
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_limit_order_rests_until_its_price_comes() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    trader
        .place(1, &stock("VTI"), &limit(Action::Buy, 10.0, 320.0))
        .await;
    assert_eq!(
        trader.hears(2).await,
        ["open 1 Submitted", "status 1 Submitted 0/10"]
    );
    assert_eq!(
        open_orders(&mut trader).await,
        [(1, "Submitted".to_owned())]
    );
    simulator
        .control()
        .set_price("VTI", decimal("319.00"))
        .unwrap();
    let filled = trader.hears_until("commission").await;
    assert!(
        filled.contains(&"execution 1 BOT 10 at 320".to_owned()),
        "{filled:?}"
    );
    assert!(open_orders(&mut trader).await.is_empty());

    // One that can trade at once gets the market's price, not its own.
    trader
        .place(2, &stock("TLT"), &limit(Action::Sell, 10.0, 80.0))
        .await;
    let filled = trader.hears_until("commission").await;
    assert!(
        filled.contains(&"execution 2 SLD 10 at 89.39".to_owned()),
        "{filled:?}"
    );
    simulator.books().check().unwrap();
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_cancel_is_a_status_and_then_202() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    trader
        .place(1, &stock("VTI"), &limit(Action::Buy, 10.0, 320.0))
        .await;
    trader.hears(2).await;
    trader.cancel(1).await;
    assert_eq!(
        trader.hears(2).await,
        ["status 1 Cancelled 0/10", "error 1 202"]
    );
    trader.cancel(1).await;
    assert_eq!(trader.hears(1).await, ["error 1 10148"]);
    trader.cancel(77).await;
    assert_eq!(trader.hears(1).await, ["error 77 10147"]);
    simulator.shutdown().await;
}

#[tokio::test]
async fn an_order_can_be_modified_while_it_works_only() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    trader
        .place(1, &stock("VTI"), &limit(Action::Buy, 10.0, 320.0))
        .await;
    trader.hears(2).await;
    trader
        .place(1, &stock("TLT"), &limit(Action::Buy, 10.0, 80.0))
        .await;
    assert_eq!(trader.hears(1).await, ["error 1 105"]);
    trader
        .place(1, &stock("VTI"), &limit(Action::Buy, 5.0, 329.0))
        .await;
    assert_eq!(
        trader.hears(2).await,
        ["open 1 Submitted", "status 1 Submitted 0/5"]
    );
    trader.hears_until("commission").await;
    trader
        .place(1, &stock("VTI"), &limit(Action::Buy, 5.0, 329.0))
        .await;
    assert_eq!(trader.hears(1).await, ["error 1 104"]);
    trader
        .place(2, &stock("VTI"), &limit(Action::Buy, 10.0, 320.0))
        .await;
    trader.cancel(2).await;
    trader.hears_until("error 2 202").await;
    trader
        .place(2, &stock("VTI"), &limit(Action::Buy, 10.0, 321.0))
        .await;
    assert_eq!(trader.hears(1).await, ["error 2 103"]);
    simulator.books().check().unwrap();
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_staged_order_is_silent_until_it_is_transmitted() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let mut staged = limit(Action::Buy, 10.0, 320.0);
    staged.transmit = false;
    trader.place(1, &stock("VTI"), &staged).await;
    trader
        .place(2, &stock("TLT"), &limit(Action::Buy, 10.0, 80.0))
        .await;
    // The first thing heard is about the second order.
    assert_eq!(
        trader.hears(2).await,
        ["open 2 Submitted", "status 2 Submitted 0/10"]
    );
    assert_eq!(
        open_orders(&mut trader).await,
        [(2, "Submitted".to_owned())]
    );
    assert_eq!(simulator.books().orders[0].status, "Staged");
    staged.transmit = true;
    trader.place(1, &stock("VTI"), &staged).await;
    assert_eq!(
        trader.hears(2).await,
        ["open 1 Submitted", "status 1 Submitted 0/10"]
    );

    let mut dropped = limit(Action::Buy, 10.0, 320.0);
    dropped.transmit = false;
    trader.place(3, &stock("VTI"), &dropped).await;
    trader.cancel(3).await;
    assert_eq!(
        trader.hears(2).await,
        ["status 3 Cancelled 0/10", "error 3 202"]
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn paused_fills_wait() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    simulator.control().pause_fills();
    trader
        .place(1, &stock("VTI"), &market(Action::Buy, 10.0))
        .await;
    assert_eq!(
        trader.hears(2).await,
        ["open 1 PreSubmitted", "status 1 PreSubmitted 0/10"]
    );
    simulator.control().step(5);
    trader.settle().await;
    assert!(simulator.books().executions.is_empty());
    simulator.control().resume_fills();
    trader.hears_until("commission").await;
    assert_eq!(simulator.books().executions.len(), 1);
    simulator.shutdown().await;
}
