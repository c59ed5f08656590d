//! Connections: accepting them, bounding their number, ending them. What goes
//! on in one is in [`connection`].

mod connection;
mod seats;
mod watch;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sandpit_tools::Tools;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::auth::{Auth, Loopback};
use crate::config::{ConfigError, FrontConfig};
use crate::mcp::{Endpoint, ListChanges};
use crate::metrics::Metrics;
use crate::operator;
use crate::origin::Gate;
use crate::router::App;
use crate::tls::Tls;
use seats::{Full, Seats};

/// How long to wait after an accept that failed, at first and at most. Such
/// failures (no file descriptors left) pass only with time.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// How many clients are told at a time that there is no place for them. Others
/// find their connection closed.
const REFUSALS: usize = 64;

/// The HTTP server of the host.
pub struct Front {
    app: Arc<App>,
    changes: ListChanges,
    tls: Option<Arc<Tls>>,
}

impl Front {
    /// A front over these tools.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a setting cannot be used.
    pub fn new(tools: Tools, config: FrontConfig) -> Result<Self, ConfigError> {
        let gate = Gate::new(&config)?;
        let auth = Auth::new(&config.auth)?;
        let tls = config.tls.as_ref().map(Tls::open).transpose()?;
        let streams = CancellationToken::new();
        let metrics = Metrics::new(&config.metrics.registry, &config.limits)
            .map_err(|error| ConfigError::Metrics(error.to_string()))?;
        let (mcp, changes) = Endpoint::new(&tools, &config, &streams);
        let app = App {
            tools,
            config,
            streams,
            gate,
            auth,
            mcp,
            metrics,
            started: operator::now(),
        };
        Ok(Self {
            app: Arc::new(app),
            changes,
            tls: tls.map(Arc::new),
        })
    }

    /// What programs of this machine may do without a token, to change it
    /// while the front serves.
    pub fn loopback(&self) -> Loopback {
        self.app.auth.loopback()
    }

    /// Serves on a listener until `shutdown`. Then it accepts no more, ends
    /// all streams, and gives requests a few seconds to end
    /// ([`FrontConfig::drain_timeout`]).
    ///
    /// # Errors
    ///
    /// If the listener has no address. A connection that fails ends by itself.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        let address = listener.local_addr()?;
        tracing::debug!(%address, "serving");
        let Self { app, changes, tls } = self;
        let changes = tokio::spawn(changes.announce(app.tools.clone(), app.streams.clone()));
        let following = tokio::spawn({
            let app = app.clone();
            async move { app.auth.follow(app.streams.clone()).await }
        });
        let renewing = tls
            .clone()
            .map(|tls| tokio::spawn(tls.follow(app.streams.clone())));
        let limits = &app.config.limits;
        let seats = Seats::new(limits.connections, limits.connections_per_address);
        let refusals = Arc::new(Semaphore::new(REFUSALS));
        let ending = CancellationToken::new();
        let mut connections = JoinSet::new();
        let mut backoff = BACKOFF.0;
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                // Ended connections leave the set here.
                Some(_) = connections.join_next() => continue,
                accepted = accept(&listener) => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    backoff = BACKOFF.0;
                    let (app, tls) = (app.clone(), tls.clone());
                    match seats.take(peer) {
                        Ok(seat) => {
                            let open = app.metrics.connection();
                            let serving = connection::serve(app, tls, stream, peer, ending.clone());
                            connections.spawn(async move {
                                serving.await;
                                drop((seat, open));
                            });
                        }
                        Err(full) => {
                            note(full, peer);
                            // Without a word where TLS would have to come first.
                            let Ok(permit) = refusals.clone().try_acquire_owned() else {
                                continue;
                            };
                            if tls.is_none() {
                                connections.spawn(async move {
                                    connection::refuse(stream, full, &app.config.limits).await;
                                    drop(permit);
                                });
                            }
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::select! {
                        () = shutdown.cancelled() => break,
                        () = tokio::time::sleep(backoff) => {}
                    }
                    backoff = (backoff * 2).min(BACKOFF.1);
                }
            }
        }
        drop(listener);
        app.streams.cancel();
        ending.cancel();
        let ended = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(app.config.drain_timeout, ended)
            .await
            .is_err()
        {
            tracing::warn!("requests were still running and are cut off");
        }
        app.mcp.close();
        connections.shutdown().await;
        changes.abort();
        following.abort();
        if let Some(renewing) = renewing {
            renewing.abort();
        }
        Ok(())
    }
}

/// Waits for a connection.
async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, IpAddr)> {
    let (stream, peer) = listener.accept().await?;
    // Events are small and must not wait for each other.
    stream.set_nodelay(true)?;
    Ok((stream, peer.ip()))
}

/// Writes down that a client was refused.
fn note(full: Full, peer: IpAddr) {
    match full {
        Full::All => tracing::debug!(%peer, "a connection was refused: all places are taken"),
        Full::Address => {
            tracing::debug!(%peer, "a connection was refused: its address has enough");
        }
    }
}
