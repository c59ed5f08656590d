//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::seats::Full;
use super::watch::{Standing, Watch, Watched};
use crate::call;
use crate::limits::Limits;
use crate::problem::{Problem, ProblemKind};
use crate::router::App;
use crate::tls::Tls;

/// How often a quiet HTTP/2 connection is asked whether it is still there.
const HTTP2_PING: Duration = Duration::from_secs(20);

/// What a connection reads at once at least.
const LEAST_HEADER_BYTES: usize = 8 << 10;

/// How long a connection that was asked to end may take.
const LINGER: Duration = Duration::from_secs(2);

/// Serves a connection until it ends, or `ending` asks it to.
pub(super) async fn serve(
    app: Arc<App>,
    tls: Option<Arc<Tls>>,
    stream: TcpStream,
    peer: IpAddr,
    ending: CancellationToken,
) {
    let watch = Watch::new();
    let stream = Watched::new(stream, watch.clone());
    let Some(tls) = tls else {
        return converse(app, stream, peer, watch, ending).await;
    };
    let patience = app.config.limits.request_time;
    let greeted = tokio::select! {
        greeted = tokio::time::timeout(patience, tls.accept(stream)) => greeted,
        () = ending.cancelled() => return,
    };
    match greeted {
        Ok(Ok(stream)) => converse(app, stream, peer, watch, ending).await,
        Ok(Err(error)) => tracing::debug!(%error, "a client does not speak TLS as this host does"),
        Err(_) => tracing::debug!("a client took too long to agree on TLS"),
    }
}

/// Answers the requests of a connection.
async fn converse(
    app: Arc<App>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: IpAddr,
    watch: Watch,
    ending: CancellationToken,
) {
    let Limits {
        request_time,
        write_time,
        ..
    } = app.config.limits;
    let builder = builder(&app.config.limits);
    let service = service_fn({
        let watch = watch.clone();
        move |request| {
            let app = app.clone();
            let answering = watch.answering();
            async move {
                let response = app.answer(request, peer).await;
                Ok::<_, Infallible>(response.map(|body| answering.until_sent(body)))
            }
        }
    });
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut asked_to_end = false;
    loop {
        let now = Instant::now();
        let next = match watch.standing(now, request_time, write_time) {
            Standing::Well(next) => next,
            Standing::Stalled => {
                tracing::debug!("a client took nothing of what was sent; its connection is cut");
                return;
            }
            Standing::Quiet if asked_to_end => return,
            Standing::Quiet => {
                asked_to_end = true;
                serving.as_mut().graceful_shutdown();
                now + LINGER
            }
        };
        tokio::select! {
            served = &mut serving => {
                if let Err(error) = served {
                    tracing::debug!(error, "a connection ended early");
                }
                return;
            }
            () = ending.cancelled(), if !asked_to_end => {
                asked_to_end = true;
                serving.as_mut().graceful_shutdown();
            }
            () = tokio::time::sleep_until(next) => {}
        }
    }
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.request_time)
        .max_headers(limits.headers)
        .max_buf_size(limits.header_bytes.max(LEAST_HEADER_BYTES));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HTTP2_PING)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(limits.streams_per_connection);
    builder
}

/// Tells a client for whom there is no place, if it listens.
pub(super) async fn refuse(mut stream: TcpStream, full: Full, limits: &Limits) {
    let (kind, detail) = match full {
        Full::All => (
            ProblemKind::TooManyConnections,
            format!(
                "{} connections are open, and there may be no more. Try again later.",
                limits.connections
            ),
        ),
        Full::Address => (
            ProblemKind::TooManyFromAddress,
            format!(
                "{} connections from your address are open, and there may be no more. Close some, \
                 or use one for several requests.",
                limits.connections_per_address
            ),
        ),
    };
    let status = kind.status();
    let body = Problem::new(kind, detail).json(&call::new_id()).to_string();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\n\
         Retry-After: 5\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    // A connection that is closed while something of the client's is unread
    // takes the answer with it, so that it is read until the client closes.
    let told = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        let mut sent = tokio::io::sink();
        let mut stream = tokio::io::AsyncReadExt::take(stream, 64 << 10);
        tokio::io::copy(&mut stream, &mut sent).await
    };
    // Whoever does not listen is not told.
    let _ = tokio::time::timeout(LINGER, told).await;
}
