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
    let url = match args.url {
        Some(url) => url,
        None => {
            let config = Sources::new(args.config, Overrides::default()).read()?;
            let url = format!("{}/healthz", client::configured(&config));
            url.parse()
                .with_context(|| format!("{url} cannot be asked"))?
        }
    };
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
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
