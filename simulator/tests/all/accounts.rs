//! Account summary, account updates, positions, profit and loss.

use std::collections::HashMap;

use ibapi::accounts::types::{AccountGroup, AccountId, ContractId};
use ibapi::accounts::{
    AccountSummaryResult, AccountUpdate, AccountUpdateMulti, PositionUpdate, PositionUpdateMulti,
};
use ibapi::orders::{Action, order_builder};
use sandpit_simulator::{Fixture, Simulator, SimulatorConfig};

use crate::support::{
    ACCOUNT, Trader, all, code, connect, decimal, from_fixture, next_data, still, stock,
};

fn group() -> AccountGroup {
    AccountGroup("All".into())
}

fn account() -> AccountId {
    AccountId(ACCOUNT.into())
}

#[tokio::test]
async fn the_summary_agrees_with_the_books() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let tags = [
        "NetLiquidation",
        "TotalCashValue",
        "BuyingPower",
        "AccountType",
        "$LEDGER:USD",
    ];
    let rows = all(client.account_summary(&group(), &tags).await.unwrap())
        .await
        .unwrap();
    let values: HashMap<String, (String, String)> = rows
        .into_iter()
        .filter_map(|row| match row {
            AccountSummaryResult::Summary(row) => Some((row.tag, (row.value, row.currency))),
            AccountSummaryResult::End => None,
        })
        .collect();
    let books = simulator.books();
    let mine = books.account(ACCOUNT).unwrap();
    assert_eq!(
        values["NetLiquidation"],
        (format!("{:.2}", mine.net_liquidation), "USD".into())
    );
    assert_eq!(values["TotalCashValue"].0, "100000.00");
    assert_eq!(values["AccountType"], ("INDIVIDUAL".into(), String::new()));
    assert_eq!(values["UnrealizedPnL"].0, format!("{:.2}", mine.unrealized));
    assert!(values.contains_key("CashBalance"));
    books.check().unwrap();
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_third_summary_at_once_is_one_too_many() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let first = client
        .account_summary(&group(), &["NetLiquidation"])
        .await
        .unwrap();
    let second = client
        .account_summary(&group(), &["NetLiquidation"])
        .await
        .unwrap();
    assert_eq!(
        code(
            all(client
                .account_summary(&group(), &["NetLiquidation"])
                .await
                .unwrap())
            .await
        ),
        322
    );
    assert_eq!(
        code(
            all(client
                .account_summary(&AccountGroup("Nobody".into()), &["NetLiquidation"])
                .await
                .unwrap())
            .await
        ),
        322
    );
    drop((first, second));
    simulator.shutdown().await;
}

#[tokio::test]
async fn positions_are_those_of_the_start_and_change_with_fills() {
    let simulator = still().await;
    let trader = Trader::new(&simulator, 1).await;
    let mut positions = trader.client.positions().await.unwrap();
    let mut held = HashMap::new();
    while let PositionUpdate::Position(position) = next_data(&mut positions).await {
        assert_eq!(position.account, ACCOUNT);
        held.insert(
            position.contract.symbol.to_string(),
            (position.position, position.average_cost),
        );
    }
    assert_eq!(held["VTI"], (120.0, 291.36));
    assert_eq!(held["TLT"], (200.0, 93.12));
    assert_eq!(held.len(), 3);
    trader
        .place(
            1,
            &stock("VTI"),
            &order_builder::market_order(Action::Sell, 20.0),
        )
        .await;
    let PositionUpdate::Position(changed) = next_data(&mut positions).await else {
        panic!("a position")
    };
    assert_eq!(changed.position, 100.0);
    simulator.shutdown().await;
}

#[tokio::test]
async fn account_updates_bring_values_and_portfolio_and_then_what_changes() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let mut updates = client.account_updates(&account()).await.unwrap();
    let mut values = HashMap::new();
    let mut portfolio = HashMap::new();
    let mut times = 0;
    loop {
        match next_data(&mut updates).await {
            AccountUpdate::AccountValue(value) => {
                values.insert((value.key, value.currency), value.value);
            }
            AccountUpdate::PortfolioValue(line) => {
                portfolio.insert(line.contract.symbol.to_string(), line);
            }
            AccountUpdate::UpdateTime(_) => times += 1,
            AccountUpdate::End => break,
        }
    }
    assert_eq!(times, 1);
    assert_eq!(portfolio.len(), 3);
    assert_eq!(portfolio["VTI"].market_value, 120.0 * 328.5);
    assert_eq!(
        values[&("CashBalance".to_owned(), "USD".to_owned())],
        "100000.00"
    );
    assert!(values.contains_key(&("MaintMarginReq".to_owned(), "USD".to_owned())));

    simulator
        .control()
        .set_price("VTI", decimal("330.00"))
        .unwrap();
    let changed = loop {
        if let AccountUpdate::PortfolioValue(line) = next_data(&mut updates).await {
            break line;
        }
    };
    assert_eq!(
        (
            changed.contract.symbol.to_string().as_str(),
            changed.market_price
        ),
        ("VTI", 330.0)
    );
    drop(updates);
    // A wrong account is an error without a request.
    let other = connect(&simulator, 2).await;
    let mut notices = other.notice_stream().unwrap();
    let wrong = other
        .account_updates(&AccountId("DU0".into()))
        .await
        .unwrap();
    while notices.next().await.unwrap().code != 321 {}
    drop(wrong);
    simulator.shutdown().await;
}

#[tokio::test]
async fn profit_and_loss_follow_prices_and_fills() {
    let simulator = still().await;
    let trader = Trader::new(&simulator, 1).await;
    let con_id = simulator.control().con_id("VTI").unwrap();
    let mut pnl = trader.client.pnl(&account(), None).await.unwrap();
    let first = next_data(&mut pnl).await;
    assert_eq!((first.daily_pnl, first.realized_pnl), (0.0, Some(0.0)));
    let mut single = trader
        .client
        .pnl_single(&account(), ContractId(con_id), None)
        .await
        .unwrap();
    assert_eq!(next_data(&mut single).await.position, 120.0);

    simulator
        .control()
        .set_price("VTI", decimal("329.50"))
        .unwrap();
    assert_eq!(next_data(&mut pnl).await.daily_pnl, 120.0);
    let moved = next_data(&mut single).await;
    assert_eq!((moved.daily_pnl, moved.value), (120.0, 120.0 * 329.5));

    trader
        .place(
            1,
            &stock("VTI"),
            &order_builder::market_order(Action::Sell, 100.0),
        )
        .await;
    let sold = next_data(&mut pnl).await;
    // Sold at the bid, a cent below the mark, for a commission of a dollar.
    assert_eq!(sold.realized_pnl, Some(3812.0));
    assert_eq!(sold.daily_pnl, 118.0);
    let books = simulator.books();
    books.check().unwrap();
    assert_eq!(books.account(ACCOUNT).unwrap().realized, decimal("3812.00"));
    assert_eq!(code(all_pnl(&trader).await), 321);
    simulator.shutdown().await;
}

async fn all_pnl(trader: &Trader) -> Result<(), ibapi::Error> {
    let mut wrong = trader.client.pnl(&AccountId("DU0".into()), None).await?;
    crate::support::next(&mut wrong).await.map(|_| ())
}

#[tokio::test]
async fn the_forms_by_request_id_say_the_same() {
    let simulator = still().await;
    let client = connect(&simulator, 1).await;
    let values = all(client
        .account_updates_multi(Some(&account()), None)
        .await
        .unwrap())
    .await
    .unwrap();
    assert!(values.iter().any(|value| matches!(value,
        AccountUpdateMulti::AccountMultiValue(value) if value.key == "NetLiquidation" && value.account == ACCOUNT)));
    let positions = all(client
        .positions_multi(Some(&account()), None)
        .await
        .unwrap())
    .await
    .unwrap();
    let symbols: Vec<String> = positions
        .into_iter()
        .filter_map(|position| match position {
            PositionUpdateMulti::Position(position) => Some(position.contract.symbol.to_string()),
            PositionUpdateMulti::PositionEnd => None,
        })
        .collect();
    assert_eq!(symbols.len(), 3);
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_fixture_says_what_accounts_hold() {
    let simulator = from_fixture(include_str!("../../fixtures/example.json")).await;
    let client = connect(&simulator, 1).await;
    assert_eq!(client.handshake_managed_accounts(), ["DU7654321"]);
    let books = simulator.books();
    let mine = books.account("DU7654321").unwrap();
    // 25,000 USD, 1,000 EUR at 1.10, 100 VTI at 300, 300 TLT at 90.
    assert_eq!(mine.net_liquidation, decimal("83100.00"));
    assert_eq!(mine.position("VTI").unwrap().average_cost, decimal("250"));
    simulator
        .control()
        .set_price("EUR.USD", decimal("1.20"))
        .unwrap();
    let books = simulator.books();
    assert_eq!(
        books.account("DU7654321").unwrap().net_liquidation,
        decimal("83200.00")
    );
    books.check().unwrap();
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_fixture_with_a_mistake_is_refused_with_its_name() {
    for (json, expected) in [
        (r#"{"prices": {"NOSUCH": 1}}"#, "NOSUCH"),
        (r#"{"prices": {"VTI": -1}}"#, "VTI"),
        (
            r#"{"accounts": [{"account": "DU1", "cash": {"XAU": 1}}]}"#,
            "XAU",
        ),
        (
            r#"{"accounts": [{"account": "DU1", "positions": [{"symbol": "SPX", "quantity": 1}]}]}"#,
            "SPX",
        ),
        (
            r#"{"history": [{"symbol": "VTI", "barSize": "9 days", "bars": []}]}"#,
            "bar size",
        ),
    ] {
        let start = sandpit_simulator::Start::Fixture(Fixture::from_json(json).unwrap());
        let error = Simulator::start(SimulatorConfig {
            start,
            ..SimulatorConfig::default()
        })
        .await
        .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(
        Fixture::from_json(r#"{"acounts": []}"#)
            .unwrap_err()
            .to_string()
            .contains("acounts")
    );
}

#[tokio::test]
async fn several_accounts_have_books_of_their_own() {
    let accounts = vec!["DU1".to_owned(), "DU2".to_owned()];
    let config = SimulatorConfig {
        accounts,
        tick_interval: None,
        ..SimulatorConfig::default()
    };
    let simulator = Simulator::start(config).await.unwrap();
    let mut trader = Trader::new(&simulator, 1).await;
    let mut order = order_builder::market_order(Action::Buy, 10.0);
    trader.place(1, &stock("KO"), &order).await;
    assert_eq!(trader.hears(1).await, ["error 1 436"]);
    order.account = "DU3".into();
    trader.place(1, &stock("KO"), &order).await;
    assert_eq!(trader.hears(1).await, ["error 1 435"]);
    order.account = "DU2".into();
    trader.place(1, &stock("KO"), &order).await;
    trader.hears_until("commission").await;
    let books = simulator.books();
    books.check().unwrap();
    assert!(books.account("DU1").unwrap().position("KO").is_none());
    assert_eq!(
        books
            .account("DU2")
            .unwrap()
            .position("KO")
            .unwrap()
            .quantity,
        decimal("10")
    );
    simulator.shutdown().await;
}
