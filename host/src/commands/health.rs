//! `sandpit health`: a check for supervisors, such as a container's.

use std::time::Duration;

use anyhow::{Context, bail};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::cli::HealthArgs;
use crate::client;
use crate::config::{Overrides, Sources};

/// How long the host may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks once.
pub async fn run(args: HealthArgs) -> anyhow::Result<()> {
    let config = Sources::new(args.config, Overrides::default()).read();
    let (url, config) = match args.url {
        // Only the certificate of a configured host is asked for there.
        Some(url) => (url, config.unwrap_or_default()),
        None => {
            let config = config?;
            let url = format!("{}/healthz", client::configured(&config));
            let parsed = url.parse();
            let parsed = parsed.with_context(|| format!("{url} cannot be asked"))?;
            (parsed, config)
        }
    };
    let connector = client::connector(&url.to_string(), &config)?;
    let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(connector);
    let response = tokio::time::timeout(PATIENCE, client.get(url.clone()))
        .await
        .with_context(|| format!("{url} did not answer in {} s", PATIENCE.as_secs()))?
        .with_context(|| format!("{url} cannot be reached; is the host running?"))?;
    if !response.status().is_success() {
        bail!("{url} answered {}", response.status());
    }
    println!("{url} is well");
    Ok(())
}
