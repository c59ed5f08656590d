//! `sandpit health`: a check for supervisors, such as a container's.

use std::time::Duration;

use anyhow::{Context, bail};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::cli::HealthArgs;

/// How long the host may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks once.
pub async fn run(args: HealthArgs) -> anyhow::Result<()> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let response = tokio::time::timeout(PATIENCE, client.get(args.url.clone()))
        .await
        .with_context(|| format!("{} did not answer in {} s", args.url, PATIENCE.as_secs()))?
        .with_context(|| format!("{} cannot be reached; is the host running?", args.url))?;
    if !response.status().is_success() {
        bail!("{} answered {}", args.url, response.status());
    }
    println!("{} is well", args.url);
    Ok(())
}
