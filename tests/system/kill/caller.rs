//! A caller that asks again under the same key until it knows what became of
//! its order.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rust_decimal::{Decimal, RoundingStrategy};
use sandpit_simulator::Control;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::support::PATIENCE;
use crate::week::client::{Client, Reply};
use crate::week::trader::Traded;

const SYMBOLS: [&str; 3] = ["KO", "TLT", "XLF"];

/// How often a request without a certain answer is repeated before another
/// one is made.
const TRIES: u32 = 10;

/// One caller, over REST.
pub struct Caller {
    name: String,
    client: Client,
    random: StdRng,
    control: Control,
    /// Orders that may be open.
    open: Vec<i64>,
    asked: u32,
    /// Requests with a key that had no certain answer yet.
    unsure: Vec<(&'static str, Value)>,
    traded: Traded,
}

impl Caller {
    /// The caller with this number.
    pub fn new(base: &str, number: usize, seed: u64, control: Control) -> Self {
        Self {
            name: format!("caller-{number}"),
            // The client that speaks REST.
            client: Client::new(base, 0),
            random: StdRng::seed_from_u64(seed ^ (0xca11 << 8) ^ number as u64),
            control,
            open: Vec::new(),
            asked: 0,
            unsure: Vec::new(),
            traded: Traded::default(),
        }
    }

    /// Calls until it is told to stop, and then asks until it knows of all its
    /// requests what became of them.
    pub async fn call(mut self, stop: CancellationToken) -> Traded {
        while !stop.is_cancelled() {
            match self.random.random_range(0..10) {
                0..=5 => self.place().await,
                6..=7 => self.change().await,
                _ => self.cancel().await,
            }
        }
        let deadline = Instant::now() + PATIENCE;
        while let Some((tool, arguments)) = self.unsure.pop() {
            assert!(
                Instant::now() < deadline,
                "never certain: {tool} {arguments}"
            );
            self.ask(tool, arguments).await;
        }
        self.traded
    }

    fn key(&mut self) -> String {
        self.asked += 1;
        format!("{}-{}", self.name, self.asked)
    }

    /// A price so many basis points away from the market's.
    fn price(&self, symbol: &str, basis_points: i64) -> Value {
        let price = self.control.price(symbol).unwrap();
        let moved = price * Decimal::from(10_000 + basis_points) / Decimal::from(10_000);
        let moved = moved.round_dp_with_strategy(2, RoundingStrategy::ToZero);
        Value::Number(moved.to_string().parse().unwrap())
    }

    async fn place(&mut self) {
        let symbol = SYMBOLS[self.random.random_range(0..SYMBOLS.len())];
        let action = if self.random.random_bool(0.5) {
            "BUY"
        } else {
            "SELL"
        };
        let mut order = json!({
            "symbol": symbol, "action": action, "idempotencyKey": self.key(),
            "quantity": self.random.random_range(1..=20), "orderType": "MKT",
        });
        if self.random.random_bool(0.7) {
            let away = self.random.random_range(-5..60);
            order["orderType"] = "LMT".into();
            order["limitPrice"] = self.price(symbol, if action == "BUY" { -away } else { away });
        }
        self.ask("ibkr_place_order", order).await;
    }

    fn one(&mut self) -> Option<i64> {
        let last = self.open.len().checked_sub(1)?;
        Some(self.open[self.random.random_range(0..=last)])
    }

    async fn change(&mut self) {
        let Some(order_id) = self.one() else { return };
        let change = json!({
            "orderId": order_id, "quantity": self.random.random_range(1..=25),
            "idempotencyKey": self.key(),
        });
        self.ask("ibkr_modify_order", change).await;
    }

    async fn cancel(&mut self) {
        let Some(order_id) = self.one() else { return };
        self.open.retain(|open| *open != order_id);
        self.ask("ibkr_cancel_order", json!({"orderId": order_id}))
            .await;
    }

    /// Asks, if need be a few times, what with a key does no harm. If there is
    /// no certain answer, it is asked again in the end.
    async fn ask(&mut self, tool: &'static str, arguments: Value) {
        let is_keyed = arguments["idempotencyKey"].is_string();
        for _ in 0..TRIES {
            let reply = self.client.call(tool, &arguments).await;
            let again = self.is_uncertain(tool, &reply);
            if let Reply::Done(answer) = &reply {
                self.answered(tool, &arguments, answer);
            }
            if !again || !is_keyed {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
        self.unsure.push((tool, arguments));
    }

    fn answered(&mut self, tool: &str, arguments: &Value, answer: &Value) {
        let key = arguments["idempotencyKey"].as_str();
        if let ("ibkr_place_order", Some(key), Some(id)) = (tool, key, answer["orderId"].as_i64()) {
            self.open.push(id);
            self.traded.keys.insert(key.to_owned(), vec![id]);
        }
    }

    /// Whether a reply does not say what happened.
    fn is_uncertain(&mut self, tool: &str, reply: &Reply) -> bool {
        let (end, again) = match reply {
            Reply::Done(_) => ("done", false),
            Reply::Gone => ("gone", true),
            Reply::Failed { kind, sentence } => {
                let defects = ["internal", "unknown-tool", "unknown-route"];
                let is_defect = defects.contains(&kind.as_str());
                assert!(!is_defect, "{tool}: {kind}: {sentence}");
                let beginning: String = sentence.chars().take(60).collect();
                let refusals = &mut self.traded.refusals;
                refusals
                    .entry(beginning)
                    .or_insert_with(|| sentence.clone());
                let again = ["uncertain", "not-connected"].contains(&kind.as_str())
                    || sentence.contains("Try again in a moment");
                (kind.as_str(), again)
            }
        };
        *self.traded.ends.entry(end.to_owned()).or_default() += 1;
        again
    }
}
