//! Ten thousand connections that say nothing. They come from another address of
//! this machine, as an attacker's would.

use std::net::Ipv4Addr;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;

use super::{Fortress, connect_from, until_closed};
use crate::support::eventually;

/// How many connections the attacker wants.
const CROWD: usize = 10_000;

/// What this process and the host need beside them.
const OTHERS: usize = 1_000;

const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// How many connections this process may have, raised as far as possible. A
/// host that it starts may have as many.
fn room() -> usize {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let descriptors = maximum.map_or(usize::MAX, |most| usize::try_from(most).unwrap());
    let crowd = CROWD.min(descriptors.saturating_sub(OTHERS));
    if crowd < CROWD {
        println!("the hard limit of file descriptors allows {crowd} connections, not {CROWD}");
    }
    assert!(
        crowd > 0,
        "the hard limit of file descriptors is {descriptors}"
    );
    crowd
}

async fn crowd(fortress: &Fortress, count: usize) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for _ in 0..count {
        let stream = connect_from(ATTACKER, fortress.host.address()).await;
        crowd.push(stream.unwrap());
    }
    crowd
}

#[tokio::test]
async fn ten_thousand_idle_connections_are_borne() {
    let count = room();
    let fortress = Fortress::with(&[
        ("SERVER__MAX_CONNECTIONS", "20000"),
        ("SERVER__MAX_CONNECTIONS_PER_ADDRESS", "20000"),
        ("SERVER__REQUEST_TIMEOUT_SECONDS", "600"),
    ])
    .await;
    let crowd = crowd(&fortress, count).await;
    eventually("all are open", async || {
        fortress.count_descriptors() >= count
    })
    .await;
    for _ in 0..3 {
        fortress.host.get("get_positions").await.ok();
    }
    // What one costs, in KiB: a few buffers, and no thread.
    let each = fortress.resident().saturating_sub(fortress.memory) / count;
    assert!(each < 64, "an idle connection takes {each} KiB");
    drop(crowd);
    fortress.stands_but_for_memory().await;
}

#[tokio::test]
async fn one_address_cannot_take_all_places() {
    let count = room();
    let fortress = Fortress::with(&[("SERVER__REQUEST_TIMEOUT_SECONDS", "600")]).await;
    let mut crowd = crowd(&fortress, count).await;
    // The last one is told, or finds itself closed.
    let last = until_closed(crowd.pop().unwrap()).await;
    assert!(
        last.is_empty() || last.starts_with("HTTP/1.1 429 "),
        "{last}"
    );
    eventually("the others are gone", async || {
        fortress.count_descriptors() <= fortress.descriptors + 512
    })
    .await;
    // Everybody else is served.
    fortress.host.get("get_positions").await.ok();
    drop(crowd);
    fortress.stands().await;
}
