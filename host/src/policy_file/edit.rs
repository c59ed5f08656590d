//! Edits of the policy in the text of a configuration file: text in, text out.
//!
//! Comments, order and layout are the operator's and stay as they are; only
//! the value that changes is written anew. Whoever reads the result finds what
//! was asked for, or there is an error and no result.

use std::collections::BTreeSet;

use toml_edit::{Array, DocumentMut, InlineTable, Item, RawString, Table, TableLike, Value};

/// The section that holds the policy.
const SECTION: &str = "policy";

/// One change of a tool's own entry, `[policy.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// It is granted exactly these capabilities.
    Grants(BTreeSet<String>),
    /// It is enabled, or not.
    Enabled(bool),
    /// It is pinned to this digest, or to none.
    Pin(Option<String>),
}

/// A text that cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is not TOML.
    #[error("it is not valid TOML: {0}")]
    NotToml(String),
    /// A key holds something else than it should.
    #[error("{key} is {found}; it must be {expected}")]
    WrongType {
        /// The key, from the top.
        key: String,
        /// What it is.
        found: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The result does not say what was asked for.
    #[error("it is laid out in a way that cannot be edited here; change {key} by hand")]
    Layout {
        /// The key, from the top.
        key: String,
    },
}

impl Edit {
    /// The key that it changes.
    fn key(&self) -> &'static str {
        match self {
            Self::Grants(_) => "grants",
            Self::Enabled(_) => "enabled",
            Self::Pin(_) => "pin",
        }
    }

    /// The same, from the top.
    fn path(&self, tool: &str) -> String {
        format!("{SECTION}.{tool}.{}", self.key())
    }

    /// Whether a document says this already.
    fn is_in(&self, document: &DocumentMut, tool: &str) -> bool {
        let item = document
            .get(SECTION)
            .and_then(Item::as_table_like)
            .and_then(|policy| policy.get(tool))
            .and_then(Item::as_table_like)
            .and_then(|entry| entry.get(self.key()));
        match self {
            Self::Grants(wanted) => item
                .and_then(Item::as_array)
                .and_then(|array| array.iter().map(Value::as_str).collect::<Option<Vec<_>>>())
                .is_some_and(|names| {
                    names.len() == wanted.len()
                        && names.into_iter().all(|name| wanted.contains(name))
                }),
            Self::Enabled(wanted) => item.and_then(Item::as_bool) == Some(*wanted),
            Self::Pin(Some(wanted)) => item.and_then(Item::as_str) == Some(wanted),
            Self::Pin(None) => item.is_none(),
        }
    }
}

/// Makes one change to a text. One that says it already stays as it is, to the
/// byte.
///
/// # Errors
///
/// [`EditError`], if the text is not TOML or the policy in it is not a policy.
pub fn edit(text: &str, tool: &str, edit: &Edit) -> Result<String, EditError> {
    // toml_edit writes line feeds; who writes both has both.
    let windows = text.contains("\r\n") && !text.replace("\r\n", "").contains('\n');
    let (mark, plain) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    let plain = if windows {
        plain.replace("\r\n", "\n")
    } else {
        plain.to_owned()
    };
    let mut document = parse(&plain)?;
    if edit.is_in(&document, tool) {
        return Ok(text.to_owned());
    }
    let edited = match edit {
        Edit::Pin(None) => without_pin(&plain, document, tool)?,
        _ => {
            apply(&mut document, tool, edit)?;
            document.to_string()
        }
    };
    if !parse(&edited).is_ok_and(|document| edit.is_in(&document, tool)) {
        return Err(EditError::Layout {
            key: edit.path(tool),
        });
    }
    let edited = if windows {
        edited.replace('\n', "\r\n")
    } else {
        edited
    };
    Ok(format!("{mark}{edited}"))
}

fn parse(text: &str) -> Result<DocumentMut, EditError> {
    text.parse()
        .map_err(|error: toml_edit::TomlError| EditError::NotToml(error.message().to_owned()))
}

/// Writes the value into the tool's entry, and makes the entry if there is none.
fn apply(document: &mut DocumentMut, tool: &str, edit: &Edit) -> Result<(), EditError> {
    let key = edit.key();
    let inline = is_inline(document, tool);
    let entry = entry(document, tool)?;
    match (edit, entry.get_mut(key)) {
        (Edit::Grants(wanted), Some(Item::Value(Value::Array(array)))) => {
            set_members(array, wanted);
        }
        (_, Some(Item::Value(old))) => {
            let mut new = value(edit);
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        (_, None | Some(Item::None)) => {
            let mut new = value(edit);
            // What is before the closing brace stays there.
            if inline && let Some((_, Item::Value(last))) = entry.iter_mut().last() {
                new.decor_mut().set_suffix(raw(last.decor().suffix()));
                last.decor_mut().set_suffix("");
            }
            entry.insert(key, Item::Value(new));
        }
        (_, Some(other)) => {
            return Err(EditError::WrongType {
                key: edit.path(tool),
                found: other.type_name(),
                expected: "a value",
            });
        }
    }
    Ok(())
}

fn value(edit: &Edit) -> Value {
    match edit {
        Edit::Grants(names) => Value::Array(names.iter().map(String::as_str).collect()),
        Edit::Enabled(enabled) => Value::from(*enabled),
        Edit::Pin(digest) => Value::from(digest.as_deref().unwrap_or_default()),
    }
}

/// The tool's own entry, in whichever way the file writes tables.
fn entry<'a>(
    document: &'a mut DocumentMut,
    tool: &str,
) -> Result<&'a mut dyn TableLike, EditError> {
    // In a file of comments alone they all stand behind the last table. The
    // first one goes below them.
    let mut prefix = "\n".to_owned();
    if document.is_empty() {
        prefix = raw(Some(document.trailing()));
        if !prefix.is_empty() {
            prefix = format!("{}\n\n", prefix.trim_end_matches('\n'));
        }
        document.set_trailing("");
    }
    let policy = document.entry(SECTION).or_insert_with(|| {
        let mut table = Table::new();
        // Only the entries have a header.
        table.set_implicit(true);
        Item::Table(table)
    });
    let inline = policy.is_inline_table();
    let policy = table(policy, SECTION)?;
    if policy.get(tool).is_none() {
        let new = if inline {
            Item::Value(Value::InlineTable(InlineTable::new()))
        } else {
            let mut table = Table::new();
            table.decor_mut().set_prefix(prefix);
            Item::Table(table)
        };
        policy.insert(tool, new);
    }
    let key = format!("{SECTION}.{tool}");
    let Some(entry) = policy.get_mut(tool) else {
        return Err(EditError::Layout { key });
    };
    table(entry, &key)
}

fn table<'a>(item: &'a mut Item, key: &str) -> Result<&'a mut dyn TableLike, EditError> {
    let found = item.type_name();
    item.as_table_like_mut().ok_or(EditError::WrongType {
        key: key.to_owned(),
        found,
        expected: "a table",
    })
}

/// Takes out of an array what is not wanted, and appends what is missing.
/// Comments beside an element stay when it goes.
fn set_members(array: &mut Array, wanted: &BTreeSet<String>) {
    let mut seen = BTreeSet::new();
    let mut index = 0;
    while let Some(value) = array.get(index) {
        let keep = value
            .as_str()
            .is_some_and(|name| wanted.contains(name) && seen.insert(name.to_owned()));
        if keep {
            index += 1;
        } else {
            remove(array, index);
        }
    }
    for name in wanted.difference(&seen) {
        append(array, name);
    }
}

/// Removes an element. A comment beside it goes to what follows, and where
/// there is none the layout is as if it had not been there.
fn remove(array: &mut Array, index: usize) {
    let removed = array.remove(index);
    let before = raw(removed.decor().prefix());
    let after = raw(removed.decor().suffix());
    let around = format!("{before}{after}");
    if let Some(next) = array.get_mut(index) {
        let prefix = raw(next.decor().prefix());
        let joined = match (around.contains('#'), prefix.contains('#')) {
            (true, true) => format!("{around}{prefix}"),
            (true, false) => around,
            (false, true) => prefix,
            (false, false) => before,
        };
        next.decor_mut().set_prefix(joined);
        return;
    }
    let end = raw(Some(array.trailing()));
    let joined = if around.contains('#') {
        // A comment ends with its line.
        let comment = around.trim_end_matches([' ', '\t']);
        match end.strip_prefix('\n') {
            Some(rest) if comment.ends_with('\n') => format!("{comment}{rest}"),
            _ if end.contains('#') => format!("{around}{end}"),
            _ => format!("{comment}{end}"),
        }
    } else if array.trailing_comma() {
        end
    } else {
        format!("{after}{end}")
    };
    array.set_trailing(joined);
    if array.is_empty() {
        array.set_trailing_comma(false);
    }
}

/// Appends an element in the way the last one is written.
fn append(array: &mut Array, name: &str) {
    let mut value = Value::from(name);
    let trailing_comma = array.trailing_comma();
    let trailing = raw(Some(array.trailing()));
    let alone = array.len() == 1;
    let last = array.len().checked_sub(1);
    let Some(last) = last.and_then(|last| array.get_mut(last)) else {
        // A comment in an empty array stays in front.
        if trailing.contains('#') {
            value.decor_mut().set_prefix(trailing);
            array.set_trailing("");
        }
        array.push_formatted(value);
        return;
    };
    let prefix = raw(last.decor().prefix());
    // What is between the last element and the bracket. A comment there is on
    // that element and stays behind it; the break before the bracket stays
    // before the bracket.
    let behind = if trailing_comma {
        trailing
    } else {
        let suffix = raw(last.decor().suffix());
        last.decor_mut().set_suffix("");
        format!("{suffix}{trailing}")
    };
    let indent = prefix.rsplit_once('\n').map(|(_, indent)| indent);
    let (comment, end) = if behind.contains('#') {
        let (comment, end) = behind.rsplit_once('\n').unwrap_or((&behind, ""));
        (comment.trim_end(), format!("\n{end}"))
    } else {
        ("", behind.clone())
    };
    let prefix = match indent {
        Some(indent) => format!("{comment}\n{indent}"),
        None if !comment.is_empty() => format!("{comment}\n"),
        None if alone => " ".to_owned(),
        None => prefix,
    };
    value.decor_mut().set_prefix(prefix);
    if trailing_comma {
        value.decor_mut().set_suffix("");
        array.push_formatted(value);
        array.set_trailing(end);
    } else {
        value.decor_mut().set_suffix(end);
        array.push_formatted(value);
        array.set_trailing("");
    }
}

fn raw(text: Option<&RawString>) -> String {
    text.and_then(RawString::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// Takes the pin out. In an ordinary table its line goes, and a comment on that
/// line stays as one of its own.
fn without_pin(text: &str, mut document: DocumentMut, tool: &str) -> Result<String, EditError> {
    if is_inline(&document, tool) {
        entry(&mut document, tool)?.remove("pin");
        return Ok(document.to_string());
    }
    let layout = || EditError::Layout {
        key: Edit::Pin(None).path(tool),
    };
    let spanned = toml_edit::Document::parse(text)
        .map_err(|error| EditError::NotToml(error.message().to_owned()))?;
    let span = spanned
        .get(SECTION)
        .and_then(|policy| policy.get(tool))
        .and_then(|entry| entry.get("pin"))
        .and_then(Item::span)
        .ok_or_else(layout)?;
    let before = text.get(..span.start).ok_or_else(layout)?;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let rest = text.get(span.end..).ok_or_else(layout)?;
    let (line, below) = match rest.find('\n') {
        Some(at) => (rest.get(..at), rest.get(at + 1..)),
        None => (Some(rest), Some("")),
    };
    let comment = line.ok_or_else(layout)?.trim_start();
    let mut edited = text.get(..start).ok_or_else(layout)?.to_owned();
    if !comment.is_empty() {
        edited.push_str(comment);
        edited.push('\n');
    }
    edited.push_str(below.ok_or_else(layout)?);
    Ok(edited)
}

/// Whether the entry, or what holds it, is an inline table.
fn is_inline(document: &DocumentMut, tool: &str) -> bool {
    document.get(SECTION).is_some_and(|policy| {
        policy.is_inline_table() || policy.get(tool).is_some_and(Item::is_inline_table)
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests;
