//! The log: one line an event, to standard error.
//!
//! What is logged while a call runs is within the span [`CALL`], which has the
//! call's id. Spans for traces are not in the log.

use std::io::IsTerminal;

use anyhow::Context;
use tracing::Metadata;
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::config::{LogFormat, LogSection};
use crate::telemetry::Telemetry;

/// The name of the span that has the id of a call.
pub const CALL: &str = "call";

/// Starts logging for the whole process, and hands spans over to `telemetry`.
///
/// # Errors
/// If `log.level` is not a filter.
pub fn start(config: &LogSection, telemetry: Option<&Telemetry>) -> anyhow::Result<()> {
    tracing_subscriber::registry()
        .with(telemetry.map(Telemetry::layer))
        .with(log(config)?)
        .init();
    Ok(())
}

fn log<S>(config: &LogSection) -> anyhow::Result<impl Layer<S> + use<S>>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let filter = EnvFilter::builder().parse(&config.level).with_context(|| {
        format!(
            "log.level is {:?}; it must be error, warn, info, debug, trace or a filter such as info,sandpit_gateway=debug",
            config.level
        )
    })?;
    let shown = filter_fn(is_shown).with_max_level_hint(LevelFilter::TRACE);
    let layer = match config.format {
        LogFormat::Text => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .boxed(),
        LogFormat::Json => fmt::layer().json().with_writer(std::io::stderr).boxed(),
    };
    Ok(layer.with_filter(filter.and(shown)))
}

/// Whether the log has a span or an event, if its level is wanted.
fn is_shown(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() || metadata.name() == CALL
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use tracing_subscriber::Registry;

    use super::*;

    #[test]
    fn without_a_collector_there_are_no_spans_but_that_of_the_call() {
        for level in ["error", "info", "trace"] {
            let config = LogSection {
                level: level.to_owned(),
                format: LogFormat::Json,
            };
            let none: Option<Box<dyn Layer<Registry> + Send + Sync>> = None;
            let subscriber = tracing_subscriber::registry()
                .with(none)
                .with(log(&config).unwrap());
            tracing::subscriber::with_default(subscriber, || {
                let call = tracing::error_span!("call", call = "1");
                let trace = tracing::debug_span!("front.call", tool = "t");
                assert!(!call.is_disabled() && trace.is_disabled(), "{level}");
            });
        }
    }
}
