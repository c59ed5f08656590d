//! Which rows to read, and reading them a few at a time.

use std::collections::VecDeque;

use rusqlite::types::Value;
use time::OffsetDateTime;

use super::entry::Row;
use super::error::ReadError;
use super::event::Kind;
use super::key::OrderKey;
use super::reader::Reader;
use super::table;

/// How many rows are read at once.
const PAGE: i64 = 500;

/// Which rows to read. What is absent does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only of this order.
    pub order: Option<OrderKey>,
    /// Only of this gateway.
    pub gateway: Option<String>,
    /// Only of this account.
    pub account: Option<String>,
    /// Only of these kinds; of all if there are none.
    pub kinds: Vec<Kind>,
    /// Only from this moment on.
    pub from: Option<OffsetDateTime>,
    /// Only before this moment.
    pub until: Option<OffsetDateTime>,
    /// Only rows with a higher number.
    pub after_seq: Option<i64>,
    /// The newest first; else the oldest.
    pub newest_first: bool,
    /// No more than so many.
    pub limit: Option<u64>,
}

impl Filter {
    /// The conditions, and what they are filled with.
    pub(super) fn conditions(&self) -> (String, Vec<Value>) {
        let mut conditions = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        let mut narrow = |condition: &str, value: Option<Value>| {
            if let Some(value) = value {
                conditions.push(condition.to_owned());
                values.push(value);
            }
        };
        let text = |text: &Option<String>| text.clone().map(Value::Text);
        let time = |time: Option<OffsetDateTime>| time.map(|time| nanos(time).into());
        let order = self.order.as_ref().map(|key| key.to_string().into());
        narrow("order_key = ?", order);
        narrow("gateway = ?", text(&self.gateway));
        narrow("account = ?", text(&self.account));
        narrow("time >= ?", time(self.from));
        narrow("time < ?", time(self.until));
        narrow("seq > ?", self.after_seq.map(Value::Integer));
        if !self.kinds.is_empty() {
            let places = vec!["?"; self.kinds.len()].join(", ");
            conditions.push(format!("kind IN ({places})"));
            values.extend(
                self.kinds
                    .iter()
                    .map(|kind| Value::Text(kind.as_str().to_owned())),
            );
        }
        if conditions.is_empty() {
            conditions.push("true".to_owned());
        }
        (conditions.join(" AND "), values)
    }
}

/// A moment as the column has it; what lies outside comes as near as it can.
pub(super) fn nanos(time: OffsetDateTime) -> i64 {
    let nanos = time.unix_timestamp_nanos();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// Rows as they are read. No more than a page is held in memory, and writing
/// goes on meanwhile.
#[derive(Debug)]
pub struct Rows<'a> {
    reader: &'a Reader,
    conditions: String,
    values: Vec<Value>,
    newest_first: bool,
    left: u64,
    page: VecDeque<Row>,
    /// The number of the last row that was read.
    at: Option<i64>,
    done: bool,
}

impl<'a> Rows<'a> {
    pub(super) fn new(reader: &'a Reader, filter: &Filter) -> Self {
        let (conditions, values) = filter.conditions();
        Self {
            reader,
            conditions,
            values,
            newest_first: filter.newest_first,
            left: filter.limit.unwrap_or(u64::MAX),
            page: VecDeque::new(),
            at: None,
            done: false,
        }
    }

    fn fetch(&mut self) -> Result<(), ReadError> {
        let mut values = self.values.clone();
        let (beyond, direction) = if self.newest_first {
            ("seq < ?", "DESC")
        } else {
            ("seq > ?", "ASC")
        };
        let start = if self.newest_first { i64::MAX } else { 0 };
        let conditions = &self.conditions;
        values.push(self.at.unwrap_or(start).into());
        let size = i64::try_from(self.left).map_or(PAGE, |left| left.min(PAGE));
        values.push(size.into());
        let page = table::rows(
            &self.reader.connection,
            &format!("WHERE {conditions} AND {beyond} ORDER BY seq {direction} LIMIT ?"),
            rusqlite::params_from_iter(values),
        )?;
        self.at = page.last().map(|row| row.seq);
        self.done = (page.len() as i64) < size || self.at.is_none();
        self.page = page.into();
        Ok(())
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        if self.page.is_empty()
            && !self.done
            && let Err(error) = self.fetch()
        {
            self.left = 0;
            return Some(Err(error));
        }
        let row = self.page.pop_front()?;
        self.left -= 1;
        Some(Ok(row))
    }
}
