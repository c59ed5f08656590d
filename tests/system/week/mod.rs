//! A week of trading while everything goes wrong: nightly restarts, drops in
//! the middle of orders, farms that come and go, and, in the second test, a
//! host that is killed. In the end the host, its journal and the simulated TWS
//! agree on every order, fill, position and cent, and no rule was exceeded at
//! any instant.
//!
//! `SANDPIT_SEED` makes other trouble; a failure prints the seed that it had.

pub mod audit;
pub mod client;
mod desk;
mod reader;
mod rules;
pub mod trader;

use std::fmt::Debug;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sandpit_simulator::{
    Chaos, Control, Event, Fault, HistoryPacing, Moment, Profile, Script, Simulator,
    SimulatorConfig, Wait,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, eventually};
use desk::{CLIENT_ID, Desk};
use trader::Trader;

/// How fast the market moves: a week of it takes about a minute.
const STEP: Duration = Duration::from_millis(20);
/// How many traders there are.
const TRADERS: usize = 3;

/// A week, and what happens in it.
struct Week {
    /// How many steps of the market a day has.
    day: u64,
    /// How often the host is killed.
    kills: u32,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_week_of_trouble_ends_with_books_that_agree() {
    Week { day: 450, kills: 0 }.pass().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_week_in_which_the_host_is_killed_ends_with_books_that_agree() {
    Week { day: 250, kills: 5 }.pass().await;
}

/// The seed of this run: the same trouble every time, unless the environment
/// names another one.
pub fn seed() -> u64 {
    match std::env::var("SANDPIT_SEED") {
        Ok(text) => text.parse().expect("SANDPIT_SEED is a number"),
        Err(_) => 77,
    }
}

/// Prints how to repeat the run, if it fails.
struct Report {
    seed: u64,
    control: Control,
    notes: Vec<String>,
}

impl Report {
    /// Keeps what is printed too.
    fn note(&mut self, what: &str, value: &impl Debug) {
        self.notes.push(format!("{what}: {value:#?}"));
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let happened = self.control.happened();
            for line in happened.iter().rev().take(40).rev() {
                eprintln!("{line}");
            }
            for note in &self.notes {
                eprintln!("{note}");
            }
            eprintln!("to repeat the trouble: SANDPIT_SEED={}", self.seed);
        }
    }
}

impl Week {
    /// The steps of the whole week: seven nights, and half a day after them.
    fn steps(&self) -> u64 {
        self.day * 15 / 2
    }

    /// Auctions in the evening and in the morning of each day.
    fn days(&self) -> Script {
        let mut days = Script::default();
        let mut add = |at, fault| {
            let moment = Moment::At(Wait::Steps(at));
            days.events.push(Event { moment, fault });
        };
        for night in 1..=7 {
            add(night * self.day - 5, Fault::CloseMarket);
            add(night * self.day + 20, Fault::OpenMarket);
        }
        days
    }

    fn trouble(&self) -> Profile {
        let mut profile = Profile::everything(self.steps());
        profile.mean_gap = 50;
        profile.longest = 25;
        profile.night = Some(self.day);
        profile.client_id = Some(CLIENT_ID);
        profile
    }

    async fn pass(self) {
        let seed = seed();
        let simulator = Simulator::start(SimulatorConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            tick_interval: Some(STEP),
            ..SimulatorConfig::default()
        })
        .await
        .expect("the simulator starts");
        let control = simulator.control();
        let mut report = Report {
            seed,
            control: control.clone(),
            notes: Vec::new(),
        };
        let desk = Desk::open(&simulator).await;
        let connected = async || desk.ask("get_status").await["connected"] == true;
        eventually("the host is connected", connected).await;

        let pacing = Fault::EnforcePacing {
            messages: Some(50),
            history: HistoryPacing::SmallBars,
        };
        control.act(pacing).unwrap();
        control.play(self.days());
        control.play(Chaos::seeded(seed, &self.trouble()));
        let end = control.steps() + self.steps();
        let stop = CancellationToken::new();
        let mut traders = JoinSet::new();
        for number in 0..TRADERS {
            let trader = Trader::new(&desk.base, number, seed, control.clone());
            traders.spawn(trader.trade(stop.clone()));
        }
        let mut followers = JoinSet::new();
        for number in 0..reader::FOLLOWERS {
            followers.spawn(reader::follow(
                desk.base.clone(),
                number,
                seed,
                stop.clone(),
            ));
        }
        let mut askers = JoinSet::new();
        for number in 0..reader::ASKERS {
            askers.spawn(reader::ask(desk.base.clone(), number, seed, stop.clone()));
        }
        self.kill(&desk, &control, seed).await;
        while control.steps() < end {
            sleep(STEP).await;
        }
        stop.cancel();
        // By now the script has healed everything; what comes after is quiet.
        let traded = traders.join_all().await;
        let (followed, asked) = (followers.join_all().await, askers.join_all().await);
        eventually("the host is connected", connected).await;
        control.freeze();
        let last = Trader::new(&desk.base, TRADERS, seed, control.clone());
        last.try_everything().await;
        for traded in &traded {
            report.note("a trader", &(&traded.ends, &traded.refusals));
        }
        report.note("followers", &followed);
        report.note("askers", &asked);
        for told in &followed {
            // A stream goes on over every outage, and says how long it was.
            assert!(told.answers > 20 && told.ends.is_empty(), "{told:?}");
            assert!(told.gaps > 0 || self.kills > 0, "{told:?}");
        }
        assert!(asked.iter().all(|told| told.answers > 5), "{asked:?}");
        settles("the host and the books", async || {
            audit::host(&desk, &simulator.books()).await
        })
        .await;
        cancel_all(&desk, &simulator).await;
        settles("the host and the books", async || {
            audit::host(&desk, &simulator.books()).await
        })
        .await;
        let leaks = || -> usize {
            let connections = simulator.connections();
            connections.iter().map(|one| one.subscriptions.len()).sum()
        };
        eventually("no subscription is left", async || leaks() == 0).await;

        let (journal, _folder) = desk.close().await;
        let books = simulator.books();
        books.check().unwrap();
        let (received, changes) = (simulator.received(), control.order_changes());
        rules::check(&received, &changes, &books).unwrap_or_else(|rule| panic!("{rule}"));
        audit::journal(&journal, &books, &traded).unwrap_or_else(|error| panic!("{error}"));
        let refused = audit::refused(&journal);
        report.note("refused by rules", &refused);
        for rule in rules::BINDING {
            assert!(refused.contains_key(rule), "{rule} never refused an order");
        }
        // How much is traded depends on the machine; that some was does not.
        assert!(books.orders.len() > 10, "{}", books.orders.len());
        assert!(books.executions.len() > 5, "{}", books.executions.len());
        drop(report);
        simulator.shutdown().await;
    }

    /// Kills the host at instants that the seed says.
    async fn kill(&self, desk: &Desk, control: &Control, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        let begin = control.steps();
        let mut instants: Vec<u64> = (0..self.kills)
            .map(|_| begin + random.random_range(self.day / 2..self.day * 7))
            .collect();
        instants.sort_unstable();
        for instant in instants {
            while control.steps() < instant {
                sleep(STEP).await;
            }
            desk.kill().await;
        }
    }
}

/// Ends what is open through the host, so that no order is left.
async fn cancel_all(desk: &Desk, simulator: &Simulator) {
    let mut client = client::Client::new(&desk.base, 0);
    eventually("no order is open", async || {
        let reply = client
            .call("ibkr_cancel_all_orders", &serde_json::json!({}))
            .await;
        assert!(matches!(reply, client::Reply::Done(_)), "{reply:?}");
        let orders = simulator.books().orders;
        !orders.iter().any(audit::is_open)
    })
    .await;
}

/// Waits until both sides agree, and fails with where they differ if they never
/// do.
async fn settles(what: &str, mut compare: impl AsyncFnMut() -> Result<(), String>) {
    let deadline = Instant::now() + PATIENCE;
    while let Err(difference) = compare().await {
        assert!(Instant::now() < deadline, "{what} differ: {difference}");
        sleep(Duration::from_millis(200)).await;
    }
}
