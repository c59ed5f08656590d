//! What is written for people: tables, pairs, and texts of strangers.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use sandpit_gateway::visible::spelled_out;

/// The width where there is no terminal to ask.
const WIDTH: u16 = 120;

/// A text that may come from a component, in a form that a terminal only
/// shows: whatever could move its cursor, change its title or turn the
/// direction of writing is spelled out. Line breaks and tabs are blanks.
pub fn plain(text: &str) -> String {
    spelled_out(&text.replace(['\n', '\r', '\t'], " "))
}

/// The same for a text of several lines.
pub fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// A table with a line of headings and no borders. The columns named in
/// `numbers` are to the right.
pub fn table(headings: &[&str], numbers: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width())
        .set_header(headings);
    for row in rows {
        table.add_row(row.iter().map(|cell| plain(cell)));
    }
    for (index, heading) in headings.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, 2));
            if numbers.contains(heading) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    table.trim_fmt()
}

/// Names and values, one pair a line. A value of several lines is indented
/// below its name; pairs without a value are left out.
pub fn pairs(pairs: &[(&str, String)]) -> String {
    let shown = pairs.iter().filter(|(_, value)| !value.is_empty());
    let width = shown.clone().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in shown {
        for (number, line) in value.lines().enumerate() {
            let name = if number == 0 { *name } else { "" };
            text.push_str(format!("{name:width$}  {line}").trim_end());
            text.push('\n');
        }
    }
    text
}

fn width() -> u16 {
    terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0.max(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_cannot_write_to_the_terminal() {
        assert_eq!(
            plain("a\u{1b}[2Jb\r\nc\u{202e}d\u{7}\u{9b}é"),
            "a\\u{1b}[2Jb  c\\u{202e}d\\u{7}\\u{9b}é"
        );
        assert_eq!(plain_lines("one\ntwo\u{1b}"), "one\ntwo\\u{1b}");
        let shown = table(&["NAME"], &[], vec![vec!["x\u{1b}]0;y\u{7}".to_owned()]]);
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\u{7}'),
            "{shown}"
        );
    }

    #[test]
    fn columns_are_in_line() {
        let rows = vec![
            vec!["a".to_owned(), "1".to_owned()],
            vec!["long".to_owned(), "22".to_owned()],
        ];
        assert_eq!(
            table(&["NAME", "CALLS"], &["CALLS"], rows),
            "NAME  CALLS\na         1\nlong     22"
        );
    }

    #[test]
    fn pairs_without_a_value_are_left_out() {
        let text = pairs(&[
            ("name", "x".to_owned()),
            ("pin", String::new()),
            ("description", "one\n\ntwo".to_owned()),
        ]);
        assert_eq!(
            text,
            "name         x\ndescription  one\n\n             two\n"
        );
    }
}
