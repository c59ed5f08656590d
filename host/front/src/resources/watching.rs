//! Telling subscribers that a resource has changed.
//!
//! For every URI that somebody subscribes to there is one watcher, which reads
//! the resource again and again and compares: soon when something has happened
//! at the broker, and else from time to time. It ends with its last
//! subscriber. What a reading failed to bring is no change: subscribers are
//! told of the next good reading if it differs from the last good one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use sandpit_tools::{Answer, Content, News, ResourceBody, Rights, Tools};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::find;
use super::reading::{self, Reader};
use crate::auth::Identity;
use crate::call;
use crate::config::ResourcesConfig;

/// Who reads for all subscribers, as it stands in logs.
const CLIENT: &str = "host resource-watcher";

/// How often the time between two readings is doubled while they fail.
const DOUBLINGS: u32 = 4;

/// How long a subscriber waits for the first reading.
const FIRST_READING: Duration = Duration::from_secs(10);

/// Everything that is watched.
#[derive(Clone)]
pub(crate) struct Watchers {
    shared: Arc<Shared>,
}

struct Shared {
    tools: Tools,
    config: ResourcesConfig,
    watched: Mutex<HashMap<String, Weak<Watcher>>>,
}

/// Reads one URI as long as somebody holds it.
struct Watcher {
    uri: String,
    shared: Arc<Shared>,
    progress: watch::Receiver<Progress>,
    task: AbortHandle,
}

/// How far a watcher is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Progress {
    /// How often it tried to read.
    readings: u64,
    /// How often what it read differed from what it had read before.
    changes: u64,
}

/// Why nobody can subscribe to a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotWatched {
    /// There is no such resource for the caller.
    Unknown,
    /// So many resources are watched already.
    Full(usize),
}

/// A share in the watcher of a URI. It follows the changes since it was taken.
pub(crate) struct Subscription {
    watcher: Arc<Watcher>,
    progress: watch::Receiver<Progress>,
    seen: u64,
}

impl Watchers {
    /// Watches nothing yet.
    pub(crate) fn new(tools: Tools, config: ResourcesConfig) -> Self {
        Self {
            shared: Arc::new(Shared {
                tools,
                config,
                watched: Mutex::default(),
            }),
        }
    }

    /// Follows what may change resources, from now on.
    pub(crate) fn news(&self) -> News {
        self.shared.tools.news()
    }

    /// How many resources one session, or one stream, may subscribe to.
    pub(crate) fn limit(&self) -> usize {
        self.shared.config.max_subscriptions
    }

    /// Subscribes a caller to a URI.
    ///
    /// # Errors
    ///
    /// If there is no such resource for the caller, or if too many are watched.
    pub(crate) fn subscribe(
        &self,
        uri: &str,
        identity: &Identity,
    ) -> Result<Subscription, NotWatched> {
        let found = find(&self.shared.tools.callable(), uri);
        if !found.is_some_and(|found| identity.may_use(&found.tool)) {
            return Err(NotWatched::Unknown);
        }
        let mut watched = self.shared.watched();
        let known = watched.get(uri).and_then(Weak::upgrade);
        let watcher = match known {
            Some(watcher) => watcher,
            None => {
                let limit = self.shared.config.max_watched;
                if watched.len() >= limit {
                    return Err(NotWatched::Full(limit));
                }
                let watcher = Arc::new(Watcher::start(uri, Arc::clone(&self.shared)));
                watched.insert(uri.to_owned(), Arc::downgrade(&watcher));
                watcher
            }
        };
        let progress = watcher.progress.clone();
        let seen = progress.borrow().changes;
        Ok(Subscription {
            watcher,
            progress,
            seen,
        })
    }
}

impl Shared {
    fn watched(&self) -> MutexGuard<'_, HashMap<String, Weak<Watcher>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// The URI that is watched.
    pub(crate) fn uri(&self) -> &str {
        &self.watcher.uri
    }

    /// Waits until there is something to compare later readings with, or until
    /// it is clear that it takes long.
    pub(crate) async fn begun(&mut self) {
        let read = self.progress.wait_for(|progress| progress.readings > 0);
        let _ = tokio::time::timeout(FIRST_READING, read).await;
    }

    /// Waits for the next change. Several since the last time are one.
    pub(crate) async fn changed(&mut self) {
        let seen = self.seen;
        let changed = self.progress.wait_for(|progress| progress.changes != seen);
        let changes = changed.await.map(|progress| progress.changes);
        match changes {
            Ok(changes) => self.seen = changes,
            // The watcher ends only with its subscriptions.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Watcher {
    fn start(uri: &str, shared: Arc<Shared>) -> Self {
        let (sender, progress) = watch::channel(Progress::default());
        let (tools, config) = (shared.tools.clone(), shared.config.clone());
        let task = tokio::spawn(follow(tools, config, uri.to_owned(), sender));
        Self {
            uri: uri.to_owned(),
            shared,
            progress,
            task: task.abort_handle(),
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
        let mut watched = self.shared.watched();
        // Another one may have taken its place already.
        if watched
            .get(&self.uri)
            .is_some_and(|watcher| watcher.strong_count() == 0)
        {
            watched.remove(&self.uri);
        }
    }
}

/// Reads a URI again and again, and counts the changes.
async fn follow(
    tools: Tools,
    config: ResourcesConfig,
    uri: String,
    progress: watch::Sender<Progress>,
) {
    let mut news = tools.news();
    let mut set = tools.changes();
    let mut last = None;
    let mut failures = 0;
    loop {
        match fingerprint(&tools, &uri).await {
            Ok(now) => {
                // After failures it is not known what subscribers have seen.
                let is_change = match &last {
                    Some(last) => *last != now,
                    None => failures > 0,
                };
                last = Some(now);
                failures = 0;
                progress.send_modify(|progress| {
                    progress.readings += 1;
                    progress.changes += u64::from(is_change);
                });
            }
            Err(reason) => {
                tracing::debug!(uri, reason, "a watched resource could not be read");
                failures = (failures + 1).min(DOUBLINGS);
                progress.send_modify(|progress| progress.readings += 1);
            }
        }
        // Neither readings nor notifications come faster than this.
        tokio::time::sleep(config.interval).await;
        let pause = config.poll.saturating_mul(1 << failures);
        tokio::select! {
            () = news.next() => {}
            Ok(()) = set.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Reads a URI, and answers what is the same as long as it has not changed.
async fn fingerprint(tools: &Tools, uri: &str) -> Result<[u8; 32], String> {
    let found = find(&tools.callable(), uri).ok_or("there is no such resource")?;
    let reader = Reader {
        client: CLIENT.to_owned(),
        rights: Rights::to_all(),
        call_id: call::new_id(),
        cancel: CancellationToken::new(),
    };
    let answer = reading::answer(tools, &found, reader);
    let answer = answer.await.map_err(|error| error.sentence(uri))?;
    Ok(digest(&answer, &found.resource.volatile))
}

/// A digest of an answer without what is volatile in it.
fn digest(answer: &Answer, volatile: &[String]) -> [u8; 32] {
    let mut digest = Sha256::new();
    let mut add = |bytes: &[u8]| {
        digest.update(bytes.len().to_le_bytes());
        digest.update(bytes);
    };
    if let Some(structured) = &answer.structured {
        let mut value = structured.json().clone();
        forget(&mut value, volatile);
        add(value.to_string().as_bytes());
    }
    for content in &answer.content {
        match content {
            // It is a copy of what is structured, with what is volatile.
            Content::Text(_) if answer.structured.is_some() => {}
            Content::Text(text) => add(text.as_bytes()),
            Content::Image(blob) | Content::Audio(blob) => add(&blob.data),
            Content::ResourceLink(link) => add(link.uri.as_bytes()),
            Content::EmbeddedResource(embedded) => match &embedded.body {
                ResourceBody::Text(text) => add(text.as_bytes()),
                ResourceBody::Blob(data) => add(data),
            },
        }
    }
    digest.finalize().into()
}

/// Takes properties of these names out of a value, at any depth.
fn forget(value: &mut Value, names: &[String]) {
    match value {
        Value::Object(object) => {
            object.retain(|name, _| !names.contains(name));
            object.values_mut().for_each(|value| forget(value, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| forget(value, names)),
        _ => {}
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use sandpit_tools::Structured;

    use super::*;

    fn of(text: &str) -> [u8; 32] {
        let answer = Answer {
            content: vec![Content::Text(text.to_owned())],
            structured: Some(Structured::parse(text.to_owned()).unwrap()),
        };
        digest(&answer, &["ageMs".to_owned()])
    }

    #[test]
    fn what_is_volatile_is_no_change() {
        let before = of(r#"{"bid":1.10,"ageMs":1,"legs":[{"ageMs":3,"ask":2}]}"#);
        let same = of(r#"{"bid":1.10,"ageMs":2,"legs":[{"ageMs":4,"ask":2}]}"#);
        let other = of(r#"{"bid":1.10,"ageMs":2,"legs":[{"ageMs":4,"ask":3}]}"#);
        assert_eq!(before, same);
        assert_ne!(before, other);
    }

    #[test]
    fn a_text_that_is_not_structured_counts() {
        let plain = |text: &str| {
            let answer = Answer {
                content: vec![Content::Text(text.to_owned())],
                structured: None,
            };
            digest(&answer, &[])
        };
        assert_eq!(plain("a"), plain("a"));
        assert_ne!(plain("a"), plain("b"));
    }
}
