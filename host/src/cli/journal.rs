//! Arguments of `journal`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use sandpit_gateway::journal::Kind;
use time::OffsetDateTime;

use super::operator::ConfigArgs;
use super::when;

/// Arguments of `journal`.
#[derive(Debug, Args)]
pub struct JournalArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: JournalCommand,
}

/// What can be done with the journal of orders.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// List its rows, the newest last.
    List(ListArgs),
    /// Tell one order's whole story.
    Show(ShowArgs),
    /// Look for rows that were changed, removed, put in or moved.
    Verify(VerifyArgs),
    /// Write rows out, for spreadsheets and programs.
    Export(ExportArgs),
    /// Take the journal as it is although rows are missing at its end.
    Accept(JournalFileArgs),
}

/// Which journal.
#[derive(Debug, Args)]
pub struct JournalFileArgs {
    /// The journal [default: the configured one].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// The configuration file.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Which rows.
#[derive(Debug, Clone, Args)]
pub struct SelectArgs {
    /// From this time on: 2026-11-22, 2026-11-22T14:30:00Z (both UTC), or so
    /// long ago: 90m, 12h, 7d.
    #[arg(long, value_name = "TIME", value_parser = when)]
    pub since: Option<OffsetDateTime>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = when)]
    pub until: Option<OffsetDateTime>,
    /// Of this account.
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// Of orders in this symbol.
    #[arg(long, value_name = "SYMBOL")]
    pub symbol: Option<String>,
    /// Of this gateway.
    #[arg(long, value_name = "NAME")]
    pub gateway: Option<String>,
    /// Of this order, by its key or by its order id.
    #[arg(long, value_name = "KEY|ID")]
    pub order: Option<String>,
    /// Of this kind, such as fill or refused; can be given several times.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub kind: Vec<Kind>,
}

/// Arguments of `journal list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Which rows.
    #[command(flatten)]
    pub select: SelectArgs,
    /// How many at most, counted from the end.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub limit: usize,
    /// One line for each order that such rows are about, not one for each row.
    #[arg(long)]
    pub orders: bool,
    /// How they are written.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: JournalFormat,
    /// The journal.
    #[command(flatten)]
    pub journal: JournalFileArgs,
}

/// Arguments of `journal export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Which rows.
    #[command(flatten)]
    pub select: SelectArgs,
    /// How they are written.
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    pub format: JournalFormat,
    /// The journal.
    #[command(flatten)]
    pub journal: JournalFileArgs,
}

/// Arguments of `journal show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The order, by its key or by its order id.
    #[arg(value_name = "KEY|ID")]
    pub order: String,
    /// All of it as JSON, for scripts.
    #[arg(long)]
    pub json: bool,
    /// The journal.
    #[command(flatten)]
    pub journal: JournalFileArgs,
}

/// Arguments of `journal verify`.
#[derive(Debug, Args)]
#[command(after_help = "Exit code: 0 the journal is whole; 1 it is not; 2 wrong usage.")]
pub struct VerifyArgs {
    /// What was found as JSON, for scripts.
    #[arg(long)]
    pub json: bool,
    /// The journal.
    #[command(flatten)]
    pub journal: JournalFileArgs,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum JournalFormat {
    /// For people.
    Table,
    /// One JSON object a line: everything, exactly.
    Json,
    /// Comma-separated values with a line of headings.
    Csv,
}
