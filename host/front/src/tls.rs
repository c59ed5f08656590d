//! TLS: the certificate, its key, and following both while the host serves.
//!
//! Whoever renews certificates writes new files in the place of the old ones.
//! They count from the next connection on. Files that do not work, because one
//! is half written or the key is another's, change nothing and are told.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const POLL: Duration = Duration::from_secs(2);

/// Where the certificate and its key are, both as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate, followed by those that lead to its authority.
    pub certificate: PathBuf,
    /// Its private key, which is not encrypted.
    pub key: PathBuf,
}

/// Why a certificate and its key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{file} cannot be read: {reason}", file = .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A file does not have what it should.
    #[error("{file} has no {expected} in PEM form", file = .file.display())]
    Empty {
        /// The file.
        file: PathBuf,
        /// What it should have.
        expected: &'static str,
    },
    /// They do not belong together, or are of a kind that is not known.
    #[error(
        "the certificate {certificate} and the key {key} cannot be used together: {reason}",
        certificate = .certificate.display(),
        key = .key.display()
    )]
    Unusable {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
        /// What is wrong with them.
        reason: String,
    },
}

/// What the two files hold.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// Speaks TLS with the certificate that counts right now.
pub(crate) struct Tls {
    config: TlsConfig,
    live: RwLock<Arc<ServerConfig>>,
    /// What was read last, or why nothing was.
    seen: RwLock<Result<Files, TlsError>>,
}

impl Tls {
    /// Reads the files for the first time.
    pub(crate) fn open(config: &TlsConfig) -> Result<Self, TlsError> {
        let files = read(config)?;
        let live = configured(config, &files)?;
        Ok(Self {
            config: config.clone(),
            live: RwLock::new(Arc::new(live)),
            seen: RwLock::new(Ok(files)),
        })
    }

    /// Agrees with a client on a connection.
    pub(crate) async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let live = Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner));
        TlsAcceptor::from(live).accept(stream).await
    }

    /// Follows the files until `stop`.
    pub(crate) async fn follow(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(POLL) => {}
            }
            let tls = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || tls.look()).await {
                tracing::error!(%error, "the certificate was not looked at");
            }
        }
    }

    /// Takes the files over if they have changed and can be used.
    fn look(&self) {
        let read = read(&self.config);
        {
            let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
            if *seen == read {
                return;
            }
        }
        let renewed = read.as_ref().map_err(Clone::clone);
        match renewed.and_then(|files| configured(&self.config, files)) {
            Ok(config) => {
                *self.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                tracing::info!("the certificate was renewed");
            }
            Err(error) => {
                tracing::warn!(%error, "the certificate stays as it was");
            }
        }
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = read;
    }
}

fn read(config: &TlsConfig) -> Result<Files, TlsError> {
    let read = |file: &Path| {
        std::fs::read(file).map_err(|error| TlsError::Unreadable {
            file: file.to_owned(),
            reason: error.to_string(),
        })
    };
    Ok(Files {
        certificate: read(&config.certificate)?,
        key: read(&config.key)?,
    })
}

fn configured(config: &TlsConfig, files: &Files) -> Result<ServerConfig, TlsError> {
    let empty = |file: &Path, expected| TlsError::Empty {
        file: file.to_owned(),
        expected,
    };
    let chain: Result<Vec<_>, pem::Error> =
        CertificateDer::pem_slice_iter(&files.certificate).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| empty(&config.certificate, "certificate"))?;
    let key =
        PrivateKeyDer::from_pem_slice(&files.key).map_err(|_| empty(&config.key, "private key"))?;
    let unusable = |error: rustls::Error| TlsError::Unusable {
        certificate: config.certificate.clone(),
        key: config.key.clone(),
        reason: error.to_string(),
    };
    let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(server)
}
