//! Requests whose end is not clear: what one program takes for a body, another
//! takes for the next request. The hidden request is never answered.

use super::{Fortress, answers, request, status};

/// What is hidden, by the name of a route that does not exist.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A POST to a tool with these headers and this body.
fn post(headers: &str, body: &str) -> String {
    format!(
        "POST /api/v1/get_positions HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\n{headers}\r\n{body}"
    )
}

#[tokio::test]
async fn nothing_is_smuggled_past_the_end_of_a_request() {
    let fortress = Fortress::impatient().await;
    let hidden = HIDDEN.len();
    let both = 5 + hidden;
    for (name, bytes) in [
        (
            "a length beside chunks",
            post(
                &format!("Content-Length: {both}\r\nTransfer-Encoding: chunked\r\n"),
                &format!("0\r\n\r\n{HIDDEN}"),
            ),
        ),
        (
            "chunks beside a length",
            post(
                &format!("Transfer-Encoding: chunked\r\nContent-Length: {both}\r\n"),
                &format!("0\r\n\r\n{HIDDEN}"),
            ),
        ),
        (
            "two lengths",
            post(
                &format!("Content-Length: 2\r\nContent-Length: {}\r\n", 2 + hidden),
                &format!("{{}}{HIDDEN}"),
            ),
        ),
        (
            "a list of lengths",
            post("Content-Length: 2, 3\r\n", &format!("{{}}{HIDDEN}")),
        ),
        (
            "a length with a sign",
            post("Content-Length: +2\r\n", &format!("{{}}{HIDDEN}")),
        ),
        (
            "a negative length",
            post("Content-Length: -2\r\n", &format!("{{}}{HIDDEN}")),
        ),
        (
            "a length beyond all numbers",
            post(
                "Content-Length: 184467440737095516162\r\n",
                &format!("{{}}{HIDDEN}"),
            ),
        ),
        (
            "a length of another base",
            post("Content-Length: 0x2\r\n", &format!("{{}}{HIDDEN}")),
        ),
        (
            "chunks by another name",
            post("Transfer-Encoding: xchunked\r\n", HIDDEN),
        ),
        (
            "chunks that are not last",
            post(
                "Transfer-Encoding: chunked, identity\r\n",
                &format!("0\r\n\r\n{HIDDEN}"),
            ),
        ),
        (
            "a space before the colon",
            post(
                "Transfer-Encoding : chunked\r\nContent-Length: 2\r\n",
                &format!("{{}}{HIDDEN}"),
            ),
        ),
        (
            "a folded header",
            post(
                "X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
                &format!("{{}}{HIDDEN}"),
            ),
        ),
        (
            "a folded encoding",
            post(
                "Transfer-Encoding:\r\n chunked\r\n",
                &format!("0\r\n\r\n{HIDDEN}"),
            ),
        ),
        (
            "a zero byte in a header",
            post("X: a\0b\r\nContent-Length: 2\r\n", &format!("{{}}{HIDDEN}")),
        ),
        (
            "a bare carriage return in a header",
            post(
                "X: a\rY: b\r\nContent-Length: 2\r\n",
                &format!("{{}}{HIDDEN}"),
            ),
        ),
        (
            "a chunk of no number",
            post(
                "Transfer-Encoding: chunked\r\n",
                &format!("zz\r\n{{}}\r\n0\r\n\r\n{HIDDEN}"),
            ),
        ),
        (
            "a chunk beyond all numbers",
            post(
                "Transfer-Encoding: chunked\r\n",
                &format!("fffffffffffffffff\r\n{{}}\r\n0\r\n\r\n{HIDDEN}"),
            ),
        ),
        (
            "a chunk with a sign",
            post(
                "Transfer-Encoding: chunked\r\n",
                &format!("+2\r\n{{}}\r\n0\r\n\r\n{HIDDEN}"),
            ),
        ),
        (
            "a chunk that is longer than it says",
            post(
                "Transfer-Encoding: chunked\r\n",
                &format!("1\r\n{{}}\r\n0\r\n\r\n{HIDDEN}"),
            ),
        ),
        (
            "an endless extension of a chunk",
            post(
                "Transfer-Encoding: chunked\r\n",
                &format!("2;{}\r\n{{}}\r\n0\r\n\r\n{HIDDEN}", "x".repeat(100_000)),
            ),
        ),
        (
            "chunks in HTTP/1.0",
            format!(
                "POST /api/v1/get_positions HTTP/1.0\r\nHost: localhost\r\n\
                 Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"
            ),
        ),
    ] {
        let text = fortress.exchange(bytes).await;
        assert!(!text.contains("/hidden"), "{name}: {text}");
        assert!(answers(&text) <= 1, "{name}: {text}");
        if let Some(status) = status(&text) {
            assert!(status < 500, "{name}: {text}");
        }
    }
    fortress.stands().await;
}

#[tokio::test]
async fn the_body_of_a_get_is_no_request() {
    let fortress = Fortress::impatient().await;
    for path in ["/healthz", "/api/v1/get_positions", "/api/v1/nothing"] {
        let bytes = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{HIDDEN}",
            HIDDEN.len()
        );
        let text = fortress.exchange(bytes).await;
        assert!(!text.contains("/hidden"), "{text}");
        assert_eq!(answers(&text), 1, "{text}");
    }
    fortress.stands().await;
}

#[tokio::test]
async fn lines_that_end_otherwise_are_one_request_or_none() {
    let fortress = Fortress::impatient().await;
    for head in [
        "GET /healthz HTTP/1.1\nHost: localhost\nConnection: close\n\n",
        "GET /healthz HTTP/1.1\rHost: localhost\r\r",
        "\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET  /healthz  HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET\t/healthz\tHTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "GET /healthz\r\n",
        "\0\0\0\0\0\0\0\0\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
    ] {
        let text = fortress.exchange(head).await;
        assert!(answers(&text) <= 1, "{head:?}: {text}");
        if let Some(status) = status(&text) {
            assert!(status < 500, "{head:?}: {text}");
        }
    }
    fortress.stands().await;
}

#[tokio::test]
async fn a_hundred_requests_at_once_are_answered_in_order() {
    let fortress = Fortress::impatient().await;
    let mut bytes = String::new();
    for number in 0..100 {
        bytes.push_str(&format!(
            "GET /number-{number} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        ));
    }
    bytes.push_str(&request("GET", "/healthz", ""));
    let text = fortress.exchange(bytes).await;
    assert_eq!(answers(&text), 101, "{text}");
    let mut rest = text.as_str();
    for number in 0..100 {
        let word = format!("Nothing is at /number-{number}.");
        let at = rest.find(&word).unwrap_or_else(|| panic!("{word}"));
        rest = &rest[at..];
    }
    fortress.stands().await;
}
