//! What TWS tells of orders is in the journal, whatever happens on the way.

use std::path::PathBuf;
use std::time::Duration;

use rust_decimal::Decimal;
use sandpit_gateway::gate::{NewOrder, Role};
use sandpit_gateway::journal::{
    Event, Filter, Journal, Kind, Options, Reader, RequestOutcome, Row, Stage, Standing,
};
use sandpit_gateway::model::{Contract, Endpoint, Error, OrderOptions, OrderStatus, OrderType};
use sandpit_gateway::{Gateway, GatewayConfig};
use sandpit_simulator::{Fault, OrderRecord, Simulator, SimulatorConfig, Wait};

use crate::support::{buy, caller, config_for, n, sell, until};

/// A simulator, and a host that comes and goes with its journal.
struct Setup {
    simulator: Simulator,
    folder: tempfile::TempDir,
    gateway: Gateway,
    journal: Journal,
}

impl Setup {
    async fn new() -> Self {
        let config = SimulatorConfig {
            tick_interval: None,
            ..SimulatorConfig::default()
        };
        let simulator = Simulator::start(config).await.unwrap();
        simulator.control().set_price("SPY", n("600")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (gateway, journal) = host(&simulator, folder.path().join("journal.db"));
        gateway.connect(Endpoint::default()).await.unwrap();
        Self {
            simulator,
            folder,
            gateway,
            journal,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    fn act(&self, fault: Fault) {
        self.simulator.control().act(fault).unwrap();
    }

    fn price(&self, price: &str) {
        self.simulator.control().set_price("SPY", n(price)).unwrap();
    }

    /// Places an order of which nothing is heard, since the connection drops:
    /// after TWS has read it, or before.
    async fn place_in_flight(&self, arrives: bool) -> i32 {
        let spy = self.spy().await;
        self.act(Fault::DropOnOrder { next: 1, arrives });
        let order = buy(3, OrderType::Limit(n("590")));
        let placed = self
            .gateway
            .place(&caller(), &spy, &order, &OrderOptions::default())
            .await;
        let Err(Error::Uncertain(uncertain)) = placed else {
            panic!("{placed:?}")
        };
        uncertain.order_id.unwrap()
    }

    async fn spy(&self) -> Contract {
        let stock = Contract::us_stock("SPY");
        self.gateway.qualify(&stock).await.unwrap()
    }

    /// Places an order that rests, and answers its id.
    async fn rest(&self, quantity: i64, limit: &str) -> i32 {
        let order = buy(quantity, OrderType::Limit(n(limit)));
        let spy = self.spy().await;
        let state = self
            .gateway
            .place(&caller(), &spy, &order, &OrderOptions::default())
            .await
            .unwrap();
        assert_eq!(state.status, OrderStatus::Submitted);
        state.order_id
    }

    fn rows(&self) -> Vec<Row> {
        let reader = Reader::open(self.path()).unwrap();
        let rows = reader.rows(&Filter::default());
        rows.map(Result::unwrap).collect()
    }

    fn count(&self, kind: Kind) -> usize {
        let rows = self.rows();
        rows.iter().filter(|row| row.event.kind() == kind).count()
    }

    fn standing(&self, order_id: i32) -> Option<Standing> {
        let reader = Reader::open(self.path()).unwrap();
        let key = reader.key_of(Some("default"), 1, order_id).unwrap()?;
        reader.order(&key).unwrap()
    }

    fn stage(&self, order_id: i32) -> Option<Stage> {
        self.standing(order_id).map(|standing| standing.stage)
    }

    async fn until_stage(&self, order_id: i32, stage: Stage) {
        let what = format!("order {order_id} is {stage:?}");
        until(&what, || self.stage(order_id) == Some(stage)).await;
    }

    /// Waits until the journal has every fill and commission of TWS, each once.
    async fn until_all_fills(&self) {
        let executions = self.simulator.books().executions;
        until("all commissions are there", || {
            self.count(Kind::Commission) >= executions.len()
        })
        .await;
        let rows = self.rows();
        for execution in &executions {
            let mut fills = rows.iter().filter_map(|row| match &row.event {
                Event::Fill(fill) if fill.exec_id == execution.execution_id => Some(fill),
                _ => None,
            });
            let fill = fills.next().expect("the fill is there");
            assert_eq!(
                (fill.shares, fill.price),
                (execution.quantity, execution.price)
            );
            assert_eq!(fills.next(), None);
        }
        let costs: Decimal = rows
            .iter()
            .filter_map(|row| match &row.event {
                Event::Commission(cost) => Some(cost.amount),
                _ => None,
            })
            .sum();
        let expected: Decimal = executions.iter().map(|one| one.commission).sum();
        assert_eq!(costs, expected);
    }

    /// The host stops, as far as TWS can tell at once, and starts again.
    async fn restart(&mut self) {
        self.gateway.shutdown().await;
        self.start_again().await;
    }

    async fn start_again(&mut self) {
        self.journal.close().await;
        let (gateway, journal) = host(&self.simulator, self.path());
        gateway.connect(Endpoint::default()).await.unwrap();
        (self.gateway, self.journal) = (gateway, journal);
    }

    async fn end(self) {
        self.gateway.shutdown().await;
        self.journal.close().await;
        let reader = Reader::open(self.path()).unwrap();
        assert_eq!(reader.verify().unwrap().fault, None);
        self.simulator.shutdown().await;
    }
}

fn host(simulator: &Simulator, path: PathBuf) -> (Gateway, Journal) {
    let journal = Journal::open(path, Options::default()).unwrap();
    let config = GatewayConfig {
        order_look_again: Duration::from_millis(50),
        order_timeout: Duration::from_millis(500),
        ..config_for(simulator)
    };
    (Gateway::with_journal(config, journal.clone()), journal)
}

#[tokio::test]
async fn every_status_fill_and_commission_is_a_row_once() {
    let setup = Setup::new().await;
    let id = setup.rest(2, "590").await;
    setup.until_stage(id, Stage::Working).await;
    setup.price("580");
    setup.until_stage(id, Stage::Filled).await;
    setup.until_all_fills().await;
    let standing = setup.standing(id).unwrap();
    assert_eq!(standing.filled(), n("2"));
    assert_eq!(standing.about.client_id, Some(1));
    assert!(standing.about.perm_id.is_some());
    // TWS tells it all again, and nothing of it is news.
    let rows = setup.rows().len();
    setup.gateway.executions(&Default::default()).await.unwrap();
    setup.gateway.open_orders().await.unwrap();
    setup.gateway.disconnect().await.unwrap();
    setup.gateway.connect(Endpoint::default()).await.unwrap();
    setup.gateway.shutdown().await;
    assert_eq!(setup.rows().len(), rows, "{:#?}", setup.rows());
    setup.end().await;
}

#[tokio::test]
async fn statuses_may_be_double_missing_and_out_of_order() {
    let faults = [
        Fault::DuplicateStatuses { next: 20 },
        Fault::OmitStatuses { next: 20 },
        Fault::ReverseOrderEvents { next: 4 },
        Fault::ReverseOrderEvents { next: 7 },
    ];
    for fault in faults {
        let setup = Setup::new().await;
        let id = setup.rest(10, "590").await;
        setup.act(Fault::PartialFills {
            next: 2,
            quantity: n("3"),
        });
        setup.act(fault.clone());
        setup.price("580");
        setup.simulator.control().step(1);
        setup.price("580");
        setup.simulator.control().step(1);
        setup.price("580");
        assert_eq!(setup.simulator.books().executions.len(), 3);
        setup.act(Fault::Heal);
        setup.until_stage(id, Stage::Filled).await;
        setup.until_all_fills().await;
        let standing = setup.standing(id).unwrap();
        let state = standing.state.as_ref().unwrap();
        assert_eq!(
            (state.filled, state.remaining),
            (n("10"), n("0")),
            "{fault}"
        );
        assert_eq!(standing.filled(), n("10"));
        let known = setup.gateway.order(id).await.unwrap().state;
        assert_eq!((known.status, known.filled), (OrderStatus::Filled, n("10")));
        setup.end().await;
    }
}

#[tokio::test]
async fn what_happened_during_an_outage_is_caught_up_with() {
    let setup = Setup::new().await;
    let (filled, cancelled, working) = (
        setup.rest(2, "590").await,
        setup.rest(1, "500").await,
        setup.rest(1, "490").await,
    );
    let control = setup.simulator.control();
    control.refuse_connections();
    control.drop_connections();
    until("it is noticed", || !setup.gateway.status().connected).await;
    setup.price("580");
    control.accept_connections();
    setup.until_stage(filled, Stage::Filled).await;
    setup.until_all_fills().await;
    until("the gap is told", || setup.count(Kind::Gap) == 2).await;
    assert_eq!(setup.stage(working), Some(Stage::Working));
    // A second one, in which the same client id cancels an order elsewhere.
    setup.gateway.disconnect().await.unwrap();
    let other = Gateway::new(config_for(&setup.simulator));
    other.connect(Endpoint::default()).await.unwrap();
    other.shutdown().await;
    setup.gateway.connect(Endpoint::default()).await.unwrap();
    let state = setup.gateway.cancel(&caller(), cancelled).await.unwrap();
    assert_eq!(state.status, OrderStatus::Cancelled);
    setup.until_stage(cancelled, Stage::Cancelled).await;
    setup.end().await;
}

#[tokio::test]
async fn orders_are_found_again_after_a_restart() {
    let mut setup = Setup::new().await;
    let (filled, working) = (setup.rest(2, "590").await, setup.rest(1, "490").await);
    setup.until_stage(working, Stage::Working).await;
    setup.gateway.shutdown().await;
    setup.price("580");
    setup.start_again().await;
    setup.until_stage(filled, Stage::Filled).await;
    setup.until_all_fills().await;
    let state = setup.gateway.order(filled).await.unwrap().state;
    assert_eq!((state.status, state.filled), (OrderStatus::Filled, n("2")));
    assert_eq!(setup.stage(working), Some(Stage::Working));
    // Once more: what ended is known from the journal alone.
    setup.restart().await;
    let placed = setup.gateway.order(filled).await.unwrap();
    assert_eq!(placed.state.status, OrderStatus::Filled);
    assert_eq!(placed.order.order_type, OrderType::Limit(n("590")));
    let cancelled = setup.gateway.cancel(&caller(), working).await.unwrap();
    assert_eq!(cancelled.status, OrderStatus::Cancelled);
    setup.end().await;
}

#[tokio::test]
async fn order_ids_go_on_above_those_of_the_journal() {
    let mut setup = Setup::new().await;
    let id = setup.rest(1, "490").await;
    setup.until_stage(id, Stage::Working).await;
    setup.gateway.shutdown().await;
    // TWS was reset and begins anew.
    setup.simulator.shutdown().await;
    let config = SimulatorConfig {
        tick_interval: None,
        ..SimulatorConfig::default()
    };
    setup.simulator = Simulator::start(config).await.unwrap();
    setup.start_again().await;
    assert!(setup.gateway.next_valid_id(&caller()).await.unwrap() > id);
    // TWS had the order, and does not list it any more.
    setup.until_stage(id, Stage::Gone).await;
    let placed = setup.gateway.order(id).await.unwrap();
    assert!(placed.state.warnings.concat().contains("lists it nowhere"));
    setup.end().await;
}

#[tokio::test]
async fn an_order_that_was_in_flight_is_found() {
    let setup = Setup::new().await;
    let id = setup.place_in_flight(true).await;
    setup.until_stage(id, Stage::Working).await;
    until("it is back", || setup.gateway.status().connected).await;
    let state = setup.gateway.order(id).await.unwrap().state;
    assert_eq!(state.status, OrderStatus::Submitted);
    assert!(state.warnings.is_empty(), "{:?}", state.warnings);
    let standing = setup.standing(id).unwrap();
    assert_eq!(standing.open_requests().count(), 0);
    setup.end().await;
}

#[tokio::test]
async fn an_order_that_never_arrived_is_told_so_after_a_second_look() {
    let setup = Setup::new().await;
    let id = setup.place_in_flight(false).await;
    let open = || async { setup.gateway.open_orders().await.unwrap_or_default() };
    setup.until_stage(id, Stage::NeverArrived).await;
    assert!(setup.simulator.books().orders.is_empty());
    assert_eq!(open().await, []);
    let placed = setup.gateway.order(id).await.unwrap();
    assert!(placed.state.warnings.concat().contains("never arrived"));
    // Its id is not given again.
    assert!(setup.rest(1, "590").await > id);
    setup.end().await;
}

#[tokio::test]
async fn an_order_of_somebody_else_with_our_client_id_is_seen() {
    let setup = Setup::new().await;
    setup.gateway.disconnect().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (other, journal) = host(&setup.simulator, folder.path().join("journal.db"));
    other.connect(Endpoint::default()).await.unwrap();
    let spy = other.qualify(&Contract::us_stock("SPY")).await.unwrap();
    let order = buy(4, OrderType::Limit(n("590")));
    let state = other
        .place(&caller(), &spy, &order, &OrderOptions::default())
        .await
        .unwrap();
    other.shutdown().await;
    journal.close().await;
    setup.gateway.connect(Endpoint::default()).await.unwrap();
    let standing = setup.standing(state.order_id).unwrap();
    assert_eq!((standing.stage, standing.sent), (Stage::Working, true));
    assert_eq!(setup.count(Kind::Seen), 1);
    setup.price("580");
    setup.until_stage(state.order_id, Stage::Filled).await;
    setup.until_all_fills().await;
    setup.end().await;
}

#[tokio::test]
async fn an_uncertain_order_counts_as_open_until_it_is_resolved() {
    let setup = Setup::new().await;
    let spy = setup.spy().await;
    setup.act(Fault::DelayOrderEvents {
        next: 50,
        by: Wait::Steps(1000),
    });
    let order = buy(3, OrderType::Limit(n("590")));
    let placed = setup
        .gateway
        .place(&caller(), &spy, &order, &OrderOptions::default())
        .await;
    let Err(Error::Uncertain(uncertain)) = placed else {
        panic!("{placed:?}")
    };
    let id = uncertain.order_id.unwrap();
    let state = setup.gateway.order(id).await.unwrap().state;
    assert_eq!(state.status, OrderStatus::ApiPending);
    setup.gateway.disconnect().await.unwrap();
    setup.gateway.connect(Endpoint::default()).await.unwrap();
    setup.until_stage(id, Stage::Working).await;
    let standing = setup.standing(id).unwrap();
    let outcomes: Vec<_> = standing.requests.iter().map(|one| &one.outcome).collect();
    let is_resolved = |outcome: &&RequestOutcome| !outcome.is_open();
    assert!(outcomes.iter().all(is_resolved), "{outcomes:?}");
    setup.end().await;
}

#[tokio::test]
async fn what_is_left_of_a_bracket_that_broke_is_taken_back() {
    for arrives in [false, true] {
        let setup = Setup::new().await;
        let contract = setup.spy().await;
        let leg = |order, role| NewOrder {
            contract: contract.clone(),
            order,
            role,
        };
        let bracket = vec![
            leg(buy(3, OrderType::Limit(n("590"))), Role::Entry),
            leg(sell(3, OrderType::Limit(n("620"))), Role::Exit),
            leg(sell(3, OrderType::Stop(n("570"))), Role::Exit),
        ];
        setup.act(Fault::DropOnOrder { next: 1, arrives });
        let options = OrderOptions::default();
        let placed = setup
            .gateway
            .place_group(&caller(), bracket, &options)
            .await;
        assert!(placed.is_err(), "{placed:?}");
        until("nothing is open", || {
            let reader = Reader::open(setup.path()).unwrap();
            reader.unfinished().unwrap().is_empty()
        })
        .await;
        let open = |order: &OrderRecord| order.status != "Cancelled";
        assert!(!setup.simulator.books().orders.iter().any(open));
        let orders = setup.simulator.books().orders;
        assert_eq!(orders.len(), usize::from(arrives));
        for order in orders {
            assert_eq!(setup.stage(order.order_id), Some(Stage::Cancelled));
        }
        setup.end().await;
    }
}
