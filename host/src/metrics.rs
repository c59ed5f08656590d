//! The metrics of all rooms in one registry, for `/metrics`.

use std::sync::Arc;

use anyhow::Context;
use prometheus::{Gauge, Opts, Registry};
use sandpit_front::{MetricsConfig, OperatorToken};
use sandpit_gateway::{GatewayMetrics, JournalMetrics};
use sandpit_sandbox::{Sandbox, SandboxMetrics};
use sandpit_tools::{Tools, ToolsMetrics};
use tracing::warn;

use crate::broker::Broker;
use crate::config::{Config, MetricsSection, OperatorSection};
use crate::operator;

/// The metrics of these rooms, and who may read them.
///
/// # Errors
///
/// If two rooms count the same, which is a defect of the host.
pub fn gather(
    config: &Config,
    broker: &Broker,
    sandbox: &Sandbox,
    tools: &Tools,
) -> anyhow::Result<MetricsConfig> {
    let registry = Registry::new();
    let update = register(&registry, broker, sandbox, tools)
        .context("the metrics of the host cannot be kept")?;
    Ok(MetricsConfig {
        registry,
        update: Some(update),
        access: config.metrics.access.for_front(),
        token: token(&config.metrics),
    })
}

fn register(
    registry: &Registry,
    broker: &Broker,
    sandbox: &Sandbox,
    tools: &Tools,
) -> prometheus::Result<Arc<dyn Fn() + Send + Sync>> {
    let build = Opts::new(
        "sandpit_build_info",
        "1, with the version of the host as a label.",
    );
    let build = Gauge::with_opts(build.const_label("version", env!("CARGO_PKG_VERSION")))?;
    build.set(1.0);
    registry.register(Box::new(build))?;
    #[cfg(target_os = "linux")]
    {
        use prometheus::process_collector::ProcessCollector;
        registry.register(Box::new(ProcessCollector::for_self()))?;
    }
    let gateways = broker.gateways.iter();
    let gateways: Vec<_> = gateways
        .map(|gateway| GatewayMetrics::register(gateway, registry))
        .collect::<prometheus::Result<_>>()?;
    let journal = JournalMetrics::register(broker.journal.as_ref().ok(), registry)?;
    let sandbox = SandboxMetrics::register(sandbox, registry)?;
    let tools = ToolsMetrics::register(tools, registry)?;
    Ok(Arc::new(move || {
        gateways.iter().for_each(GatewayMetrics::update);
        journal.update();
        sandbox.update();
        tools.update();
    }))
}

/// The token for the metrics alone, if there is to be one. Without it the host
/// serves all the same.
fn token(section: &MetricsSection) -> Option<OperatorToken> {
    let kept = OperatorSection {
        token_file: Some(section.token_file.clone()?),
        token: None,
    };
    match operator::open(&kept) {
        Ok(token) => Some(OperatorToken::new(token.reveal())),
        Err(error) => {
            warn!("there is no token for the metrics (metrics.token_file): {error:#}");
            None
        }
    }
}
