//! Recording a session and playing it again.

use std::net::SocketAddr;
use std::path::Path;

use ibapi::Client;
use ibapi::accounts::types::AccountGroup;
use sandpit_simulator::tape::{
    Masking, Party, Recorder, RecorderConfig, Replayer, Tape, TapeError, TapeEvent, Timing,
};
use sandpit_simulator::{Fault, Garbage, Simulator};

use crate::support::{ACCOUNT, Raw, all, code, eventually, still, stock};

fn any() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn record(simulator: &Simulator, tape: &Path, masking: Masking) -> Recorder {
    Recorder::start(RecorderConfig {
        listen: any(),
        target: simulator.address().to_string(),
        tape: tape.to_owned(),
        masking,
    })
    .await
    .unwrap()
}

/// What a client does, and what it hears.
async fn session(address: SocketAddr) -> String {
    let client = Client::connect(&address.to_string(), 3).await.unwrap();
    let details = client.contract_details(&stock("VTI")).await.unwrap();
    let nothing = code(client.contract_details(&stock("NOSUCH")).await);
    let summary = client
        .account_summary(&AccountGroup("All".into()), &["NetLiquidation"])
        .await
        .unwrap();
    let summary = all(summary).await.unwrap();
    client.disconnect().await;
    format!("{details:?} {nothing} {summary:?}")
}

#[tokio::test]
async fn a_session_is_recorded_and_played_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.tape");
    let simulator = still().await;
    let recorder = record(&simulator, &path, Masking::nothing()).await;
    let heard = session(recorder.address()).await;
    eventually("the end", || simulator.connection_totals().open == 0).await;
    recorder.shutdown().await;
    simulator.shutdown().await;

    let tape = Tape::from_file(&path).unwrap();
    let names: Vec<(Party, &str)> = tape
        .entries
        .iter()
        .filter_map(|entry| match &entry.event {
            TapeEvent::Frame { name, .. } => Some((entry.from, name.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(
        names[..5],
        [
            (Party::Client, "hello"),
            (Party::Tws, "answer to the hello"),
            (Party::Client, "StartApiRequest"),
            (Party::Tws, "ManagedAccounts"),
            (Party::Tws, "NextValidId")
        ]
    );
    assert_eq!(tape.entries[0].event, TapeEvent::Open);

    for timing in [Timing::Immediate, Timing::Recorded] {
        let replayer = Replayer::start(any(), tape.clone(), timing).await.unwrap();
        assert_eq!(session(replayer.address()).await, heard);
        assert_eq!(replayer.divergences(), []);
        replayer.shutdown().await;
    }
}

#[tokio::test]
async fn a_client_that_does_otherwise_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.tape");
    let simulator = still().await;
    let recorder = record(&simulator, &path, Masking::nothing()).await;
    session(recorder.address()).await;
    recorder.shutdown().await;
    simulator.shutdown().await;

    let tape = Tape::from_file(&path).unwrap();
    let replayer = Replayer::start(any(), tape, Timing::Immediate)
        .await
        .unwrap();
    let client = Client::connect(&replayer.address().to_string(), 3)
        .await
        .unwrap();
    drop(client.contract_details(&stock("TLT")).await);
    eventually("the divergence", || !replayer.divergences().is_empty()).await;
    assert_eq!(
        replayer.divergences()[0].to_string(),
        "connection 1: another ContractDataRequest"
    );
    replayer.shutdown().await;
}

#[tokio::test]
async fn accounts_are_masked_and_the_frames_stay_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.tape");
    let simulator = still().await;
    let recorder = record(&simulator, &path, Masking::default()).await;
    // What goes through is not masked.
    assert!(session(recorder.address()).await.contains(ACCOUNT));
    recorder.shutdown().await;
    simulator.shutdown().await;

    let tape = Tape::from_file(&path).unwrap();
    for entry in &tape.entries {
        if let TapeEvent::Frame { data, .. } = &entry.event {
            let text = String::from_utf8_lossy(data);
            assert!(!text.contains(ACCOUNT), "{text}");
        }
    }
    let replayer = Replayer::start(any(), tape, Timing::Immediate)
        .await
        .unwrap();
    assert!(session(replayer.address()).await.contains("DU0000001"));
    replayer.shutdown().await;
}

#[tokio::test]
async fn what_is_no_frame_is_recorded_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.tape");
    let simulator = still().await;
    let recorder = record(&simulator, &path, Masking::default()).await;
    let mut raw = Raw::at(recorder.address()).await;
    raw.send(b"API\0").await;
    raw.frame(b"v157..178").await;
    assert!(raw.read().await.unwrap().starts_with(b"178\0"));
    raw.frame(b"71\x002\x005\0\0").await;
    for _ in 0..5 {
        raw.read().await.unwrap();
    }
    let kind = Garbage::Length;
    simulator.control().act(Fault::Garbage { kind }).unwrap();
    simulator.control().drop_connections();
    assert_eq!(raw.read().await, None);
    recorder.shutdown().await;
    simulator.shutdown().await;
    let tape = Tape::from_file(&path).unwrap();
    let last: Vec<&TapeEvent> = tape
        .entries
        .iter()
        .rev()
        .map(|entry| &entry.event)
        .collect();
    assert_eq!(*last[0], TapeEvent::Close);
    assert!(matches!(last[1], TapeEvent::Bytes { data } if data[..] == [0xff; 4]));
    assert!(matches!(last[2], TapeEvent::Frame { name, .. } if name == "ErrorMessage"));
}

#[tokio::test]
async fn a_tws_that_is_not_there_is_a_connection_that_closes() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = still().await;
    let gone = simulator.address();
    simulator.shutdown().await;
    let recorder = Recorder::start(RecorderConfig {
        listen: any(),
        target: gone.to_string(),
        tape: folder.path().join("session.tape"),
        masking: Masking::default(),
    })
    .await
    .unwrap();
    assert_eq!(Raw::at(recorder.address()).await.read().await, None);
    recorder.shutdown().await;
}

#[test]
fn what_is_no_tape_is_said_so() {
    let header = r#"{"tape":1,"began":"2026-11-22T20:00:00Z"}"#;
    for (text, part) in [
        (String::new(), "empty"),
        (String::from("x"), "line 1"),
        (header.replace(":1,", ":2,"), "version 2"),
        (format!("{header}\n\n{{\"at\":1}}"), "line 3"),
        (
            format!(
                "{header}\n{{\"at\":1,\"connection\":1,\"from\":\"tws\",\"kind\":\"bytes\",\"data\":\"?\"}}"
            ),
            "line 2",
        ),
    ] {
        let error: TapeError = Tape::parse(&text).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(
        Tape::from_file("/nowhere/x")
            .unwrap_err()
            .to_string()
            .contains("/nowhere/x")
    );
}
