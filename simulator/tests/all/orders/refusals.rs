//! What is refused, and what an order would cost.

use ibapi::contracts::{Contract, SecurityType};
use ibapi::orders::{Action, Order, OrderUpdate, Orders, TimeInForce};
use ibapi::subscriptions::SubscriptionItem;

use super::{limit, market};
use crate::support::{PATIENCE, Trader, connect, next, next_data, still, stock};

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
