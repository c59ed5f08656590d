//! When orders of each type and time in force trade, and when they end.

use ibapi::orders::order_builder;
use ibapi::orders::{Action, Order, TimeInForce};

use super::{limit, market, open_orders};
use crate::support::{Trader, decimal, still, stock};

#[tokio::test]
async fn a_stop_waits_for_its_trigger() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    trader
        .place(
            1,
            &stock("VTI"),
            &order_builder::stop(Action::Sell, 10.0, 320.0),
        )
        .await;
    assert_eq!(
        trader.hears(2).await,
        [
            "open 1 PreSubmitted",
            "status 1 PreSubmitted 0/10 held:trigger"
        ]
    );
    simulator
        .control()
        .set_price("VTI", decimal("325.00"))
        .unwrap();
    simulator
        .control()
        .set_price("VTI", decimal("319.00"))
        .unwrap();
    let lines = trader.hears_until("commission").await;
    assert_eq!(
        lines[..3],
        [
            "open 1 Submitted",
            "status 1 Submitted 0/10",
            "execution 1 SLD 10 at 318.99"
        ]
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn triggered_orders_of_every_kind_trade_where_they_should() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let control = simulator.control();
    let order = |order_type: &str, action, limit: Option<f64>, aux: Option<f64>| Order {
        action,
        order_type: order_type.into(),
        total_quantity: 10.0,
        limit_price: limit,
        aux_price: aux,
        ..Order::default()
    };
    // Triggers at 330 going up, and pays no more than 331.
    trader
        .place(
            1,
            &stock("VTI"),
            &order("STP LMT", Action::Buy, Some(331.0), Some(330.0)),
        )
        .await;
    // Buys when the price has come down to 325.
    trader
        .place(
            2,
            &stock("VTI"),
            &order("MIT", Action::Buy, None, Some(325.0)),
        )
        .await;
    trader
        .place(
            3,
            &stock("VTI"),
            &order("LIT", Action::Sell, Some(331.0), Some(331.0)),
        )
        .await;
    // Follows two dollars behind.
    trader
        .place(
            4,
            &stock("VTI"),
            &order("TRAIL", Action::Sell, None, Some(2.0)),
        )
        .await;
    let mut trail_limit = order("TRAIL LIMIT", Action::Sell, None, Some(3.0));
    trail_limit.limit_price_offset = Some(0.5);
    trader.place(5, &stock("VTI"), &trail_limit).await;
    trader.hears(10).await;

    control.set_price("VTI", decimal("330.50")).unwrap();
    let lines = trader.hears_until("commission").await;
    assert!(
        lines.contains(&"execution 1 BOT 10 at 330.51".to_owned()),
        "{lines:?}"
    );
    control.set_price("VTI", decimal("332.00")).unwrap();
    let lines = trader.hears_until("commission").await;
    assert!(
        lines.contains(&"execution 3 SLD 10 at 331.99".to_owned()),
        "{lines:?}"
    );
    // From 332 down to 330: the first trailing stop is reached, the second is at 329.
    control.set_price("VTI", decimal("330.00")).unwrap();
    let lines = trader.hears_until("commission").await;
    assert!(
        lines.contains(&"execution 4 SLD 10 at 329.99".to_owned()),
        "{lines:?}"
    );
    control.set_price("VTI", decimal("328.90")).unwrap();
    let lines = trader.hears_until("commission").await;
    assert!(
        lines.contains(&"execution 5 SLD 10 at 328.89".to_owned()),
        "{lines:?}"
    );
    control.set_price("VTI", decimal("324.00")).unwrap();
    let lines = trader.hears_until("commission").await;
    assert!(
        lines.contains(&"execution 2 BOT 10 at 324.01".to_owned()),
        "{lines:?}"
    );
    simulator.books().check().unwrap();
    simulator.shutdown().await;
}

#[tokio::test]
async fn orders_for_an_auction_wait_for_it() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    trader
        .place(
            1,
            &stock("VTI"),
            &order_builder::market_on_close(Action::Buy, 10.0),
        )
        .await;
    trader
        .place(
            2,
            &stock("VTI"),
            &order_builder::limit_on_close(Action::Buy, 10.0, 300.0),
        )
        .await;
    trader
        .place(
            3,
            &stock("VTI"),
            &order_builder::market_on_open(Action::Buy, 10.0),
        )
        .await;
    trader
        .place(4, &stock("VTI"), &limit(Action::Buy, 10.0, 300.0))
        .await;
    let mut good = limit(Action::Buy, 10.0, 300.0);
    good.tif = TimeInForce::GoodTillCanceled;
    trader.place(5, &stock("VTI"), &good).await;
    trader.hears(10).await;
    simulator.control().open_market();
    assert!(
        trader
            .hears_until("commission")
            .await
            .contains(&"execution 3 BOT 10 at 328.5".to_owned())
    );
    simulator.control().close_market();
    let lines = trader.hears_until("error 4 202").await;
    assert!(
        lines.contains(&"execution 1 BOT 10 at 328.5".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"status 2 Cancelled 0/10".to_owned()),
        "{lines:?}"
    );
    assert_eq!(
        open_orders(&mut trader).await,
        [(5, "Submitted".to_owned())]
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn pegged_orders_trade_inside_the_spread() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    trader
        .place(
            1,
            &stock("KO"),
            &order_builder::midprice(Action::Buy, 10.0, None),
        )
        .await;
    trader
        .place(
            2,
            &stock("KO"),
            &order_builder::pegged_to_midpoint(Action::Sell, 10.0, 0.0, 10.0),
        )
        .await;
    trader
        .place(
            3,
            &stock("KO"),
            &Order {
                order_type: "REL".into(),
                aux_price: Some(0.01),
                ..market(Action::Buy, 10.0)
            },
        )
        .await;
    assert_eq!(
        trader
            .hears(6)
            .await
            .iter()
            .filter(|line| line.contains("Submitted 0/10"))
            .count(),
        3
    );
    simulator.control().step(100);
    let books = simulator.books();
    assert!(
        books.orders.iter().all(|order| order.status == "Filled"),
        "{:?}",
        books.orders
    );
    books.check().unwrap();
    simulator.shutdown().await;
}

#[tokio::test]
async fn time_in_force_ends_orders() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let mut order = limit(Action::Buy, 10.0, 300.0);
    order.tif = TimeInForce::ImmediateOrCancel;
    trader.place(1, &stock("VTI"), &order).await;
    assert_eq!(
        trader.hears(4).await[2..],
        ["status 1 Cancelled 0/10", "error 1 202"]
    );
    let mut all = limit(Action::Buy, 4_000.0, 80.0);
    all.tif = TimeInForce::FillOrKill;
    trader.place(2, &stock("BND"), &all).await;
    let lines = trader.hears_until("error 2 202").await;
    assert!(
        lines.contains(&"status 2 Cancelled 0/4000".to_owned()),
        "{lines:?}"
    );
    // In part is what immediate-or-cancel allows.
    let mut part = limit(Action::Buy, 4_000.0, 80.0);
    part.tif = TimeInForce::ImmediateOrCancel;
    trader.place(3, &stock("BND"), &part).await;
    let lines = trader.hears_until("error 3 202").await;
    assert!(
        lines.iter().any(|line| line.starts_with("execution 3")),
        "{lines:?}"
    );

    let soon = time::OffsetDateTime::now_utc() + time::Duration::seconds(2);
    let text = |at: time::OffsetDateTime| {
        let format =
            time::macros::format_description!("[year][month][day]-[hour]:[minute]:[second]");
        at.format(format).unwrap()
    };
    let mut until = limit(Action::Buy, 10.0, 300.0);
    until.tif = TimeInForce::GoodTillDate;
    until.good_till_date = text(soon);
    trader.place(4, &stock("VTI"), &until).await;
    let mut after = market(Action::Buy, 10.0);
    after.good_after_time = text(soon);
    trader.place(5, &stock("VTI"), &after).await;
    assert_eq!(
        trader.hears(4).await[2..],
        ["open 5 PreSubmitted", "status 5 PreSubmitted 0/10"]
    );
    while time::OffsetDateTime::now_utc() <= soon {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    simulator.control().step(1);
    let lines = trader.hears_until("commission").await;
    assert_eq!(lines[..2], ["status 4 Cancelled 0/10", "error 4 202"]);
    assert!(lines[2].starts_with("execution 5 BOT 10"), "{lines:?}");
    simulator.shutdown().await;
}
