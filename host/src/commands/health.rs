//! `sandpit health`: a check for supervisors, such as a container's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use http::Uri;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::cli::HealthArgs;
use crate::config::{Config, Overrides};

/// How long the host may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks once.
pub async fn run(args: HealthArgs) -> anyhow::Result<()> {
    let url = match args.url {
        Some(url) => url,
        None => configured(&Config::read(
            args.config.as_deref(),
            &Overrides::default(),
        )?)?,
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

/// Where a host with this configuration answers.
fn configured(config: &Config) -> anyhow::Result<Uri> {
    let listen = config.server.listen;
    // A host that listens on every address also does on this machine's own.
    let ip = match listen {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let address = SocketAddr::new(ip, config.server.port);
    format!("http://{address}/healthz")
        .parse()
        .with_context(|| format!("{address} cannot be asked"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn it_asks_where_the_host_listens() {
        let mut config = Config::default();
        config.server.port = 9000;
        for (listen, url) in [
            ("127.0.0.1", "http://127.0.0.1:9000/healthz"),
            ("0.0.0.0", "http://127.0.0.1:9000/healthz"),
            ("::", "http://[::1]:9000/healthz"),
            ("192.0.2.7", "http://192.0.2.7:9000/healthz"),
        ] {
            config.server.listen = listen.parse().unwrap();
            assert_eq!(configured(&config).unwrap(), url);
        }
    }
}
