//! Asking a running host, as its operator or as any caller.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, InvalidHeaderValue, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sandpit_tools::Status;
use serde::Deserialize;
use serde_json::Value;

use crate::config::Config;
use crate::operator::{self, Secret};
use crate::trust;

/// How long the host may take to answer what it answers at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long it may take to do something that waits for TWS.
const LONG_PATIENCE: Duration = Duration::from_secs(90);

/// How this program calls itself.
const AGENT: &str = concat!("sandpit/", env!("CARGO_PKG_VERSION"));

/// A host that runs, or does not.
pub struct Client {
    http: HttpClient<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// `http://ADDRESS:PORT`, or with `https`.
    base: String,
    /// What tools are called with.
    token: Option<Secret>,
}

/// What a host says to its operator.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostStatus {
    /// Its version.
    pub version: String,
    /// Since when it runs, RFC 3339.
    pub started: String,
    /// The configuration file whose policy it follows.
    pub config_file: Option<String>,
    /// What it says of its tools.
    #[serde(flatten)]
    pub tools: Status,
}

/// Why a host gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers there.
    #[error(
        "no host answers at {base}; start one with sandpit serve or sandpit demo, or name \
         another with --url"
    )]
    NotRunning {
        /// Where it was looked for.
        base: String,
    },
    /// It does not speak TLS, or with a certificate that nobody vouches for.
    #[error(
        "{base} cannot be asked over TLS: {reason}; if the certificate is right, name the \
         configuration that has it with --config, or its authority's with SSL_CERT_FILE"
    )]
    NoTls {
        /// Where it was asked.
        base: String,
        /// What is wrong.
        reason: String,
    },
    /// It answered with a problem, or not with what was expected.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Client {
    /// For the host at `url`, or else for that of the configuration.
    pub fn new(url: Option<&Uri>, config: &Config) -> anyhow::Result<Self> {
        let base = match url {
            Some(url) => base_of(url)?,
            None => configured(config),
        };
        let http = HttpClient::builder(TokioExecutor::new()).build(connector(&base, config)?);
        Ok(Self {
            http,
            base,
            token: None,
        })
    }

    /// Calls tools with this token.
    pub fn with_token(self, token: Secret) -> Self {
        Self {
            token: Some(token),
            ..self
        }
    }

    /// Where the host is looked for.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The host's status, as it wrote it.
    pub async fn status_text(&self, token: &Secret) -> Result<String, AskError> {
        let request = self.request(Method::GET, "/operator/status", Bytes::new())?;
        self.as_operator(token, request, PATIENCE).await
    }

    /// Has the host do something for its operator, by a JSON body.
    pub async fn order(
        &self,
        token: &Secret,
        path: &str,
        body: String,
    ) -> Result<String, AskError> {
        let request = self.request(Method::POST, path, body.into())?;
        self.as_operator(token, request, LONG_PATIENCE).await
    }

    async fn as_operator(
        &self,
        token: &Secret,
        mut request: Request<Full<Bytes>>,
        patience: Duration,
    ) -> Result<String, AskError> {
        let value = bearer(token).context("the operator's token cannot be sent")?;
        request.headers_mut().insert(AUTHORIZATION, value);
        let answered = tokio::time::timeout(patience, async {
            let response = self.send(request).await?;
            let status = response.status();
            Ok::<_, AskError>((status, text(response).await?))
        });
        let (status, text) = answered
            .await
            .with_context(|| format!("{} did not answer in time", self.base))??;
        match status {
            StatusCode::OK => Ok(text),
            StatusCode::UNAUTHORIZED => Err(anyhow::anyhow!(
                "the host at {} does not take the operator's token that is set up here; it may \
                 run as another user or with another configuration (give its token as \
                 SANDPIT_OPERATOR__TOKEN)",
                self.base
            )
            .into()),
            _ => Err(anyhow::anyhow!("{}", problem(&self.base, status, &text)).into()),
        }
    }

    /// The host's status.
    pub async fn status(&self, token: &Secret) -> Result<HostStatus, AskError> {
        let text = self.status_text(token).await?;
        let status = serde_json::from_str(&text).with_context(|| {
            format!(
                "the host at {} answered with another kind of status",
                self.base
            )
        })?;
        Ok(status)
    }

    /// Calls a tool over REST; the body of the answer may be a stream.
    pub async fn call(
        &self,
        tool: &str,
        arguments: String,
    ) -> Result<Response<Incoming>, AskError> {
        let path = format!("/api/v1/{tool}");
        let mut request = self.request(Method::POST, &path, arguments.into())?;
        let headers = request.headers_mut();
        if let Some(token) = &self.token {
            headers.insert(
                AUTHORIZATION,
                bearer(token).context("the token cannot be sent")?,
            );
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("text/event-stream, application/json"),
        );
        self.send(request).await
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> anyhow::Result<Request<Full<Bytes>>> {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(USER_AGENT, AGENT)
            .body(Full::new(body))
            .with_context(|| format!("{}{path} cannot be asked", self.base))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, AskError> {
        self.http.request(request).await.map_err(|error| {
            if let Some(fault) = trust::fault(&error) {
                AskError::NoTls {
                    base: self.base.clone(),
                    reason: fault.to_string(),
                }
            } else if error.is_connect() {
                AskError::NotRunning {
                    base: self.base.clone(),
                }
            } else {
                let context = format!("{} gave no answer", self.base);
                AskError::Other(anyhow::Error::new(error).context(context))
            }
        })
    }
}

/// Connects to the host at this address.
///
/// # Errors
/// If its certificate is configured and cannot be read.
pub fn connector(base: &str, config: &Config) -> anyhow::Result<HttpsConnector<HttpConnector>> {
    let mut tcp = HttpConnector::new();
    tcp.set_connect_timeout(Some(PATIENCE));
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let tls = config.server.tls.as_ref();
    // Plain HTTP needs no certificates.
    let certificate = tls.filter(|_| base.starts_with("https:"));
    let certificate = certificate.map(|tls| tls.certificate.as_path());
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(trust::client_config(certificate)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp))
}

/// The operator's token and a client for the host, for commands that ask it.
///
/// # Errors
///
/// If there is no token, or rather no host, which would have made one.
pub async fn as_operator(url: Option<&Uri>, config: &Config) -> Result<(Client, Secret), AskError> {
    let client = Client::new(url, config)?;
    match operator::find(&config.operator) {
        Ok(token) => Ok((client, token)),
        Err(error) => {
            let request = client.request(Method::GET, "/healthz", Bytes::new())?;
            client.send(request).await?;
            Err(error.into())
        }
    }
}

/// A token as a header.
fn bearer(token: &Secret) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.reveal().trim()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The whole text of a response.
pub async fn text(response: Response<Incoming>) -> anyhow::Result<String> {
    let body = response.into_body().collect().await;
    let body = body.context("the answer ended early")?.to_bytes();
    String::from_utf8(body.into()).context("the answer is not text")
}

/// What a problem (RFC 9457) says, in a sentence.
pub fn problem(base: &str, status: StatusCode, text: &str) -> String {
    let problem: Value = serde_json::from_str(text).unwrap_or_default();
    match problem.get("detail").and_then(Value::as_str) {
        Some(detail) => crate::output::plain(detail),
        None => format!("{base} answered {status}; is it a Sandpit host?"),
    }
}

/// Where a host with this configuration answers.
pub fn configured(config: &Config) -> String {
    // A host that listens on every address also does on this machine's own.
    let ip = match config.server.listen {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let address = SocketAddr::new(ip, config.server.port);
    format!("{}://{address}", config.server.scheme())
}

/// The scheme and address of what a person gave: what the host prints when it
/// starts ends with `/api/v1`.
fn base_of(url: &Uri) -> anyhow::Result<String> {
    let authority = url.authority().map(ToString::to_string);
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (url.scheme_str(), authority) else {
        bail!("{url} is not the address of a host; write for example http://127.0.0.1:8000");
    };
    match url.path().trim_end_matches('/') {
        "" | "/api/v1" | "/api/v1/mcp" if url.query().is_none() => {}
        path => bail!(
            "{url} has a path, {path}; write only the address of the host, {scheme}://{authority}"
        ),
    }
    Ok(format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn it_asks_where_the_host_listens() {
        let mut config = Config::default();
        config.server.port = 9000;
        for (listen, base) in [
            ("127.0.0.1", "http://127.0.0.1:9000"),
            ("0.0.0.0", "http://127.0.0.1:9000"),
            ("::", "http://[::1]:9000"),
            ("192.0.2.7", "http://192.0.2.7:9000"),
        ] {
            config.server.listen = listen.parse().unwrap();
            assert_eq!(configured(&config), base);
        }
    }

    #[test]
    fn an_address_is_taken_as_it_is_printed() {
        for url in [
            "http://127.0.0.1:8000",
            "http://127.0.0.1:8000/",
            "http://127.0.0.1:8000/api/v1",
            "http://127.0.0.1:8000/api/v1/mcp",
        ] {
            assert_eq!(
                base_of(&url.parse().unwrap()).unwrap(),
                "http://127.0.0.1:8000"
            );
        }
        let secure = "https://a:8443/api/v1".parse().unwrap();
        assert_eq!(base_of(&secure).unwrap(), "https://a:8443");
        for url in [
            "ftp://a",
            "127.0.0.1:8000",
            "/x",
            "http://a/b",
            "http://a/?b",
        ] {
            assert!(base_of(&url.parse().unwrap()).is_err(), "{url}");
        }
    }

    #[test]
    fn a_problem_is_its_sentence() {
        let text = r#"{"detail": "No such\u001b[2J tool."}"#;
        assert_eq!(
            problem("x", StatusCode::NOT_FOUND, text),
            "No such\\u{1b}[2J tool."
        );
        let other = problem("http://a", StatusCode::OK, "<html>");
        assert!(other.starts_with("http://a answered 200 OK"), "{other}");
    }
}
