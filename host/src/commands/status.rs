//! `sandpit status`: how the gateways of a running host and its journal stand.

use std::process::ExitCode;

use anyhow::Context;
use serde::Deserialize;

use crate::cli::operator::StatusArgs;
use crate::client;
use crate::output::{plain, table};

/// What a host says of its gateways.
#[derive(Debug, Deserialize)]
struct Told {
    gateways: Vec<Gateway>,
    journal: Journal,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Gateway {
    name: String,
    connected: bool,
    state: String,
    since: Option<String>,
    reason: Option<String>,
    accounts: Vec<String>,
    read_only: bool,
    mode: String,
    halt: Option<Halt>,
    today: Option<Today>,
}

#[derive(Debug, Deserialize)]
struct Halt {
    who: String,
    why: String,
    since: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Today {
    placed: u64,
    refused: u64,
    fills: u64,
}

#[derive(Debug, Deserialize)]
struct Journal {
    file: Option<String>,
    trouble: Option<String>,
}

/// Asks once.
pub async fn run(args: StatusArgs) -> anyhow::Result<ExitCode> {
    let (config, fault) = args.host.config.sources().read_to_ask()?;
    if let Some(fault) = fault {
        eprintln!("sandpit: {fault:#}");
    }
    let (client, token) = client::as_operator(args.host.url.as_ref(), &config).await?;
    let text = client.status_text(&token).await?;
    if args.json {
        println!("{text}");
        return Ok(ExitCode::SUCCESS);
    }
    let told: Told = serde_json::from_str(&text).with_context(|| {
        format!(
            "the host at {} answered with another kind of status",
            client.base()
        )
    })?;
    println!("{}", shown(&told));
    Ok(ExitCode::SUCCESS)
}

/// The table, and what has to be said of single lines of it.
fn shown(told: &Told) -> String {
    let headings = [
        "GATEWAY", "STATE", "SINCE", "ACCOUNTS", "MODE", "TRADING", "PLACED", "REFUSED", "FILLS",
    ];
    let rows = told.gateways.iter().map(row).collect();
    let mut text = table(&headings, &["PLACED", "REFUSED", "FILLS"], rows);
    let mut remark = |name: &str, words: &str| {
        text.push_str(&format!("\n\n{}: {}", plain(name), plain(words)));
    };
    for gateway in &told.gateways {
        if let Some(halt) = &gateway.halt {
            let since = halt.since.as_deref().unwrap_or("an unknown time");
            let words = format!("halted since {since} by {}: {}", halt.who, halt.why);
            remark(&gateway.name, &words);
        }
        if gateway.read_only {
            remark(&gateway.name, "the API of this TWS is set to read only");
        }
        if let (Some(reason), false) = (&gateway.reason, gateway.connected) {
            remark(&gateway.name, reason);
        }
    }
    match (&told.journal.file, &told.journal.trouble) {
        (_, Some(trouble)) => remark("journal", trouble),
        (Some(file), None) => remark("journal", file),
        (None, None) => {}
    }
    text
}

fn row(gateway: &Gateway) -> Vec<String> {
    let today = |count: fn(&Today) -> u64| match &gateway.today {
        Some(today) => count(today).to_string(),
        None => "-".to_owned(),
    };
    vec![
        gateway.name.clone(),
        gateway.state.clone(),
        gateway.since.clone().unwrap_or_default(),
        gateway.accounts.join(", "),
        gateway.mode.clone(),
        match gateway.halt {
            Some(_) => "halted".to_owned(),
            None => "open".to_owned(),
        },
        today(|today| today.placed),
        today(|today| today.refused),
        today(|today| today.fills),
    ]
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_wrong_stands_below_the_table() {
        let told: Told = serde_json::from_value(serde_json::json!({
            "gateways": [{
                "name": "live", "connected": false, "state": "client-id-in-use",
                "since": null, "reason": "The client id 1 is in use.", "accounts": [],
                "readOnly": false, "mode": "live",
                "halt": { "source": "operator", "who": "ann", "why": "a\u{1b}b", "since": null },
                "today": { "asked": 9, "placed": 7, "refused": 2, "fills": 3 },
            }],
            "journal": { "file": null, "trouble": "The disk is full." },
        }))
        .unwrap();
        let text = shown(&told);
        let row: Vec<_> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(
            row,
            ["live", "client-id-in-use", "live", "halted", "7", "2", "3"]
        );
        for words in [
            "live: halted since an unknown time by ann: a\\u{1b}b",
            "live: The client id 1 is in use.",
            "journal: The disk is full.",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}
