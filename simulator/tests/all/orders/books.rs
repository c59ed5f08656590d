//! What orders do to the books.

use ibapi::contracts::{Contract, SecurityType};
use ibapi::orders::order_builder;
use ibapi::orders::{Action, OcaType, Order, TimeInForce};
use proptest::prelude::*;

use super::{limit, market};
use crate::support::{ACCOUNT, Trader, decimal, still, stock};

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
