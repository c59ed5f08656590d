//! Brackets and groups in which one order cancels the others.

use ibapi::orders::builder::BracketPrices;
use ibapi::orders::order_builder;
use ibapi::orders::{Action, OcaType, Order};

use super::{limit, market};
use crate::support::{Trader, decimal, still, stock};

#[tokio::test]
async fn a_bracket_goes_out_with_its_last_child_and_its_exits_cancel_each_other() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let prices = BracketPrices {
        entry: 325.0,
        take_profit: 335.0,
        stop_loss: 315.0,
    };
    let bracket = order_builder::bracket_order(1, Action::Buy, 100.0, prices).unwrap();
    for (order, id) in bracket.iter().zip(1..) {
        trader.place(id, &stock("VTI"), order).await;
    }
    assert_eq!(
        trader.hears(6).await,
        [
            "open 1 Submitted",
            "status 1 Submitted 0/100",
            "open 2 PreSubmitted",
            "status 2 PreSubmitted 0/100 held:child",
            "open 3 PreSubmitted",
            "status 3 PreSubmitted 0/100 held:child,trigger",
        ]
    );
    simulator
        .control()
        .set_price("VTI", decimal("324.00"))
        .unwrap();
    let lines = trader.hears_until("status 3").await;
    assert!(
        lines.contains(&"status 1 Filled 100/0".to_owned()),
        "{lines:?}"
    );
    assert_eq!(
        lines.last().unwrap(),
        "status 3 PreSubmitted 0/100 held:trigger"
    );
    simulator
        .control()
        .set_price("VTI", decimal("336.00"))
        .unwrap();
    let lines = trader.hears_until("error 3 202").await;
    assert!(
        lines.contains(&"execution 2 SLD 100 at 335".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"status 3 Cancelled 0/100".to_owned()),
        "{lines:?}"
    );
    simulator.books().check().unwrap();

    // Without its parent a child is nothing.
    for (order, id) in order_builder::bracket_order(
        11,
        Action::Buy,
        10.0,
        BracketPrices {
            entry: 300.0,
            take_profit: 340.0,
            stop_loss: 290.0,
        },
    )
    .unwrap()
    .iter()
    .zip(11..)
    {
        trader.place(id, &stock("VTI"), order).await;
    }
    trader.hears(6).await;
    trader.cancel(11).await;
    let lines = trader.hears_until("error 13 202").await;
    assert!(lines.contains(&"error 12 202".to_owned()), "{lines:?}");
    let orphan = Order {
        parent_id: 99,
        ..limit(Action::Sell, 10.0, 340.0)
    };
    trader.place(20, &stock("VTI"), &orphan).await;
    assert_eq!(trader.hears(1).await, ["error 20 10006"]);
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_full_fill_cancels_the_rest_of_a_group_of_every_type() {
    for oca_type in [
        OcaType::CancelWithBlock,
        OcaType::ReduceWithBlock,
        OcaType::ReduceWithoutBlock,
    ] {
        let simulator = still().await;
        let mut trader = Trader::new(&simulator, 1).await;
        let orders = vec![
            limit(Action::Buy, 100.0, 320.0),
            limit(Action::Buy, 100.0, 319.0),
        ];
        let orders = order_builder::one_cancels_all("group", orders, oca_type);
        for (order, id) in orders.iter().zip(1..) {
            trader.place(id, &stock("VTI"), order).await;
        }
        trader.hears(4).await;
        simulator
            .control()
            .set_price("VTI", decimal("319.50"))
            .unwrap();
        let lines = trader.hears_until("error 2 202").await;
        assert!(
            lines.contains(&"status 1 Filled 100/0".to_owned()),
            "{lines:?}"
        );
        assert!(
            lines.contains(&"status 2 Cancelled 0/100".to_owned()),
            "{lines:?}"
        );
        simulator.books().check().unwrap();
        simulator.shutdown().await;
    }
}

#[tokio::test]
async fn a_partial_fill_shrinks_the_rest_of_a_reducing_group() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let orders = vec![
        limit(Action::Buy, 8_000.0, 10.0),
        market(Action::Buy, 8_000.0),
    ];
    let orders = order_builder::one_cancels_all("group", orders, OcaType::ReduceWithoutBlock);
    for (order, id) in orders.iter().zip(1..) {
        trader.place(id, &stock("XLF"), order).await;
    }
    let lines = trader.hears_until("status 1 Submitted 0/8000").await;
    assert!(!lines.is_empty());
    let line = trader.hears_until("status 1").await.pop().unwrap();
    let books = simulator.books();
    let left = books.orders[1].total_quantity - books.orders[1].filled;
    assert!(left > decimal("0"));
    assert_eq!(line, format!("status 1 Submitted 0/{left}"));
    simulator.shutdown().await;
}
