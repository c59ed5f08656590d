//! One call in logs and in traces.
//!
//! Whatever is logged while a call runs, in whichever room, is logged within
//! the span `front.call`, which has the call's id. Where traces are collected
//! it continues the trace of the caller (W3C Trace Context), and what the rooms
//! below do are spans within it.

use std::future::Future;

use http::HeaderMap;
use http::request::Parts;
use opentelemetry::global;
use opentelemetry::propagation::Extractor;
use opentelemetry_http::HeaderExtractor;
use rmcp::model::JsonObject;
use rmcp::service::{RequestContext, RoleServer};
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::call;

/// The longest name of a tool that a trace has, in characters: it may be one
/// that there is not.
const NAME: usize = 100;

/// The id of a request. The router leaves it with the request, for whoever
/// answers it.
#[derive(Debug, Clone)]
pub(crate) struct CallId(pub(crate) String);

/// The span of one call.
pub(crate) struct CallSpan(Span);

impl CallSpan {
    /// For a call over plain HTTP.
    pub(crate) fn of_rest(call_id: &str, tool: &str, headers: &HeaderMap) -> Self {
        Self::new("rest", call_id, tool, &HeaderExtractor(headers))
    }

    /// For a request of MCP. What is in `_meta` goes before what is in the
    /// headers, which may be those of a proxy.
    pub(crate) fn of_mcp(name: &str, context: &RequestContext<RoleServer>) -> Self {
        let none = HeaderMap::new();
        let parts = context.extensions.get::<Parts>();
        let headers = parts.map_or(&none, |parts| &parts.headers);
        let caller = Caller {
            meta: &context.meta,
            headers: HeaderExtractor(headers),
        };
        Self::new("mcp", &call_id(context), name, &caller)
    }

    fn new(protocol: &str, call_id: &str, tool: &str, caller: &dyn Extractor) -> Self {
        // It is there however little is logged.
        let span = tracing::error_span!(
            "front.call",
            otel.kind = "server",
            protocol,
            call_id,
            tool = tool.chars().take(NAME).collect::<String>(),
        );
        let parent = global::get_text_map_propagator(|known| known.extract(caller));
        // It cannot be set where nobody collects traces, and nobody misses it.
        let _ = span.set_parent(parent);
        Self(span)
    }

    /// Does work within it.
    pub(crate) fn around<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        work.instrument(self.0)
    }
}

/// The id of an MCP request: that of the HTTP request that it came with, or the
/// one that it was given itself where there is none.
pub(crate) fn call_id(context: &RequestContext<RoleServer>) -> String {
    let parts = context.extensions.get::<Parts>();
    let id = parts.and_then(|parts| parts.extensions.get::<CallId>());
    let id = id.or_else(|| context.extensions.get::<CallId>());
    id.map_or_else(call::new_id, |CallId(id)| id.clone())
}

/// Where an MCP client says which trace its request belongs to.
struct Caller<'a> {
    meta: &'a JsonObject,
    headers: HeaderExtractor<'a>,
}

impl Extractor for Caller<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        // One place says all of it.
        if self.meta.contains_key("traceparent") {
            self.meta.get(key)?.as_str()
        } else {
            self.headers.get(key)
        }
    }

    fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<_> = self.meta.keys().map(String::as_str).collect();
        keys.extend(self.headers.keys());
        keys
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_mcp_says_goes_before_the_headers() {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", "of-the-header".parse().unwrap());
        headers.insert("tracestate", "state".parse().unwrap());
        let said = json!({ "traceparent": "of-the-meta" });
        let (said, nothing) = (said.as_object().unwrap(), JsonObject::new());
        let get = |meta, key| {
            let headers = HeaderExtractor(&headers);
            Caller { meta, headers }.get(key).map(str::to_owned)
        };
        assert_eq!(get(said, "traceparent").as_deref(), Some("of-the-meta"));
        // The state belongs to the other trace.
        assert_eq!(get(said, "tracestate"), None);
        assert_eq!(
            get(&nothing, "traceparent").as_deref(),
            Some("of-the-header")
        );
        assert_eq!(get(&nothing, "tracestate").as_deref(), Some("state"));
    }
}
