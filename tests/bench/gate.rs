//! The gate and the journal: what an order costs from the call until TWS's word
//! is answered, against a bare TWS client on the same simulated TWS.
//!
//! All orders rest far from the market, so that TWS answers them at once. Each
//! is cancelled again, which is not measured.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use rust_decimal::Decimal;
use sandpit_gateway::gate::{
    Allowance, Blackout, Demand, GateConfig, Hours, Mode, Outcome, Rule, Rules,
};
use sandpit_simulator::{Simulator, SimulatorConfig};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::task::JoinSet;

use crate::load::Timings;
use crate::placing::{Gated, SYMBOL, Way, caller};
use crate::table::{Table, micros};

/// The account of the simulated TWS.
const ACCOUNT: &str = "DU1234567";
/// How often each way is measured, in turns: the machine may be busier now than
/// a moment later.
const TURNS: usize = 3;
/// Orders of one caller alone in each turn.
const ALONE: usize = 150;
/// How many callers there are where there are several, and the orders of each
/// in each turn. They rest until all are placed.
const CALLERS: usize = 8;
const OF_EACH: usize = 15;
/// Where files are in memory, on Linux.
const MEMORY: &str = "/dev/shm";

/// Fills in the rows of the gate and the journal.
pub async fn measure(table: &mut Table) {
    let simulator = Simulator::start(SimulatorConfig {
        accounts: vec![ACCOUNT.to_owned()],
        ..SimulatorConfig::default()
    })
    .await
    .expect("the simulator starts");
    // Folders for temporary files are often in memory; this one is on the disk.
    let disk = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let memory = TempDir::new_in(MEMORY).ok();

    table.section("Placing an order until TWS's word is answered, against a bare client");
    let rules = every_rule(&simulator, disk.path(), table).await;
    let default = GateConfig::default();
    let mut ways = vec![
        ("bare client", Way::bare(&simulator, 10).await),
        (
            "default rules",
            Way::gated(&simulator, 11, disk.path(), default.clone()).await,
        ),
        (
            "every rule",
            Way::gated(&simulator, 12, disk.path(), rules).await,
        ),
    ];
    if let Some(memory) = &memory {
        let way = Way::gated(&simulator, 13, memory.path(), default).await;
        ways.push(("default rules, journal in memory", way));
    }

    let alone = in_turns(&ways, 1, ALONE).await;
    let at_once = in_turns(&ways, CALLERS, OF_EACH).await;
    let (bare, bare_at_once) = (alone.first(), at_once.first());
    let (bare, bare_at_once) = bare.zip(bare_at_once).expect("the bare client");
    for ((name, _), timings) in ways.iter().zip(&alone).skip(1) {
        for (what, share) in [("p50", 0.5), ("p99", 0.99)] {
            table.times(
                &format!("{name}: {what}"),
                timings.quantile(share),
                bare.quantile(share),
            );
        }
    }
    shares(table, &alone);
    let sync = syncs(disk.path());
    table.alone("one bare write with sync: p50", micros(sync.quantile(0.5)));
    for ((name, _), timings) in ways.iter().zip(&at_once).skip(1) {
        let name = format!("{name}, {CALLERS} callers at once: orders");
        table.rates(&name, timings.rate(), bare_at_once.rate());
    }
    for (_, way) in ways {
        way.end().await;
    }
    simulator.shutdown().await;
}

/// What an order in the middle consists of.
fn shares(table: &mut Table, alone: &[Timings]) {
    let middle: Vec<_> = alone.iter().map(|one| one.quantile(0.5)).collect();
    let [bare, default, every, rest @ ..] = middle.as_slice() else {
        return;
    };
    let mut part = |what: &str, whole: Duration, without: Duration| {
        let text = micros(whole.saturating_sub(without));
        table.alone(&format!("of p50: {what}"), text);
    };
    part("what every rule asks of TWS and judges", *every, *default);
    match rest.first() {
        Some(memory) => {
            part("the wait for the journal's disk", *default, *memory);
            part("the rest of gate and journal", *memory, *bare);
        }
        None => {
            part("gate and journal", *default, *bare);
            let what = format!("journal in memory: there is no {MEMORY}");
            table.alone(&what, "not measured".to_owned());
        }
    }
}

/// Measures all ways in turns, each with so many callers and orders of each.
async fn in_turns(ways: &[(&str, Way)], callers: usize, orders: usize) -> Vec<Timings> {
    let mut measured = vec![(Vec::new(), Duration::ZERO); ways.len()];
    for _ in 0..TURNS {
        for ((_, way), (each, whole)) in ways.iter().zip(&mut measured) {
            // What the gate keeps for a while, it fetches now.
            let first = way.place().await;
            way.cancel(first).await;
            let (more, time) = if callers == 1 {
                one_by_one(way, orders).await
            } else {
                at_once(way, callers, orders).await
            };
            each.extend(more);
            *whole += time;
        }
    }
    let timings = measured.into_iter();
    timings
        .map(|(each, whole)| Timings::new(each, whole))
        .collect()
}

/// One order after the other, each cancelled before the next.
async fn one_by_one(way: &Way, orders: usize) -> (Vec<Duration>, Duration) {
    let mut each = Vec::with_capacity(orders);
    for _ in 0..orders {
        let start = Instant::now();
        let id = way.place().await;
        each.push(start.elapsed());
        way.cancel(id).await;
    }
    let whole = each.iter().sum();
    (each, whole)
}

/// Several callers at once; all orders are cancelled in the end.
async fn at_once(way: &Way, callers: usize, orders: usize) -> (Vec<Duration>, Duration) {
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let way = way.clone();
        tasks.spawn(async move {
            let mut placed = Vec::with_capacity(orders);
            for _ in 0..orders {
                let start = Instant::now();
                let id = way.place().await;
                placed.push((id, start.elapsed()));
            }
            placed
        });
    }
    let placed = tasks.join_all().await.concat();
    let whole = start.elapsed();
    let mut each = Vec::with_capacity(placed.len());
    for (id, time) in placed {
        way.cancel(id).await;
        each.push(time);
    }
    (each, whole)
}

/// A gate with every rule set so that it just looks, and lets all orders here
/// pass. While the market is closed, the rule of trading hours is left out, and
/// a row says so.
async fn every_rule(simulator: &Simulator, folder: &Path, table: &mut Table) -> GateConfig {
    let mut gate = rules(folder);
    gate.check("gate").expect("a configuration");
    let probe = Gated::new(simulator, 14, folder, gate.clone()).await;
    let preview = probe
        .gateway
        .preview(&caller(), &probe.contract, &probe.order())
        .await
        .expect("a preview");
    probe.gateway.shutdown().await;
    for check in preview.verdict.checks {
        if check.outcome != Outcome::Refused {
            continue;
        }
        assert_eq!(check.rule, Rule::Hours, "{}", check.sentence);
        gate.rules.hours = None;
        let what = "every rule: trading hours, as the market is closed";
        table.alone(what, "left out".to_owned());
    }
    gate
}

fn rules(folder: &Path) -> GateConfig {
    let much = Decimal::from(1_000_000_000);
    let only = |name: &str| Allowance {
        allow: Some([name.to_owned()].into()),
        deny: ["nothing here".to_owned()].into(),
    };
    let code = |name: &str, other: &str| Allowance {
        allow: Some([name.to_owned()].into()),
        deny: [other.to_owned()].into(),
    };
    let hour = OffsetDateTime::now_utc().hour();
    let later = |hours: u8| format!("{:02}:00", (hour + hours) % 24);
    GateConfig {
        mode: Mode::Paper,
        accounts: Some([ACCOUNT.to_owned()].into()),
        preview: Demand::Never,
        confirmation: Demand::Never,
        halt_file: Some(folder.join("halt")),
        rules: Rules {
            max_quantity: Some(Decimal::ONE),
            max_quantity_of: [("STK".to_owned(), Decimal::ONE)].into(),
            max_notional: Some(much),
            max_percent_of_net_liquidation: Some(Decimal::ONE_HUNDRED),
            max_position: Some(much),
            max_position_of: [("STK".to_owned(), much)].into(),
            max_position_notional: Some(much),
            symbols: only(SYMBOL),
            security_types: code("STK", "BAG"),
            currencies: code("USD", "EUR"),
            exchanges: code("SMART", "IBIS"),
            order_types: code("LMT", "MKT"),
            price_collar_percent: Some(Decimal::from(99)),
            orders_per_minute: Some(1_000_000),
            orders_per_day: Some(1_000_000),
            max_open_orders: Some(1_000_000),
            max_daily_loss: Some(much),
            max_drawdown: Some(much),
            hours: Some(Hours::Extended),
            blackout: vec![Blackout {
                from: later(11),
                to: later(12),
                zone: "UTC".to_owned(),
            }],
            duplicate_seconds: Some(60),
            max_rejections: Some(1_000),
            rejection_pause_seconds: 1,
        },
        ..GateConfig::default()
    }
}

/// What the disk takes for a page that must be on it.
fn syncs(folder: &Path) -> Timings {
    let mut file = std::fs::File::create(folder.join("page")).expect("a file");
    let start = Instant::now();
    let each = (0..ALONE).map(|_| {
        let start = Instant::now();
        file.write_all(&[1; 4_096]).expect("it is written");
        file.sync_data().expect("it is on the disk");
        start.elapsed()
    });
    let each = each.collect();
    Timings::new(each, start.elapsed())
}
