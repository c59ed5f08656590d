//! A simulator whose market stands still, and clients that trade on it.

use std::time::Duration;

use futures::{Stream, StreamExt};
use ibapi::Client;
use ibapi::contracts::Contract;
use ibapi::orders::{Order, OrderUpdate};
use ibapi::subscriptions::{Subscription, SubscriptionItem};
use rust_decimal::Decimal;
use sandpit_simulator::{Fixture, Simulator, SimulatorConfig, Start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Long enough for anything that will happen at all.
pub const PATIENCE: Duration = Duration::from_secs(30);
pub const ACCOUNT: &str = "DU1234567";

/// A simulator that moves only when it is told to.
pub async fn still() -> Simulator {
    Simulator::start(SimulatorConfig {
        tick_interval: None,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap()
}

/// A simulator that starts from a fixture and moves only when it is told to.
pub async fn from_fixture(json: &str) -> Simulator {
    let start = Start::Fixture(Fixture::from_json(json).unwrap());
    Simulator::start(SimulatorConfig {
        tick_interval: None,
        start,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap()
}

pub async fn connect(simulator: &Simulator, client_id: i32) -> Client {
    Client::connect(&simulator.address().to_string(), client_id)
        .await
        .unwrap()
}

pub fn stock(symbol: &str) -> Contract {
    Contract::stock(symbol).build()
}

pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// The code of the TWS error message that ended a request.
pub fn code<T: std::fmt::Debug>(result: Result<T, ibapi::Error>) -> i32 {
    match result {
        Err(ibapi::Error::Notice(notice)) => notice.code,
        other => panic!("expected an error message of TWS, got {other:?}"),
    }
}

/// Everything of a subscription up to the end of its first batch.
pub async fn all<S, T>(mut subscription: S) -> Result<Vec<T>, ibapi::Error>
where
    S: Stream<Item = Result<SubscriptionItem<T>, ibapi::Error>> + Unpin,
    T: ibapi_batch::Batch,
{
    let mut items = Vec::new();
    loop {
        match next(&mut subscription).await? {
            SubscriptionItem::Data(item) if item.is_end() => return Ok(items),
            SubscriptionItem::Data(item) => items.push(item),
            SubscriptionItem::Notice(_) => {}
        }
    }
}

/// The next item of a subscription.
pub async fn next<S, T>(subscription: &mut S) -> Result<SubscriptionItem<T>, ibapi::Error>
where
    S: Stream<Item = Result<SubscriptionItem<T>, ibapi::Error>> + Unpin,
{
    tokio::time::timeout(PATIENCE, subscription.next())
        .await
        .expect("nothing arrived")
        .expect("the subscription ended")
}

/// The next value of a subscription.
pub async fn next_data<S, T>(subscription: &mut S) -> T
where
    S: Stream<Item = Result<SubscriptionItem<T>, ibapi::Error>> + Unpin,
{
    loop {
        if let SubscriptionItem::Data(item) = next(subscription).await.unwrap() {
            return item;
        }
    }
}

/// Waits until something about the simulator is so.
pub async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(tokio::time::Instant::now() < deadline, "{what} never came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub mod ibapi_batch {
    use ibapi::accounts::{
        AccountSummaryResult, AccountUpdate, AccountUpdateMulti, PositionUpdate,
        PositionUpdateMulti,
    };

    /// A message that may mark the end of a first batch.
    pub trait Batch {
        fn is_end(&self) -> bool;
    }

    macro_rules! batch {
        ($($type:ty => $end:pat,)*) => {
            $(impl Batch for $type {
                fn is_end(&self) -> bool {
                    matches!(self, $end)
                }
            })*
        };
    }

    batch! {
        AccountSummaryResult => AccountSummaryResult::End,
        AccountUpdate => AccountUpdate::End,
        AccountUpdateMulti => AccountUpdateMulti::End,
        PositionUpdate => PositionUpdate::PositionEnd,
        PositionUpdateMulti => PositionUpdateMulti::PositionEnd,
    }
}

/// A client that places orders and hears of them.
pub struct Trader {
    pub client: Client,
    updates: Subscription<OrderUpdate>,
}

impl Trader {
    pub async fn new(simulator: &Simulator, client_id: i32) -> Self {
        let client = connect(simulator, client_id).await;
        let updates = client.order_update_stream().await.unwrap();
        Self { client, updates }
    }

    pub async fn place(&self, order_id: i32, contract: &Contract, order: &Order) {
        self.client
            .submit_order(order_id, contract, order)
            .await
            .unwrap();
    }

    /// Asks to cancel without listening for what becomes of it.
    pub async fn cancel(&self, order_id: i32) {
        drop(self.client.cancel_order(order_id, "").await.unwrap());
    }

    /// Returns when everything sent so far has been handled.
    pub async fn settle(&self) {
        self.client.server_time().await.unwrap();
    }

    /// The next messages about orders, a line each.
    pub async fn hears(&mut self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.len() < count {
            lines.push(match next(&mut self.updates).await.unwrap() {
                SubscriptionItem::Data(update) => line(&update),
                SubscriptionItem::Notice(notice) => {
                    format!(
                        "error {} {}",
                        notice.request_id.unwrap_or_default(),
                        notice.code
                    )
                }
            });
        }
        lines
    }

    /// The next messages up to one that begins like this, which is the last of them.
    pub async fn hears_until(&mut self, start: &str) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while lines.last().is_none_or(|line| !line.starts_with(start)) {
            lines.extend(self.hears(1).await);
        }
        lines
    }
}

fn line(update: &OrderUpdate) -> String {
    match update {
        OrderUpdate::OpenOrder(open) => {
            format!("open {} {}", open.order_id, open.order_state.status)
        }
        OrderUpdate::OrderStatus(status) => {
            let held = if status.why_held.is_empty() {
                String::new()
            } else {
                format!(" held:{}", status.why_held)
            };
            format!(
                "status {} {} {}/{}{held}",
                status.order_id, status.status, status.filled, status.remaining
            )
        }
        OrderUpdate::ExecutionData(data) => {
            let execution = &data.execution;
            format!(
                "execution {} {} {} at {}",
                execution.order_id, execution.side, execution.shares, execution.price
            )
        }
        OrderUpdate::CommissionReport(report) => format!("commission {}", report.commission),
        OrderUpdate::OrderBound(bound) => format!("bound {}", bound.order_id),
    }
}

/// A client that speaks in bytes.
pub struct Raw(TcpStream);

impl Raw {
    pub async fn open(simulator: &Simulator) -> Self {
        Self::at(simulator.address()).await
    }

    /// Opens a connection to whatever listens there.
    pub async fn at(address: std::net::SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Opens and agrees on version 226.
    pub async fn greeted(simulator: &Simulator) -> Self {
        let mut raw = Self::open(simulator).await;
        raw.send(b"API\0").await;
        raw.frame(b"v100..226").await;
        let answer = raw.read().await.unwrap();
        assert!(
            answer.starts_with(b"226\0") && answer.ends_with(b"\0"),
            "{answer:?}"
        );
        raw
    }

    /// Opens, agrees and starts the session.
    pub async fn started(simulator: &Simulator, client_id: u8) -> Self {
        let mut raw = Self::greeted(simulator).await;
        raw.message(71, &[8, client_id]).await;
        raw
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    pub async fn frame(&mut self, body: &[u8]) {
        self.send(&u32::try_from(body.len()).unwrap().to_be_bytes())
            .await;
        self.send(body).await;
    }

    pub async fn message(&mut self, id: u32, payload: &[u8]) {
        assert!(self.try_message(id, payload).await, "it was closed");
    }

    /// The same, and whether the connection took it.
    pub async fn try_message(&mut self, id: u32, payload: &[u8]) -> bool {
        let length = u32::try_from(payload.len() + 4).unwrap();
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend_from_slice(&(id + 200).to_be_bytes());
        bytes.extend_from_slice(payload);
        self.0.write_all(&bytes).await.is_ok()
    }

    /// The next frame; `None` when the simulator has closed the connection.
    pub async fn read(&mut self) -> Option<Vec<u8>> {
        tokio::time::timeout(PATIENCE, async {
            let length = self.0.read_u32().await.ok()?;
            let mut body = vec![0; usize::try_from(length).unwrap()];
            self.0.read_exact(&mut body).await.ok()?;
            Some(body)
        })
        .await
        .expect("nothing arrived")
    }

    /// The id of the next message.
    pub async fn read_id(&mut self) -> Option<u32> {
        let body = self.read().await?;
        Some(u32::from_be_bytes(body[..4].try_into().unwrap()) - 200)
    }
}
