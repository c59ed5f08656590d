//! Readers: some follow streams, some ask again and again.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::client::{Client, Reply};
use crate::support::rest::{Event, Events};

/// How many readers follow a stream.
pub const FOLLOWERS: usize = 8;
/// How many ask.
pub const ASKERS: usize = 12;

/// What a reader was told.
#[derive(Debug, Default)]
pub struct Told {
    /// Answers, or events with data.
    pub answers: u64,
    /// Interruptions that a stream told of.
    pub gaps: u64,
    /// Why streams that had begun ended before their reader left, other than by
    /// the end of the host.
    pub ends: BTreeSet<String>,
}

/// What the asker with this number asks.
fn question(number: usize) -> (&'static str, Value) {
    match number % 6 {
        0 => ("ibkr_get_positions", json!({})),
        1 => ("ibkr_get_open_orders", json!({})),
        2 => ("ibkr_get_executions", json!({})),
        3 => ("ibkr_get_account_summary", json!({})),
        4 => (
            "ibkr_get_historical_data",
            json!({"symbol": "VTI", "durationStr": "10 D", "barSizeSetting": "1 day"}),
        ),
        _ => ("ibkr_get_status", json!({})),
    }
}

/// Asks until it is told to stop. Whatever happens to TWS, each answer is
/// either good or says what is wrong.
pub async fn ask(base: String, number: usize, seed: u64, stop: CancellationToken) -> Told {
    let mut random = StdRng::seed_from_u64(seed ^ (0xa5c << 8) ^ number as u64);
    let mut client = Client::new(&base, number);
    let (tool, arguments) = question(number / 2);
    let mut told = Told::default();
    while !stop.is_cancelled() {
        match client.call(tool, &arguments).await {
            Reply::Done(answer) => {
                assert!(answer.is_object(), "{tool}: {answer}");
                told.answers += 1;
            }
            Reply::Failed { kind, sentence } => {
                let passing = [
                    "not-connected",
                    "timed-out",
                    "pacing",
                    "rejected",
                    "no-data",
                ];
                assert!(
                    passing.contains(&kind.as_str()),
                    "{tool}: {kind}: {sentence}"
                );
                assert!(sentence.len() > 10, "{tool}: {kind}: {sentence}");
            }
            Reply::Gone => {}
        }
        sleep(Duration::from_millis(random.random_range(300..900))).await;
    }
    told
}

/// Follows a stream until it is told to stop, for a while each time.
pub async fn follow(base: String, number: usize, seed: u64, stop: CancellationToken) -> Told {
    let mut random = StdRng::seed_from_u64(seed ^ (0xf0110 << 8) ^ number as u64);
    let path = match number % 4 {
        3 => "stream_account_updates".to_owned(),
        which => format!("stream_market_data?symbol={}", ["KO", "TLT", "SPY"][which]),
    };
    let url = format!("{base}/{path}");
    let mut told = Told::default();
    while !stop.is_cancelled() {
        let request = reqwest::Client::new()
            .get(&url)
            .header("accept", "text/event-stream");
        let response = match request.send().await {
            Ok(response) if response.status() == 200 => response,
            // No host, or no TWS behind it.
            _ => {
                sleep(Duration::from_millis(300)).await;
                continue;
            }
        };
        let mut events = Events::of(response);
        let before = told.answers;
        let leave = sleep(Duration::from_millis(random.random_range(500..15_000)));
        tokio::pin!(leave);
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = &mut leave => break,
                () = stop.cancelled() => break,
            };
            // Without a last word the host is gone.
            let Some(event) = event else { break };
            if event.name == "error" {
                if told.answers > before {
                    told.ends.insert(event.data["detail"].to_string());
                }
                sleep(Duration::from_millis(300)).await;
                break;
            }
            told.hears(&event);
        }
    }
    told
}

impl Told {
    fn hears(&mut self, event: &Event) {
        match event.name.as_str() {
            "gap" => self.gaps += 1,
            "quote" | "account" => self.answers += 1,
            _ => {}
        }
    }
}
