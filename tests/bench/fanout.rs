//! Fan-out: one quote line to many readers of event streams, and how old the
//! data is when it reaches them.
//!
//! The market stands still but for prices that are set one after the other, so
//! that a price tells when it was made. All readers and the simulated TWS live
//! in this process: one clock for both ends.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::handshake;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rust_decimal::Decimal;
use sandpit_simulator::{Simulator, SimulatorConfig};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::load::Timings;
use crate::process::{Home, Server, plugins};
use crate::table::{Table, millis};

/// How many readers there are, the baseline first.
const READERS: [usize; 3] = [1, 100, 1_000];
/// The instrument.
const SYMBOL: &str = "SPY";
/// How many prices are set in each measurement.
const PRICES: usize = 40;
/// The pause between them, longer than a stream waits to put changes together.
const PAUSE: Duration = Duration::from_millis(400);
/// How long the last price may take to arrive.
const LAST: Duration = Duration::from_secs(3);

/// What many readers need beyond the defaults.
const ROOM: &str = "server.max_connections = 4096\nserver.max_connections_per_address = 4096\nsandbox.max_calls = 1100\n\
    [policy.ibkr_stream_market_data.limits]\n\
    concurrent_calls = 1100\nqueued_calls = 1100\nmarket_data_lines = 1100\n";

/// Fills in the rows of the fan-out.
pub async fn measure(table: &mut Table) {
    let simulator = Simulator::start(SimulatorConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        tick_interval: None,
        ..SimulatorConfig::default()
    })
    .await
    .expect("the simulator starts");
    let home = Home::with(&plugins(), ROOM);
    let host = Server::start(home.serve(simulator.address())).await;

    table.section("One quote line to readers of event streams, against one reader");
    let mut alone: Option<Measured> = None;
    let idle = host.resident_kib();
    for readers in READERS {
        let measured = one(&simulator, &host, readers).await;
        let baseline = alone.get_or_insert_with(|| measured.clone());
        for (what, share) in [("p50", 0.5), ("p99", 0.99)] {
            table.times(
                &format!("{readers} readers: age at the reader, {what}"),
                measured.ages.quantile(share),
                baseline.ages.quantile(share),
            );
        }
        let ratio = measured.busy.as_secs_f64() / baseline.busy.as_secs_f64().max(0.001);
        let (ours, theirs) = (millis(measured.busy), millis(baseline.busy));
        table.row(
            &format!("{readers} readers: processor time a second"),
            ours,
            theirs,
            ratio,
        );
        table.alone(
            &format!("{readers} readers: prices that arrived"),
            format!("{:.2} %", measured.arrived * 100.0),
        );
        table.alone(
            &format!("{readers} readers: lines at TWS"),
            measured.lines.to_string(),
        );
        let each = measured.resident_kib.saturating_sub(idle) / readers as u64;
        table.alone(
            &format!("{readers} readers: memory of the host"),
            format!("{:.1} MiB", measured.resident_kib as f64 / 1024.0),
        );
        table.alone(
            &format!("{readers} readers: of that for each stream"),
            format!("{each} KiB"),
        );
    }
    drop(host);
    simulator.shutdown().await;
}

/// What was measured with so many readers.
#[derive(Clone)]
struct Measured {
    ages: Timings,
    /// The share of all prices that reached all readers.
    arrived: f64,
    /// Processor time of the host in each second.
    busy: Duration,
    /// Market-data subscriptions at TWS.
    lines: usize,
    /// Memory of the host while all read.
    resident_kib: u64,
}

async fn one(simulator: &Simulator, host: &Server, readers: usize) -> Measured {
    let (stop, stopped) = watch::channel(false);
    let made: Made = Arc::default();
    let mut reading = JoinSet::new();
    let mut begun = JoinSet::new();
    for _ in 0..readers {
        let (sender, first) = tokio::sync::oneshot::channel();
        let body = open(host.address).await;
        let (made, stopped) = (Arc::clone(&made), stopped.clone());
        reading.spawn(read(body, made, sender, stopped));
        begun.spawn(first);
    }
    while let Some(first) = begun.join_next().await {
        // One that is refused is missing in the share that arrives.
        let _ = first.expect("a reader");
    }

    let control = simulator.control();
    let mut price = control.price(SYMBOL).expect("a price");
    let (start, busy) = (Instant::now(), host.processor_time());
    for _ in 0..PRICES {
        price += Decimal::new(5, 2);
        made.lock()
            .expect("the prices")
            .push((price, Instant::now()));
        control.set_price(SYMBOL, price).expect("a price is set");
        tokio::time::sleep(PAUSE).await;
    }
    let (whole, busy) = (start.elapsed(), host.processor_time() - busy);
    let resident_kib = host.resident_kib();
    let connections = simulator.connections();
    let lines = connections.iter().map(|one| one.subscriptions.len()).sum();
    tokio::time::sleep(LAST.saturating_sub(PAUSE)).await;
    stop.send_replace(true);
    let ages = reading.join_all().await.concat();
    let gone = async || {
        let connections = simulator.connections();
        connections.iter().all(|one| one.subscriptions.is_empty())
    };
    while !gone().await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Measured {
        arrived: ages.len() as f64 / (PRICES * readers) as f64,
        ages: Timings::new(ages, whole),
        busy: busy.div_f64(whole.as_secs_f64()),
        lines,
        resident_kib,
    }
}

/// The prices, each with the moment at which it was made.
type Made = Arc<Mutex<Vec<(Decimal, Instant)>>>;

/// Opens a stream on a connection of its own.
async fn open(address: SocketAddr) -> Incoming {
    let socket = TcpStream::connect(address).await.expect("a connection");
    let (mut sender, connection) = handshake(TokioIo::new(socket)).await.expect("HTTP");
    tokio::spawn(connection);
    let request = Request::get(format!("/api/v1/stream_market_data?symbol={SYMBOL}"))
        .header("host", address.to_string())
        .header("accept", "text/event-stream")
        .body(Empty::<Bytes>::new())
        .expect("a request");
    let response = sender.send_request(request).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body()
}

/// Reads a stream until it is told to stop, and says how old each price was
/// when it came.
async fn read(
    mut body: Incoming,
    made: Made,
    begun: tokio::sync::oneshot::Sender<()>,
    mut stop: watch::Receiver<bool>,
) -> Vec<Duration> {
    let mut begun = Some(begun);
    let mut buffer = String::new();
    let mut ages = Vec::with_capacity(PRICES);
    let mut seen = Decimal::ZERO;
    loop {
        let frame = tokio::select! {
            frame = body.frame() => frame,
            _ = stop.changed() => return ages,
        };
        // A reader that the host lost has what it had: its prices are missing.
        let Some(Ok(frame)) = frame else {
            return ages;
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        buffer.push_str(&String::from_utf8_lossy(&data));
        while let Some((event, rest)) = buffer.split_once("\n\n") {
            if event.starts_with("event: error") {
                eprintln!("a reader was told: {event}");
            }
            let price = newest(event);
            buffer = rest.to_owned();
            let Some(price) = price else { continue };
            if let Some(begun) = begun.take() {
                // Whoever waits for the first quote has not left.
                let _ = begun.send(());
            }
            let made = made.lock().expect("the prices");
            let known = made.iter().find(|(made, _)| *made == price && price > seen);
            if let Some((_, at)) = known {
                ages.push(at.elapsed());
                seen = price;
            }
        }
    }
}

/// The newest price that a quote has a word of: the ask is one step above it,
/// the bid one below.
fn newest(event: &str) -> Option<Decimal> {
    let number = |name: &str| -> Option<Decimal> {
        let (_, rest) = event.split_once(name)?;
        let end = rest.find([',', '}'])?;
        rest.get(..end)?.parse().ok()
    };
    let step = Decimal::new(1, 2);
    let from_ask = number("\"ask\":").map(|ask| ask - step);
    let from_bid = number("\"bid\":").map(|bid| bid + step);
    from_ask.max(from_bid).max(number("\"lastPrice\":"))
}
