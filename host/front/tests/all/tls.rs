//! TLS: both versions of HTTP, and certificates that are renewed.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use sandpit_front::{ConfigError, Front, TlsConfig, TlsError};

use super::{FrontConfig, PATIENCE, Server, nothing};

/// Writes a certificate for `localhost` and its key, and says where.
fn certificate(folder: &Path) -> TlsConfig {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = TlsConfig {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    files
}

/// Asks a server for its health, trusting only this certificate.
async fn ask(server: &Server, certificate: &CertificateDer<'static>, http2: bool) -> Option<u16> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    let builder = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only();
    let connector = if http2 {
        builder.enable_http2().wrap_connector(tcp)
    } else {
        builder.enable_http1().wrap_connector(tcp)
    };
    let client = Client::builder(TokioExecutor::new())
        .http2_only(http2)
        .build::<_, Empty<Bytes>>(connector);
    let port = server.address.port();
    let url = format!("https://localhost:{port}/healthz").parse().unwrap();
    let asked = tokio::time::timeout(PATIENCE, client.get(url)).await;
    let response = asked.expect("an answer").ok()?;
    let expected = match http2 {
        true => ::http::Version::HTTP_2,
        false => ::http::Version::HTTP_11,
    };
    assert_eq!(response.version(), expected);
    let status = response.status().as_u16();
    response.into_body().collect().await.unwrap();
    Some(status)
}

fn read(files: &TlsConfig) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(&files.certificate).unwrap()
}

/// Waits until the server shows this certificate.
async fn shows(server: &Server, certificate: &CertificateDer<'static>) {
    let shown = async {
        while ask(server, certificate, false).await.is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let shown = tokio::time::timeout(PATIENCE, shown).await;
    shown.expect("the certificate is shown");
}

fn with(files: &TlsConfig) -> FrontConfig {
    FrontConfig {
        tls: Some(files.clone()),
        ..FrontConfig::default()
    }
}

#[tokio::test]
async fn both_versions_of_http_are_spoken_over_tls_alone() {
    let folder = tempfile::tempdir().unwrap();
    let files = certificate(folder.path());
    let server = nothing(with(&files)).await;
    let certificate = read(&files);
    assert_eq!(ask(&server, &certificate, false).await, Some(200));
    assert_eq!(ask(&server, &certificate, true).await, Some(200));
    assert!(server.get("/healthz").send().await.is_err());
    server.end().await;
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_over_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let files = certificate(folder.path());
    let server = nothing(with(&files)).await;
    let first = read(&files);
    shows(&server, &first).await;

    // The key does not belong to it yet.
    let other = tempfile::tempdir().unwrap();
    let strange = certificate(other.path());
    std::fs::copy(&strange.certificate, &files.certificate).unwrap();
    assert_eq!(ask(&server, &first, false).await, Some(200));
    assert_eq!(ask(&server, &read(&strange), false).await, None);

    std::fs::copy(&strange.key, &files.key).unwrap();
    shows(&server, &read(&strange)).await;
    assert_eq!(ask(&server, &first, false).await, None);
    server.end().await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let files = certificate(folder.path());
    let server = nothing(FrontConfig::default()).await;
    let fault = |files: &TlsConfig| match Front::new(server.tools.clone(), with(files)) {
        Err(ConfigError::Tls(fault)) => fault,
        _ => unreachable!("it is used"),
    };
    let missing = TlsConfig {
        key: folder.path().join("nothing.pem"),
        ..files.clone()
    };
    assert!(matches!(fault(&missing), TlsError::Unreadable { file, .. } if file == missing.key));
    let swapped = TlsConfig {
        certificate: files.key.clone(),
        key: files.certificate.clone(),
    };
    let empty = TlsError::Empty {
        file: files.key.clone(),
        expected: "certificate",
    };
    assert_eq!(fault(&swapped), empty);
    let other = tempfile::tempdir().unwrap();
    let strange = TlsConfig {
        key: certificate(other.path()).key,
        ..files
    };
    assert!(matches!(fault(&strange), TlsError::Unusable { .. }));
    server.end().await;
}
