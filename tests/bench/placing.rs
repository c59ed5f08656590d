//! The ways to place an order that are compared: a bare TWS client, and a gateway
//! with its gate and its journal.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use ibapi::Client;
use ibapi::orders::{self as ib, OrderUpdate, order_builder};
use ibapi::subscriptions::SubscriptionItem;
use rust_decimal::Decimal;
use sandpit_gateway::journal::Options;
use sandpit_gateway::model::{Action, Caller, Contract, Endpoint, Order, OrderOptions, OrderType};
use sandpit_gateway::{GateConfig, Gateway, GatewayConfig, Journal};
use sandpit_simulator::Simulator;
use tokio::sync::oneshot;

/// The instrument.
pub const SYMBOL: &str = "SPY";
/// More messages a second than can be sent here: pacing is not what is measured.
const UNPACED: u32 = 100_000;

/// A way to place orders.
#[derive(Clone)]
pub enum Way {
    Bare(Arc<Bare>),
    Gated(Arc<Gated>),
}

impl Way {
    /// A client without a gate or a journal.
    pub async fn bare(simulator: &Simulator, client_id: i32) -> Self {
        Self::Bare(Arc::new(Bare::new(simulator, client_id).await))
    }

    /// Through a gateway with this gate and a journal in the folder.
    pub async fn gated(
        simulator: &Simulator,
        client_id: i32,
        folder: &Path,
        gate: GateConfig,
    ) -> Self {
        Self::Gated(Arc::new(
            Gated::new(simulator, client_id, folder, gate).await,
        ))
    }

    /// Places an order, and answers its id once TWS has said a word of it.
    pub async fn place(&self) -> i32 {
        match self {
            Self::Bare(bare) => bare.place().await,
            Self::Gated(gated) => gated.place().await,
        }
    }

    /// Cancels an order that rests.
    pub async fn cancel(&self, id: i32) {
        match self {
            Self::Bare(bare) => bare.cancel(id).await,
            Self::Gated(gated) => gated.cancel(id).await,
        }
    }

    /// Disconnects.
    pub async fn end(self) {
        match self {
            Self::Bare(bare) => bare.client.disconnect().await,
            Self::Gated(gated) => gated.gateway.shutdown().await,
        }
    }
}

/// Limits far below the market, each another than the one before: an order that
/// is like another may be refused.
#[derive(Default)]
struct Prices(AtomicI64);

impl Prices {
    fn next(&self) -> Decimal {
        Decimal::new(10_000 + self.0.fetch_add(1, Ordering::Relaxed) % 10_000, 2)
    }
}

/// A client without a gate or a journal: it sends, and waits for the first word
/// on the stream of updates.
pub struct Bare {
    client: Client,
    /// Who waits for TWS's word of which order.
    waiting: Waiting,
    /// TWS takes ids in rising order only.
    sending: tokio::sync::Mutex<()>,
    prices: Prices,
}

type Waiting = Arc<Mutex<HashMap<i32, oneshot::Sender<()>>>>;

impl Bare {
    async fn new(simulator: &Simulator, client_id: i32) -> Self {
        let address = simulator.address().to_string();
        let client = Client::connect(&address, client_id)
            .await
            .expect("a connection");
        let mut updates = client.order_update_stream().await.expect("the updates");
        let waiting: Waiting = Arc::default();
        let told = Arc::clone(&waiting);
        tokio::spawn(async move {
            while let Some(Ok(item)) = updates.next().await {
                let id = match item {
                    SubscriptionItem::Data(OrderUpdate::OpenOrder(order)) => order.order_id,
                    SubscriptionItem::Data(OrderUpdate::OrderStatus(status)) => status.order_id,
                    _ => continue,
                };
                if let Some(sender) = told.lock().expect("who waits").remove(&id) {
                    // Whoever waits for it has not left.
                    let _ = sender.send(());
                }
            }
        });
        Self {
            client,
            waiting,
            sending: tokio::sync::Mutex::default(),
            prices: Prices::default(),
        }
    }

    async fn place(&self) -> i32 {
        let contract = ibapi::contracts::Contract::stock(SYMBOL).build();
        let price = self.prices.next().try_into().expect("a price");
        let order = order_builder::limit_order(ib::Action::Buy, 1.0, price);
        let (sender, word) = oneshot::channel();
        let id = {
            let _sending = self.sending.lock().await;
            let id = self.client.next_order_id();
            self.waiting.lock().expect("who waits").insert(id, sender);
            let sent = self.client.submit_order(id, &contract, &order).await;
            sent.expect("it is sent");
            id
        };
        word.await.expect("TWS's word");
        id
    }

    async fn cancel(&self, id: i32) {
        let answer = self.client.cancel_order(id, "").await;
        let mut answer = answer.expect("the cancel is sent");
        answer.next().await.expect("an answer").expect("it is gone");
    }
}

/// A gateway with gate and journal.
pub struct Gated {
    /// The gateway.
    pub gateway: Gateway,
    /// What is traded.
    pub contract: Contract,
    prices: Prices,
}

impl Gated {
    /// A journal in the folder, and a connection.
    pub async fn new(
        simulator: &Simulator,
        client_id: i32,
        folder: &Path,
        gate: GateConfig,
    ) -> Self {
        let path = folder.join(format!("{client_id}.db"));
        let journal = Journal::open(path, Options::default()).expect("a journal");
        let config = GatewayConfig {
            port: simulator.address().port(),
            client_id,
            messages_per_second: UNPACED,
            gate,
            ..GatewayConfig::default()
        };
        let gateway = Gateway::with_journal(config, journal);
        let connected = gateway.connect(Endpoint::default()).await;
        connected.expect("a connection");
        let contract = gateway.qualify(&Contract::us_stock(SYMBOL)).await;
        Self {
            gateway,
            contract: contract.expect("the instrument"),
            prices: Prices::default(),
        }
    }

    /// The next order.
    pub fn order(&self) -> Order {
        let limit = OrderType::Limit(self.prices.next());
        Order::new(Action::Buy, Decimal::ONE, limit)
    }

    async fn place(&self) -> i32 {
        let (order, options) = (self.order(), OrderOptions::default());
        let placed = self
            .gateway
            .place(&caller(), &self.contract, &order, &options)
            .await;
        placed.expect("it is placed").order_id
    }

    async fn cancel(&self, id: i32) {
        let cancelled = self.gateway.cancel(&caller(), id).await;
        cancelled.expect("it is cancelled");
    }
}

/// Who places the orders.
pub fn caller() -> Caller {
    Caller {
        tool: "bench".to_owned(),
        digest: "sha256:0".to_owned(),
        client: "bench".to_owned(),
        call_id: "1".to_owned(),
    }
}
