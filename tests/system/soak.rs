//! A thousand changes of the tool folder while clients call: no call is lost,
//! and nothing is left behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rmcp::ServiceError;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::hostile::siege::{Footprint, Siege, status};
use crate::support::guest::Guest;
use crate::support::{Era, Host, McpClient, eventually, simulator};

/// Tools that are replaced by a rename.
const RENAMED: usize = 8;
/// Tools that are replaced by writing over them.
const COPIED: usize = 4;
/// Tools that come and go.
const VISITORS: usize = 8;
/// Rounds in which each of these is changed once.
const ROUNDS: u64 = 50;
/// Rounds before anything is counted.
const WARM_UP: u64 = 6;

/// What a tool may answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Always the same.
    Stays,
    /// Always, in one version or the other.
    Replaced,
    /// Or it is not there.
    Visits,
}

/// All tools by name.
fn tools() -> Vec<(String, Kind)> {
    let of = |name: &str, count: usize, kind: Kind| -> Vec<_> {
        let name = |number| (format!("{name}_{number}"), kind);
        (0..count).map(name).collect()
    };
    [
        of("stays", 1, Kind::Stays),
        of("renamed", RENAMED, Kind::Replaced),
        of("copied", COPIED, Kind::Replaced),
        of("visits", VISITORS, Kind::Visits),
    ]
    .concat()
}

/// A tool that answers with its version: 0 or 1.
fn component(name: &str, version: u64) -> Vec<u8> {
    let answer = format!(r#"{{"version":{version}}}"#);
    Guest::new(name).answer(&answer).build()
}

/// The tool folder, and both versions of every tool.
struct Folder {
    path: PathBuf,
    versions: Vec<(String, [Vec<u8>; 2])>,
}

impl Folder {
    fn new(path: &Path) -> Self {
        let versions = tools()
            .into_iter()
            .map(|(name, _)| {
                let versions = [component(&name, 0), component(&name, 1)];
                (name, versions)
            })
            .collect();
        let folder = Self {
            path: path.to_owned(),
            versions,
        };
        for (name, [first, _]) in &folder.versions {
            fs::write(folder.file(name), first).unwrap();
        }
        folder
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.wasm"))
    }

    fn rename_over(&self, name: &str, bytes: &[u8]) {
        let new = self.path.join(format!(".{name}.new"));
        fs::write(&new, bytes).unwrap();
        fs::rename(new, self.file(name)).unwrap();
    }

    /// Changes everything that changes, to what belongs to this round.
    fn change(&self, round: u64) {
        for (name, versions) in &self.versions {
            let bytes = &versions[usize::try_from(round % 2).unwrap()];
            match name.split_once('_') {
                Some(("renamed", _)) => self.rename_over(name, bytes),
                Some(("copied", _)) => fs::write(self.file(name), bytes).unwrap(),
                Some(("visits", _)) if round % 2 == 1 => {
                    fs::remove_file(self.file(name)).unwrap();
                }
                Some(("visits", number)) if number.ends_with(['0', '2', '4', '6']) => {
                    self.rename_over(name, bytes);
                }
                Some(("visits", _)) => fs::write(self.file(name), bytes).unwrap(),
                _ => {}
            }
        }
    }
}

/// What a client was answered.
enum Answer {
    Version(u64),
    Unknown,
}

/// Checks an answer, and counts it.
fn check(name: &str, kind: Kind, answer: &Answer, counts: &Counts) {
    match answer {
        Answer::Version(version) => {
            assert!(
                *version < 2 && (kind != Kind::Stays || *version == 0),
                "{name}"
            );
            counts.answered.fetch_add(1, Ordering::Relaxed);
        }
        Answer::Unknown => {
            assert!(kind == Kind::Visits, "{name} was not there");
            counts.unknown.fetch_add(1, Ordering::Relaxed);
        }
    }
    if kind == Kind::Stays {
        counts.stays.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many calls there were.
#[derive(Default)]
struct Counts {
    /// With an answer.
    answered: AtomicU64,
    /// Of a tool that was not there.
    unknown: AtomicU64,
    /// Of the tool that stays.
    stays: AtomicU64,
}

/// Calls all tools over REST, again and again.
async fn rest(base: String, counts: Arc<Counts>, stop: CancellationToken) {
    let client = reqwest::Client::new();
    while !stop.is_cancelled() {
        for (name, kind) in tools() {
            let request = client.post(format!("{base}/{name}")).json(&json!({}));
            let response = request.send().await.expect("an answer");
            let code = response.status().as_u16();
            let body: Value = response.json().await.expect("a whole answer");
            let answer = match code {
                200 => Answer::Version(body["version"].as_u64().expect("a version")),
                // Its routes go with it.
                404 if body["type"] == "/problems/unknown-route" => Answer::Unknown,
                404 if body["type"] == "/problems/unknown-tool" => Answer::Unknown,
                _ => panic!("{name}: {code} {body}"),
            };
            check(&name, kind, &answer, &counts);
        }
    }
}

/// The same over MCP.
async fn mcp(client: Arc<McpClient>, counts: Arc<Counts>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        for (name, kind) in tools() {
            let answer = match client.try_call(&name, json!({})).await {
                Ok(result) => {
                    let structured = result.structured_content.clone();
                    let version = structured.and_then(|answer| answer["version"].as_u64());
                    Answer::Version(version.unwrap_or_else(|| panic!("{name}: {result:?}")))
                }
                Err(ServiceError::McpError(error)) if error.code.0 == -32602 => Answer::Unknown,
                Err(error) => panic!("{name}: {error}"),
            };
            check(&name, kind, &answer, &counts);
        }
    }
}

/// Waits until the host serves what belongs to this round.
async fn settled(host: &Host, folder: &Folder, round: u64) {
    let digests: Vec<_> = folder
        .versions
        .iter()
        .map(|(name, versions)| {
            let version = match name.split_once('_') {
                Some(("stays", _)) => 0,
                _ => usize::try_from(round % 2).unwrap(),
            };
            let digest = (!name.starts_with("visits") || round.is_multiple_of(2))
                .then(|| sha256(&versions[version]));
            (name.as_str(), digest)
        })
        .collect();
    eventually("the round is over", async || {
        let status = status(host).await;
        let rows = status["tools"].as_array().expect("rows");
        digests.iter().all(|(name, digest)| {
            let row = rows.iter().find(|row| row["name"] == *name);
            let served = row.filter(|row| row["state"] == "served");
            served.and_then(|row| row["digest"].as_str()) == digest.as_deref()
        })
    })
    .await;
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_changes_lose_no_call() {
    let simulator = simulator().await;
    // One log line for each of so many calls is of no use here.
    let siege = Siege::new(&[]).config("[log]\nlevel = \"warn\"\n");
    let folder = Folder::new(&siege.tools());
    let host = siege.begin(&simulator).await;
    let counts = Arc::new(Counts::default());
    let stop = CancellationToken::new();
    let clients = [
        Arc::new(McpClient::connect(&host, Era::Legacy).await),
        Arc::new(McpClient::connect(&host, Era::Modern).await),
    ];
    let load = || {
        let mut load: Vec<_> = (0..2)
            .map(|_| tokio::spawn(rest(host.base.clone(), Arc::clone(&counts), stop.clone())))
            .collect();
        load.extend(clients.iter().map(|client| {
            tokio::spawn(mcp(Arc::clone(client), Arc::clone(&counts), stop.clone()))
        }));
        load
    };
    let running = load();
    for round in 1..=WARM_UP {
        folder.change(round);
        settled(&host, &folder, round).await;
    }
    let before = Footprint::of(&host);
    let called = counts.answered.load(Ordering::Relaxed);
    let heard = clients.each_ref().map(|client| client.heard().list_changed);

    for round in WARM_UP + 1..=WARM_UP + ROUNDS {
        folder.change(round);
        settled(&host, &folder, round).await;
        for call in &running {
            assert!(!call.is_finished(), "a client gave up in round {round}");
        }
    }

    assert!(counts.answered.load(Ordering::Relaxed) > called + 1000);
    assert!(counts.unknown.load(Ordering::Relaxed) > 0);
    for (client, before) in clients.iter().zip(heard) {
        // Every round changes the list; changes may be told together.
        let more = client.heard().list_changed - before;
        assert!(more >= 10, "{more}");
    }
    stop.cancel();
    for call in running {
        call.await.expect("a client whose every call was answered");
    }
    // The host counted what the clients did, across all the changes.
    let status = status(&host).await;
    let rows = status["tools"].as_array().expect("rows");
    let stays = rows
        .iter()
        .find(|row| row["name"] == "stays_0")
        .expect("it");
    let calls = counts.stays.load(Ordering::Relaxed);
    assert_eq!(stays["usage"]["calls"].as_u64(), Some(calls), "{stays}");
    for row in rows {
        if row["name"]
            .as_str()
            .is_some_and(|name| !name.starts_with("ibkr_"))
        {
            assert_eq!(row["usage"]["failures"], 0, "{row}");
        }
    }
    before.comes_back(&host, 16).await;
}
