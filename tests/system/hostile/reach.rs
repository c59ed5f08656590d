//! Attacks on what lies outside of the sandbox: files, environment, sockets,
//! the clock, other calls, and what a panic tells.

use std::net::{TcpListener, UdpSocket};
use std::time::Instant;

use serde_json::{Value, json};
use wasmtime_wasi::FsPerms;

use super::bare::{Setup, control};
use super::siege::{Siege, attack, running};
use crate::support::{Host, simulator};

async fn host(attacks: &[&str]) -> Host {
    Siege::new(attacks).begin(&simulator().await).await
}

fn found(answer: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(answer).unwrap();
    serde_json::from_value(answer["found"].clone()).unwrap()
}

#[tokio::test]
async fn there_are_no_files() {
    let host = host(&["opens_files"]).await;
    let answer = host.post("opens_files", json!({})).await.ok();
    assert_eq!(answer, json!({"found": []}));

    // Control: where there is a folder, it reads and writes.
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("secret.txt"), "secret").unwrap();
    control(|| {
        let open = Setup::new().wasi(|wasi| {
            wasi.preopened_dir(folder.path(), "/", FsPerms::ReadWrite)
                .unwrap();
        });
        let mut bare = open.start(&attack("opens_files")).unwrap();
        let found = found(&bare.answer(&json!({})));
        for what in ["/secret.txt: 6", "written: /planted.txt"] {
            assert!(found.iter().any(|found| found == what), "{found:?}");
        }
    });
    assert!(folder.path().join("planted.txt").exists());
}

#[tokio::test]
async fn there_is_no_environment() {
    let host = host(&["reads_environment"]).await;
    let answer = host.post("reads_environment", json!({})).await.ok();
    assert_eq!(answer, json!({"found": []}));

    // Control: where there is one, it is read, and this is the host's: its
    // token stands in it.
    control(|| {
        let open = Setup::new().wasi(|wasi| {
            wasi.env("SANDPIT_OPERATOR__TOKEN", "secret")
                .arg("--connect");
        });
        let mut bare = open.start(&attack("reads_environment")).unwrap();
        assert_eq!(
            found(&bare.answer(&json!({}))),
            ["variable: SANDPIT_OPERATOR__TOKEN", "argument: --connect"]
        );
    });
}

#[tokio::test]
async fn there_are_no_sockets() {
    let host = host(&["opens_sockets"]).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let datagrams = UdpSocket::bind(("127.0.0.1", port)).unwrap();
    datagrams.set_nonblocking(true).unwrap();
    let arguments = json!({"port": port});
    let answer = host.post("opens_sockets", arguments.clone()).await.ok();
    assert_eq!(answer, json!({"found": []}));
    listener.accept().expect_err("nobody connected");
    datagrams.recv(&mut [0; 16]).expect_err("nobody sent");

    // Control: where there is a network, it is used.
    control(|| {
        let open = Setup::new().wasi(|wasi| {
            wasi.inherit_network()
                .allow_tcp(true)
                .allow_udp(true)
                .allow_ip_name_lookup(true);
        });
        let mut bare = open.start(&attack("opens_sockets")).unwrap();
        let found = found(&bare.answer(&arguments));
        for what in ["connected", "listening", "sent"] {
            assert!(found.iter().any(|found| found == what), "{found:?}");
        }
    });
    listener.accept().expect("somebody connected");
    datagrams.recv(&mut [0; 16]).expect("somebody sent");
}

/// A clock as an operating system has it: it runs from the start of the
/// machine.
struct Uptime;

/// A day, in nanoseconds.
const DAY: u64 = 86_400_000_000_000;

impl wasmtime_wasi::HostMonotonicClock for Uptime {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        DAY
    }
}

/// What a tool can tell by the clock: the wall clock is everybody's, and the
/// other one runs from the beginning of the call, so that it names no machine
/// and joins no two calls.
#[tokio::test]
async fn the_clock_begins_with_the_call() {
    let host = host(&["reads_clock"]).await;
    for _ in 0..3 {
        let asked = Instant::now();
        let answer = host.post("reads_clock", json!({})).await.ok();
        let first = answer["first"].as_u64().expect("nanoseconds");
        assert!(u128::from(first) <= asked.elapsed().as_nanos(), "{answer}");
    }

    // Control: with the machine's own clock it would learn how long that has
    // been running.
    control(|| {
        let open = Setup::new().wasi(|wasi| {
            wasi.monotonic_clock(Uptime);
        });
        let mut bare = open.start(&attack("reads_clock")).unwrap();
        let answer: Value = serde_json::from_str(&bare.answer(&json!({}))).unwrap();
        assert_eq!(answer["first"], DAY);
    });
}

#[tokio::test]
async fn nothing_is_remembered() {
    let host = host(&["keeps_state"]).await;
    for _ in 0..20 {
        let answer = host.post("keeps_state", json!({"text": "secret"})).await;
        assert_eq!(answer.ok(), json!({"found": []}));
    }

    // Control: an instance that lives on remembers.
    control(|| {
        let mut bare = Setup::new().start(&attack("keeps_state")).unwrap();
        bare.answer(&json!({"text": "secret"}));
        assert_eq!(found(&bare.answer(&json!({"text": "other"}))), ["secret"]);
    });
}

#[tokio::test]
async fn a_guessed_handle_is_worth_nothing() {
    let simulator = simulator().await;
    let host = Siege::new(&["guesses_handles", "guesses_streams"])
        .begin(&simulator)
        .await;
    // Handles that exist, held by a call that runs.
    let mut quotes = host.events("stream_market_data?symbol=SPY").await;
    quotes.next_named("quote").await.expect("a quote");
    running(&host, 1).await;
    for handle in 1..10 {
        for tool in ["guesses_handles", "guesses_streams"] {
            let answer = host.post(tool, json!({"handle": handle})).await;
            assert_eq!(answer.problem(500), "The tool failed. Its log says more.");
        }
    }
    quotes.next_named("quote").await.expect("another quote");

    // Control: in one instance for two calls the second has the handle that
    // the first was given.
    control(|| {
        let mut bare = Setup::new().start(&attack("guesses_handles")).unwrap();
        assert_eq!(bare.answer(&json!({})), r#"{"handle":1}"#);
        assert_eq!(bare.answer(&json!({"handle": 1})), r#"{"handle":1}"#);
    });
}

#[tokio::test]
async fn a_panic_tells_the_operator_and_nobody_else() {
    let host = host(&["panics_with_secret"]).await;
    let answer = host.post("panics_with_secret", json!({})).await;
    assert!(!answer.json.to_string().contains("hunter2"));
    crate::support::eventually("the log has it", async || host.log().contains("hunter2")).await;

    // Control: wasmtime's own error, and what was printed, tell it all.
    control(|| {
        let mut bare = Setup::new().start(&attack("panics_with_secret")).unwrap();
        let error = bare.call(&json!({})).unwrap_err();
        assert!(format!("{error:?}").contains("backtrace"), "{error:?}");
        assert!(bare.printed().contains("the password is hunter2"));
    });
}

#[test]
fn control_an_exit_is_the_embedder_s_to_handle() {
    control(|| {
        let mut bare = Setup::new().start(&attack("exits")).unwrap();
        let error = bare.call(&json!({})).unwrap_err();
        let exit = error.downcast_ref::<wasmtime_wasi::I32Exit>();
        assert_eq!(exit.map(|exit| exit.0), Some(0), "{error:?}");
    });
}
