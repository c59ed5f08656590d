//! The audit: whether the host, its journal and the simulated TWS agree on
//! every order, fill, position and cent.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use rust_decimal::Decimal;
use sandpit_gateway::journal::{Event, Filter, Kind, Reader, Stage, Standing};
use sandpit_simulator::{Books, OrderRecord};
use serde_json::Value;

use super::desk::{CLIENT_ID, Desk};
use super::trader::Traded;

/// The name of the host's gateway.
const GATEWAY: Option<&str> = Some("default");

/// A JSON number as the exact decimal that it spells.
fn decimal(value: &Value) -> Decimal {
    Decimal::from_str(&value.to_string()).unwrap_or_else(|_| panic!("{value} is no number"))
}

fn rows<'a>(answer: &'a Value, name: &str) -> &'a Vec<Value> {
    let rows = answer[name].as_array();
    rows.unwrap_or_else(|| panic!("no {name} in {answer}"))
}

/// Both sides, if they differ.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, host: T, books: T) -> Result<(), String> {
    if host == books {
        Ok(())
    } else {
        Err(format!(
            "{what}: the host has {host:#?}, the books have {books:#?}"
        ))
    }
}

/// What the host answers, against the books. The market must stand still.
pub async fn host(desk: &Desk, books: &Books) -> Result<(), String> {
    let account = &books.accounts[0];
    let answer = desk.ask("get_positions").await;
    let told: BTreeMap<i64, (Decimal, Decimal)> = rows(&answer, "positions")
        .iter()
        .map(|row| {
            let cost = decimal(&row["avgCost"]).round_dp(4);
            let con_id = row["contract"]["conId"].as_i64().unwrap_or_default();
            (
                con_id,
                (decimal(&row["position"]).normalize(), cost.normalize()),
            )
        })
        .collect();
    let held = account
        .positions
        .iter()
        .filter(|held| !held.quantity.is_zero());
    let booked: BTreeMap<i64, (Decimal, Decimal)> = held
        .map(|held| {
            let cost = held.average_cost.round_dp(4);
            let held_and_cost = (held.quantity.normalize(), cost.normalize());
            (i64::from(held.con_id), held_and_cost)
        })
        .collect();
    same("positions and their costs", told, booked)?;

    let answer = desk.ask("get_open_orders").await;
    let told: BTreeMap<i64, (String, Decimal, Decimal)> = rows(&answer, "orders")
        .iter()
        .map(|row| {
            let status = row["status"].as_str().unwrap_or_default().to_owned();
            let (filled, left) = (decimal(&row["filled"]), decimal(&row["remaining"]));
            let order_id = row["orderId"].as_i64().unwrap_or_default();
            (order_id, (status, filled.normalize(), left.normalize()))
        })
        .collect();
    let open = books.orders.iter().filter(|order| is_open(order));
    let booked: BTreeMap<i64, (String, Decimal, Decimal)> = open
        .map(|order| {
            let left = order.total_quantity - order.filled;
            let stands = (
                order.status.clone(),
                order.filled.normalize(),
                left.normalize(),
            );
            (i64::from(order.order_id), stands)
        })
        .collect();
    same("open orders", told, booked)?;

    let answer = desk.ask("get_executions").await;
    let told: BTreeMap<String, [Decimal; 3]> = rows(&answer, "executions")
        .iter()
        .map(|row| {
            let sign = if row["side"] == "BOT" {
                Decimal::ONE
            } else {
                -Decimal::ONE
            };
            let numbers = [
                decimal(&row["shares"]) * sign,
                decimal(&row["price"]),
                decimal(&row["commission"]),
            ];
            let id = row["execId"].as_str().unwrap_or_default().to_owned();
            (id, numbers.map(|number| number.normalize()))
        })
        .collect();
    same("executions", told, executions(books))?;

    let answer = desk.ask("get_account_summary").await;
    for (tag, booked) in [
        ("TotalCashValue", account.total_cash),
        ("NetLiquidation", account.net_liquidation),
    ] {
        let row = rows(&answer, "values").iter().find(|row| row["tag"] == tag);
        let told = row.map(|row| decimal(&row["value"]).round_dp(2).normalize());
        same(tag, told, Some(booked.round_dp(2).normalize()))?;
    }
    Ok(())
}

/// By id: signed quantity, price, commission.
fn executions(books: &Books) -> BTreeMap<String, [Decimal; 3]> {
    let all = books.executions.iter();
    all.map(|one| {
        let numbers = [one.quantity, one.price, one.commission];
        (
            one.execution_id.clone(),
            numbers.map(|number| number.normalize()),
        )
    })
    .collect()
}

/// Whether TWS would report it as open. It tells nobody of a staged order.
pub fn is_open(order: &OrderRecord) -> bool {
    ["PreSubmitted", "Submitted"].contains(&order.status.as_str())
}

/// What the journal has, against the books: of every order and every fill, and
/// of every key that a trader used.
pub fn journal(reader: &Reader, books: &Books, traded: &[Traded]) -> Result<(), String> {
    let verified = reader.verify().map_err(|error| error.to_string())?;
    if !verified.is_whole() {
        return Err(format!("the journal is not whole: {verified:?}"));
    }
    if let Some(one) = books
        .orders
        .iter()
        .find(|order| order.client_id != CLIENT_ID)
    {
        return Err(format!("an order of another client: {one:?}"));
    }
    let mut known = BTreeSet::new();
    for order in &books.orders {
        let key = reader.key_of(GATEWAY, CLIENT_ID, order.order_id);
        let key = key.map_err(|error| error.to_string())?;
        let key = key.ok_or_else(|| format!("the journal has no {order:?}"))?;
        if !known.insert(key.clone()) {
            return Err(format!(
                "{key} was sent twice, as {order:?} the second time"
            ));
        }
        let standing = reader.order(&key).map_err(|error| error.to_string())?;
        let standing = standing.ok_or_else(|| format!("{key} stands nowhere"))?;
        check_order(&standing, order, books)
            .map_err(|error| format!("order {} ({key}): {error}", order.order_id))?;
    }
    let mut fills = BTreeMap::new();
    let mut costs = BTreeMap::new();
    for row in reader.rows(&Filter::default()) {
        let row = row.map_err(|error| error.to_string())?;
        match row.event {
            Event::Fill(fill) => {
                let sign = if fill.side == "BOT" {
                    Decimal::ONE
                } else {
                    -Decimal::ONE
                };
                let numbers = [(fill.shares * sign).normalize(), fill.price.normalize()];
                if fills.insert(fill.exec_id.clone(), numbers).is_some() {
                    return Err(format!("{} was written twice", fill.exec_id));
                }
            }
            Event::Commission(cost) => {
                costs.insert(cost.exec_id.clone(), cost.amount.normalize());
            }
            Event::Sending(_) => {
                if let (Some(key), Some(id)) = (row.about.order, row.about.order_id)
                    && !known.contains(&key)
                {
                    never_arrived(reader, &key, id)?;
                }
            }
            _ => {}
        }
    }
    let booked: BTreeMap<String, [Decimal; 2]> = executions(books)
        .into_iter()
        .map(|(id, [quantity, price, _])| (id, [quantity, price]))
        .collect();
    same("fills of the journal", fills, booked)?;
    let booked: BTreeMap<String, Decimal> = executions(books)
        .into_iter()
        .map(|(id, [_, _, cost])| (id, cost))
        .collect();
    same("commissions of the journal", costs, booked)?;
    for (key, ids) in traded.iter().flat_map(|traded| &traded.keys) {
        check_key(reader, key, ids)?;
    }
    nothing_is_left(reader)
}

/// What was sent and is not in the books was lost on the way, or refused.
fn never_arrived(
    reader: &Reader,
    key: &sandpit_gateway::journal::OrderKey,
    order_id: i32,
) -> Result<(), String> {
    let standing = reader.order(key).map_err(|error| error.to_string())?;
    let stage = standing.map(|standing| standing.stage);
    let ends = [Stage::NotSent, Stage::NeverArrived, Stage::Rejected];
    if stage.is_some_and(|stage| ends.contains(&stage)) {
        Ok(())
    } else {
        Err(format!(
            "order {order_id} ({key}) is {stage:?}, and TWS never had it"
        ))
    }
}

fn check_order(standing: &Standing, order: &OrderRecord, books: &Books) -> Result<(), String> {
    let stage = match order.status.as_str() {
        // The entry of a bracket that was cut off before its exits had come:
        // TWS tells nobody that it has it, and it never trades.
        "Staged" => Stage::NeverArrived,
        "Filled" => Stage::Filled,
        "Cancelled" => Stage::Cancelled,
        "Inactive" => Stage::Rejected,
        _ => Stage::Working,
    };
    same("stage", standing.stage, stage)?;
    same(
        "filled",
        standing.filled().normalize(),
        order.filled.normalize(),
    )?;
    let sent = standing.order.as_ref().map(|sent| sent.action.clone());
    same("action", sent, Some(order.action.clone()))?;
    let symbol = standing
        .contract
        .as_ref()
        .map(|contract| contract.symbol.clone());
    same("symbol", symbol, Some(order.local_symbol.clone()))?;
    let mine = books
        .executions
        .iter()
        .filter(|one| one.order_id == order.order_id);
    let cost: Decimal = mine.map(|one| one.commission).sum();
    let told: Decimal = standing.commissions.values().map(|amount| amount.0).sum();
    same("commissions", told.normalize(), cost.normalize())
}

/// A key stands for one request, and that for the order that was answered.
fn check_key(reader: &Reader, key: &str, ids: &[i64]) -> Result<(), String> {
    let Some(first) = ids.first() else {
        return Ok(());
    };
    let parsed = key.parse().map_err(|_| format!("{key} is no key"))?;
    let told = reader.by_idempotency_key(&parsed);
    let told = told.map_err(|error| error.to_string())?;
    let told = told.ok_or_else(|| format!("the journal does not know the key {key}"))?;
    let order_id = told.standing.and_then(|standing| standing.about.order_id);
    same(
        &format!("order of {key}"),
        order_id.map(i64::from),
        Some(*first),
    )
}

/// No request is open.
fn nothing_is_left(reader: &Reader) -> Result<(), String> {
    let unfinished = reader.unfinished().map_err(|error| error.to_string())?;
    if let Some(order) = unfinished.first() {
        return Err(format!("unfinished: {order:#?}"));
    }
    Ok(())
}

/// Which rules refused something.
pub fn refused(reader: &Reader) -> BTreeMap<String, u32> {
    let verdicts = Filter {
        kinds: vec![Kind::Verdict],
        ..Filter::default()
    };
    let mut refused = BTreeMap::new();
    for row in reader.rows(&verdicts) {
        let Event::Verdict(verdict) = row.unwrap().event else {
            continue;
        };
        for check in verdict.checks {
            if check.outcome == sandpit_gateway::journal::Outcome::Refused {
                *refused.entry(check.rule).or_default() += 1;
            }
        }
    }
    refused
}
