//! A session is recorded, and the same call is answered from the tape.

use std::net::SocketAddr;

use serde_json::Value;

use super::Floor;
use crate::support::process::Running;
use crate::support::simulator;

/// Where a command that runs on says it listens.
async fn address(running: &mut Running, words: &str) -> SocketAddr {
    let line = running.says(words).await;
    let mut words = line.split([' ', ';']);
    words
        .find_map(|word| word.parse().ok())
        .expect("an address")
}

async fn positions(floor: &Floor, tws: SocketAddr) -> Value {
    let mut host = floor.host(tws).await;
    let answer = host.get("get_positions").await.ok();
    host.stop().await;
    answer
}

#[tokio::test]
async fn a_recorded_session_is_played_again() {
    let simulator = simulator().await;
    let floor = Floor::new("");
    let tape = floor.path("session.tape");
    let tape = tape.to_str().unwrap();
    let target = simulator.address().to_string();
    let listen = ["--listen", "127.0.0.1:0"];

    let mut record = floor.command();
    record.args(["record", tape, "--to", &target]).args(listen);
    let mut recorder = Running::start(record);
    let there = address(&mut recorder, "Connect the client to").await;
    let live = positions(&floor, there).await;
    assert!(recorder.stop().await.success());
    assert!(live.to_string().contains("DU1234567"), "{live}");
    let written = std::fs::read_to_string(tape).unwrap();
    assert!(written.lines().count() > 10, "{written}");

    // Neither the text nor what is in it names the account.
    let mut replay = floor.command();
    replay.args(["replay", tape]).args(listen);
    let mut replayer = Running::start(replay);
    let there = address(&mut replayer, "listens on").await;
    let played = positions(&floor, there).await;
    let masked = live.to_string().replace("DU1234567", "DU0000001");
    assert_eq!(played.to_string(), masked);
    assert!(replayer.stop().await.success());

    // What is there is not written over unasked.
    let error = floor
        .run(&["record", tape, "--to", &target])
        .await
        .failed(1);
    assert!(error.contains("--force"), "{error}");
    std::fs::write(floor.path("no.tape"), "hello\n").unwrap();
    let error = floor.run(&["replay", "no.tape"]).await.failed(1);
    assert!(error.contains("line 1 of the tape"), "{error}");
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_simulated_tws_has_levers_and_trouble() {
    let floor = Floor::new("");
    std::fs::write(
        floor.path("script.json"),
        r#"{"events": [{"at": {"millis": 1}, "do": "linkLost"}]}"#,
    )
    .unwrap();
    for (trouble, what) in [
        ("--script=script.json", "1 events"),
        ("--chaos=7:nights", "events"),
    ] {
        let mut simulate = floor.command();
        simulate
            .args(["simulate", "--listen", "127.0.0.1:0", trouble])
            .args(["--control", "127.0.0.1:0"]);
        let mut simulator = Running::start(simulate);
        let line = simulator.says("It is controlled at").await;
        let control = line.rsplit(' ').next().unwrap();
        let trouble = simulator.says("Trouble to come").await;
        assert!(trouble.contains(what), "{trouble}");
        let state = reqwest::get(format!("{control}/state")).await.unwrap();
        let state: Value = state.json().await.unwrap();
        assert!(state["address"].is_string(), "{state}");
        assert!(simulator.stop().await.success());
    }
    let error = floor
        .run(&["simulate", "--chaos", "7:days"])
        .await
        .failed(2);
    assert!(error.contains("everything, trading and nights"), "{error}");
    let error = floor
        .run(&["simulate", "--script", "no.json"])
        .await
        .failed(1);
    assert!(error.contains("no.json"), "{error}");
}
