//! Arguments of `token`.

use clap::{Args, Subcommand};
use sandpit_tools::Capability;
use sandpit_tools::policy::ToolPattern;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::operator::ConfigArgs;

/// Arguments of `token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token, which is shown once.
    New(NewArgs),
    /// List the tokens and what they are for.
    List(ListArgs),
    /// Take a token back; a running host follows within seconds.
    Revoke(RevokeTokenArgs),
}

/// Arguments of `token new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Whose it is, for the log and the journal of orders.
    #[arg(long)]
    pub name: String,
    /// The tools that its bearer may use: names, or patterns with * [may be
    /// repeated].
    #[arg(long, value_name = "PATTERN", required = true, value_delimiter = ',')]
    pub tools: Vec<ToolPattern>,
    /// The capabilities that these tools may use: a tool that uses another one
    /// is not there for the bearer [default: whatever the policy grants a tool;
    /// may be repeated].
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',', value_parser = capability)]
    pub grants: Option<Vec<Capability>>,
    /// How many requests its bearer may make within a minute, instead of
    /// auth.requests_per_minute; 0 is as many as it likes.
    #[arg(long, value_name = "COUNT")]
    pub requests_per_minute: Option<u32>,
    /// When it ends: after 90d, 12h or 30m, at a time (2026-11-22T14:30:00Z),
    /// or never.
    #[arg(long, value_name = "WHEN", default_value = "90d", value_parser = expiry)]
    pub expires: Expiry,
    /// The configuration file, which says where the tokens are.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Arguments of `token list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// As JSON, for scripts.
    #[arg(long)]
    pub json: bool,
    /// The configuration file, which says where the tokens are.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Arguments of `token revoke`.
#[derive(Debug, Args)]
pub struct RevokeTokenArgs {
    /// The token's name.
    pub name: String,
    /// The configuration file, which says where the tokens are.
    #[command(flatten)]
    pub config: ConfigArgs,
}

fn capability(name: &str) -> Result<Capability, String> {
    Capability::from_name(name).ok_or_else(|| {
        let known = Capability::ALL.map(Capability::name).join(", ");
        format!("write one of {known}")
    })
}

/// When a token ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry(pub Option<OffsetDateTime>);

fn expiry(text: &str) -> Result<Expiry, String> {
    expiry_from(text, OffsetDateTime::now_utc()).ok_or_else(|| {
        "write how long it counts (90d, 12h, 30m), a time that is to come \
         (2026-11-22T14:30:00Z), or never"
            .to_owned()
    })
}

fn expiry_from(text: &str, now: OffsetDateTime) -> Option<Expiry> {
    if text == "never" {
        return Some(Expiry(None));
    }
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return (time > now).then_some(Expiry(Some(time)));
    }
    let unit = text.chars().next_back()?;
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    let count = i64::from(count);
    let length = match unit {
        'm' => Duration::minutes(count),
        'h' => Duration::hours(count),
        'd' => Duration::days(count),
        _ => return None,
    };
    let end = now.checked_add(length)?;
    (end > now).then_some(Expiry(Some(end)))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_token_ends_in_time_or_never() {
        let now = datetime!(2026-11-22 12:00 UTC);
        for (text, end) in [
            ("90d", Some(Some(datetime!(2027-02-20 12:00 UTC)))),
            ("12h", Some(Some(datetime!(2026-11-23 0:00 UTC)))),
            ("30m", Some(Some(datetime!(2026-11-22 12:30 UTC)))),
            (
                "2026-11-22T14:00:00+01:00",
                Some(Some(datetime!(2026-11-22 13:00 UTC))),
            ),
            ("never", Some(None)),
            ("2026-11-22T11:00:00Z", None),
            ("0d", None),
            ("4294967295d", None),
            ("-1d", None),
            ("d", None),
            ("", None),
            ("90", None),
            ("forever", None),
        ] {
            assert_eq!(expiry_from(text, now), end.map(Expiry), "{text}");
        }
    }
}
