//! Messages that are too large, too deep or too strange.

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Fortress, request, status};
use crate::support::PATIENCE;

/// Where JSON is read.
const PATHS: [&str; 2] = ["/api/v1/get_historical_data", "/api/v1/mcp"];

fn post(path: &str, body: &str) -> String {
    let headers = format!(
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         Content-Length: {}\r\n",
        body.len()
    );
    format!("{}{body}", request("POST", path, &headers))
}

#[tokio::test]
async fn strange_json_is_refused() {
    let fortress = Fortress::impatient().await;
    let deep = 200_000;
    for (name, body) in [
        ("deep arrays", format!("{{\"symbol\":{}", "[".repeat(deep))),
        ("deep objects", "{\"a\":".repeat(deep)),
        (
            "closed deep arrays",
            format!("{{\"symbol\":{}{}}}", "[".repeat(deep), "]".repeat(deep)),
        ),
        (
            "many members",
            format!("{{{}\"z\":1}}", "\"a\":1,".repeat(150_000)),
        ),
        (
            "other members",
            format!(
                "{{{}\"z\":1}}",
                (0..60_000)
                    .map(|n| format!("\"a{n}\":1,"))
                    .collect::<String>()
            ),
        ),
        ("a long name", format!("{{\"{}\":1}}", "n".repeat(900_000))),
        (
            "a long text",
            format!("{{\"symbol\":\"{}\"}}", "n".repeat(900_000)),
        ),
        (
            "a long number",
            format!("{{\"conId\":{}}}", "9".repeat(900_000)),
        ),
        ("a large power", "{\"conId\":1e999999999}".to_owned()),
        ("a lone surrogate", "{\"symbol\":\"\\ud800\"}".to_owned()),
        ("a byte order mark", "\u{feff}{}".to_owned()),
        ("two values", "{}{}".to_owned()),
        ("no value", "{\"symbol\":NaN}".to_owned()),
        ("a batch", format!("[{}{{}}]", "{},".repeat(100_000))),
    ] {
        for path in PATHS {
            let text = fortress.exchange(post(path, &body)).await;
            let status = status(&text);
            assert!(
                status.is_some_and(|status| (400..500).contains(&status)),
                "{name} at {path}: {text:.300}"
            );
            // What was sent does not come back at length.
            assert!(text.len() < 8_000, "{name} at {path}: {}", text.len());
        }
    }
    fortress.stands().await;
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let fortress = Fortress::impatient().await;
    for path in PATHS {
        for body in [
            &b"{\"symbol\":\"\xff\xfe\"}"[..],
            b"\xff\xff\xff\xff",
            b"\0\0\0\0",
        ] {
            let headers = format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            );
            let mut bytes = request("POST", path, &headers).into_bytes();
            bytes.extend_from_slice(body);
            let text = fortress.exchange(bytes).await;
            assert_eq!(status(&text), Some(400), "{path}: {text}");
        }
    }
    fortress.stands().await;
}

#[tokio::test]
async fn a_body_without_an_end_is_not_kept() {
    let fortress = Fortress::impatient().await;
    for path in PATHS {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n"
        );
        let mut stream = TcpStream::connect(fortress.host.address()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        // As much as it takes; it ends the connection when it has enough.
        let sending = async {
            for _ in 0..4_000 {
                if stream.write_all(chunk.as_bytes()).await.is_err() {
                    return;
                }
            }
            panic!("it took 256 MiB");
        };
        timeout(PATIENCE, sending).await.expect("it has enough");
        drop(stream);
    }
    let large = "POST /api/v1/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                 Content-Length: 1000000000000\r\n\r\n{";
    let text = fortress.exchange(large).await;
    assert!(
        status(&text).is_none_or(|status| matches!(status, 408 | 413)),
        "{text}"
    );
    fortress.stands().await;
}

#[tokio::test]
async fn a_million_query_parameters_are_too_many() {
    let fortress = Fortress::impatient().await;
    let million = "a=1&".repeat(1_000_000);
    let path = format!("/api/v1/get_positions?{million}");
    let text = fortress.exchange(request("GET", &path, "")).await;
    // The answer may be lost with the rest of the query on its way.
    assert!(
        status(&text).is_none_or(|status| matches!(status, 414 | 431)),
        "{text}"
    );
    // As many as fit.
    for one in [
        "a=1&",
        "&",
        "=&",
        "%26&",
        "symbol=SPY&",
        "contract.symbol=SPY&",
    ] {
        let query = one.repeat(30_000 / one.len());
        let path = format!("/api/v1/get_historical_data?{query}");
        let text = fortress.exchange(request("GET", &path, "")).await;
        assert!(
            status(&text).is_some_and(|status| (400..500).contains(&status)),
            "{one}: {text}"
        );
    }
    fortress.stands().await;
}

#[tokio::test]
async fn messages_of_no_protocol_are_refused() {
    let fortress = Fortress::impatient().await;
    for message in [
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":5}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ibkr_get_positions","arguments":[]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"../place_order"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        "null",
        "[]",
        "\"\"",
    ] {
        let text = fortress.exchange(post("/api/v1/mcp", message)).await;
        let code = status(&text).expect(message);
        assert!(code < 500, "{message}: {text}");
        let body = text.split_once("\r\n\r\n").unwrap().1;
        let answer: Value = serde_json::from_str(body).unwrap_or_default();
        let failed = answer["error"].is_object() || answer["result"]["isError"] == true;
        assert!(
            failed || matches!(code, 202 | 400..500),
            "{message}: {text}"
        );
    }
    fortress.stands().await;
}
