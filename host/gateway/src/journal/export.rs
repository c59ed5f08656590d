//! Rows for people and for other programs, one at a time: nothing here holds
//! more than one row.

use serde::Serialize;

use super::entry::Row;
use super::exact;
use super::key::OrderKey;
use super::words;
use crate::visible::spelled_out;

/// The headings of a table.
pub const HEADINGS: [&str; 7] = ["seq", "time", "kind", "order", "gateway", "ids", "what"];

/// A row as the cells of a table for people, under [`HEADINGS`]. It has no
/// line breaks and nothing that steers a terminal.
#[must_use]
pub fn cells(row: &Row) -> [String; HEADINGS.len()] {
    let about = &row.about;
    let id = |name: &str, id: Option<String>| id.map(|id| format!("{name} {id}"));
    let ids = [
        id("order", about.order_id.map(|id| id.to_string())),
        id("client", about.client_id.map(|id| id.to_string())),
        id("perm", about.perm_id.map(|id| id.to_string())),
        about.account.clone(),
    ];
    let ids: Vec<String> = ids.into_iter().flatten().collect();
    let text = |text: Option<&str>| spelled_out(text.unwrap_or_default());
    [
        row.seq.to_string(),
        exact::stamp(row.time),
        row.event.kind().to_string(),
        text(about.order.as_ref().map(OrderKey::as_str)),
        text(about.gateway.as_deref()),
        text(Some(&ids.join(", "))),
        words::line(&row.event),
    ]
}

/// A row as one line of JSON, without its line break: all that is in it,
/// exactly.
#[must_use]
pub fn json_line(row: &Row) -> String {
    let value = serde_json::to_value(row);
    // A row came from JSON, and goes back to it.
    value.map_or_else(|_| "null".to_owned(), |value| exact::canonical(&value))
}

/// The first line of a CSV file.
pub const CSV_HEADINGS: &str = "seq,time,kind,orderKey,request,gateway,account,clientId,orderId,\
                                permId,payload,previous,hash\r\n";

/// A row as a line of CSV, with its line break, as RFC 4180 has it. The
/// payload is JSON. A text that a spreadsheet would take for a formula gets an
/// apostrophe in front; where every sign counts, use [`json_line`].
#[must_use]
pub fn csv_line(row: &Row) -> String {
    let about = &row.about;
    let number = |number: Option<i64>| number.map(|it| it.to_string()).unwrap_or_default();
    let payload = serde_json::to_value(&row.event)
        .ok()
        .and_then(|mut event| event.get_mut("payload").map(serde_json::Value::take))
        .map(|payload| exact::canonical(&payload));
    let fields = [
        row.seq.to_string(),
        exact::stamp(row.time),
        row.event.kind().to_string(),
        harmless(about.order.as_ref().map(OrderKey::as_str)),
        number(about.request.map(|request| request.0)),
        harmless(about.gateway.as_deref()),
        harmless(about.account.as_deref()),
        number(about.client_id.map(i64::from)),
        number(about.order_id.map(i64::from)),
        number(about.perm_id),
        payload.unwrap_or_default(),
        row.previous.to_string(),
        row.hash.to_string(),
    ];
    let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
    fields.join(",") + "\r\n"
}

fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn harmless(text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// How rows are written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One JSON object in a line.
    JsonLines,
    /// Comma-separated values with a line of headings.
    Csv,
}

/// The whole of a file, piece by piece: headings where the format has them,
/// then a line for each row. An error ends it.
pub fn lines<E>(
    format: Format,
    rows: impl Iterator<Item = Result<Row, E>>,
) -> impl Iterator<Item = Result<String, E>> {
    let headings = match format {
        Format::JsonLines => None,
        Format::Csv => Some(Ok(CSV_HEADINGS.to_owned())),
    };
    let line = move |row: Row| match format {
        Format::JsonLines => json_line(&row) + "\n",
        Format::Csv => csv_line(&row),
    };
    headings
        .into_iter()
        .chain(rows.map(move |row| row.map(line)))
}
