//! The log: one line an event, to standard error.
//!
//! What is logged while a call runs is within the span [`CALL`], which has the
//! call's id. Further spans are there, and in the log, only where traces are
//! collected.

use std::io::IsTerminal;

use anyhow::Context;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::Filter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::config::{LogFormat, LogSection};
use crate::telemetry::{Telemetry, is_traced};

/// The name of the span that has the id of a call.
const CALL: &str = "front.call";

/// Starts logging for the whole process, and hands spans over to `telemetry`.
///
/// # Errors
/// If `log.level` is not a filter.
pub fn start(config: &LogSection, telemetry: Option<&Telemetry>) -> anyhow::Result<()> {
    let wanted = wanted(config)?;
    // Not an optional layer: one that is absent would still want every span.
    match telemetry {
        None => tracing_subscriber::registry()
            .with(log(config, wanted.and(filter_fn(is_of_the_log))))
            .init(),
        // A line finds its call through the spans in between.
        Some(telemetry) => tracing_subscriber::registry()
            .with(telemetry.layer())
            .with(log(config, wanted.or(filter_fn(is_traced))))
            .init(),
    }
    Ok(())
}

/// What the operator wants to have logged.
fn wanted(config: &LogSection) -> anyhow::Result<EnvFilter> {
    EnvFilter::builder().parse(&config.level).with_context(|| {
        format!(
            "log.level is {:?}; it must be error, warn, info, debug, trace or a filter such as info,sandpit_gateway=debug",
            config.level
        )
    })
}

fn log<S>(
    config: &LogSection,
    filter: impl Filter<S> + Send + Sync + 'static,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let layer = match config.format {
        LogFormat::Text => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .boxed(),
        LogFormat::Json => fmt::layer().json().with_writer(std::io::stderr).boxed(),
    };
    layer.with_filter(filter).boxed()
}

/// Whether the log has a span or an event, if its level is wanted.
fn is_of_the_log(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() || metadata.name() == CALL
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn without_a_collector_there_are_no_spans_but_that_of_the_call() {
        for level in ["error", "info", "trace"] {
            let config = LogSection {
                level: level.to_owned(),
                format: LogFormat::Json,
            };
            let filter = wanted(&config).unwrap().and(filter_fn(is_of_the_log));
            let subscriber = tracing_subscriber::registry().with(log(&config, filter));
            tracing::subscriber::with_default(subscriber, || {
                let call = tracing::error_span!("front.call", call_id = "1");
                let trace = tracing::debug_span!("tools.call", tool = "t");
                assert!(!call.is_disabled() && trace.is_disabled(), "{level}");
            });
        }
    }
}
