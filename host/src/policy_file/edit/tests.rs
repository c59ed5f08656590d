//! What an edit keeps, and what it changes.

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;

const CAPABILITIES: [&str; 4] = ["account", "contracts", "history", "trading"];

fn grants(names: &[&str]) -> Edit {
    Edit::Grants(names.iter().map(ToString::to_string).collect())
}

fn edited(text: &str, change: &Edit) -> String {
    edit(text, "x", change).unwrap()
}

#[test]
fn a_new_entry_goes_behind_the_others() {
    let text = "# Sandpit\n[policy.a]\ngrants = []\n\n# Log.\n[log]\nlevel = \"info\"\n";
    assert_eq!(
        edited(text, &grants(&["account", "history"])),
        "# Sandpit\n[policy.a]\ngrants = []\n\n[policy.x]\ngrants = [\"account\", \"history\"]\n\n\
         # Log.\n[log]\nlevel = \"info\"\n"
    );
}

#[test]
fn a_file_is_begun() {
    let entry = "[policy.x]\ngrants = []\n";
    assert_eq!(edited("", &grants(&[])), entry);
    assert_eq!(
        edited("# Only words.\n", &grants(&[])),
        format!("# Only words.\n\n{entry}")
    );
}

#[test]
fn a_value_keeps_its_comment() {
    assert_eq!(
        edited(
            "[policy.x]\nenabled = false   # for now\n",
            &Edit::Enabled(true)
        ),
        "[policy.x]\nenabled = true   # for now\n"
    );
}

#[test]
fn elements_come_and_go_with_the_comments_in_place() {
    let text = "[policy.x]\ngrants = [\n    \"account\", # reads\n    # careful\n    \"trading\", # writes\n]\n";
    let revoked = edited(text, &grants(&["account"]));
    assert_eq!(
        revoked,
        "[policy.x]\ngrants = [\n    \"account\", # reads\n    # careful\n     # writes\n]\n"
    );
    let granted = edited(text, &grants(&["account", "trading", "history"]));
    assert_eq!(
        granted,
        "[policy.x]\ngrants = [\n    \"account\", # reads\n    # careful\n    \"trading\", # writes\n    \"history\",\n]\n"
    );
    let flat = "policy.x.grants = [\"trading\"]";
    assert_eq!(
        edited(flat, &grants(&["account", "trading"])),
        "policy.x.grants = [\"trading\", \"account\"]\n"
    );
}

#[test]
fn an_inline_entry_stays_inline() {
    let text = "policy = { x = { grants = [\"account\"], pin = \"00\" }, y = {} } # all\n";
    assert_eq!(
        edited(text, &Edit::Enabled(false)),
        "policy = { x = { grants = [\"account\"], pin = \"00\", enabled = false }, y = {} } # all\n"
    );
    let without = edited(text, &Edit::Pin(None));
    assert!(!without.contains("pin"), "{without}");
    assert!(without.ends_with("# all\n"));
}

#[test]
fn a_pin_goes_and_leaves_its_comments() {
    let text = "[policy.x]\n# From Bob.\npin = \"00\" # Monday\ngrants = []\n";
    assert_eq!(
        edited(text, &Edit::Pin(None)),
        "[policy.x]\n# From Bob.\n# Monday\ngrants = []\n"
    );
    assert_eq!(
        edited("[policy.x]\npin = \"00\"", &Edit::Pin(None)),
        "[policy.x]\n"
    );
}

#[test]
fn the_marks_of_an_editor_stay() {
    let text = "\u{feff}[log]\r\nlevel = \"info\"\r\n";
    assert_eq!(
        edited(text, &grants(&[])),
        "\u{feff}[log]\r\nlevel = \"info\"\r\n\r\n[policy.x]\r\ngrants = []\r\n"
    );
}

#[test]
fn what_is_no_policy_is_refused_by_name() {
    for (text, words) in [
        ("[policy", "not valid TOML"),
        ("policy = 1", "policy is integer; it must be a table"),
        (
            "policy.x = \"all\"",
            "policy.x is string; it must be a table",
        ),
        ("[[policy.x]]", "policy.x is array of tables"),
        (
            "[policy.x.grants]",
            "policy.x.grants is table; it must be a value",
        ),
    ] {
        let error = edit(text, "x", &grants(&["account"])).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// A file, and how many comments are in it. Each comment is `#<number>.`, in
/// the order of the file.
fn files() -> impl Strategy<Value = String> {
    let names = subsequence(CAPABILITIES.to_vec(), 0..=4);
    let array = (names, 0..5u8).prop_map(|(names, style)| match style {
        0 => format!("{names:?}"),
        1 => format!("{names:?}").replace(' ', ""),
        2 => format!("[ #\n{}]", lines(&names, "\"@\", #\n")),
        3 => format!("[\n#\n{}#\n]", lines(&names, "  #\n  \"@\" ,\n")),
        _ => {
            let mut text = lines(&names, "\t\"@\"#\n,").replace(",\t", "\n,\t");
            text.truncate(text.trim_end_matches(',').len());
            format!("[{text}]")
        }
    });
    let fields = (
        proptest::option::of(array),
        proptest::option::of(any::<bool>()),
        proptest::option::of(Just("\"00\"")),
        any::<bool>(),
    );
    let entry = (fields, 0..4u8).prop_map(|((grants, enabled, pin, hidden), style)| {
        let mut pairs = Vec::new();
        if hidden {
            pairs.push("hidden = true".to_owned());
        }
        pairs.extend(grants.map(|grants| format!("grants = {grants}")));
        pairs.extend(enabled.map(|enabled| format!("enabled = {enabled}")));
        pairs.extend(pin.map(|pin| format!("pin = {pin}")));
        (pairs, style)
    });
    (entry.clone(), entry, any::<[bool; 3]>()).prop_map(|(x, other, [log, first, end])| {
        let mut text = "#\n".to_owned();
        // Dotted keys and inline tables of the root come before any header.
        for (name, (pairs, style)) in [("x", &x), ("\"ibkr_*\"", &other)] {
            if *style == 0 {
                for pair in pairs {
                    text.push_str(&format!("#\npolicy.{name}.{pair} #\n"));
                }
            }
        }
        if log && first {
            text.push_str("[log] #\nlevel = \"info\"\n\n");
        }
        for (name, (pairs, style)) in [("x", &x), ("\"ibkr_*\"", &other)] {
            match style {
                0 => {}
                1 => text.push_str(&format!("[policy.{name}.scope]\nsymbols = [\"SPY\"] #\n")),
                _ => {
                    text.push_str(&format!("#\n[ policy.{name} ] #\n"));
                    for pair in pairs {
                        text.push_str(&format!("#\n{pair}   #\n"));
                    }
                }
            }
        }
        if log && !first {
            text.push_str("\n#\n[log] #\nlevel = \"info\"\n");
        }
        if end {
            text.push_str("# \n#");
        }
        let mut number = 0;
        text.split('#').fold(String::new(), |mut text, part| {
            if number > 0 {
                text.push_str(&format!("#{number}."));
            }
            number += 1;
            text.push_str(part);
            text
        })
    })
}

fn lines(names: &[&str], line: &str) -> String {
    names.iter().map(|name| line.replace('@', name)).collect()
}

fn edits() -> impl Strategy<Value = Edit> {
    prop_oneof![
        subsequence(CAPABILITIES.to_vec(), 0..=4).prop_map(|names| grants(&names)),
        any::<bool>().prop_map(Edit::Enabled),
        proptest::option::of("[0-9a-f]{2}").prop_map(Edit::Pin),
    ]
}

/// The comments of a text, in their order.
fn comments(text: &str) -> Vec<String> {
    text.split('#')
        .skip(1)
        .map(|rest| rest.split('.').next().unwrap().to_owned())
        .collect()
}

/// The keys and headers of a text, in their order.
fn keys(text: &str) -> Vec<String> {
    let keys = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with('[') && line.contains("policy") || line.contains(" = "));
    keys.map(|line| line.split([' ', '=']).next().unwrap().to_owned())
        .collect()
}

/// What a text says, without layout.
fn data(text: &str) -> Table {
    let mut table = parse(text).unwrap().as_table().clone();
    strip(&mut table);
    table
}

fn strip(table: &mut Table) {
    for (_, item) in table.iter_mut() {
        match std::mem::take(item).into_table() {
            Ok(mut inner) => {
                strip(&mut inner);
                *item = Item::Table(inner);
            }
            Err(other) => *item = other,
        }
    }
}

/// The value of each key of each policy entry but the one that changes.
fn others(text: &str, change: &Edit) -> Vec<String> {
    let mut found = Vec::new();
    let table = data(text);
    let Some(policy) = table.get("policy").and_then(Item::as_table) else {
        return found;
    };
    for (name, entry) in policy {
        for (key, item) in entry.as_table().unwrap() {
            if (name, key) != ("x", change.key()) {
                let value = item.clone().into_value().unwrap();
                let bare = serde_text(&value);
                found.push(format!("{name}.{key} = {bare}"));
            }
        }
    }
    found.sort();
    found
}

/// A value without its layout.
fn serde_text(value: &Value) -> String {
    match value {
        Value::Array(array) => array.iter().map(serde_text).collect::<Vec<_>>().join(","),
        Value::InlineTable(table) => table
            .iter()
            .map(|(key, value)| format!("{key}:{}", serde_text(value)))
            .collect::<Vec<_>>()
            .join(","),
        Value::String(text) => text.value().clone(),
        other => other.to_string().trim().to_owned(),
    }
}

/// Whether `part` is in `whole`, in its order.
fn is_within(part: &[String], whole: &[String]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|one| whole.any(|other| other == one))
}

proptest! {
    #[test]
    fn an_edit_changes_one_value_and_nothing_else(text in files(), change in edits()) {
        prop_assert!(parse(&text).is_ok(), "not a file: {text}");
        let result = edit(&text, "x", &change).unwrap();
        prop_assert!(change.is_in(&parse(&result).unwrap(), "x"));
        prop_assert_eq!(comments(&result), comments(&text), "{}\n---\n{}", text, result);
        prop_assert_eq!(others(&result, &change), others(&text, &change));
        let (before, after) = (keys(&text), keys(&result));
        let (part, whole) = if before.len() > after.len() {
            (after, before)
        } else {
            (before, after)
        };
        prop_assert!(is_within(&part, &whole), "{}\n---\n{}", text, result);
    }

    #[test]
    fn an_edit_is_idempotent(text in files(), change in edits()) {
        let once = edit(&text, "x", &change).unwrap();
        prop_assert_eq!(edit(&once, "x", &change).unwrap(), once);
    }

    #[test]
    fn a_revoke_undoes_a_grant(
        text in files(),
        had in subsequence(CAPABILITIES.to_vec(), 0..=4),
        more in subsequence(CAPABILITIES.to_vec(), 0..=4),
    ) {
        let before = edit(&text, "x", &grants(&had)).unwrap();
        let mut all = had.clone();
        all.extend(more.iter().filter(|name| !had.contains(name)));
        let granted = edit(&before, "x", &grants(&all)).unwrap();
        let after = edit(&granted, "x", &grants(&had)).unwrap();
        prop_assert!(grants(&had).is_in(&parse(&after).unwrap(), "x"));
        prop_assert_eq!(comments(&after), comments(&before));
        if !before.contains("[ #") && !before.contains('\t') {
            prop_assert_eq!(after, before);
        }
    }
}
