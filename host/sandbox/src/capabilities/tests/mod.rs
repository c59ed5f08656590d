//! The capabilities as a tool finds them, on the simulator: what a scope lets
//! through, and what it keeps back.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap or a panic fails the test"
)]

mod accounts;
mod instruments;
mod lines;
mod orders;
mod trading;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sandpit_gateway::journal::Options;
use sandpit_gateway::model::{self, Caller, Endpoint};
use sandpit_gateway::{Gateway, GatewayConfig, Journal};
use sandpit_simulator::{Simulator, SimulatorConfig};
use tokio_util::sync::CancellationToken;
use wasmtime::component::ResourceTable;

use super::{BrokerView, CapabilityError};
use crate::bindings::sandpit::broker::trading::OrderOptions;
use crate::bindings::sandpit::broker::types::{self as wit, Error};
use crate::config::Rate;
use crate::convert::Convert;
use crate::limits::Allowance;
use crate::lines::Lines;
use crate::scope::{Reach, Scope};
use crate::state::{Broker, Ending};

/// A simulator whose market stands still, and a gateway on it.
struct Setup {
    simulator: Simulator,
    gateway: Gateway,
    /// Where the orders are written down.
    _journal: tempfile::TempDir,
}

impl Setup {
    /// A TWS with these accounts. The first one holds VTI, TLT and AAPL.
    async fn new(accounts: &[&str]) -> Self {
        let simulator = Simulator::start(SimulatorConfig {
            accounts: accounts.iter().map(|id| (*id).to_owned()).collect(),
            tick_interval: None,
            ..SimulatorConfig::default()
        })
        .await
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path().join("journal.db"), Options::default());
        let config = GatewayConfig {
            host: simulator.address().ip().to_string(),
            port: simulator.address().port(),
            idle_time: Duration::from_millis(20),
            ..GatewayConfig::default()
        };
        let gateway = Gateway::with_journal(config, journal.unwrap());
        gateway.connect(Endpoint::default()).await.unwrap();
        Self {
            simulator,
            gateway,
            _journal: folder,
        }
    }

    /// A call of a tool with this scope.
    fn tool(&self, scope: Scope) -> Tool {
        self.tool_with(scope, Lines::unlimited())
    }

    fn tool_with(&self, scope: Scope, lines: Lines) -> Tool {
        Tool {
            broker: Broker {
                gateway: self.gateway.clone(),
                gateways: vec![self.gateway.name().to_owned()],
                caller: caller(),
                requests: Allowance::new(Rate {
                    at_once: 1_000,
                    per_second: 0,
                }),
                scope: Arc::new(scope),
                lines,
                orders_sent: false,
                unconfirmed: None,
            },
            table: ResourceTable::new(),
            ending: Ending::new(
                CancellationToken::new(),
                CancellationToken::new(),
                Duration::from_secs(60),
                Duration::from_secs(1),
            ),
        }
    }

    /// How many requests of this name TWS has received.
    fn received(&self, name: &str) -> usize {
        let received = self.simulator.received();
        received.iter().filter(|one| one.name == name).count()
    }

    async fn stock(&self, symbol: &str) -> model::Contract {
        let question = model::Contract::us_stock(symbol);
        self.gateway.qualify(&question).await.unwrap()
    }

    /// An order at a price that never fills, placed by somebody without a
    /// scope. Answers its id.
    async fn resting(&self, contract: &model::Contract, account: &str) -> i32 {
        let order = model::Order {
            account: Some(account.to_owned()),
            ..limit_order("1")
        };
        let placed = self
            .gateway
            .place(&caller(), contract, &order, &model::OrderOptions::default())
            .await;
        placed.unwrap().order_id
    }

    async fn end(self) {
        self.gateway.shutdown().await;
        self.simulator.shutdown().await;
    }
}

/// One call of a tool.
struct Tool {
    broker: Broker,
    table: ResourceTable,
    ending: Ending,
}

impl Tool {
    fn view(&mut self) -> BrokerView<'_> {
        BrokerView {
            broker: Some(&mut self.broker),
            table: &mut self.table,
            ending: &self.ending,
        }
    }
}

fn caller() -> Caller {
    Caller {
        tool: "test".to_owned(),
        digest: "0".to_owned(),
        client: "test".to_owned(),
        call_id: "1".to_owned(),
    }
}

fn set(words: &[&str]) -> Option<BTreeSet<String>> {
    Some(words.iter().map(|word| (*word).to_owned()).collect())
}

fn accounts(ids: &[&str]) -> Scope {
    Scope {
        reach: Reach {
            accounts: set(ids),
            ..Reach::default()
        },
        ..Scope::default()
    }
}

fn symbols(symbols: &[&str]) -> Scope {
    Scope {
        reach: Reach {
            symbols: set(symbols),
            ..Reach::default()
        },
        ..Scope::default()
    }
}

/// Sees everything, and trades these symbols.
fn trades(symbols: &[&str]) -> Scope {
    Scope {
        trade: Reach {
            symbols: set(symbols),
            ..Reach::default()
        },
        ..Scope::default()
    }
}

fn limit_order(price: &str) -> model::Order {
    let price = price.parse().unwrap();
    model::Order::new(
        model::Action::Buy,
        10.into(),
        model::OrderType::Limit(price),
    )
}

/// Nothing along with an order.
fn plain() -> OrderOptions {
    OrderOptions {
        idempotency_key: None,
        preview_token: None,
    }
}

/// A value as a tool gives it.
fn given<A, B: Convert<A>>(value: B) -> A {
    value.convert().unwrap()
}

fn stock(symbol: &str) -> wit::Contract {
    given(model::Contract::us_stock(symbol))
}

/// What a tool reads of a request that was turned away.
async fn refused<T>(request: impl Future<Output = Result<T, CapabilityError>>) -> Error {
    match request.await {
        Err(CapabilityError::Guest(error)) => error,
        Err(CapabilityError::Trap(error)) => panic!("it trapped: {error:?}"),
        Ok(_) => panic!("it was let through"),
    }
}

/// The sentence of a request that the policy does not allow.
async fn forbidden<T>(request: impl Future<Output = Result<T, CapabilityError>>) -> String {
    match refused(request).await {
        Error::NoPermission(text) => {
            assert!(text.contains("operator's policy"), "{text}");
            text
        }
        other => panic!("it should not be permitted: {other:?}"),
    }
}
