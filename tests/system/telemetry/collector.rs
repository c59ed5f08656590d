//! A collector of OpenTelemetry on a port of its own, and what it received.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One span, as it was received.
#[derive(Debug, Clone)]
pub struct Span {
    pub trace: String,
    pub id: String,
    /// Empty if it has none.
    pub parent: String,
    pub name: String,
    /// Texts only.
    pub attributes: Vec<(String, String)>,
    /// The name of who sent it.
    pub service: String,
}

impl Span {
    /// An attribute that is a text.
    pub fn attribute(&self, key: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    }
}

/// A collector. Dropping it closes its port.
pub struct Collector {
    pub address: SocketAddr,
    spans: Arc<Mutex<Vec<Span>>>,
    serving: JoinHandle<()>,
}

impl Collector {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let sink = Arc::clone(&spans);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sink = Arc::clone(&sink);
                let service = service_fn(move |request| take(request, Arc::clone(&sink)));
                tokio::spawn(async move {
                    let http = hyper::server::conn::http1::Builder::new();
                    // A host that is killed breaks off.
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            address,
            spans,
            serving,
        }
    }

    /// What the host is to be told.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that was received so far.
    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(
    request: Request<Incoming>,
    sink: Arc<Mutex<Vec<Span>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.uri().path(), "/v1/traces");
    assert_eq!(
        request.headers().get("content-type").unwrap(),
        "application/x-protobuf"
    );
    let mut response = Response::new(Full::default());
    match request.into_body().collect().await {
        Ok(body) => {
            let received = ExportTraceServiceRequest::decode(body.to_bytes()).unwrap();
            sink.lock().unwrap().extend(spans(received));
        }
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    Ok(response)
}

fn spans(received: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_service in received.resource_spans {
        let about = of_service.resource.unwrap().attributes;
        let service = texts(&about).into_iter();
        let mut service = service.filter(|(key, _)| key == "service.name");
        let service = service.next().map(|(_, name)| name).unwrap_or_default();
        for span in of_service.scope_spans.into_iter().flat_map(|of| of.spans) {
            // What is logged stays in the log.
            assert!(span.events.is_empty(), "{span:?}");
            spans.push(Span {
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                name: span.name,
                attributes: texts(&span.attributes),
                service: service.clone(),
            });
        }
    }
    spans
}

fn texts(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let texts = attributes.iter().filter_map(|attribute| {
        let AnyValue { value } = attribute.value.as_ref()?;
        match value {
            Some(Value::StringValue(text)) => Some((attribute.key.clone(), text.clone())),
            _ => None,
        }
    });
    texts.collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
