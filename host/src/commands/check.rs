//! `sandpit check`: what would become of a component in the tool folder.

use std::process::ExitCode;

use anyhow::{Context, bail};
use sandpit_tools::{Kind, ToolState, ToolStatus, foresee};
use serde_json::json;

use super::serve::tools_config;
use crate::cli::operator::CheckArgs;
use crate::component::{self, while_waiting};
use crate::output::{pairs, plain};

/// Exit code: it is a tool, and the policy does not let it be served.
const NOT_ALLOWED: u8 = 3;

/// Says it, with the exit code for it.
pub async fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let config = args.folder.sources().read()?;
    let file = &args.file;
    if !file.is_file() {
        bail!("{} is not a file", file.display());
    }
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    if name.starts_with('.') || !name.ends_with(".wasm") {
        bail!(
            "{} would not be looked at: the host takes files whose names end with .wasm and do \
             not begin with a dot",
            file.display()
        );
    }
    let sandbox = component::sandbox(&config)?;
    let tools = tools_config(&config);
    let foreseen = while_waiting(
        || "compiling the tools, once".to_owned(),
        foresee(file, &tools, &sandbox),
    );
    let verdict = foreseen
        .await
        .context("it cannot be said what would become of it")?;
    if args.json {
        let verdict = json!({
            "file": file.display().to_string(),
            "state": verdict.state,
            "reason": verdict.reason,
            "name": verdict.name,
            "kind": verdict.kind,
            "version": verdict.version,
            "digest": verdict.digest,
            "size": verdict.size,
            "asks": verdict.asks,
            "grants": verdict.grants,
            "hidden": verdict.hidden,
            "pin": verdict.pin,
        });
        println!("{verdict:#}");
    } else {
        print!("{}", shown(&verdict));
    }
    Ok(match verdict.state {
        ToolState::Served => ExitCode::SUCCESS,
        ToolState::Disabled | ToolState::Quarantined => ExitCode::from(NOT_ALLOWED),
        ToolState::Refused | ToolState::Waiting => ExitCode::FAILURE,
    })
}

fn shown(verdict: &ToolStatus) -> String {
    let name = match (&verdict.name, &verdict.version) {
        (Some(name), Some(version)) => plain(&format!("{name} {version}")),
        (Some(name), None) => plain(name),
        _ => plain(&verdict.file),
    };
    let state = match verdict.state {
        ToolState::Served => "would be served",
        ToolState::Disabled => "would not be served: it is disabled",
        ToolState::Quarantined => "would be quarantined",
        ToolState::Refused | ToolState::Waiting => "would be refused",
    };
    let list = |list: &[String]| match list {
        [] => "nothing".to_owned(),
        some => plain(&some.join(", ")),
    };
    let known = verdict.name.is_some();
    pairs(&[
        (name.as_str(), state.to_owned()),
        ("", verdict.reason.as_deref().map(plain).unwrap_or_default()),
        ("Kind", verdict.kind.map_or("", Kind::name).to_owned()),
        (
            "Asks for",
            if known {
                list(&verdict.asks)
            } else {
                String::new()
            },
        ),
        (
            "Granted",
            verdict.grants.as_deref().map(list).unwrap_or_default(),
        ),
        ("SHA-256", verdict.digest.clone().unwrap_or_default()),
    ])
}
