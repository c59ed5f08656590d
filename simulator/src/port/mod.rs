//! The control port: HTTP with JSON, for scripts and for other processes.
//! [`Simulator::serve_control`](crate::Simulator::serve_control) describes it.

mod routes;

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::routes::{Failure, answer};
use crate::control::Control;

/// The longest request.
const MAX_BODY: usize = 4 << 20;

/// What the port serves.
#[derive(Debug, Clone)]
pub(crate) struct Port {
    pub(crate) control: Control,
    /// Where TWS clients connect.
    pub(crate) simulator: SocketAddr,
    pub(crate) stop: CancellationToken,
}

impl Port {
    /// Serves until the simulator stops.
    pub(crate) async fn serve(self, listener: TcpListener, tasks: TaskTracker) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    tasks.spawn(self.clone().converse(stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "the control port cannot accept a connection");
                    // Usually too many open files, which passes.
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn converse(self, stream: TcpStream) {
        let stop = self.stop.clone();
        let service = service_fn(move |request| {
            let port = self.clone();
            async move { Ok::<_, Infallible>(port.respond(request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            ended = connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection to the control port ended");
                }
            }
            () = stop.cancelled() => {}
        }
    }

    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (status, value) = match self.handle(request).await {
            Ok(value) => (StatusCode::OK, value),
            Err(failure) => (failure.status(), json!({ "error": failure.to_string() })),
        };
        let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            hyper::header::HeaderValue::from_static("application/json"),
        );
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(
                ALLOW,
                hyper::header::HeaderValue::from_static("GET, POST, DELETE"),
            );
        }
        response
    }

    async fn handle(&self, request: Request<Incoming>) -> Result<Value, Failure> {
        let (head, body) = request.into_parts();
        let is_post = head.method == Method::POST;
        let is_json = head
            .headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| {
                kind.split(';').next().unwrap_or_default().trim() == "application/json"
            });
        if is_post && !is_json {
            return Err(Failure::NotJson);
        }
        let body = Limited::new(body, MAX_BODY)
            .collect()
            .await
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    Failure::TooLong(MAX_BODY)
                } else {
                    Failure::Invalid(String::from("the request could not be read to its end"))
                }
            })?
            .to_bytes();
        let query = head.uri.query().unwrap_or_default();
        answer(self, &head.method, head.uri.path(), query, &body)
    }
}
