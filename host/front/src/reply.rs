//! Reading request bodies and making responses.

use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use http::{Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, LengthLimitError, Limited};
use sha2::{Digest, Sha256};

use crate::problem::{Problem, ProblemKind};

/// The body of every response.
pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// How long the rest of a body that is too large is taken.
const LINGER: Duration = Duration::from_secs(2);

/// A response with a text of some type.
pub(crate) fn text(
    status: StatusCode,
    content_type: &'static str,
    text: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Full::new(text.into()).boxed());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A response with JSON.
pub(crate) fn json(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    self::text(status, "application/json", text)
}

/// A response with a text that goes only to who does not have it: the request
/// names what it has by its entity tag (`If-None-Match`).
pub(crate) fn unless_known(
    headers: &HeaderMap,
    content_type: &'static str,
    text: impl Into<Bytes>,
) -> Response<Body> {
    let text = text.into();
    let digest = Sha256::digest(&text);
    let digest = digest.iter().take(16);
    let digest: String = digest.map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{digest}\"");
    let known = headers.get_all(IF_NONE_MATCH).iter();
    let mut known = known.filter_map(|known| known.to_str().ok());
    let mut response = if known.any(|known| known.split(',').any(|known| known.trim() == tag)) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        self::text(StatusCode::OK, content_type, text)
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// A response without content.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().boxed());
    *response.status_mut() = status;
    response
}

/// Reads a whole request body of at most `limit` bytes.
pub(crate) async fn read<B>(mut body: B, limit: usize, patience: Duration) -> Result<Bytes, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let read = Limited::new(&mut body, limit).collect();
    let Ok(read) = tokio::time::timeout(patience, read).await else {
        return Err(Problem::new(
            ProblemKind::RequestTimeout,
            format!(
                "The body did not arrive within {} seconds.",
                patience.as_secs()
            ),
        ));
    };
    match read {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let _ = tokio::time::timeout(LINGER, discard(body, limit)).await;
            Err(Problem::new(
                ProblemKind::BodyTooLarge,
                format!("The body is larger than {limit} bytes, the most that is read here."),
            ))
        }
        Err(_) => Err(Problem::new(
            ProblemKind::InvalidBody,
            "The body ended before it was complete.",
        )),
    }
}

/// Takes some more of a body that is too large. Many clients send all of it
/// before they look for an answer, and would miss it if the connection closed.
async fn discard<B>(mut body: B, limit: usize)
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let mut left = limit.saturating_mul(4);
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
    }
}

/// Whether JSON is nested more deeply than `most`, without reading it otherwise.
/// What is not JSON is somebody else's matter.
pub(crate) fn is_deeper(json: &[u8], most: usize) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > most {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_that_of_arrays_and_objects() {
        for (json, depth) in [
            ("1", 0),
            (r#"{"a": [1, {"b": 2}], "c": [[]]}"#, 3),
            (r#"{"a[[[[": "\"[[[[\\", "b": "{{{{"}"#, 1),
            ("[],[],[]", 1),
            ("]]]][[", 2),
        ] {
            assert!(!is_deeper(json.as_bytes(), depth), "{json}");
            let shallower = depth.checked_sub(1);
            let deeper = shallower.map(|most| is_deeper(json.as_bytes(), most));
            assert_ne!(deeper, Some(false), "{json}");
        }
    }
}
