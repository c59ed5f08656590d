//! The log: one line an event, to standard error.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

use crate::config::{LogFormat, LogSection};

/// Starts logging for the whole process.
///
/// # Errors
/// If `log.level` is not a filter.
pub fn start(config: &LogSection) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(&config.level).with_context(|| {
        format!(
            "log.level is {:?}; it must be error, warn, info, debug, trace or a filter such as info,sandpit_gateway=debug",
            config.level
        )
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    match config.format {
        LogFormat::Text => registry
            .with(
                fmt::layer()
                    .with_writer(std::io::stderr)
                    .with_ansi(std::io::stderr().is_terminal())
                    .with_target(false),
            )
            .init(),
        LogFormat::Json => registry
            .with(fmt::layer().json().with_writer(std::io::stderr))
            .init(),
    }
    Ok(())
}
