//! The index of orders: one line for each, made from the rows and nothing
//! else, to find an order by its ids and the unfinished ones at a start.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, Transaction, named_params};

use super::entry::About;
use super::event::Event;
use super::key::OrderKey;
use super::table;

/// What the index has of one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    gateway: Option<String>,
    client_id: Option<i32>,
    order_id: Option<i32>,
    perm_id: Option<i64>,
    sent: bool,
    ended: bool,
    first_seq: i64,
    last_seq: i64,
}

impl Line {
    /// Takes in a row of the order.
    fn take(&mut self, seq: i64, about: &About, event: &Event) {
        let effect = event.effect();
        self.gateway = self.gateway.take().or_else(|| about.gateway.clone());
        // Whoever knows an id later knows it better.
        self.client_id = about.client_id.or(self.client_id);
        self.order_id = about.order_id.or(self.order_id);
        self.perm_id = about.perm_id.or(self.perm_id);
        self.sent |= effect.sent;
        self.ended = effect.ended.unwrap_or(self.ended);
        if self.first_seq == 0 {
            self.first_seq = seq;
        }
        self.last_seq = seq;
    }

    fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            gateway: row.get("gateway")?,
            client_id: row.get("client_id")?,
            order_id: row.get("order_id")?,
            perm_id: row.get("perm_id")?,
            sent: row.get("sent")?,
            ended: row.get("ended")?,
            first_seq: row.get("first_seq")?,
            last_seq: row.get("last_seq")?,
        })
    }
}

/// Takes a new row into the index.
pub(super) fn update(
    connection: &Connection,
    seq: i64,
    about: &About,
    event: &Event,
) -> rusqlite::Result<()> {
    let Some(key) = &about.order else {
        return Ok(());
    };
    let mut known = connection.prepare_cached("SELECT * FROM orders WHERE order_key = ?1")?;
    let known = known.query_row([key.as_str()], Line::read).optional()?;
    let mut line = known.unwrap_or_default();
    line.take(seq, about, event);
    write(connection, key.as_str(), &line)
}

fn write(connection: &Connection, key: &str, line: &Line) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO orders (order_key, gateway, client_id, order_id, perm_id, sent,
             ended, first_seq, last_seq)
         VALUES (:key, :gateway, :client_id, :order_id, :perm_id, :sent, :ended, :first, :last)",
    )?;
    statement.execute(named_params! {
        ":key": key,
        ":gateway": line.gateway,
        ":client_id": line.client_id,
        ":order_id": line.order_id,
        ":perm_id": line.perm_id,
        ":sent": line.sent,
        ":ended": line.ended,
        ":first": line.first_seq,
        ":last": line.last_seq,
    })?;
    Ok(())
}

/// The index as the rows make it. Rows that cannot be read are left out: the
/// chain tells of them.
pub(super) fn from_rows(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Line>> {
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    let sql = table::select("WHERE order_key IS NOT NULL ORDER BY seq");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let Ok(row) = table::read(row) else { continue };
        let Some(key) = &row.about.order else {
            continue;
        };
        let line = lines.entry(key.to_string()).or_default();
        line.take(row.seq, &row.about, &row.event);
    }
    Ok(lines)
}

/// The index as it is stored.
pub(super) fn stored(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Line>> {
    let mut statement = connection.prepare("SELECT * FROM orders")?;
    let lines = statement.query_map([], |row| Ok((row.get("order_key")?, Line::read(row)?)))?;
    lines.collect()
}

/// Makes the index anew.
pub(super) fn rebuild(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let lines = from_rows(transaction)?;
    transaction.execute("DELETE FROM orders", [])?;
    for (key, line) in &lines {
        write(transaction, key, line)?;
    }
    Ok(())
}

/// The order with this id; of several that had it, the latest.
pub(super) fn by_order_id(
    connection: &Connection,
    gateway: Option<&str>,
    client_id: i32,
    order_id: i32,
) -> rusqlite::Result<Option<OrderKey>> {
    let mut statement = connection.prepare_cached(
        "SELECT order_key FROM orders
         WHERE gateway IS ?1 AND client_id = ?2 AND order_id = ?3
         ORDER BY first_seq DESC LIMIT 1",
    )?;
    let key = statement.query_row((gateway, client_id, order_id), |row| row.get(0));
    Ok(parse(key.optional()?))
}

/// The order with this permanent id.
pub(super) fn by_perm_id(
    connection: &Connection,
    gateway: Option<&str>,
    perm_id: i64,
) -> rusqlite::Result<Option<OrderKey>> {
    let mut statement = connection.prepare_cached(
        "SELECT order_key FROM orders WHERE gateway IS ?1 AND perm_id = ?2
         ORDER BY first_seq DESC LIMIT 1",
    )?;
    let key = statement.query_row((gateway, perm_id), |row| row.get(0));
    Ok(parse(key.optional()?))
}

/// The orders that TWS may know and that have not ended, oldest first.
pub(super) fn unfinished(connection: &Connection) -> rusqlite::Result<Vec<OrderKey>> {
    let mut statement = connection.prepare_cached(
        "SELECT order_key FROM orders WHERE ended = 0 AND sent = 1 ORDER BY first_seq",
    )?;
    let keys = statement.query_map([], |row| row.get::<_, String>(0))?;
    let keys: Vec<String> = keys.collect::<rusqlite::Result<_>>()?;
    Ok(keys.iter().filter_map(|key| key.parse().ok()).collect())
}

/// Those of a client id at a gateway.
pub(super) fn unfinished_of(
    connection: &Connection,
    gateway: Option<&str>,
    client_id: i32,
) -> rusqlite::Result<Vec<OrderKey>> {
    let mut statement = connection.prepare_cached(
        "SELECT order_key FROM orders
         WHERE ended = 0 AND sent = 1 AND gateway IS ?1 AND client_id = ?2 ORDER BY first_seq",
    )?;
    let keys = statement.query_map((gateway, client_id), |row| row.get::<_, String>(0))?;
    let keys: Vec<String> = keys.collect::<rusqlite::Result<_>>()?;
    Ok(keys.iter().filter_map(|key| key.parse().ok()).collect())
}

/// The highest order id of a client id at a gateway.
pub(super) fn highest_order_id(
    connection: &Connection,
    gateway: Option<&str>,
    client_id: i32,
) -> rusqlite::Result<Option<i32>> {
    let mut statement = connection.prepare_cached(
        "SELECT max(order_id) FROM orders WHERE gateway IS ?1 AND client_id = ?2",
    )?;
    statement.query_row((gateway, client_id), |row| row.get(0))
}

/// The ids of the order with this key.
pub(super) fn ids_of(connection: &Connection, key: &OrderKey) -> rusqlite::Result<Option<About>> {
    let mut known = connection.prepare_cached("SELECT * FROM orders WHERE order_key = ?1")?;
    let line = known.query_row([key.as_str()], Line::read).optional()?;
    Ok(line.map(|line| About {
        order: Some(key.clone()),
        request: None,
        gateway: line.gateway,
        account: None,
        client_id: line.client_id,
        order_id: line.order_id,
        perm_id: line.perm_id,
    }))
}

fn parse(key: Option<String>) -> Option<OrderKey> {
    key.and_then(|key| key.parse().ok())
}
