//! `sandpit token`: tokens for whoever shall call tools.

use anyhow::Context;
use sandpit_front::{TokenEntry, TokenFile, TokenTerms};
use sandpit_tools::{Capability, Right};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::operator::ConfigArgs;
use crate::cli::token::{Expiry, ListArgs, NewArgs, RevokeTokenArgs, TokenArgs, TokenCommand};
use crate::operator;
use crate::output::{plain, table};

/// Does it.
pub fn run(args: TokenArgs) -> anyhow::Result<()> {
    match args.command {
        TokenCommand::New(args) => new(args),
        TokenCommand::List(args) => list(&args),
        TokenCommand::Revoke(args) => revoke(&args),
    }
}

/// The file with the tokens; whatever else is wrong with the configuration is
/// told and does not matter here.
fn file(config: &ConfigArgs) -> anyhow::Result<TokenFile> {
    let (config, fault) = config.sources().read_to_ask()?;
    if let Some(fault) = fault {
        eprintln!("sandpit: {fault:#}");
    }
    let path = operator::tokens_file(&config)?;
    Ok(TokenFile::new(path))
}

fn new(args: NewArgs) -> anyhow::Result<()> {
    let file = file(&args.config)?;
    let Expiry(expires) = args.expires;
    let right = Right {
        tools: args.tools,
        grants: args.grants.map(|grants| grants.into_iter().collect()),
    };
    let terms = TokenTerms {
        expires,
        requests_per_minute: args.requests_per_minute,
    };
    let token = file.add(&args.name, right, &terms)?;
    // The token alone is on standard output, for whoever passes it on.
    println!("{token}");
    let until = match expires {
        Some(time) => format!("counts until {}", shown(time)?),
        None => "counts until it is revoked".to_owned(),
    };
    eprintln!(
        "This is the only time that it is shown; it {until}. It is sent as Authorization: Bearer \
         TOKEN. A running host takes it within seconds; sandpit token revoke {} ends it.",
        args.name
    );
    Ok(())
}

fn list(args: &ListArgs) -> anyhow::Result<()> {
    let tokens = file(&args.config)?.list()?;
    let now = OffsetDateTime::now_utc();
    if args.json {
        let tokens = tokens.iter().map(|token| object(token, now));
        let tokens = tokens.collect::<anyhow::Result<Vec<_>>>()?;
        println!("{:#}", json!({ "tokens": tokens }));
        return Ok(());
    }
    if tokens.is_empty() {
        println!("There are no tokens.");
        return Ok(());
    }
    let rows = tokens.iter().map(|token| row(token, now));
    let rows = rows.collect::<anyhow::Result<Vec<_>>>()?;
    println!(
        "{}",
        table(&["NAME", "TOOLS", "GRANTS", "MADE", "ENDS"], &[], rows)
    );
    Ok(())
}

fn revoke(args: &RevokeTokenArgs) -> anyhow::Result<()> {
    file(&args.config)?.revoke(&args.name)?;
    println!(
        "The token {} is revoked. A running host follows within seconds, and ends the streams \
         that were opened with it.",
        plain(&args.name)
    );
    Ok(())
}

fn object(token: &TokenEntry, now: OffsetDateTime) -> anyhow::Result<Value> {
    Ok(json!({
        "name": token.name,
        "tools": token.tools,
        "grants": token.grants,
        "requestsPerMinute": token.requests_per_minute,
        "created": shown(token.created)?,
        "expires": token.expires.map(shown).transpose()?,
        "expired": token.has_expired(now),
    }))
}

fn row(token: &TokenEntry, now: OffsetDateTime) -> anyhow::Result<Vec<String>> {
    let tools: Vec<_> = token.tools.iter().map(ToString::to_string).collect();
    let grants = match &token.grants {
        None => "as the policy says".to_owned(),
        Some(grants) if grants.is_empty() => "none".to_owned(),
        Some(grants) => {
            let names: Vec<_> = grants.iter().copied().map(Capability::name).collect();
            names.join(", ")
        }
    };
    let ends = match token.expires {
        None => "never".to_owned(),
        Some(time) if token.has_expired(now) => format!("ended {}", shown(time)?),
        Some(time) => shown(time)?,
    };
    Ok(vec![
        token.name.clone(),
        tools.join(", "),
        grants,
        shown(token.created)?,
        ends,
    ])
}

fn shown(time: OffsetDateTime) -> anyhow::Result<String> {
    let second = time.replace_nanosecond(0).unwrap_or(time);
    second.format(&Rfc3339).context("a time cannot be written")
}
