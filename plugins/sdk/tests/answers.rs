//! What the broker's data looks like as JSON: TWS's names, exact numbers, and
//! nothing where there is nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use sandpit_sdk::broker::account::{AccountValue, Position, Value};
use sandpit_sdk::broker::history::{Bar, BarTime};
use sandpit_sdk::broker::market_data::{DataType, Quote};
use sandpit_sdk::broker::order_book::{Commission, Execution, Side};
use sandpit_sdk::broker::orders::{
    Order, OrderState, OrderStatus, OrderType, PlacedOrder, TimeInForce, TrailBy, TrailingStopLimit,
};
use sandpit_sdk::broker::types::{Action, ComboLeg, Contract, OptionRight, SecurityType};
use sandpit_sdk::{Decimal, json};

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn stock() -> Contract {
    Contract {
        con_id: Some(756_733),
        symbol: "SPY".to_owned(),
        security_type: SecurityType::Stock,
        expiry: None,
        strike: None,
        right: None,
        multiplier: None,
        exchange: Some("SMART".to_owned()),
        primary_exchange: None,
        currency: Some("USD".to_owned()),
        local_symbol: None,
        trading_class: None,
        include_expired: false,
        combo_legs: Vec::new(),
    }
}

const STOCK: &str =
    r#"{"conId":756733,"symbol":"SPY","secType":"STK","exchange":"SMART","currency":"USD"}"#;

#[test]
fn a_contract_has_only_what_it_has() {
    assert_eq!(text(&json::Contract::from(stock())), STOCK);
    let option = Contract {
        security_type: SecurityType::Option,
        expiry: Some("2026-12-18".to_owned()),
        strike: Some(decimal("500.50")),
        right: Some(OptionRight::Put),
        multiplier: Some(decimal("100")),
        ..stock()
    };
    assert_eq!(
        text(&json::Contract::from(option)),
        concat!(
            r#"{"conId":756733,"symbol":"SPY","secType":"OPT","#,
            r#""lastTradeDateOrContractMonth":"2026-12-18","strike":500.50,"right":"P","#,
            r#""multiplier":100,"exchange":"SMART","currency":"USD"}"#
        )
    );
    let combo = Contract {
        con_id: None,
        security_type: SecurityType::Combo,
        combo_legs: vec![ComboLeg {
            con_id: 1,
            ratio: 2,
            action: Action::Sell,
            exchange: "SMART".to_owned(),
        }],
        ..stock()
    };
    assert_eq!(
        text(&json::Contract::from(combo)),
        concat!(
            r#"{"symbol":"SPY","secType":"BAG","exchange":"SMART","currency":"USD","#,
            r#""comboLegs":[{"conId":1,"ratio":2,"action":"SELL","exchange":"SMART"}]}"#
        )
    );
}

#[test]
fn an_account_value_is_a_number_or_a_text() {
    let value = |value| {
        text(&json::AccountValue::from(AccountValue {
            account: "DU1".to_owned(),
            tag: "T".to_owned(),
            value,
            currency: None,
        }))
    };
    assert_eq!(
        value(Value::Number(decimal("100000.10"))),
        r#"{"account":"DU1","tag":"T","value":100000.10}"#
    );
    assert_eq!(
        value(Value::Text("INDIVIDUAL".to_owned())),
        r#"{"account":"DU1","tag":"T","value":"INDIVIDUAL"}"#
    );
}

#[test]
fn a_position_is_exact() {
    let position = Position {
        account: "DU1".to_owned(),
        contract: stock(),
        quantity: decimal("-5"),
        average_cost: Some(decimal("0.00000001")),
    };
    assert_eq!(
        text(&json::Position::from(position)),
        format!(r#"{{"account":"DU1","contract":{STOCK},"position":-5,"avgCost":0.00000001}}"#)
    );
}

#[test]
fn a_bar_has_a_day_or_a_start() {
    let bar = |time| {
        text(&json::Bar::from(Bar {
            time,
            open: decimal("1"),
            high: decimal("2.5"),
            low: decimal("0.5"),
            close: decimal("1.10"),
            volume: None,
            average: None,
            count: Some(3),
        }))
    };
    let rest = r#""open":1,"high":2.5,"low":0.5,"close":1.10,"barCount":3}"#;
    assert_eq!(
        bar(BarTime::Day("2026-12-18".to_owned())),
        format!(r#"{{"date":"2026-12-18",{rest}"#)
    );
    assert_eq!(
        bar(BarTime::Start(1_797_606_000_000)),
        format!(r#"{{"date":"2026-12-18T15:00:00Z",{rest}"#)
    );
}

#[test]
fn a_quote_of_nothing_says_how_fresh_it_would_be() {
    let quote = Quote {
        bid: None,
        bid_size: None,
        ask: None,
        ask_size: None,
        last: None,
        last_size: None,
        last_time: None,
        open: None,
        high: None,
        low: None,
        close: None,
        volume: None,
        data_type: DataType::DelayedFrozen,
        updated: None,
        age_ms: None,
        stale: true,
    };
    assert_eq!(
        text(&json::Quote::from(quote)),
        r#"{"marketDataType":"delayed-frozen","stale":true}"#
    );
}

#[test]
fn an_execution_has_its_commission_once_it_is_known() {
    let execution = Execution {
        exec_id: "0001.01".to_owned(),
        order_id: 7,
        perm_id: None,
        client_id: 1,
        account: "DU1".to_owned(),
        contract: stock(),
        side: Side::Sold,
        quantity: decimal("10"),
        price: decimal("669.10"),
        time: 1_797_606_000_000,
        exchange: "ARCA".to_owned(),
        cumulative_quantity: decimal("10"),
        average_price: None,
        reference: None,
        commission: None,
    };
    let known = concat!(
        r#""side":"SLD","shares":10,"price":669.10,"exchange":"ARCA","orderId":7,"#,
        r#""clientId":1,"cumQty":10"#
    );
    let head = r#"{"execId":"0001.01","time":"2026-12-18T15:00:00Z","account":"DU1","contract":"#;
    assert_eq!(
        text(&json::Execution::from(execution.clone())),
        format!("{head}{STOCK},{known}}}")
    );
    let reported = Execution {
        commission: Some(Commission {
            amount: decimal("1.00"),
            currency: "USD".to_owned(),
            realized_pnl: Some(decimal("-3.5")),
        }),
        ..execution
    };
    assert_eq!(
        text(&json::Execution::from(reported)),
        format!(
            r#"{head}{STOCK},{known},"commission":1.00,"commissionCurrency":"USD","realizedPNL":-3.5}}"#
        )
    );
}

#[test]
fn an_open_order_is_its_state_its_contract_and_its_terms() {
    let placed = PlacedOrder {
        contract: stock(),
        order: Order {
            action: Action::SellShort,
            quantity: decimal("3"),
            order_type: OrderType::TrailingStopLimit(TrailingStopLimit {
                trail_by: TrailBy::Percent(decimal("1.5")),
                initial_stop: Some(decimal("600")),
                limit_offset: decimal("0.1"),
            }),
            time_in_force: TimeInForce::GoodTillDate(1_797_606_000_000),
            account: None,
            outside_regular_hours: true,
            good_after: None,
            parent_id: Some(6),
            oca: None,
            transmit: false,
            algorithm: None,
            reference: None,
            display_quantity: None,
            all_or_none: false,
            hidden: true,
        },
        state: OrderState {
            order_id: 7,
            perm_id: None,
            client_id: 1,
            status: OrderStatus::Staged,
            filled: decimal("0"),
            remaining: decimal("3"),
            average_fill_price: None,
            last_fill_price: None,
            why_held: None,
            warnings: vec!["Mind the gap".to_owned()],
        },
    };
    assert_eq!(
        text(&json::OpenOrder::from(placed)),
        format!(
            concat!(
                r#"{{"orderId":7,"status":"Staged","filled":0,"remaining":3,"clientId":1,"#,
                r#""warnings":["Mind the gap"],"contract":{},"action":"SSHORT","#,
                r#""totalQuantity":3,"orderType":"TRAIL LIMIT","trailingPercent":1.5,"#,
                r#""trailStopPrice":600,"limitOffset":0.1,"tif":"GTD","#,
                r#""goodTillDate":"2026-12-18T15:00:00Z","outsideRth":true,"parentId":6,"#,
                r#""transmit":false,"hidden":true}}"#
            ),
            STOCK
        )
    );
}
