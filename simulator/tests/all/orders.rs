//! Orders: what is said about them, in what order, and what they do to the books.

use ibapi::contracts::{Contract, SecurityType};
use ibapi::orders::builder::BracketPrices;
use ibapi::orders::order_builder;
use ibapi::orders::{
    Action, ExecutionFilter, Executions, OcaType, Order, OrderUpdate, Orders, TimeInForce,
};
use ibapi::subscriptions::SubscriptionItem;

use crate::support::{ACCOUNT, PATIENCE, Trader, connect, decimal, next, next_data, still, stock};

fn market(action: Action, quantity: f64) -> Order {
    order_builder::market_order(action, quantity)
}

fn limit(action: Action, quantity: f64, price: f64) -> Order {
    order_builder::limit_order(action, quantity, price)
}

/// The client's open orders. What answers the request is heard as updates too, and is taken
/// from them here.
async fn open_orders(trader: &mut Trader) -> Vec<(i32, String)> {
    let mut found = trader.client.open_orders().await.unwrap();
    let found = found.collect_to_end_within(PATIENCE).await.unwrap();
    trader.hears(found.len()).await;
    found
        .into_iter()
        .filter_map(|order| match order {
            Orders::OrderData(data) => Some((data.order_id, data.order_state.status.to_string())),
            Orders::OrderStatus(_) => None,
        })
        .collect()
}

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

#[tokio::test]
async fn what_tws_refuses_is_refused_with_its_codes() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let vti = stock("VTI");
    let bad_type = Order {
        order_type: "NONSENSE".into(),
        ..market(Action::Buy, 1.0)
    };
    let no_limit = Order {
        limit_price: None,
        ..limit(Action::Buy, 1.0, 1.0)
    };
    let bad_tif = Order {
        tif: TimeInForce::Unknown("SOON".into()),
        ..market(Action::Buy, 1.0)
    };
    let algo = Order {
        algo_strategy: "Magic".into(),
        ..market(Action::Buy, 1.0)
    };
    let unknown_account = Order {
        account: "DU9".into(),
        ..market(Action::Buy, 1.0)
    };
    let spx = Contract {
        symbol: "SPX".into(),
        security_type: SecurityType::Index,
        exchange: "CBOE".into(),
        ..Contract::default()
    };
    let any_option = Contract {
        security_type: SecurityType::Option,
        ..stock("AAPL")
    };
    let cases = [
        (&vti, bad_type, 321),
        (&vti, no_limit, 321),
        (&vti, bad_tif, 321),
        (&vti, market(Action::Buy, 0.0), 434),
        (&vti, market(Action::Buy, -5.0), 321),
        (&vti, market(Action::Buy, 1e20), 321),
        (&vti, market(Action::Buy, 1.5), 10243),
        (&vti, limit(Action::Buy, 1.0, 320.001), 110),
        (&vti, limit(Action::Buy, 1.0, -3.0), 321),
        (&vti, limit(Action::Buy, 1.0, f64::NAN), 321),
        (&vti, algo, 439),
        (&vti, unknown_account, 435),
        (&stock("NOSUCH"), market(Action::Buy, 1.0), 200),
        (&any_option, market(Action::Buy, 1.0), 200),
        (&spx, market(Action::Buy, 1.0), 201),
    ];
    for ((contract, order, code), id) in cases.iter().zip(1..) {
        trader.place(id, contract, order).await;
        assert_eq!(
            trader.hears(1).await,
            [format!("error {id} {code}")],
            "{order:?}"
        );
    }
    assert!(simulator.books().orders.is_empty());

    trader
        .place(50, &vti, &market(Action::Buy, 100_000.0))
        .await;
    assert_eq!(
        trader.hears(3).await,
        [
            "open 50 Inactive",
            "status 50 Inactive 0/100000",
            "error 50 201"
        ]
    );
    let mut completed = trader.client.completed_orders(false).await.unwrap();
    let completed = completed.collect_to_end_within(PATIENCE).await.unwrap();
    let Some(Orders::OrderData(rejected)) = completed.first() else {
        panic!("a completed order")
    };
    assert!(
        rejected
            .order_state
            .reject_reason
            .contains("INITIAL MARGIN")
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_what_if_says_what_an_order_would_cost_and_changes_nothing() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let before = simulator.books();
    trader
        .place(
            5,
            &stock("VTI"),
            &Order {
                what_if: true,
                ..limit(Action::Buy, 100.0, 328.0)
            },
        )
        .await;
    assert_eq!(trader.hears(1).await, ["open 5 PreSubmitted"]);
    assert_eq!(simulator.books(), before);

    // Through a subscription, with its figures.
    let mut order = trader
        .client
        .place_order(
            6,
            &stock("VTI"),
            &Order {
                what_if: true,
                ..limit(Action::Buy, 100.0, 328.0)
            },
        )
        .await
        .unwrap();
    let ibapi::orders::PlaceOrder::OpenOrder(open) = next_data(&mut order).await else {
        panic!("an order")
    };
    let state = open.order_state;
    assert_eq!(state.commission, Some(1.0));
    let change = state.initial_margin_change.unwrap();
    assert!((change - 100.0 * 328.5 * 0.25).abs() < 0.01, "{change}");
    let after = state.initial_margin_after.unwrap() - state.initial_margin_before.unwrap();
    assert!((after - change).abs() < 0.01);
    assert_eq!(trader.client.next_valid_order_id().await.unwrap(), 1);
    simulator.shutdown().await;
}

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

#[tokio::test]
async fn every_kind_of_instrument_keeps_the_books() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let es = Contract {
        symbol: "ES".into(),
        security_type: SecurityType::Future,
        exchange: "CME".into(),
        ..Contract::default()
    };
    let es = trader.client.contract_details(&es).await.unwrap()[0]
        .contract
        .clone();
    let chain = Contract {
        security_type: SecurityType::Option,
        ..stock("AAPL")
    };
    let option = trader.client.contract_details(&chain).await.unwrap()[20]
        .contract
        .clone();
    let euro = Contract::forex("EUR", "USD").build();
    let control = simulator.control();
    let trades = [
        (&es, Action::Buy, 1.0),
        (&option, Action::Sell, 2.0),
        (&euro, Action::Buy, 5_000.0),
        (&es, Action::Sell, 2.0),
        (&option, Action::Buy, 3.0),
        (&euro, Action::Sell, 7_500.0),
        (&es, Action::Buy, 1.0),
    ];
    for ((contract, action, quantity), id) in trades.into_iter().zip(1..) {
        trader.place(id, contract, &market(action, quantity)).await;
        let lines = trader.hears_until("commission").await;
        assert!(
            lines.iter().any(|line| line.contains("Filled")),
            "{lines:?}"
        );
        control.step(7);
        simulator.books().check().unwrap();
    }
    let books = simulator.books();
    let mine = books.account(ACCOUNT).unwrap();
    assert_eq!(mine.cash["EUR"], decimal("-2500"));
    assert_eq!(
        mine.position(&es.local_symbol).unwrap().quantity,
        decimal("0")
    );
    assert_eq!(books.executions[0].commission, decimal("2.25"));
    assert_eq!(books.executions[2].commission, decimal("2"));
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

mod property {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Place {
            symbol: usize,
            buy: bool,
            quantity: u32,
            kind: usize,
            offset: i32,
            parent: bool,
            group: bool,
        },
        Cancel(i32),
        Market(u32),
        Jump {
            symbol: usize,
            percent: i32,
        },
    }

    const SYMBOLS: [&str; 4] = ["VTI", "TLT", "XLF", "EUR.USD"];

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let place = (
            0..4_usize,
            any::<bool>(),
            1..3_000_u32,
            0..6_usize,
            -200..200_i32,
            any::<bool>(),
            any::<bool>(),
        )
            .prop_map(
                |(symbol, buy, quantity, kind, offset, parent, group)| Step::Place {
                    symbol,
                    buy,
                    quantity,
                    kind,
                    offset,
                    parent,
                    group,
                },
            );
        let step = prop_oneof![
            4 => place,
            1 => (1..40_i32).prop_map(Step::Cancel),
            2 => (1..20_u32).prop_map(Step::Market),
            1 => (0..4_usize, -3..=3_i32).prop_map(|(symbol, percent)| Step::Jump { symbol, percent }),
        ];
        prop::collection::vec(step, 5..40)
    }

    fn order(buy: bool, quantity: u32, kind: usize, price: f64, offset: i32) -> Order {
        let action = if buy { Action::Buy } else { Action::Sell };
        let near = ((price + f64::from(offset) / 100.0) * 20.0).round() / 20.0;
        let quantity = f64::from(quantity);
        match kind {
            0 => market(action, quantity),
            1 => limit(action, quantity, near),
            2 => order_builder::stop(action, quantity, near),
            3 => Order {
                tif: TimeInForce::ImmediateOrCancel,
                ..limit(action, quantity, near)
            },
            4 => Order {
                order_type: "TRAIL".into(),
                aux_price: Some(0.5),
                ..market(action, quantity)
            },
            _ => order_builder::market_if_touched(action, quantity, near),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn whatever_is_traded_the_books_add_up(steps in steps()) {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let simulator = still().await;
                let control = simulator.control();
                let trader = Trader::new(&simulator, 1).await;
                let mut id = 0;
                for step in steps {
                    match step {
                        Step::Place { symbol, buy, quantity, kind, offset, parent, group } => {
                            id += 1;
                            let name = SYMBOLS[symbol];
                            let contract = if name == "EUR.USD" { Contract::forex("EUR", "USD").build() } else { stock(name) };
                            let price: f64 = control.price(name).unwrap().to_string().parse().unwrap();
                            let mut order = order(buy, quantity, kind, price, offset);
                            if parent {
                                order.parent_id = id - 1;
                            }
                            if group {
                                order.oca_group = "all".into();
                                order.oca_type = OcaType::ReduceWithBlock;
                            }
                            trader.place(id, &contract, &order).await;
                        }
                        Step::Cancel(order_id) => trader.cancel(order_id).await,
                        Step::Market(count) => control.step(count),
                        Step::Jump { symbol, percent } => {
                            let price = control.price(SYMBOLS[symbol]).unwrap();
                            let part = rust_decimal::Decimal::from(100 + percent) / rust_decimal::Decimal::ONE_HUNDRED;
                            control.set_price(SYMBOLS[symbol], price * part).unwrap();
                        }
                    }
                    trader.settle().await;
                    simulator.books().check().unwrap();
                }
                trader.client.disconnect().await;
                simulator.shutdown().await;
            });
        }
    }
}

#[tokio::test]
async fn a_rejection_is_heard_as_a_notice_and_the_stream_goes_on() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let mut updates = client.order_update_stream().await.unwrap();
    client
        .submit_order(1, &stock("NOSUCH"), &market(Action::Buy, 1.0))
        .await
        .unwrap();
    let SubscriptionItem::Notice(notice) = next(&mut updates).await.unwrap() else {
        panic!("a notice")
    };
    assert_eq!((notice.code, notice.request_id), (200, Some(1)));
    client
        .submit_order(2, &stock("KO"), &market(Action::Buy, 1.0))
        .await
        .unwrap();
    assert!(
        matches!(next_data(&mut updates).await, OrderUpdate::OpenOrder(open) if open.order_id == 2)
    );
    simulator.shutdown().await;
}
