//! A trader: places, brackets, changes and cancels orders, and now and then
//! tries what the rules forbid. What was not answered is asked again under its
//! key, which must answer what became of it.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rust_decimal::{Decimal, RoundingStrategy};
use sandpit_simulator::Control;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::client::{Client, Reply};
use super::rules::SYMBOLS;
use crate::support::PATIENCE;

/// What came of a trader's week.
#[derive(Debug, Default)]
pub struct Traded {
    /// The order ids that a key was answered with; none if it was refused, or
    /// never got through.
    pub keys: BTreeMap<String, Vec<i64>>,
    /// How many calls ended in which way: `done`, or the kind of the failure.
    pub ends: BTreeMap<String, u32>,
    /// Sentences of what the host refused, one of each kind of beginning.
    pub refusals: BTreeMap<String, String>,
}

/// How many ways there are to try what is forbidden.
const FORBIDDEN: u32 = 5;

/// One trader.
pub struct Trader {
    name: String,
    client: Client,
    random: StdRng,
    control: Control,
    /// Orders that may be open.
    open: Vec<i64>,
    asked: u32,
    traded: Traded,
}

impl Trader {
    /// The trader with this number, who knows the prices.
    pub fn new(base: &str, number: usize, seed: u64, control: Control) -> Self {
        Self {
            name: format!("trader-{number}"),
            client: Client::new(base, number),
            random: StdRng::seed_from_u64(seed ^ (0x7ade << 8) ^ number as u64),
            control,
            open: Vec::new(),
            asked: 0,
            traded: Traded::default(),
        }
    }

    /// Trades until it is told to stop.
    pub async fn trade(mut self, stop: CancellationToken) -> Traded {
        while !stop.is_cancelled() {
            match self.random.random_range(0..20) {
                0..=8 => self.limit().await,
                9..=10 => self.market().await,
                11..=12 => self.bracket().await,
                13..=15 => self.change().await,
                16..=17 => self.cancel().await,
                _ => {
                    let which = self.random.random_range(0..FORBIDDEN);
                    self.forbidden(which).await;
                }
            }
            let pause = self.random.random_range(200..600);
            sleep(Duration::from_millis(pause)).await;
        }
        self.traded
    }

    fn symbol(&mut self) -> &'static str {
        SYMBOLS[self.random.random_range(0..SYMBOLS.len())]
    }

    fn side(&mut self) -> &'static str {
        if self.random.random_bool(0.65) {
            "BUY"
        } else {
            "SELL"
        }
    }

    /// A price so many basis points away from the market's.
    fn price(&self, symbol: &str, basis_points: i64) -> Decimal {
        let price = self.control.price(symbol).unwrap();
        let moved = price * Decimal::from(10_000 + basis_points) / Decimal::from(10_000);
        moved.round_dp_with_strategy(2, RoundingStrategy::ToZero)
    }

    async fn limit(&mut self) {
        let (symbol, side) = (self.symbol(), self.side());
        // Some at once, some later, some never.
        let away = self.random.random_range(-10..150);
        let away = if side == "BUY" { -away } else { away };
        let order = json!({
            "symbol": symbol, "action": side, "quantity": self.random.random_range(1..=20),
            "orderType": "LMT", "limitPrice": number(self.price(symbol, away)),
            "tif": if self.random.random_bool(0.5) { "DAY" } else { "GTC" },
        });
        self.place("ibkr_place_order", order).await;
    }

    async fn market(&mut self) {
        let order = json!({
            "symbol": self.symbol(), "action": self.side(),
            "quantity": self.random.random_range(1..=10), "orderType": "MKT",
        });
        self.place("ibkr_place_order", order).await;
    }

    async fn bracket(&mut self) {
        let (symbol, side) = (self.symbol(), self.side());
        let up = if side == "BUY" { 1 } else { -1 };
        let near = self.random.random_range(5..60);
        let order = json!({
            "symbol": symbol, "action": side, "quantity": self.random.random_range(1..=10),
            "limitPrice": number(self.price(symbol, 0)),
            "takeProfitPrice": number(self.price(symbol, up * near)),
            "stopLossPrice": number(self.price(symbol, -up * near)),
        });
        self.place("ibkr_place_bracket_order", order).await;
    }

    /// Tries everything that is forbidden, which is refused each time.
    pub async fn try_everything(mut self) {
        for which in 0..FORBIDDEN {
            self.forbidden(which).await;
        }
        let refused = self.traded.ends.get("no-permission");
        assert_eq!(refused, Some(&FORBIDDEN), "{:?}", self.traded);
    }

    /// What a rule forbids, whatever else there is.
    async fn forbidden(&mut self, which: u32) {
        let symbol = self.symbol();
        let near = number(self.price(symbol, 0));
        let far = number(self.price(symbol, 900));
        let order = match which {
            0 => json!({"symbol": symbol, "quantity": 41, "orderType": "LMT", "limitPrice": near}),
            1 => json!({"symbol": "TLT", "quantity": 35, "orderType": "MKT"}),
            2 => json!({"symbol": "SPY", "quantity": 1, "orderType": "MKT"}),
            3 => json!({"symbol": symbol, "quantity": 1, "orderType": "MIT", "auxPrice": near}),
            _ => json!({"symbol": symbol, "quantity": 1, "orderType": "LMT", "limitPrice": far}),
        };
        let mut order = order;
        order["action"] = "BUY".into();
        self.place("ibkr_place_order", order).await;
    }

    async fn place(&mut self, tool: &str, mut order: Value) {
        self.asked += 1;
        let key = format!("{}-{}", self.name, self.asked);
        order["idempotencyKey"] = json!(key);
        let answer = self.ask(tool, &order).await;
        let ids: Vec<i64> = answer.iter().flat_map(order_ids).collect();
        self.open.extend(&ids);
        self.traded.keys.insert(key, ids);
    }

    /// One of the orders that may be open.
    fn one(&mut self) -> Option<i64> {
        let last = self.open.len().checked_sub(1)?;
        Some(self.open[self.random.random_range(0..=last)])
    }

    async fn change(&mut self) {
        let Some(order_id) = self.one() else { return };
        let mut change = json!({"orderId": order_id});
        if self.random.random_bool(0.5) {
            change["quantity"] = self.random.random_range(1..=25).into();
        } else {
            let order = self.control.books().orders;
            let order = order
                .iter()
                .find(|order| i64::from(order.order_id) == order_id);
            let Some(order) = order.filter(|order| order.order_type == "LMT") else {
                return;
            };
            let away = self.random.random_range(-40..40);
            let price = self.price(&order.local_symbol.clone(), away);
            change["limitPrice"] = number(price);
        }
        self.asked += 1;
        change["idempotencyKey"] = json!(format!("{}-{}", self.name, self.asked));
        self.ask("ibkr_modify_order", &change).await;
    }

    async fn cancel(&mut self) {
        let Some(order_id) = self.one() else { return };
        let answer = self
            .ask("ibkr_cancel_order", &json!({"orderId": order_id}))
            .await;
        if answer.is_some() {
            self.open.retain(|open| *open != order_id);
        }
    }

    /// Asks until there is an answer that says what happened. A call without a
    /// key that may have had its effect is looked up instead of repeated.
    async fn ask(&mut self, tool: &str, arguments: &Value) -> Option<Value> {
        let deadline = Instant::now() + PATIENCE;
        let is_keyed = arguments["idempotencyKey"].is_string();
        let (mut tool, mut arguments) = (tool.to_owned(), arguments.clone());
        loop {
            let reply = self.client.call(&tool, &arguments).await;
            let again = match &reply {
                Reply::Done(_) => false,
                Reply::Gone => true,
                Reply::Failed { kind, .. } => kind == "uncertain",
            };
            self.count(&tool, &reply);
            match reply {
                Reply::Done(answer) => return Some(answer),
                _ if !again => return None,
                Reply::Failed { .. } if !is_keyed => {
                    tool = "ibkr_get_order_status".to_owned();
                    arguments = json!({"orderId": arguments["orderId"]});
                }
                Reply::Failed { .. } | Reply::Gone => {}
            }
            assert!(
                Instant::now() < deadline,
                "never certain: {tool} {arguments}"
            );
            sleep(Duration::from_millis(200)).await;
        }
    }

    fn count(&mut self, tool: &str, reply: &Reply) {
        let end = match reply {
            Reply::Done(_) => "done",
            Reply::Gone => "gone",
            Reply::Failed { kind, sentence } => {
                let defects = ["internal", "protocol", "unknown-tool", "unknown-route"];
                let is_defect = defects.contains(&kind.as_str());
                assert!(!is_defect, "{tool}: {kind}: {sentence}");
                let beginning: String = sentence.chars().take(40).collect();
                let refusals = &mut self.traded.refusals;
                refusals
                    .entry(beginning)
                    .or_insert_with(|| sentence.clone());
                kind
            }
        };
        *self.traded.ends.entry(end.to_owned()).or_default() += 1;
    }
}

/// The ids in an answer: of one order, or of the three of a bracket.
fn order_ids(answer: &Value) -> Vec<i64> {
    [
        answer,
        &answer["entry"],
        &answer["takeProfit"],
        &answer["stopLoss"],
    ]
    .into_iter()
    .filter_map(|state| state["orderId"].as_i64())
    .collect()
}

fn number(amount: Decimal) -> Value {
    Value::Number(amount.to_string().parse().unwrap())
}
