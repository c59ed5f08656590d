//! A host whose folder and policy change while it runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sandpit_gateway::GatewayConfig;
use sandpit_tools::{
    CallRequest, Failure, FailureKind, Outcome, Policy, Status, ToolError, ToolState, ToolStatus,
    Tools, ToolsConfig,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::guest::Guest;
use crate::{everything, failure, no_arguments, sandbox, structured};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tools whose folder is watched.
pub struct Live {
    pub tools: Tools,
    folder: TempDir,
    /// Where files are made before they are moved into the folder.
    beside: TempDir,
    stop: CancellationToken,
    watching: JoinHandle<()>,
}

impl Live {
    /// A host with these files in its folder, and everything granted.
    pub async fn new(files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Self {
        Self::with(files, everything()).await
    }

    pub async fn with(
        files: impl IntoIterator<Item = (&'static str, Vec<u8>)>,
        policy: Policy,
    ) -> Self {
        Self::configured(files, |config| config.policy = policy).await
    }

    pub async fn configured(
        files: impl IntoIterator<Item = (&'static str, Vec<u8>)>,
        change: impl FnOnce(&mut ToolsConfig),
    ) -> Self {
        let folder = crate::folder(files);
        let mut config = ToolsConfig::new(folder.path());
        change(&mut config);
        let tools = Tools::open(config, sandbox(GatewayConfig::default()))
            .await
            .unwrap();
        let stop = CancellationToken::new();
        let watching = tokio::spawn(tools.watch(stop.clone()));
        Self {
            tools,
            folder,
            beside: tempfile::tempdir().unwrap(),
            stop,
            watching,
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder().join(file)
    }

    pub fn beside(&self) -> &Path {
        self.beside.path()
    }

    /// Writes a file where it is.
    pub fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(file), bytes).unwrap();
    }

    /// Puts a file there at once, as a careful operator does.
    pub fn put(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let made = self.beside().join("made");
        std::fs::write(&made, bytes).unwrap();
        std::fs::rename(made, self.path(file)).unwrap();
    }

    pub fn remove(&self, file: &str) {
        std::fs::remove_file(self.path(file)).unwrap();
    }

    pub fn status(&self) -> Status {
        self.tools.status()
    }

    /// What the operator sees of a file.
    pub fn row(&self, file: &str) -> Option<ToolStatus> {
        self.status().tools.into_iter().find(|row| row.file == file)
    }

    /// The names that clients see.
    pub fn names(&self) -> Vec<String> {
        let list = self.tools.list();
        list.iter().map(|tool| tool.name().to_owned()).collect()
    }

    /// Waits until a file is in this state, with these words in its reason.
    pub async fn until(&self, file: &str, state: ToolState, reason: &str) {
        let what = || format!("{file} {state} {reason:?}, not {:?}", self.row(file));
        eventually(what, || {
            self.row(file).is_some_and(|row| {
                row.state == state && row.reason.unwrap_or_default().contains(reason)
            })
        })
        .await;
    }

    /// Waits until exactly these tools are there.
    pub async fn until_names(&self, names: &[&str]) {
        eventually(
            || format!("{names:?}, not {:?}: {:?}", self.names(), self.status()),
            || self.names() == names,
        )
        .await;
    }

    /// Waits until the tool of this name answers like this.
    pub async fn until_answer(&self, name: &str, answer: &str) {
        let waiting = async {
            loop {
                let called = self.tools.call(name, no_arguments()).await;
                if called.is_ok_and(|outcome| structured(outcome).text() == answer) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("{name} answers {answer}: {:?}", self.status()));
    }

    pub async fn answer(&self, name: &str) -> String {
        let outcome = self.tools.call(name, no_arguments()).await.unwrap();
        structured(outcome).text().to_owned()
    }

    /// The digest of what serves under this name.
    pub fn digest(&self, name: &str) -> String {
        self.tools.get(name).unwrap().digest().to_owned()
    }

    /// Begins a call and waits until it runs or waits for its place.
    pub async fn begin(&self, name: &str, request: CallRequest) -> Calling {
        let before = self.busy(name);
        let cancel = request.cancel.clone();
        let (tools, of) = (self.tools.clone(), name.to_owned());
        let running = tokio::spawn(async move { tools.call(&of, request).await });
        eventually(
            || format!("a call of {name} begins"),
            || self.busy(name) > before || running.is_finished(),
        )
        .await;
        Calling { running, cancel }
    }

    fn busy(&self, name: &str) -> u64 {
        let rows = self.status().tools.into_iter();
        let mut of = rows.filter(|row| row.name.as_deref() == Some(name));
        of.next()
            .map_or(0, |row| row.usage.running + row.usage.queued)
    }

    /// Ends the watch, which must not take part in it for ever.
    pub async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.watching)
            .await
            .unwrap()
            .unwrap();
    }
}

/// A call that runs.
pub struct Calling {
    running: JoinHandle<Result<Outcome, ToolError>>,
    pub cancel: CancellationToken,
}

impl Calling {
    pub fn is_over(&self) -> bool {
        self.running.is_finished()
    }

    pub async fn outcome(self) -> Outcome {
        tokio::time::timeout(PATIENCE, self.running)
            .await
            .unwrap()
            .unwrap()
            .unwrap()
    }

    /// The caller leaves without a word.
    pub fn leave(self) {
        self.running.abort();
    }

    /// The answer of a call that is told to end.
    pub async fn answer(self) -> String {
        self.cancel.cancel();
        structured(self.outcome().await).text().to_owned()
    }

    /// The failure of a call that the policy ended.
    pub async fn revoked(self) -> Failure {
        let failure = failure(self.outcome().await);
        assert_eq!(failure.kind, FailureKind::NoPermission, "{failure:?}");
        assert!(failure.message.contains("policy"), "{failure:?}");
        failure
    }
}

/// A tool that answers when its call is cancelled, and not before.
pub fn patient(name: &str, answer: &str) -> Guest {
    Guest::new(name)
        .answer(answer)
        .import("sandpit:tool/context@0.1.0", "cancelled", "(result i32)")
        .before_answer("(loop $wait (br_if $wait (i32.eqz (call $cancelled))))")
}

/// A tool that asks for reading accounts.
pub fn reader(name: &str) -> Guest {
    Guest::new(name).import("sandpit:broker/account@0.1.0", "positions", "(param i32)")
}

/// Waits until something is so, and fails the test if it never is.
pub async fn eventually(what: impl Fn() -> String, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("it should be so: {}", what()));
}
