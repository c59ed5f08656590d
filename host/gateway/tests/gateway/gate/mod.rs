//! Every way to TWS through the gate and the journal.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod confirming;
mod exercising;
mod groups;
mod halting;
mod journal;
mod once;
mod previews;
mod rules;

use sandpit_gateway::gate::{GateConfig, NewOrder, Role};
use sandpit_gateway::journal::{Event, Filter, Kind, Reader, Row};
use sandpit_gateway::model::{Contract, Endpoint, Order, OrderOptions};
use sandpit_gateway::{Gateway, GatewayConfig};
use sandpit_simulator::SimulatorConfig;

use crate::support::{Setup, config_for};

/// A simulator and a gateway with these rules.
async fn gated(tune: impl FnOnce(&mut GateConfig)) -> Setup {
    Setup::with(SimulatorConfig::default(), |config| tune(&mut config.gate)).await
}

/// The same with an account of real money.
async fn gated_live(tune: impl FnOnce(&mut GateConfig)) -> Setup {
    let simulator = SimulatorConfig {
        accounts: vec!["U7654321".to_owned()],
        ..SimulatorConfig::default()
    };
    Setup::with(simulator, |config| tune(&mut config.gate)).await
}

impl Setup {
    /// The journal of the gateway, to read.
    fn reader(&self) -> Reader {
        Reader::open(self.folder.path().join("journal.db")).unwrap()
    }

    /// The rows of these kinds, oldest first.
    fn rows(&self, kinds: &[Kind]) -> Vec<Row> {
        let filter = Filter {
            kinds: kinds.to_vec(),
            ..Filter::default()
        };
        let rows = self.reader().rows(&filter).collect::<Result<_, _>>();
        rows.unwrap()
    }

    /// By what orders were refused, oldest first.
    fn refusals(&self) -> Vec<String> {
        let rows = self.rows(&[Kind::Refused]).into_iter();
        rows.filter_map(|row| match row.event {
            Event::Refused(refused) => Some(refused.by),
            _ => None,
        })
        .collect()
    }

    /// Ends the gateway, and begins it again on the same journal.
    async fn restart(self, tune: impl FnOnce(&mut GateConfig)) -> Self {
        let Self {
            simulator,
            gateway,
            folder,
        } = self;
        gateway.shutdown().await;
        drop(gateway);
        let mut config: GatewayConfig = config_for(&simulator);
        tune(&mut config.gate);
        let gateway = Gateway::with_journal(config, opened_again(&folder).await);
        gateway.connect(Endpoint::default()).await.unwrap();
        Self {
            simulator,
            gateway,
            folder,
        }
    }
}

/// The journal, once the gateway before has let go of it.
async fn opened_again(folder: &tempfile::TempDir) -> sandpit_gateway::Journal {
    use sandpit_gateway::journal::{OpenError, Options};
    let path = folder.path().join("journal.db");
    for _ in 0..1_000 {
        match sandpit_gateway::Journal::open(&path, Options::default()) {
            Ok(journal) => return journal,
            Err(OpenError::InUse { .. }) => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the journal stays in use");
}

/// Nothing comes along with the order.
fn plain() -> OrderOptions {
    OrderOptions::default()
}

fn keyed(key: &str) -> OrderOptions {
    OrderOptions {
        idempotency_key: Some(key.to_owned()),
        ..plain()
    }
}

fn with_token(token: &str) -> OrderOptions {
    OrderOptions {
        preview_token: Some(token.to_owned()),
        ..plain()
    }
}

fn one_of(role: Role, contract: &Contract, order: Order) -> NewOrder {
    NewOrder {
        contract: contract.clone(),
        order,
        role,
    }
}
