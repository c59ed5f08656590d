//! Traces: the spans of the rooms, sent to a collector (OpenTelemetry, OTLP
//! over HTTP) if one is configured.
//!
//! Spans are collected and sent on a thread of their own, in a queue of bounded
//! length: a collector that is slow or gone costs spans, and nothing else.
//! Without a collector no span for traces is ever made.

mod client;

use std::time::Duration;

use anyhow::Context;
use opentelemetry::global;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use crate::config::TelemetrySection;

/// What a collector is asked for, below its address.
const TRACES: &str = "/v1/traces";

/// How long the last spans may take to be sent when the host ends.
const GOODBYE: Duration = Duration::from_secs(5);

/// Spans that are sent to a collector.
pub struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Begins to send spans, if there is a collector. To be called within the
    /// runtime of the host.
    ///
    /// # Errors
    ///
    /// If the collector's address or the variables of OpenTelemetry cannot be
    /// used.
    pub fn start(config: &TelemetrySection) -> anyhow::Result<Option<Self>> {
        let Some(endpoint) = &config.otlp_endpoint else {
            return Ok(None);
        };
        let client = client::Client::new().context("traces cannot be sent")?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(format!("{}{TRACES}", endpoint.trim_end_matches('/')))
            .build()
            .context("telemetry.otlp_endpoint cannot be used")?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource())
            .build();
        global::set_text_map_propagator(TraceContextPropagator::new());
        Ok(Some(Self { provider }))
    }

    /// What hands the spans of the rooms over.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("sandpit"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(is_traced).with_max_level_hint(LevelFilter::DEBUG))
    }

    /// Sends what is left, and ends.
    pub async fn shutdown(self) {
        // It waits for its thread.
        let ending =
            tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(GOODBYE));
        match ending.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces were not sent"),
            Err(error) => tracing::warn!(%error, "the traces did not end in good order"),
        }
    }
}

/// Whether a span is part of a trace: those of the rooms are. What is logged is
/// not sent: it may say more than a collector should know.
pub fn is_traced(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target().starts_with("sandpit")
}

/// Who sends: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, or `sandpit`.
fn resource() -> Resource {
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_attribute(version);
    let is_named = ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if is_named {
        resource.build()
    } else {
        resource.with_service_name("sandpit").build()
    }
}
