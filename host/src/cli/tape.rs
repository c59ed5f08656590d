//! Arguments of `record` and `replay`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Arguments of `record`.
#[derive(Debug, Args)]
#[command(
    after_help = "Account ids are replaced on the tape by stand-ins of the same length; what is \
    passed on stays as it is. Prices, quantities and order references stay on the tape: read it \
    before you send it to anybody."
)]
pub struct RecordArgs {
    /// The tape: a text file, one JSON object a line.
    #[arg(value_hint = ValueHint::FilePath)]
    pub tape: PathBuf,
    /// Where clients connect; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7490")]
    pub listen: SocketAddr,
    /// The TWS or IB Gateway that they reach.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7497")]
    pub to: String,
    /// Another word that is hidden on the tape, such as a name; can be given
    /// several times.
    #[arg(long, value_name = "WORD")]
    pub hide: Vec<String>,
    /// Leave account ids on the tape.
    #[arg(long)]
    pub keep_accounts: bool,
    /// Write over a file that is there.
    #[arg(long)]
    pub force: bool,
    /// What to log: error, warn, info, debug, trace, or a filter.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log: String,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
#[command(
    after_help = "The first client that connects gets the first connection of the tape, and so \
    on. What the client sent on the tape is waited for, and what TWS sent then is sent. What the \
    client does otherwise is in the log."
)]
pub struct ReplayArgs {
    /// The tape.
    #[arg(value_hint = ValueHint::FilePath)]
    pub tape: PathBuf,
    /// Where it listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7490")]
    pub listen: SocketAddr,
    /// Send nothing before its time on the tape.
    #[arg(long)]
    pub recorded_timing: bool,
    /// What to log: error, warn, info, debug, trace, or a filter.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log: String,
}
