//! Clients that send or take almost nothing, for as long as they are let.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::{Fortress, status, until_closed};
use crate::support::{PATIENCE, eventually};

/// How many such clients come at once.
const CROWD: usize = 100;

const IMPATIENT: [(&str, &str); 2] = [
    ("SERVER__REQUEST_TIMEOUT_SECONDS", "2"),
    ("SERVER__WRITE_TIMEOUT_SECONDS", "2"),
];

/// A connection that takes little.
async fn narrow(fortress: &Fortress) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(fortress.host.address()).await.unwrap()
}

#[tokio::test]
async fn heads_and_bodies_that_trickle_are_cut_off() {
    let fortress = Fortress::with(&IMPATIENT).await;
    let mut clients = Vec::new();
    for number in 0..CROWD {
        let mut stream = TcpStream::connect(fortress.host.address()).await.unwrap();
        let start: &[u8] = match number % 4 {
            0 => b"",
            1 => b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ",
            2 => {
                b"POST /api/v1/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\
                  Content-Type: application/json\r\n\r\n{"
            }
            _ => {
                b"POST /api/v1/get_positions HTTP/1.1\r\nHost: localhost\r\n\
                  Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
            }
        };
        stream.write_all(start).await.unwrap();
        clients.push((number, stream));
    }
    // Meanwhile others are served.
    fortress.host.get("get_positions").await.ok();
    for (number, mut stream) in clients {
        // A byte now and then does not help: here it begins another chunk.
        let _ = stream.write_all(b"1").await;
        let text = until_closed(stream).await;
        if number % 4 >= 2 {
            assert_eq!(status(&text), Some(408), "{text}");
        }
    }
    fortress.stands().await;
}

#[tokio::test]
async fn whoever_never_reads_is_cut_off() {
    let fortress = Fortress::with(&IMPATIENT).await;
    let mut clients = Vec::new();
    for _ in 0..CROWD / 4 {
        let mut stream = narrow(&fortress).await;
        let asking = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(60);
        let _ = timeout(PATIENCE, stream.write_all(&asking)).await;
        clients.push(stream);
    }
    fortress.host.get("get_positions").await.ok();
    let before = fortress.descriptors;
    eventually("they are cut off", async || {
        fortress.count_descriptors() <= before
    })
    .await;
    drop(clients);
    fortress.stands().await;
}

#[tokio::test]
async fn readers_of_events_that_never_read_lose_their_calls() {
    let fortress = Fortress::with(&IMPATIENT).await;
    // Log lines beside the quotes, so that there is something to send.
    let simulator = &fortress.simulator;
    let mut clients = Vec::new();
    for number in 0..CROWD / 4 {
        let mut stream = narrow(&fortress).await;
        let head = match number % 2 {
            0 => "GET /api/v1/stream_market_data?symbol=SPY HTTP/1.1\r\nHost: localhost\r\n\r\n"
                .to_owned(),
            _ => {
                let call = json!({
                    "jsonrpc": "2.0", "id": number, "method": "tools/call",
                    "params": {
                        "name": "ibkr_stream_market_data",
                        "arguments": { "symbol": "SPY", "duration_seconds": 300 },
                        "_meta": { "progressToken": "p" },
                    },
                })
                .to_string();
                format!(
                    "POST /api/v1/mcp HTTP/1.1\r\nHost: localhost\r\n\
                     Content-Type: application/json\r\n\
                     Accept: application/json, text/event-stream\r\n\
                     Content-Length: {}\r\n\r\n{call}",
                    call.len()
                )
            }
        };
        stream.write_all(head.as_bytes()).await.unwrap();
        clients.push(stream);
    }
    eventually("the streams run", async || lines(simulator) > 0).await;
    fortress.host.get("get_positions").await.ok();
    // They hang up without having read a byte.
    drop(clients);
    eventually("their market-data lines are free", async || {
        lines(simulator) == 0
    })
    .await;
    fortress.stands().await;
}

/// How many subscriptions the simulated TWS has.
fn lines(simulator: &sandpit_simulator::Simulator) -> usize {
    let connections = simulator.connections();
    let lists = connections.iter().map(|one| one.subscriptions.len());
    lists.sum()
}

#[tokio::test]
async fn an_answer_that_is_read_slowly_arrives_whole() {
    let fortress = Fortress::with(&IMPATIENT).await;
    let mut stream = narrow(&fortress).await;
    let head = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut text = Vec::new();
    let mut piece = [0; 8192];
    loop {
        let read = timeout(PATIENCE, stream.read(&mut piece)).await;
        match read.expect("more or the end").unwrap() {
            0 => break,
            count => text.extend_from_slice(&piece[..count]),
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let text = String::from_utf8(text).unwrap();
    let body = text.split_once("\r\n\r\n").unwrap().1;
    let document: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    fortress.stands().await;
}
