//! Following the configuration file while the host runs.
//!
//! The policy, the rules of the gate and auth.loopback are applied as soon as the file
//! changes. A file that cannot be read, or is wrong, changes nothing and is told
//! until it is right again. Everything else in it counts from the next start.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use sandpit_front::{Loopback, LoopbackAccess};
use sandpit_gateway::{GateConfig, Gateways};
use sandpit_tools::Tools;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Config, Read, Sources};

/// How often the file is looked at without being told of a change. Some file
/// systems, and links into other folders, do not tell.
const POLL: Duration = Duration::from_secs(2);

/// How long a file must stay the same before it is read: editors and `cp`
/// write in more than one step.
const SETTLE: Duration = Duration::from_millis(100);

/// Follows the file that was read, until `stop`.
pub async fn watch(
    read: Read,
    tools: Tools,
    gateways: Gateways,
    loopback: Loopback,
    stop: CancellationToken,
) {
    let Read {
        config: running,
        sources,
        text,
    } = read;
    let (sender, mut told) = mpsc::channel(1);
    let _watcher = match watcher(sources.file(), sender) {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            warn!(%error, "changes of the configuration file are found by looking only");
            None
        }
    };
    let mut follower = Follower {
        sources,
        seen: Ok(text),
        running,
        tools,
        gateways,
        loopback,
    };
    let mut watching = true;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            event = told.recv(), if watching => watching = event.is_some(),
            () = tokio::time::sleep(POLL) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = follower.look() => {}
        }
    }
}

/// Tells of changes in the folder of a file: a file that is replaced is another
/// one.
fn watcher(file: &Path, told: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let name = file.file_name().map(ToOwned::to_owned);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let ours = event.map_or(true, |event| {
            event.need_rescan()
                || !event.kind.is_access()
                    && event
                        .paths
                        .iter()
                        .any(|path| path.file_name() == name.as_deref())
        });
        if ours {
            // One that waits already is enough.
            let _ = told.try_send(());
        }
    })?;
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// What was seen last, and what runs.
struct Follower {
    sources: Sources,
    /// The text, or why there is none.
    seen: Result<Option<String>, String>,
    running: Config,
    tools: Tools,
    gateways: Gateways,
    loopback: Loopback,
}

impl Follower {
    /// Looks at the file, and applies it if it has changed.
    async fn look(&mut self) {
        let mut text = self.read();
        if text == self.seen {
            return;
        }
        loop {
            tokio::time::sleep(SETTLE).await;
            let again = self.read();
            if again == text {
                break;
            }
            text = again;
        }
        if text == self.seen {
            return;
        }
        let before = std::mem::replace(&mut self.seen, text.clone());
        let read = match text {
            Ok(None) if matches!(before, Ok(Some(_)) | Err(_)) => Err(format!(
                "the configuration file {} is gone",
                self.sources.file().display()
            )),
            Ok(text) => self
                .sources
                .read_text(&text.unwrap_or_default())
                .map_err(|error| format!("{error:#}")),
            Err(error) => Err(error),
        };
        match read {
            Ok(config) => self.apply(config).await,
            Err(fault) => {
                warn!(
                    fault,
                    "the configuration file is not applied; the policy and the rules of orders \
                     stay as they were"
                );
                self.tools.policy_fault(Some(fault));
            }
        }
    }

    fn read(&self) -> Result<Option<String>, String> {
        self.sources.text().map_err(|error| format!("{error:#}"))
    }

    async fn apply(&mut self, config: Config) {
        for key in need_restart(&self.running, &config) {
            warn!(
                setting = key,
                "a changed setting counts from the next start"
            );
        }
        if config.policy == self.running.policy {
            info!("the configuration file was read again; the policy is the same");
        } else {
            info!("the configuration file was read again; the policy is applied");
            if let Err(error) = self.tools.set_policy(config.policy.clone()).await {
                warn!(%error, "the policy is not applied and stays as it was");
                self.tools.policy_fault(Some(error.to_string()));
                return;
            }
        }
        // Before the gates: nobody trades for real in between without a token.
        if let LoopbackAccess::Closed(reason) = config.loopback() {
            self.loopback.set(LoopbackAccess::Closed(reason));
        }
        self.apply_gates(&config);
        self.loopback.set(config.loopback());
        self.tools.policy_fault(None);
        self.running = config;
    }

    /// Sets the rules of every gateway whose rules have changed. What the gate
    /// remembers, such as how many orders were sent, stays.
    fn apply_gates(&self, config: &Config) {
        for gateway in self.gateways.iter() {
            let name = gateway.name();
            let (Some(before), Some(after)) = (gate(&self.running, name), gate(config, name))
            else {
                // A gateway that is no longer in the file goes with a restart.
                continue;
            };
            if before == after {
                continue;
            }
            for change in differing(&before, &after) {
                let shown = |value: Option<Value>| match value {
                    Some(value) => value.to_string(),
                    None => "not set".to_owned(),
                };
                let (before, after) = (shown(change.before), shown(change.after));
                info!(
                    gateway = name,
                    rule = change.key,
                    before,
                    after,
                    "a rule of orders was changed"
                );
            }
            gateway.set_gate(after);
        }
    }
}

/// The settings that differ and that a running host does not take over.
fn need_restart(running: &Config, new: &Config) -> Vec<String> {
    let mut keys = Vec::new();
    if running.operator.token != new.operator.token {
        keys.push("operator.token".to_owned());
    }
    let differing = differing(running, new).into_iter().map(|change| change.key);
    keys.extend(differing.filter(|key| !is_applied(key)));
    keys
}

/// Whether a running host takes a setting over.
fn is_applied(key: &str) -> bool {
    let parts: Vec<&str> = key.split('.').collect();
    matches!(
        parts.as_slice(),
        ["policy" | "gate", ..] | ["gateways", _, "gate", ..] | ["auth", "loopback"]
    )
}

/// The rules of the gateway of this name, if there is one.
fn gate(config: &Config, name: &str) -> Option<GateConfig> {
    let sections = config.gateways();
    let section = sections.iter().find(|(known, _)| *known == name);
    section.map(|(_, section)| config.gate_of(section))
}

/// A setting that was changed.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    /// Its name, with dots.
    key: String,
    /// Its value before; none if it was not set.
    before: Option<Value>,
    /// Its value now.
    after: Option<Value>,
}

/// The settings that differ, each by its whole name.
fn differing<T: Serialize>(running: &T, new: &T) -> Vec<Change> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    for (config, settings) in [(running, &mut before), (new, &mut after)] {
        match serde_json::to_value(config) {
            Ok(value) => flatten("", value, settings),
            Err(error) => warn!(%error, "a configuration cannot be compared with another"),
        }
    }
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
    let changes = keys.into_iter().map(|key| Change {
        before: before.remove(&key),
        after: after.remove(&key),
        key,
    });
    changes
        .filter(|change| change.before != change.after)
        .collect()
}

/// Every setting of a section under its whole name. Lists are one setting.
fn flatten(name: &str, value: Value, settings: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let key = if name.is_empty() {
                    key
                } else {
                    format!("{name}.{key}")
                };
                flatten(&key, value, settings);
            }
        }
        value => {
            settings.insert(name.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::GatewaySection;
    use super::*;
    use crate::operator::Secret;

    #[test]
    fn settings_that_need_a_restart_are_named() {
        let running = Config::default();
        let mut new = running.clone();
        new.policy.entries.entry("x".to_owned()).or_default();
        new.gate.rules.max_open_orders = Some(3);
        assert!(need_restart(&running, &new).is_empty());
        new.server.port = 9;
        new.sandbox.cache_folder = Some("cache".into());
        new.operator.token = Some(Secret::new("0123456789abcdef"));
        let live = GatewaySection::default();
        new.gateways.insert("live".to_owned(), live);
        let changed: Vec<_> = differing(&running, &new)
            .into_iter()
            .filter(|change| change.key.starts_with("gate."))
            .collect();
        let expected = Change {
            key: "gate.rules.max_open_orders".to_owned(),
            before: None,
            after: Some(3.into()),
        };
        assert_eq!(changed, [expected]);
        let keys = need_restart(&running, &new);
        for key in [
            "operator.token",
            "sandbox.cache_folder",
            "server.port",
            "gateways.live.port",
        ] {
            assert!(keys.iter().any(|found| found == key), "{key}: {keys:?}");
        }
    }
}
