//! HTTP/2 as no client speaks it, frame by frame.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Fortress, until_closed};
use crate::support::PATIENCE;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A block of headers: GET / of this authority, over http.
fn get(authority: &str) -> Vec<u8> {
    // Three entries of HPACK's static table, then :authority as a literal.
    let mut block = vec![
        0x82,
        0x86,
        0x84,
        0x41,
        u8::try_from(authority.len()).unwrap(),
    ];
    block.extend(authority.as_bytes());
    block
}

/// A header as a literal with a new name.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0x00, u8::try_from(name.len()).unwrap()];
    block.extend(name.as_bytes());
    block.push(u8::try_from(value.len()).unwrap());
    block.extend(value.as_bytes());
    block
}

/// The start of a connection.
fn start() -> Vec<u8> {
    let mut bytes = PREFACE.to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    bytes
}

/// Sends all that is taken, and waits until the host ends the connection.
async fn attack(fortress: &Fortress, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(fortress.host.address()).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let read = async {
        let mut sink = tokio::io::sink();
        let _ = tokio::io::copy(&mut reading, &mut sink).await;
    };
    let write = async {
        let _ = writing.write_all(bytes).await;
    };
    let both = async { tokio::join!(read, write) };
    timeout(PATIENCE, both).await.expect("it has enough");
    until_closed(stream).await
}

#[tokio::test]
async fn streams_that_are_opened_and_reset_at_once_are_not_kept() {
    let fortress = Fortress::impatient().await;
    let mut bytes = start();
    for number in 0..20_000_u32 {
        let stream = number * 2 + 1;
        let flags = END_HEADERS | END_STREAM;
        bytes.extend(frame(HEADERS, flags, stream, &get("localhost")));
        bytes.extend(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
    }
    attack(&fortress, &bytes).await;
    fortress.stands().await;
}

#[tokio::test]
async fn headers_without_an_end_are_not_kept() {
    let fortress = Fortress::impatient().await;
    let mut bytes = start();
    bytes.extend(frame(HEADERS, END_STREAM, 1, &get("localhost")));
    let more = literal("x-more", &"x".repeat(100)).repeat(100);
    for _ in 0..5_000 {
        bytes.extend(frame(CONTINUATION, 0, 1, &more));
    }
    attack(&fortress, &bytes).await;
    fortress.stands().await;
}

#[tokio::test]
async fn frames_out_of_place_end_the_connection() {
    let fortress = Fortress::impatient().await;
    let ends = END_HEADERS | END_STREAM;
    for frames in [
        frame(DATA, 0, 0, b"x"),
        frame(DATA, 0, 1, b"x"),
        frame(HEADERS, ends, 2, &get("localhost")),
        frame(HEADERS, ends, 0, &get("localhost")),
        frame(HEADERS, ends, 1, &[0xff; 64]),
        frame(HEADERS, ends, 1, &[]),
        frame(CONTINUATION, END_HEADERS, 1, &get("localhost")),
        frame(SETTINGS, 0, 0, &[0; 5]),
        frame(SETTINGS, 0, 1, &[]),
        frame(SETTINGS, 0, 0, &[0, 4, 0xff, 0xff, 0xff, 0xff]),
        frame(WINDOW_UPDATE, 0, 0, &[0; 4]),
        frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]),
        frame(PING, 0, 0, &[0; 3]),
        frame(0xee, 0xff, 77, &[0xee; 1000]),
        vec![0xff; 9],
        frame(SETTINGS, 0, 0, &[]).repeat(100_000),
        frame(PING, 0, 0, &[0; 8]).repeat(100_000),
        frame(DATA, 0, 1, &[]).repeat(100_000),
    ] {
        let mut bytes = start();
        bytes.extend(frames);
        attack(&fortress, &bytes).await;
    }
    fortress.stands().await;
}

#[tokio::test]
async fn a_foreign_name_is_refused_here_too() {
    let fortress = Fortress::impatient().await;
    let ends = END_HEADERS | END_STREAM;
    for block in [
        get("evil.example"),
        [get("localhost"), literal("host", "evil.example")].concat(),
        [get("evil.example"), literal("host", "localhost")].concat(),
        [get("localhost"), literal("origin", "https://evil.example")].concat(),
    ] {
        let mut bytes = start();
        bytes.extend(frame(HEADERS, ends, 1, &block));
        let text = fortress.exchange(bytes).await;
        assert!(text.contains("/problems/forbidden"), "{text}");
    }
    // What belongs to a connection of HTTP/1.1 has no place in a request.
    for header in [
        ("connection", "keep-alive"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("X-Upper", "1"),
        (":path", "/again"),
    ] {
        let mut bytes = start();
        let block = [get("localhost"), literal(header.0, header.1)].concat();
        bytes.extend(frame(HEADERS, ends, 1, &block));
        let text = fortress.exchange(bytes).await;
        assert!(!text.contains("Nothing is at"), "{header:?}: {text}");
    }
    fortress.stands().await;
}
