//! `sandpit tools`: what a running host serves, and what it does not and why.

use sandpit_tools::{Kind, Status, ToolState, ToolStatus};

use crate::cli::operator::ToolsArgs;
use crate::client;
use crate::output::{plain, table};

/// How many digits of a digest tell files apart at a glance.
const DIGEST: usize = 12;

/// Asks once.
pub async fn run(args: ToolsArgs) -> anyhow::Result<()> {
    let (config, fault) = args.host.config.sources().read_to_ask()?;
    if let Some(fault) = fault {
        eprintln!("sandpit: {fault:#}");
    }
    let (client, token) = client::as_operator(args.host.url.as_ref(), &config).await?;
    if args.json {
        println!("{}", client.status_text(&token).await?);
        return Ok(());
    }
    let status = client.status(&token).await?;
    println!(
        "Sandpit {} at {}, since {}",
        plain(&status.version),
        client.base(),
        plain(&status.started)
    );
    println!("\n{}", shown(&status.tools));
    Ok(())
}

/// The table, and what has to be said of single lines of it.
fn shown(status: &Status) -> String {
    if status.tools.is_empty() {
        return remarks(status, "There is no file in the tool folder.".to_owned());
    }
    let rows = status.tools.iter().map(row).collect();
    let headings = [
        "NAME", "KIND", "STATE", "VERSION", "DIGEST", "GRANTS", "CALLS", "FAILURES",
    ];
    let table = table(&headings, &["CALLS", "FAILURES"], rows);
    remarks(status, table)
}

fn row(tool: &ToolStatus) -> Vec<String> {
    let mut state = tool.state.name().to_owned();
    if tool.hidden && tool.state == ToolState::Served {
        state.push_str(", hidden");
    }
    let digest = tool.digest.clone().unwrap_or_default();
    vec![
        called(tool),
        tool.kind.map_or("-", Kind::name).to_owned(),
        state,
        tool.version.clone().unwrap_or_default(),
        digest.chars().take(DIGEST).collect(),
        match &tool.grants {
            None => "-".to_owned(),
            Some(grants) if grants.is_empty() => "nothing".to_owned(),
            Some(grants) => grants.join(", "),
        },
        tool.usage.calls.to_string(),
        tool.usage.failures.to_string(),
    ]
}

/// The tool's name; a file that has none is called by its own.
fn called(tool: &ToolStatus) -> String {
    tool.name
        .clone()
        .unwrap_or_else(|| format!("({})", tool.file))
}

/// Adds what cannot be said in a line of the table.
fn remarks(status: &Status, mut text: String) -> String {
    for tool in &status.tools {
        if let Some(reason) = &tool.reason {
            let file = plain(&tool.file);
            let name = match &tool.name {
                Some(name) => format!("{} ({file})", plain(name)),
                None => file,
            };
            text.push_str(&format!("\n\n{name}: {}", plain(reason)));
        }
    }
    for fault in [&status.policy_fault, &status.folder_fault]
        .into_iter()
        .flatten()
    {
        text.push_str(&format!("\n\n{}", plain(fault)));
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_not_served_has_its_reason_below() {
        let tool = |name: Option<&str>, state: &str, reason: Option<&str>| -> ToolStatus {
            serde_json::from_value(serde_json::json!({
                "name": name,
                "kind": name.map(|_| "prompt"),
                "file": "a.wasm",
                "state": state,
                "reason": reason,
                "version": "1.2.3",
                "title": null,
                "digest": "0123456789abcdef",
                "size": 10,
                "asks": ["account"],
                "grants": name.map(|_| ["account"]),
                "hidden": false,
                "pin": null,
                "usage": {
                    "calls": 7, "failures": 2, "running": 0, "queued": 0,
                    "marketDataLines": 0, "lastCalled": null, "lastFailed": null,
                },
            }))
            .unwrap()
        };
        let status = Status {
            tools: vec![
                tool(Some("good"), "served", None),
                tool(None, "refused", Some("Not a\u{1b} component.")),
            ],
            policy_fault: Some("the file is wrong".to_owned()),
            ..Status::default()
        };
        let text = shown(&status);
        let mut lines = text.lines();
        let words = |line: Option<&str>| -> Vec<String> {
            line.unwrap()
                .split_whitespace()
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(words(lines.next()).len(), 8);
        assert_eq!(
            words(lines.next()),
            [
                "good",
                "prompt",
                "served",
                "1.2.3",
                "0123456789ab",
                "account",
                "7",
                "2"
            ]
        );
        assert!(words(lines.next()).starts_with(&["(a.wasm)", "-", "refused"].map(str::to_owned)));
        assert!(
            text.contains("\n\na.wasm: Not a\\u{1b} component.\n\nthe file is wrong"),
            "{text}"
        );
    }
}
