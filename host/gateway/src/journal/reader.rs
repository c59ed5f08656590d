//! Reading: by order, by time, by kind, and what the gate and a start need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::entry::{About, Row};
use super::error::{OpenError, ReadError};
use super::event::{Event, Kind, RequestKind, Verdict};
use super::filter::{Filter, Rows};
use super::key::{IdempotencyKey, OrderKey, RequestId};
use super::once::{self, Told};
use super::standing::Standing;
use super::verify::{self, Verified};
use super::{index, schema, table};

/// A connection that reads a journal: beside the host that writes it, in
/// another process too, or without one.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    path: PathBuf,
}

/// How many rows of each kind there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Rows by kind; a kind without rows is left out.
    pub rows: BTreeMap<Kind, u64>,
    /// What was handed to the socket, or was about to be, by what was asked:
    /// `place`, `modify`, `cancel` and so on.
    pub sent: BTreeMap<String, u64>,
}

impl Counts {
    /// Rows of this kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> u64 {
        self.rows.get(&kind).copied().unwrap_or(0)
    }

    /// Requests of this kind that were sent.
    #[must_use]
    pub fn sent(&self, request: RequestKind) -> u64 {
        self.sent.get(request.as_str()).copied().unwrap_or(0)
    }
}

impl Reader {
    /// Opens a journal to read.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        let connection = schema::open_to_read(&path)?;
        Ok(Self { connection, path })
    }

    /// Rows, a few at a time.
    #[must_use]
    pub fn rows(&self, filter: &Filter) -> Rows<'_> {
        Rows::new(self, filter)
    }

    /// The rows of an order, oldest first.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn order_rows(&self, key: &OrderKey) -> Result<Vec<Row>, ReadError> {
        table::rows(
            &self.connection,
            "WHERE order_key = ?1 ORDER BY seq",
            [key.as_str()],
        )
    }

    /// Where an order stands. `None` if the journal has no such order.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn order(&self, key: &OrderKey) -> Result<Option<Standing>, ReadError> {
        once::order(&self.connection, key)
    }

    /// The key of the order with this id at a gateway; of several that had it,
    /// the latest.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn key_of(
        &self,
        gateway: Option<&str>,
        client_id: i32,
        order_id: i32,
    ) -> Result<Option<OrderKey>, ReadError> {
        let key = index::by_order_id(&self.connection, gateway, client_id, order_id)?;
        Ok(key)
    }

    /// The key of the order with this permanent id at a gateway.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn key_of_perm_id(
        &self,
        gateway: Option<&str>,
        perm_id: i64,
    ) -> Result<Option<OrderKey>, ReadError> {
        Ok(index::by_perm_id(&self.connection, gateway, perm_id)?)
    }

    /// What became of a request. `None` if there is none.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn request(&self, id: RequestId) -> Result<Option<Told>, ReadError> {
        once::request(&self.connection, id)
    }

    /// What became of the latest request with this idempotency key. `None` if
    /// there was none.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn by_idempotency_key(&self, key: &IdempotencyKey) -> Result<Option<Told>, ReadError> {
        once::by_key(&self.connection, key)
    }

    /// The orders that TWS may know and that have not ended, oldest first:
    /// those to look up after a start, uncertain ones among them.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn unfinished(&self) -> Result<Vec<Standing>, ReadError> {
        let keys = index::unfinished(&self.connection)?;
        let standings = keys.iter().map(|key| self.order(key));
        standings.filter_map(Result::transpose).collect()
    }

    /// The same, but only those of a client id at a gateway.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn unfinished_of(
        &self,
        gateway: Option<&str>,
        client_id: i32,
    ) -> Result<Vec<Standing>, ReadError> {
        let keys = index::unfinished_of(&self.connection, gateway, client_id)?;
        let standings = keys.iter().map(|key| self.order(key));
        standings.filter_map(Result::transpose).collect()
    }

    /// The orders to which something happened last, the latest first, with
    /// what the gate said of each last. No more than `limit` of them, and of
    /// those that have a row among the last `rows`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn latest_orders(
        &self,
        limit: usize,
        rows: u64,
    ) -> Result<Vec<(Standing, Option<Verdict>)>, ReadError> {
        let filter = Filter {
            newest_first: true,
            limit: Some(rows),
            ..Filter::default()
        };
        let mut seen = BTreeSet::new();
        let mut orders = Vec::new();
        for row in self.rows(&filter) {
            if orders.len() == limit {
                break;
            }
            let Some(key) = row?.about.order else {
                continue;
            };
            if !seen.insert(key.clone()) {
                continue;
            }
            let rows = self.order_rows(&key)?;
            let verdict = rows.iter().rev().find_map(|row| match &row.event {
                Event::Verdict(verdict) => Some(verdict.clone()),
                _ => None,
            });
            orders.extend(Standing::of(&key, &rows).map(|standing| (standing, verdict)));
        }
        Ok(orders)
    }

    /// The highest order id of a client id at a gateway. `None` if it has none.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn highest_order_id(
        &self,
        gateway: Option<&str>,
        client_id: i32,
    ) -> Result<Option<i32>, ReadError> {
        let highest = index::highest_order_id(&self.connection, gateway, client_id)?;
        Ok(highest)
    }

    /// The ids of the order with this key. `None` if the journal has no such
    /// order.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn ids_of(&self, key: &OrderKey) -> Result<Option<About>, ReadError> {
        Ok(index::ids_of(&self.connection, key)?)
    }

    /// The requests that were asked, and neither refused nor sent, oldest
    /// first; previews are none of them. After a start they are what the host
    /// was at when it stopped: they certainly never reached TWS.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn never_sent(&self) -> Result<Vec<Told>, ReadError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq FROM rows AS asked
             WHERE kind = 'asked' AND payload ->> '$.request' <> 'preview' AND NOT EXISTS (
                 SELECT 1 FROM rows AS later WHERE later.request = asked.seq
                     AND later.kind IN ('refused', 'not-sent', 'sending', 'acknowledged'))
             ORDER BY seq",
        )?;
        let seqs = statement.query_map([], |row| row.get(0))?;
        let seqs: Vec<i64> = seqs.collect::<rusqlite::Result<_>>()?;
        let told = seqs.into_iter().map(|seq| self.request(RequestId(seq)));
        told.filter_map(Result::transpose).collect()
    }

    /// What the gate of a gateway remembered when it was last
    /// [kept](super::Journal::append_and_keep).
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn kept(&self, gateway: &str) -> Result<Option<String>, ReadError> {
        let state = self
            .connection
            .query_row(
                "SELECT state FROM kept WHERE gateway = ?1",
                [gateway],
                |row| row.get(0),
            )
            .optional()?;
        Ok(state)
    }

    /// The row that halted trading, unless a later one resumed it.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn halt(&self) -> Result<Option<Row>, ReadError> {
        let filter = Filter {
            kinds: vec![Kind::Halt, Kind::Resume],
            newest_first: true,
            limit: Some(1),
            ..Filter::default()
        };
        let latest = self.rows(&filter).next().transpose()?;
        Ok(latest.filter(|row| row.event.kind() == Kind::Halt))
    }

    /// How many rows of each kind there are, for example since midnight. The
    /// filter's order and limit play no part.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn counts(&self, filter: &Filter) -> Result<Counts, ReadError> {
        let (conditions, values) = filter.conditions();
        let mut counts = Counts::default();
        let sql = format!(
            "SELECT kind, CASE kind WHEN 'sending' THEN payload ->> '$.of' END AS of, count(*)
             FROM rows WHERE {conditions} GROUP BY 1, 2"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = statement.query(rusqlite::params_from_iter(values))?;
        while let Some(row) = found.next()? {
            let kind: String = row.get(0)?;
            let of: Option<String> = row.get(1)?;
            let count: i64 = row.get(2)?;
            let count = u64::try_from(count).unwrap_or(0);
            if let Ok(kind) = kind.parse() {
                *counts.rows.entry(kind).or_default() += count;
            }
            if let Some(of) = of {
                *counts.sent.entry(of).or_default() += count;
            }
        }
        Ok(counts)
    }

    /// Walks the whole chain, and names the first row that is not as it was
    /// written. It can be done while a host writes. See
    /// [the module](super#what-verify-finds) for what it finds.
    ///
    /// # Errors
    /// `File` only if the journal cannot be read at all.
    pub fn verify(&self) -> Result<Verified, ReadError> {
        verify::verify(&self.connection, &self.path)
    }
}
