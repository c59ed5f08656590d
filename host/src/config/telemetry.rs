//! `[metrics]` and `[telemetry]`: what others see of a running host.

use std::path::PathBuf;

use anyhow::bail;
use sandpit_front::MetricsAccess;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;

/// `[metrics]`: what Prometheus reads at `/metrics`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsSection {
    /// Who may read it.
    pub access: MetricsSetting,
    /// A file with a token for the metrics alone, beside that of the operator.
    /// The host makes it, readable for its owner alone, if there is none.
    /// Relative to this file. Default: none.
    pub token_file: Option<PathBuf>,
}

/// Who may read the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetricsSetting {
    /// Programs of this machine; others with the operator's token or that of
    /// `token_file`.
    #[default]
    Local,
    /// Whoever has one of these tokens.
    Token,
    /// Everybody who reaches the port.
    Open,
    /// Nobody: there is no `/metrics`.
    Off,
}

impl MetricsSetting {
    /// The same for the front.
    pub const fn for_front(self) -> MetricsAccess {
        match self {
            Self::Local => MetricsAccess::Local,
            Self::Token => MetricsAccess::Token,
            Self::Open => MetricsAccess::Open,
            Self::Off => MetricsAccess::Off,
        }
    }
}

/// `[telemetry]`: traces, which follow a call through the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetrySection {
    /// Where traces are sent, as OTLP over HTTP: the address of a collector
    /// without a path, for example `http://127.0.0.1:4318`. Also
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`. Default: nowhere.
    pub otlp_endpoint: Option<String>,
}

impl Config {
    /// What types cannot say about `[telemetry]`.
    pub(super) fn validate_telemetry(&self) -> anyhow::Result<()> {
        let Some(endpoint) = &self.telemetry.otlp_endpoint else {
            return Ok(());
        };
        let is_address = endpoint.parse::<http::Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
        });
        if !is_address {
            bail!(
                "telemetry.otlp_endpoint is {endpoint:?}; it must be the address of a collector, \
                 for example http://127.0.0.1:4318"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_collector_has_an_address() {
        let check = |endpoint: &str| {
            let mut config = Config::default();
            config.telemetry.otlp_endpoint = Some(endpoint.to_owned());
            config.validate_telemetry()
        };
        for right in ["http://127.0.0.1:4318", "https://otel.example.com/x/"] {
            check(right).unwrap();
        }
        for wrong in [
            "127.0.0.1:4318",
            "grpc://otel:4317",
            "http://",
            "no address",
        ] {
            let error = check(wrong).unwrap_err().to_string();
            assert!(error.contains("telemetry.otlp_endpoint"), "{error}");
        }
    }
}
