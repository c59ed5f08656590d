//! Asking the authorization server for documents.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::uri::Scheme;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// How long a document may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest document, in bytes.
const LARGEST: usize = 256 << 10;

/// Fetches documents. Redirects are not followed: they could lead anywhere.
pub(super) struct Fetcher {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

/// There is no document.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// The server was not reached, or broke off.
    #[error("{0}")]
    Failed(Box<dyn Error + Send + Sync>),
    /// It answered with something else.
    #[error("it answered {0}")]
    Status(StatusCode),
    /// It took too long.
    #[error("it did not answer within {} seconds", PATIENCE.as_secs())]
    TimedOut,
    /// What it answered cannot be used.
    #[error("its answer cannot be used: {0}")]
    Unusable(String),
}

impl Fetcher {
    /// Trusts the certificate authorities that this machine trusts.
    ///
    /// # Errors
    ///
    /// If it trusts none.
    pub(super) fn new() -> std::io::Result<Self> {
        let provider = rustls::crypto::ring::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)?
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        Ok(Self { client })
    }

    /// Fetches a JSON document.
    pub(super) async fn fetch(&self, url: &Uri) -> Result<Bytes, FetchError> {
        let fetched = tokio::time::timeout(PATIENCE, self.fetch_in_time(url)).await;
        fetched.unwrap_or(Err(FetchError::TimedOut))
    }

    async fn fetch_in_time(&self, url: &Uri) -> Result<Bytes, FetchError> {
        let request = Request::get(url)
            .header(ACCEPT, "application/json")
            .body(Empty::new())
            .map_err(|error| FetchError::Failed(error.into()))?;
        let response = self.client.request(request).await;
        let response = response.map_err(|error| FetchError::Failed(told(&error).into()))?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        Ok(body.map_err(FetchError::Failed)?.to_bytes())
    }
}

/// An error with what caused it.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Whether documents are taken from there: over TLS, or from this machine.
pub(super) fn is_safe(url: &Uri) -> bool {
    let Some(host) = url.host() else {
        return false;
    };
    let loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    let scheme = url.scheme();
    let bare = url
        .authority()
        .is_some_and(|authority| !authority.as_str().contains('@'));
    bare && (scheme == Some(&Scheme::HTTPS) || scheme == Some(&Scheme::HTTP) && loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_come_over_tls_or_from_this_machine() {
        let safe = |url: &str| url.parse().is_ok_and(|url: Uri| is_safe(&url));
        for url in [
            "https://login.example.com/keys",
            "http://127.0.0.1:8080/keys",
            "http://localhost/keys",
            "http://[::1]:1/keys",
        ] {
            assert!(safe(url), "{url}");
        }
        for url in [
            "http://login.example.com/keys",
            "http://localhost.evil.example/keys",
            "http://127.0.0.1@evil.example/keys",
            "https://me@login.example.com/keys",
            "ftp://localhost/keys",
            "/keys",
            "login.example.com",
        ] {
            assert!(!safe(url), "{url}");
        }
    }
}
