//! Rows written out.

use sandpit_gateway::journal::export::{self, Format};
use sandpit_gateway::journal::{About, ReadError, Row};

use super::support::*;

fn rows(folder: &Folder) -> Vec<Row> {
    all(&folder.read())
}

fn lines(format: Format, rows: Vec<Row>) -> String {
    let rows = rows.into_iter().map(Ok::<_, ReadError>);
    let lines = export::lines(format, rows);
    lines.collect::<Result<_, _>>().unwrap()
}

#[test]
fn json_lines_have_all_of_it() {
    let folder = Folder::new();
    some_rows(&folder.open());
    let text = lines(Format::JsonLines, rows(&folder));
    let values: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(values.len(), 12);
    let first = &values[0];
    assert_eq!(first["seq"], 1);
    assert_eq!(first["time"], "2026-11-23T12:00:00.123456789Z");
    assert_eq!(first["kind"], "asked");
    assert_eq!(first["payload"]["order"]["limitPrice"], "101.50");
    assert_eq!(values[1]["previous"], first["hash"]);
    assert_eq!(values[5]["payload"]["execId"], "a.1.01");
}

/// Takes CSV apart as RFC 4180 has it.
fn fields(text: &str) -> Vec<Vec<String>> {
    let (mut lines, mut line, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match (quoted, sign) {
            (true, '"') if signs.peek() == Some(&'"') => {
                field.push('"');
                signs.next();
            }
            (_, '"') => quoted = !quoted,
            (false, ',') => line.push(std::mem::take(&mut field)),
            (false, '\r') => {}
            (false, '\n') => {
                line.push(std::mem::take(&mut field));
                lines.push(std::mem::take(&mut line));
            }
            (_, sign) => field.push(sign),
        }
    }
    assert!(!quoted && field.is_empty() && line.is_empty());
    lines
}

#[test]
fn csv_comes_apart_again() {
    let folder = Folder::new();
    let journal = folder.open();
    some_rows(&journal);
    let odd = About {
        account: Some("=1+1".into()),
        gateway: Some("a,\"b\"\r\nc".into()),
        ..About::default()
    };
    append(&journal, &odd, note("quote \" comma , line\r\nend"));
    let table = fields(&lines(Format::Csv, rows(&folder)));
    assert_eq!(table.len(), 14);
    assert!(table.iter().all(|line| line.len() == 13));
    assert_eq!(table[0][0], "seq");
    let last = &table[13];
    // The carriage return is within quotes, so it stays; this reader drops none.
    assert_eq!(last[5], "a,\"b\"\r\nc");
    assert_eq!(last[6], "'=1+1");
    let payload: serde_json::Value = serde_json::from_str(&last[10]).unwrap();
    assert_eq!(payload["text"], "quote \" comma , line\r\nend");
    assert_eq!(last[12], rows(&folder)[12].hash.to_string());
}

#[test]
fn a_table_has_one_plain_line_for_each_row() {
    let folder = Folder::new();
    let journal = folder.open();
    some_rows(&journal);
    let odd = About::gateway("a\u{1b}[31m\nb");
    append(&journal, &odd, note("\u{1b}[2J\r\n\u{202e}"));
    for row in rows(&folder) {
        for cell in export::cells(&row) {
            let plain = !cell.contains(|sign: char| sign.is_control() || sign == '\u{202e}');
            assert!(plain, "{cell:?}");
        }
    }
    let first = export::cells(&rows(&folder)[0]);
    assert_eq!(first[0], "1");
    assert_eq!(
        first[6],
        "agent asks by ibkr_place_order: place SPY STK BUY 10 LMT 101.50 DAY"
    );
}

#[test]
fn an_error_in_between_is_handed_on() {
    let folder = Folder::new();
    some_rows(&folder.open());
    folder
        .meddle()
        .execute("UPDATE rows SET payload = '{' WHERE seq = 3", [])
        .unwrap();
    let reader = folder.read();
    let written: Vec<_> = export::lines(Format::Csv, reader.rows(&Default::default())).collect();
    assert!(matches!(
        written.last(),
        Some(Err(ReadError::Row { seq: 3, .. }))
    ));
}
