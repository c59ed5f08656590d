//! Connections: accepting them, bounding them, ending them.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use sandpit_tools::Tools;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::auth::{Auth, Loopback};
use crate::config::{ConfigError, FrontConfig};
use crate::mcp::{Endpoint, ListChanges};
use crate::operator;
use crate::origin::Gate;
use crate::router::App;

/// How long to wait after an accept that failed, at first and at most. Such
/// failures (no file descriptors left) pass only with time.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// How many requests one HTTP/2 connection may have open.
const HTTP2_STREAMS: u32 = 64;

/// How often a quiet HTTP/2 connection is asked whether it is still there.
const HTTP2_PING: Duration = Duration::from_secs(20);

/// The HTTP server of the host.
pub struct Front {
    app: Arc<App>,
    changes: ListChanges,
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
        let streams = CancellationToken::new();
        let (mcp, changes) = Endpoint::new(&tools, &config, &streams);
        let app = App {
            tools,
            config,
            streams,
            gate,
            auth,
            mcp,
            started: operator::now(),
        };
        Ok(Self {
            app: Arc::new(app),
            changes,
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
        let Self { app, changes } = self;
        let changes = tokio::spawn(changes.announce(app.tools.clone(), app.streams.clone()));
        let following = tokio::spawn({
            let app = app.clone();
            async move { app.auth.follow(app.streams.clone()).await }
        });
        let permits = Arc::new(Semaphore::new(app.config.max_connections));
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        let mut backoff = BACKOFF.0;
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                // Ended connections leave the set here.
                Some(_) = connections.join_next() => continue,
                accepted = accept(&listener, &permits) => accepted,
            };
            match accepted {
                Ok((stream, peer, permit)) => {
                    backoff = BACKOFF.0;
                    let watcher = graceful.watcher();
                    connections.spawn(connection(app.clone(), stream, peer, watcher, permit));
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
        if tokio::time::timeout(app.config.drain_timeout, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("requests were still running and are cut off");
        }
        app.mcp.close();
        connections.shutdown().await;
        changes.abort();
        following.abort();
        Ok(())
    }
}

/// Waits until there may be one more connection, and for that connection.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    let permit = permits
        .clone()
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // Events are small and must not wait for each other.
    stream.set_nodelay(true)?;
    Ok((stream, peer.ip(), permit))
}

/// Serves one connection to its end.
async fn connection(
    app: Arc<App>,
    stream: TcpStream,
    peer: IpAddr,
    watcher: Watcher,
    _permit: OwnedSemaphorePermit,
) {
    let patience = app.config.request_timeout;
    let asked = Arc::new(AtomicBool::new(false));
    let service = service_fn({
        let asked = asked.clone();
        move |request| {
            asked.store(true, Ordering::Relaxed);
            let app = app.clone();
            async move { Ok::<_, Infallible>(app.answer(request, peer).await) }
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HTTP2_PING)
        .max_concurrent_streams(HTTP2_STREAMS);
    let serving = watcher.watch(
        builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned(),
    );
    tokio::pin!(serving);
    // The header timeout starts only after the protocol is known. Until then a
    // connection that sends nothing is bounded here.
    let served = match tokio::time::timeout(patience, &mut serving).await {
        Err(_) if !asked.load(Ordering::Relaxed) => return,
        Err(_) => serving.await,
        Ok(served) => served,
    };
    if let Err(error) = served {
        tracing::debug!(error, "a connection ended early");
    }
}
