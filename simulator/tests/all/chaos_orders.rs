//! Trouble with orders: what goes wrong with them, and with the messages about them.

use ibapi::orders::order_builder::{limit_order, market_order};
use ibapi::orders::{Action, Order};
use rust_decimal::Decimal;
use sandpit_simulator::{Fault, Happening, Simulator, Wait};

use crate::chaos::act;
use crate::support::{Trader, decimal, eventually, still, stock};

pub fn buy(quantity: f64) -> Order {
    market_order(Action::Buy, quantity)
}

fn buy_at(quantity: f64, limit: f64) -> Order {
    limit_order(Action::Buy, quantity, limit)
}

/// What came of the faults, in words.
fn effects(simulator: &Simulator) -> Vec<String> {
    simulator
        .control()
        .happened()
        .into_iter()
        .filter_map(|one| match one.what {
            Happening::Effect(effect) => Some(effect),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn news_of_orders_can_be_late() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let by = Wait::Steps(2);
    act(&simulator, Fault::DelayOrderEvents { next: 6, by });
    trader.place(1, &stock("VTI"), &buy(10.0)).await;
    trader.settle().await;
    simulator.control().step(1);
    assert_eq!(effects(&simulator).len(), 6);
    trader.place(2, &stock("VTI"), &buy_at(10.0, 1.0)).await;
    // What came later is heard first.
    assert_eq!(trader.hears(1).await, ["open 2 Submitted"]);
    simulator.control().step(1);
    let heard = trader.hears_until("commission").await;
    assert_eq!(heard[1], "open 1 PreSubmitted", "{heard:?}");
    simulator.shutdown().await;
}

#[tokio::test]
async fn news_of_orders_can_be_out_of_order_double_or_missing() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    act(&simulator, Fault::ReverseOrderEvents { next: 2 });
    trader.place(1, &stock("VTI"), &buy_at(10.0, 1.0)).await;
    assert_eq!(
        trader.hears(2).await,
        ["status 1 Submitted 0/10", "open 1 Submitted"]
    );
    act(&simulator, Fault::DuplicateStatuses { next: 1 });
    trader.place(2, &stock("VTI"), &buy_at(10.0, 1.0)).await;
    assert_eq!(
        trader.hears(3).await,
        [
            "open 2 Submitted",
            "status 2 Submitted 0/10",
            "status 2 Submitted 0/10"
        ]
    );
    act(&simulator, Fault::OmitStatuses { next: 1 });
    trader.place(3, &stock("VTI"), &buy_at(10.0, 1.0)).await;
    trader.place(4, &stock("VTI"), &buy_at(10.0, 1.0)).await;
    assert_eq!(
        trader.hears(2).await,
        ["open 3 Submitted", "open 4 Submitted"]
    );
    // Too few to reverse: they come with the next step.
    act(&simulator, Fault::ReverseOrderEvents { next: 50 });
    trader.place(5, &stock("VTI"), &buy_at(10.0, 1.0)).await;
    trader.settle().await;
    simulator.control().step(1);
    assert_eq!(
        trader.hears(3).await[1..],
        ["status 5 Submitted 0/10", "open 5 Submitted"]
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_connection_can_end_with_an_order_that_arrives_or_does_not() {
    let simulator = still().await;
    for arrives in [false, true] {
        let trader = Trader::new(&simulator, 1).await;
        act(&simulator, Fault::DropOnOrder { next: 1, arrives });
        trader.place(1, &stock("VTI"), &buy_at(10.0, 1.0)).await;
        eventually("the end", || simulator.connections().is_empty()).await;
        let orders = simulator.books().orders;
        assert_eq!(orders.len(), usize::from(arrives), "{orders:?}");
        trader.client.disconnect().await;
    }
    // A preview is no order; a cancel is like one.
    let mut trader = Trader::new(&simulator, 1).await;
    act(
        &simulator,
        Fault::DropOnOrder {
            next: 1,
            arrives: true,
        },
    );
    let preview = Order {
        what_if: true,
        ..buy(1.0)
    };
    trader.place(2, &stock("VTI"), &preview).await;
    trader.hears_until("open 2").await;
    trader.cancel(1).await;
    eventually("the end", || simulator.connections().is_empty()).await;
    assert_eq!(simulator.books().orders[0].status, "Cancelled");
    let effects = effects(&simulator);
    assert!(effects[0].ends_with("which was lost"), "{effects:?}");
    assert_eq!(effects.len(), 3, "{effects:?}");
    simulator.shutdown().await;
}

#[tokio::test]
async fn every_change_of_an_order_is_on_record() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let most = Decimal::from(4);
    act(
        &simulator,
        Fault::PartialFills {
            next: 1,
            quantity: most,
        },
    );
    trader.place(1, &stock("VTI"), &buy_at(10.0, 400.0)).await;
    trader.hears_until("status 1 Submitted 4/6").await;
    trader.place(1, &stock("VTI"), &buy_at(10.0, 300.0)).await;
    trader.hears_until("status 1 Submitted 4/6").await;
    trader.cancel(1).await;
    trader.hears_until("error 1 202").await;
    let staged = Order {
        transmit: false,
        ..buy(3.0)
    };
    trader.place(2, &stock("TLT"), &staged).await;
    trader.settle().await;
    let changes = simulator.control().order_changes();
    let lines: Vec<String> = changes
        .iter()
        .map(|change| {
            let order = &change.order;
            format!(
                "{} {} {}/{}",
                order.order_id, order.status, order.filled, order.total_quantity
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            "1 Submitted 0/10",
            "1 Submitted 4/10",
            "1 Submitted 4/10",
            "1 Cancelled 4/10",
            "2 Staged 0/3",
        ]
    );
    assert_eq!(changes[2].order.limit_price, Some(decimal("300")));
    assert_eq!(changes[0].price, Some(decimal("328.5")));
    assert!(changes.windows(2).all(|pair| pair[0].at <= pair[1].at));
    let received = simulator.received();
    assert!(received.windows(2).all(|pair| pair[0].at <= pair[1].at));
    simulator.shutdown().await;
}

#[tokio::test]
async fn an_order_can_fill_in_parts() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    act(
        &simulator,
        Fault::PartialFills {
            next: 2,
            quantity: Decimal::from(3),
        },
    );
    trader.place(1, &stock("VTI"), &buy(10.0)).await;
    trader.settle().await;
    simulator.control().step(2);
    let heard = trader.hears_until("status 1 Filled").await;
    let parts: Vec<&String> = heard
        .iter()
        .filter(|line| line.starts_with("status 1 Submitted"))
        .collect();
    assert_eq!(
        parts,
        ["status 1 Submitted 3/7", "status 1 Submitted 6/4"],
        "{heard:?}"
    );
    simulator.books().check().unwrap();
    simulator.shutdown().await;
}

#[tokio::test]
async fn orders_can_be_rejected_or_too_far_from_the_market() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    act(
        &simulator,
        Fault::RejectOrders {
            next: 1,
            code: 201,
            text: String::from("Order rejected - reason:No"),
        },
    );
    trader.place(1, &stock("VTI"), &buy(10.0)).await;
    let heard = trader.hears_until("error 1 201").await;
    assert_eq!(heard[1], "status 1 Inactive 0/10", "{heard:?}");

    simulator
        .control()
        .set_price("VTI", decimal("300"))
        .unwrap();
    let percent = Some(Decimal::from(10));
    act(&simulator, Fault::PriceBand { percent });
    trader.place(2, &stock("VTI"), &buy_at(1.0, 330.01)).await;
    let heard = trader.hears_until("error 2 202").await;
    assert_eq!(heard[2], "status 2 Cancelled 0/1", "{heard:?}");
    trader.place(3, &stock("VTI"), &buy_at(1.0, 330.0)).await;
    trader.hears_until("status 3 Filled").await;
    act(&simulator, Fault::PriceBand { percent: None });
    trader.place(4, &stock("VTI"), &buy_at(1.0, 330.01)).await;
    trader.hears_until("status 4 Filled").await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn an_order_can_fill_in_the_instant_of_its_cancel() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    for (order, quantity, end) in [
        (1, None, "status 1 Filled 10/0"),
        (2, Some(Decimal::from(4)), "status 2 Cancelled 4/6"),
    ] {
        trader.place(order, &stock("VTI"), &buy_at(10.0, 1.0)).await;
        act(&simulator, Fault::FillOnCancel { next: 1, quantity });
        trader.cancel(order).await;
        trader.hears_until(end).await;
    }
    assert_eq!(simulator.books().executions[0].price, decimal("1"));
    simulator.books().check().unwrap();
    simulator.shutdown().await;
}
