//! Combinations: orders for several instruments at once, priced and filled by their legs.

use ibapi::contracts::tick_types::TickType;
use ibapi::contracts::{ComboLeg, Contract, LegAction, SecurityType};
use ibapi::market_data::realtime::TickTypes;
use ibapi::orders::{Action, ExecutionFilter, Executions, Order, Orders, order_builder};
use sandpit_simulator::Simulator;

use crate::support::{ACCOUNT, PATIENCE, Trader, decimal, next_data, still, stock};

fn limit(action: Action, quantity: f64, price: f64) -> Order {
    order_builder::limit_order(action, quantity, price)
}

fn leg(contract: &Contract, ratio: i32, action: LegAction) -> ComboLeg {
    ComboLeg {
        contract_id: contract.contract_id,
        ratio,
        action,
        exchange: "SMART".to_owned(),
        ..ComboLeg::default()
    }
}

fn bag(symbol: &str, combo_legs: Vec<ComboLeg>) -> Contract {
    Contract {
        symbol: symbol.into(),
        security_type: SecurityType::Spread,
        combo_legs,
        ..stock(symbol)
    }
}

/// Two calls of the same expiry, the one with the lower strike first.
async fn two_calls(trader: &Trader, symbol: &str) -> (Contract, Contract) {
    let chain = Contract {
        security_type: SecurityType::Option,
        right: Some(ibapi::contracts::OptionRight::Call),
        ..stock(symbol)
    };
    let options = trader.client.contract_details(&chain).await.unwrap();
    let expiry = &options[0].contract.last_trade_date_or_contract_month;
    let mut calls: Vec<Contract> = options
        .iter()
        .map(|details| details.contract.clone())
        .filter(|call| call.last_trade_date_or_contract_month == *expiry)
        .collect();
    calls.sort_by(|one, other| one.strike.total_cmp(&other.strike));
    let middle = calls.len() / 2;
    (calls[middle].clone(), calls[middle + 1].clone())
}

/// A vertical spread that costs something to buy, and its legs.
async fn vertical(trader: &Trader, symbol: &str) -> (Contract, Contract, Contract) {
    let (low, high) = two_calls(trader, symbol).await;
    let legs = vec![leg(&low, 1, LegAction::Buy), leg(&high, 1, LegAction::Sell)];
    (bag(symbol, legs), low, high)
}

/// What it costs to buy a vertical spread: each leg is one tick from its price.
fn ask(simulator: &Simulator, low: &Contract, high: &Contract) -> f64 {
    let price = |contract: &Contract| simulator.control().price(&contract.local_symbol).unwrap();
    let ask = price(low) - price(high) + decimal("0.02");
    ask.to_string().parse().unwrap()
}

fn held(simulator: &Simulator, contract: &Contract) -> String {
    let books = simulator.books();
    books.check().unwrap();
    let position = books
        .account(ACCOUNT)
        .unwrap()
        .position(&contract.local_symbol)
        .map(|position| position.quantity);
    position.unwrap_or_default().normalize().to_string()
}

#[tokio::test]
async fn a_spread_fills_in_its_legs_and_only_they_are_held() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let (spread, low, high) = vertical(&trader, "SPY").await;
    let ask = ask(&simulator, &low, &high);
    // It rests below what it costs.
    trader
        .place(1, &spread, &limit(Action::Buy, 2.0, 0.01))
        .await;
    assert_eq!(
        trader.hears(2).await,
        ["open 1 Submitted", "status 1 Submitted 0/2"]
    );
    // With its legs among the open orders.
    let mut open = trader.client.open_orders().await.unwrap();
    let open = open.collect_to_end_within(PATIENCE).await.unwrap();
    let Some(Orders::OrderData(data)) = open.first() else {
        panic!("an order")
    };
    assert_eq!(data.contract.security_type, SecurityType::Spread);
    let legs = &data.contract.combo_legs;
    assert_eq!(legs.len(), 2);
    assert_eq!(
        (legs[0].contract_id, legs[0].ratio, legs[0].action),
        (low.contract_id, 1, LegAction::Buy)
    );
    assert_eq!(
        (
            legs[1].contract_id,
            legs[1].action,
            legs[1].exchange.as_str()
        ),
        (high.contract_id, LegAction::Sell, "SMART")
    );
    trader.hears(open.len()).await;

    // Raised above what it costs, it pays what it costs.
    trader
        .place(1, &spread, &limit(Action::Buy, 2.0, ask + 1.0))
        .await;
    let lines = trader.hears_until("status 1 Filled").await;
    let executions: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("execution"))
        .collect();
    assert_eq!(executions.len(), 3, "{lines:?}");
    assert_eq!(*executions[0], format!("execution 1 BOT 2 at {ask}"));
    assert!(executions[1].starts_with("execution 1 BOT 2 at"));
    assert!(executions[2].starts_with("execution 1 SLD 2 at"));
    // Two contracts of each leg, charged leg by leg.
    assert_eq!(trader.hears(2).await, ["commission 1.3", "commission 1.3"]);
    assert_eq!(
        (held(&simulator, &low), held(&simulator, &high)),
        ("2".to_owned(), "-2".to_owned())
    );
    let books = simulator.books();
    let account = books.account(ACCOUNT).unwrap();
    assert!(account.positions.iter().all(|one| one.sec_type != "BAG"));
    assert_eq!(account.commissions, decimal("2.6"));

    // Asked for, the fills say which is the whole and which are the legs.
    let mut found = trader
        .client
        .executions(ExecutionFilter::default())
        .await
        .unwrap();
    let found = found.collect_to_end_within(PATIENCE).await.unwrap();
    let parts: Vec<_> = found
        .iter()
        .filter_map(|row| match row {
            Executions::ExecutionData(data) => Some((
                data.contract.security_type.to_string(),
                data.execution.execution_id.clone(),
                data.execution.cumulative_quantity,
            )),
            Executions::CommissionReport(_) => None,
        })
        .collect();
    // No commission is charged on the whole.
    assert_eq!((found.len(), parts.len()), (5, 3));
    let kinds: Vec<_> = parts.iter().map(|part| part.0.as_str()).collect();
    assert_eq!(kinds, ["BAG", "OPT", "OPT"]);
    assert!(parts[0].1.ends_with(".01.01") && parts[2].1.ends_with(".03.01"));
    assert!(parts.iter().all(|part| part.2 == 2.0));

    // And back: sold at the market, the legs are closed.
    trader
        .place(2, &spread, &order_builder::market_order(Action::Sell, 2.0))
        .await;
    trader.hears_until("status 2 Filled").await;
    assert_eq!(
        (held(&simulator, &low), held(&simulator, &high)),
        ("0".to_owned(), "0".to_owned())
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_credit_has_a_negative_price_and_ratios_count() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let (low, high) = two_calls(&trader, "AAPL").await;
    // Sells the dear call and buys two of the cheaper one.
    let legs = vec![leg(&low, 1, LegAction::Sell), leg(&high, 2, LegAction::Buy)];
    let backspread = bag("AAPL", legs);
    trader
        .place(
            1,
            &backspread,
            &order_builder::market_order(Action::Buy, 1.0),
        )
        .await;
    trader.hears_until("status 1 Filled").await;
    trader.hears(2).await;
    assert_eq!(
        (held(&simulator, &low), held(&simulator, &high)),
        ("-1".to_owned(), "2".to_owned())
    );

    // A spread turned round brings in what it would cost: the limit is the least it must.
    let legs = vec![leg(&low, 1, LegAction::Sell), leg(&high, 1, LegAction::Buy)];
    let credit = bag("AAPL", legs);
    let before = simulator.books().account(ACCOUNT).unwrap().total_cash;
    trader
        .place(2, &credit, &limit(Action::Buy, 1.0, -1000.0))
        .await;
    trader.hears_until("status 2 Submitted").await;
    trader
        .place(2, &credit, &limit(Action::Buy, 1.0, -0.01))
        .await;
    let lines = trader.hears_until("status 2 Filled").await;
    let whole = lines
        .iter()
        .find(|line| line.starts_with("execution 2 BOT 1 at -"));
    assert!(whole.is_some(), "{lines:?}");
    assert!(simulator.books().account(ACCOUNT).unwrap().total_cash > before);
    assert_eq!(
        (held(&simulator, &low), held(&simulator, &high)),
        ("-2".to_owned(), "3".to_owned())
    );
    trader.hears(2).await;

    // Nothing is a price too, and a spread that costs something does not trade at it.
    let (spread, ..) = vertical(&trader, "SPY").await;
    trader
        .place(3, &spread, &limit(Action::Buy, 1.0, 0.0))
        .await;
    assert_eq!(
        trader.hears(2).await,
        ["open 3 Submitted", "status 3 Submitted 0/1"]
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_buy_write_is_quoted_per_share() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let (call, _) = two_calls(&trader, "SPY").await;
    let details = trader.client.contract_details(&stock("SPY")).await.unwrap();
    let share = details[0].contract.clone();
    let legs = vec![
        leg(&share, 100, LegAction::Buy),
        leg(&call, 1, LegAction::Sell),
    ];
    let ask = ask(&simulator, &share, &call);
    let mut quotes = trader
        .client
        .market_data(&bag("SPY", legs.clone()))
        .subscribe()
        .await
        .unwrap();
    let shown = loop {
        match next_data(&mut quotes).await {
            TickTypes::Price(tick) if tick.tick_type == TickType::Ask => break tick.price,
            TickTypes::PriceSize(tick) if tick.price_tick_type == TickType::Ask => {
                break tick.price;
            }
            _ => {}
        }
    };
    assert_eq!(shown, ask);
    trader
        .place(
            1,
            &bag("SPY", legs),
            &order_builder::market_order(Action::Buy, 1.0),
        )
        .await;
    let lines = trader.hears_until("status 1 Filled").await;
    assert!(
        lines.contains(&format!("execution 1 BOT 1 at {ask}")),
        "{lines:?}"
    );
    assert_eq!(held(&simulator, &call), "-1");
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_combination_is_staged_previewed_and_cancelled_like_any_order() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let (spread, low, high) = vertical(&trader, "SPY").await;
    let before = simulator.books();
    let what_if = Order {
        what_if: true,
        ..limit(Action::Buy, 1.0, 5.0)
    };
    let mut preview = trader
        .client
        .place_order(1, &spread, &what_if)
        .await
        .unwrap();
    let ibapi::orders::PlaceOrder::OpenOrder(open) = next_data(&mut preview).await else {
        panic!("an order")
    };
    assert_eq!(open.order_state.commission, Some(2.0));
    assert!(open.order_state.initial_margin_change.unwrap() > 0.0);
    assert_eq!(simulator.books(), before);
    trader.hears(1).await;

    let staged = Order {
        transmit: false,
        ..limit(Action::Buy, 1.0, 0.01)
    };
    trader.place(2, &spread, &staged).await;
    trader.settle().await;
    assert_eq!(simulator.books().orders[0].status, "Staged");
    trader
        .place(2, &spread, &limit(Action::Buy, 1.0, 0.01))
        .await;
    trader.hears_until("status 2 Submitted").await;
    // Other legs are another order.
    let other = bag(
        "SPY",
        vec![leg(&low, 2, LegAction::Buy), leg(&high, 1, LegAction::Sell)],
    );
    trader
        .place(2, &other, &limit(Action::Buy, 1.0, 0.01))
        .await;
    assert_eq!(trader.hears(1).await, ["error 2 105"]);
    trader.cancel(2).await;
    assert_eq!(
        trader.hears(2).await,
        ["status 2 Cancelled 0/1", "error 2 202"]
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn what_is_no_combination_is_refused() {
    let simulator = still().await;
    let mut trader = Trader::new(&simulator, 1).await;
    let (_, low, high) = vertical(&trader, "SPY").await;
    let good = || leg(&low, 1, LegAction::Buy);
    let bad = |change: &dyn Fn(&mut ComboLeg)| {
        let mut leg = leg(&high, 1, LegAction::Sell);
        change(&mut leg);
        bag("SPY", vec![good(), leg])
    };
    let cases = [
        (bag("SPY", Vec::new()), 314),
        (bag("SPY", vec![good()]), 312),
        (bag("SPY", vec![good(), good()]), 312),
        (bad(&|leg| leg.ratio = 0), 313),
        (bad(&|leg| leg.contract_id = 0), 313),
        (bad(&|leg| leg.contract_id = 999), 200),
        (bad(&|leg| leg.exchange = "NOWHERE".to_owned()), 200),
        (bad(&|leg| leg.exchange = String::new()), 321),
        // A currency pair is no leg.
        (
            bad(&|leg| {
                leg.contract_id = 12_087_792;
                leg.exchange = "IDEALPRO".to_owned();
            }),
            313,
        ),
    ];
    for ((contract, code), id) in cases.into_iter().zip(1..) {
        trader
            .place(id, &contract, &limit(Action::Buy, 1.0, 1.0))
            .await;
        assert_eq!(
            trader.hears(1).await,
            [format!("error {id} {code}")],
            "{contract:?}"
        );
    }
    let spread = bad(&|_| {});
    trader
        .place(50, &spread, &order_builder::stop(Action::Buy, 1.0, 5.0))
        .await;
    assert_eq!(trader.hears(1).await, ["error 50 387"]);
    assert!(simulator.books().orders.is_empty());
    simulator.shutdown().await;
}
