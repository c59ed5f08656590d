//! The log line of every change of what is served.

use std::io;
use std::sync::{Arc, Mutex};

use sandpit_tools::{Capability, Policy, PolicyEntry, ToolState};
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use crate::guest::Guest;
use crate::live::{Live, eventually, reader};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// The lines about what is served, and none of them twice.
    fn changes(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap();
        let lines = std::str::from_utf8(&bytes).unwrap().lines();
        let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .map(|line| line["fields"].clone())
            .filter(|fields| fields["message"] == "what is served changed")
            .collect()
    }
}

#[tokio::test]
async fn every_change_is_one_line() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_writer(lines.clone())
        .finish();
    let _log = tracing::subscriber::set_default(subscriber);

    let policy = Policy::from_iter([
        ("*", PolicyEntry::granting([Capability::Account])),
        ("b", PolicyEntry::granting([])),
    ]);
    let files = [
        ("a.wasm", reader("a").build()),
        ("b.wasm", reader("b").build()),
    ];
    let live = Live::with(files, policy).await;
    let row = live.row("a.wasm").unwrap();
    live.put("a.wasm", Guest::new("a").build());
    eventually(
        || "the newer version serves".to_owned(),
        || live.row("a.wasm").unwrap().asks.is_empty(),
    )
    .await;
    live.put("c.wasm", b"nonsense");
    live.until("c.wasm", ToolState::Refused, "").await;
    live.remove("a.wasm");
    live.until_names(&[]).await;

    let changes = lines.changes();
    let told: Vec<_> = changes
        .iter()
        .map(|line| {
            (
                line["file"].as_str().unwrap(),
                line["change"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("a.wasm", "served"),
            ("b.wasm", "quarantined"),
            ("a.wasm", "replaced"),
            ("c.wasm", "refused"),
            ("a.wasm", "removed"),
        ]
    );
    let first = &changes[0];
    assert_eq!(first["tool"], "a");
    assert_eq!(first["version"], "1.0.0");
    assert_eq!(first["digest"].as_str(), row.digest.as_deref());
    assert_eq!(first["grants"], "account");
    assert_eq!(first["why"], "The file is new.");
    let why = changes[1]["why"].as_str().unwrap();
    assert!(why.contains("sandpit grant b account"), "{why}");
    live.stop().await;
}
