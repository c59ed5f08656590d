//! Orders and executions read back, by this client and by others.

use ibapi::orders::{Action, ExecutionFilter, Executions, Orders};

use super::{limit, market, open_orders};
use crate::support::{PATIENCE, Trader, connect, still, stock};

#[tokio::test]
async fn executions_come_with_their_commissions_and_can_be_filtered() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    trader
        .place(1, &stock("VTI"), &market(Action::Buy, 10.0))
        .await;
    trader
        .place(2, &stock("TLT"), &market(Action::Sell, 20.0))
        .await;
    for _ in 0..2 {
        trader.hears_until("commission").await;
    }
    let read = async |filter: ExecutionFilter| {
        let mut found = trader.client.executions(filter).await.unwrap();
        found.collect_to_end_within(PATIENCE).await.unwrap()
    };
    let all = read(ExecutionFilter::default()).await;
    let Executions::ExecutionData(bought) = &all[0] else {
        panic!("an execution first")
    };
    let Executions::CommissionReport(report) = &all[1] else {
        panic!("its commission next")
    };
    assert_eq!(all.len(), 4);
    assert_eq!(bought.execution.execution_id, report.execution_id);
    assert_eq!(
        (bought.execution.shares, bought.execution.price),
        (10.0, 328.51)
    );
    assert_eq!((report.commission, report.realized_pnl), (1.0, None));
    let Executions::CommissionReport(sold) = &all[3] else {
        panic!("its commission last")
    };
    // 20 bought at 93.12, sold at 89.39, for a dollar.
    assert!((sold.realized_pnl.unwrap() + 75.6).abs() < 1e-9);

    let tlt = read(ExecutionFilter {
        symbol: "TLT".into(),
        ..ExecutionFilter::default()
    })
    .await;
    assert_eq!(tlt.len(), 2);
    let later = read(ExecutionFilter {
        time: "20990101-00:00:00".into(),
        ..ExecutionFilter::default()
    })
    .await;
    assert!(later.is_empty());
    simulator.shutdown().await;
}

#[tokio::test]
async fn completed_orders_say_how_they_ended() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    trader
        .place(1, &stock("VTI"), &market(Action::Buy, 10.0))
        .await;
    trader
        .place(2, &stock("VTI"), &limit(Action::Buy, 10.0, 300.0))
        .await;
    trader.cancel(2).await;
    trader
        .place(3, &stock("VTI"), &limit(Action::Buy, 10.0, 300.0))
        .await;
    trader.hears_until("error 2 202").await;
    let mut completed = trader.client.completed_orders(false).await.unwrap();
    let completed: Vec<_> = completed
        .collect_to_end_within(PATIENCE)
        .await
        .unwrap()
        .into_iter()
        .filter_map(|order| match order {
            Orders::OrderData(data) => Some((
                data.order_state.status.to_string(),
                data.order_state.completed_status,
                // Of an order that is over: what was left unfilled, and what was filled.
                (data.order.total_quantity, data.order.filled_quantity),
            )),
            Orders::OrderStatus(_) => None,
        })
        .collect();
    assert_eq!(
        completed,
        [
            (
                "Filled".to_owned(),
                "Filled Size: 10".to_owned(),
                (0.0, 10.0)
            ),
            (
                "Cancelled".to_owned(),
                "Cancelled by Trader".to_owned(),
                (10.0, 0.0)
            ),
        ]
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn two_clients_have_their_own_orders_and_share_the_account() {
    let simulator = still().await;
    let mut first = Trader::new(&simulator, 1).await;
    let mut second = Trader::new(&simulator, 2).await;
    first
        .place(1, &stock("VTI"), &limit(Action::Buy, 10.0, 300.0))
        .await;
    first.hears(2).await;
    second
        .place(1, &stock("TLT"), &limit(Action::Buy, 20.0, 80.0))
        .await;
    assert_eq!(
        second.hears(2).await,
        ["open 1 Submitted", "status 1 Submitted 0/20"]
    );
    assert_eq!(open_orders(&mut first).await.len(), 1);
    let mut all = second.client.all_open_orders().await.unwrap();
    let all = all.collect_to_end_within(PATIENCE).await.unwrap();
    let owners: Vec<i32> = all
        .iter()
        .filter_map(|order| match order {
            Orders::OrderData(data) => Some(data.order.client_id),
            Orders::OrderStatus(_) => None,
        })
        .collect();
    assert_eq!(owners, [1, 2]);
    // Its own order, which answered the request, is heard as an update too.
    second.hears(2).await;
    // A client cannot cancel what another placed, but a global cancel ends everything.
    second.cancel(7).await;
    assert_eq!(second.hears(1).await, ["error 7 10147"]);
    second.client.global_cancel().await.unwrap();
    assert_eq!(
        first.hears(2).await,
        ["status 1 Cancelled 0/10", "error 1 202"]
    );
    assert_eq!(
        second.hears(2).await,
        ["status 1 Cancelled 0/20", "error 1 202"]
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn orders_outlive_the_connection_and_come_back_with_it() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 4).await;
    trader
        .place(1, &stock("VTI"), &limit(Action::Buy, 10.0, 300.0))
        .await;
    trader.hears(2).await;
    trader.client.disconnect().await;
    crate::support::eventually("the disconnect", || simulator.connections().is_empty()).await;
    let again = connect(&simulator, 4).await;
    assert_eq!(again.next_order_id(), 2);
    again.server_time().await.unwrap();
    let mut open = again.open_orders().await.unwrap();
    assert_eq!(open.collect_to_end_within(PATIENCE).await.unwrap().len(), 2);
    simulator.shutdown().await;
}
