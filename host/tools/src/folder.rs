//! What is known of the files of the tool folder, and what is made of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::candidate::{Candidate, Found};
use crate::changes;
use crate::config::ToolsConfig;
use crate::decide::{self, Content, FileFacts, Present, Verdicts};
use crate::files::{Look, Seen, Stamp};
use crate::metrics::CallMetrics;
use crate::policy::Policy;
use crate::runtime::Runtime;
use crate::set::{Row, ToolSet, row};
use crate::settling::{Fault, Settling};
use crate::tool::Tool;

/// How many names are remembered beyond those that are served.
const NAMES: usize = 1024;

/// What is known of the folder.
pub(crate) struct Folder {
    policy: Policy,
    files: BTreeMap<String, Record>,
    verdicts: Verdicts,
    runtimes: BTreeMap<String, Arc<Runtime>>,
    /// What is counted of their calls.
    metrics: CallMetrics,
}

/// What is known of one file.
pub(crate) struct Record {
    settling: Settling,
    present: Known,
    /// What it held when it served last.
    held: Option<Arc<Candidate>>,
}

/// What a file holds, as far as it is known.
enum Known {
    /// Nothing is known yet, or it does not load and may be a copy half-way.
    Waiting {
        reason: String,
        fault: Option<String>,
        digest: Option<String>,
    },
    Bad {
        reason: String,
        digest: Option<String>,
    },
    Good(Arc<Candidate>),
}

impl Known {
    fn new(seen: &Seen) -> Self {
        match seen {
            Seen::File(_) => Self::Waiting {
                reason: "It is being looked at.".to_owned(),
                fault: None,
                digest: None,
            },
            Seen::Other(reason) => Self::Bad {
                reason: reason.clone(),
                digest: None,
            },
        }
    }

    fn digest(&self) -> Option<&str> {
        match self {
            Self::Good(candidate) => Some(&candidate.facts.digest),
            Self::Waiting { digest, .. } | Self::Bad { digest, .. } => digest.as_deref(),
        }
    }
}

impl Record {
    fn new(seen: &Seen, now: Instant) -> Self {
        Self {
            settling: Settling::new(seen.clone(), now),
            present: Known::new(seen),
            held: None,
        }
    }

    /// What is known of the content with this digest.
    pub(crate) fn candidate(&self, digest: &str) -> Option<&Arc<Candidate>> {
        let present = match &self.present {
            Known::Good(candidate) => Some(candidate),
            Known::Waiting { .. } | Known::Bad { .. } => None,
        };
        present
            .into_iter()
            .chain(&self.held)
            .find(|candidate| candidate.facts.digest == digest)
    }

    fn facts(&self) -> FileFacts<'_> {
        FileFacts {
            present: match &self.present {
                Known::Waiting { reason, .. } => Present::Waiting(reason),
                Known::Bad { reason, .. } => Present::Bad(reason),
                Known::Good(candidate) => Present::Good(&candidate.facts),
            },
            held: self.held.as_ref().map(|candidate| &*candidate.facts),
        }
    }

    /// Takes over what an inspection found.
    fn take(&mut self, found: Found, now: Instant) {
        let (reason, digest, passing) = match found {
            Found::Changed => return self.settling.changed(now),
            Found::Tool(candidate) => {
                self.present = Known::Good(candidate);
                return;
            }
            Found::Same => match &self.present {
                Known::Waiting {
                    fault: Some(fault),
                    digest,
                    ..
                } => (fault.clone(), digest.clone(), false),
                _ => return,
            },
            Found::Fault {
                reason,
                digest,
                passing,
            } => (reason, digest, passing),
        };
        self.present = match self.settling.fault(passing, now) {
            Fault::Early => Known::Waiting {
                reason: format!("It does not load, and may still be being copied. {reason}"),
                fault: Some(reason),
                digest,
            },
            Fault::Final => Known::Bad { reason, digest },
        };
    }
}

/// An inspection that is due.
pub(crate) struct Due {
    pub(crate) file: String,
    pub(crate) stamp: Stamp,
    /// The digest of what is known already.
    pub(crate) known: Option<String>,
}

impl Folder {
    pub(crate) fn new(policy: Policy, metrics: CallMetrics) -> Self {
        Self {
            policy,
            metrics,
            files: BTreeMap::new(),
            verdicts: Verdicts::new(),
            runtimes: BTreeMap::new(),
        }
    }

    /// Takes over how the folder looks now.
    pub(crate) fn look(&mut self, look: &Look, now: Instant) {
        self.files.retain(|file, _| look.contains_key(file));
        for (file, seen) in look {
            match self.files.get_mut(file) {
                None => {
                    self.files.insert(file.clone(), Record::new(seen, now));
                }
                Some(record) => {
                    if record.settling.look(seen, now)
                        && let Seen::Other(_) = seen
                    {
                        record.present = Known::new(seen);
                        record.held = None;
                    }
                }
            }
        }
    }

    /// The first look: begins the inspection of every file at once.
    pub(crate) fn begin(&mut self, look: &Look, now: Instant) -> Vec<Due> {
        self.look(look, now);
        let due = |(file, record): (&String, &mut Record)| {
            Some(Due {
                file: file.clone(),
                stamp: record.settling.begin_at_once()?,
                known: None,
            })
        };
        self.files.iter_mut().filter_map(due).collect()
    }

    /// Takes over what the first inspections found. There is nothing to wait
    /// for: a file that is still being copied will change.
    pub(crate) fn loaded(&mut self, found: Vec<(String, Stamp, Found)>, now: Instant) {
        for (file, stamp, found) in found {
            self.inspected(&file, stamp, found, now);
        }
        for record in self.files.values_mut() {
            if let Known::Waiting {
                fault: Some(fault),
                digest,
                ..
            } = &record.present
            {
                record.present = Known::Bad {
                    reason: fault.clone(),
                    digest: digest.clone(),
                };
            }
        }
    }

    /// Has the files that changed a moment ago looked into once more: within
    /// the resolution of its clock, a file system may not show a change.
    pub(crate) fn doubt_young_files(&mut self, clock: SystemTime, now: Instant) {
        for record in self.files.values_mut() {
            record.settling.doubt_if_young(clock, now);
        }
    }

    /// Begins all inspections for which it is time.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Due> {
        let due = |(file, record): (&String, &mut Record)| {
            let stamp = record.settling.begin(now)?;
            Some(Due {
                file: file.clone(),
                stamp,
                known: record.present.digest().map(str::to_owned),
            })
        };
        self.files.iter_mut().filter_map(due).collect()
    }

    /// When it is time for another look.
    pub(crate) fn wake(&self) -> Option<Instant> {
        self.files
            .values()
            .filter_map(|record| record.settling.wake())
            .min()
    }

    /// Takes over what an inspection found, unless the file is another one by
    /// now.
    pub(crate) fn inspected(&mut self, file: &str, stamp: Stamp, found: Found, now: Instant) {
        if let Some(record) = self.files.get_mut(file)
            && record.settling.end(stamp)
        {
            record.take(found, now);
        }
    }

    /// Takes over another policy.
    pub(crate) fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Ends the calls from which the policy takes something away. To be called
    /// when no call can begin under the policy before.
    pub(crate) fn revoke(&self) {
        for (name, runtime) in &self.runtimes {
            runtime.apply(&self.policy.of(name));
        }
    }

    /// The next state of the set, or nothing if nothing has changed.
    pub(crate) fn next(&mut self, now: &ToolSet, config: &ToolsConfig) -> Option<ToolSet> {
        loop {
            let facts = self
                .files
                .iter()
                .map(|(file, record)| (file.clone(), record.facts()))
                .collect();
            let verdicts = decide::decide(&facts, &self.policy);
            if verdicts == self.verdicts {
                return None;
            }
            match self.build(&verdicts, now, config) {
                Ok(set) => {
                    for change in changes::between(&self.verdicts, &verdicts) {
                        change.log();
                    }
                    self.hold(&verdicts);
                    self.verdicts = verdicts;
                    return Some(set);
                }
                Err(Unlinked {
                    file,
                    content,
                    reason,
                }) => self.discard(&file, content, reason),
            }
        }
    }

    fn build(
        &mut self,
        verdicts: &Verdicts,
        now: &ToolSet,
        config: &ToolsConfig,
    ) -> Result<ToolSet, Unlinked> {
        let mut tools = Vec::new();
        let mut rows = Vec::new();
        for (file, verdict) in verdicts {
            let Some(record) = self.files.get(file) else {
                continue;
            };
            let name = verdict.facts.as_ref().map(|facts| facts.name.as_str());
            if let (Some(content), Some(facts), Some(policy)) =
                (verdict.serves, &verdict.facts, &verdict.policy)
                && let Some(candidate) = record.candidate(&facts.digest)
            {
                let new = || Runtime::new(policy, self.metrics.of(&facts.name));
                let runtime = self
                    .runtimes
                    .entry(facts.name.clone())
                    .or_insert_with(|| Arc::new(new()));
                let before = now
                    .get(&facts.name)
                    .filter(|tool| tool.digest() == facts.digest);
                tools.push(match before {
                    Some(tool) if tool.file() == file && tool.policy() == &**policy => {
                        Arc::clone(tool)
                    }
                    _ => Arc::new(
                        Tool::new(
                            file.clone(),
                            Arc::clone(candidate),
                            before.map(|tool| tool.component().clone()),
                            Arc::clone(policy),
                            Arc::clone(runtime),
                            config,
                        )
                        .map_err(|error| Unlinked {
                            file: file.clone(),
                            content,
                            reason: error.to_string(),
                        })?,
                    ),
                });
            }
            rows.push(Row {
                status: row(file, record, verdict),
                runtime: name.and_then(|name| self.runtimes.get(name)).cloned(),
            });
        }
        let set = ToolSet::new(tools, rows);
        self.forget_names(&set);
        Ok(set)
    }

    /// Remembers what serves: it goes on when something that cannot serve takes
    /// its place.
    fn hold(&mut self, verdicts: &Verdicts) {
        for (file, record) in &mut self.files {
            let serves = verdicts.get(file).and_then(|verdict| verdict.serves);
            if let (Some(Content::Present), Known::Good(candidate)) = (serves, &record.present) {
                record.held = Some(Arc::clone(candidate));
            }
        }
    }

    /// A content that should serve cannot be linked.
    fn discard(&mut self, file: &str, content: Content, reason: String) {
        if let Some(record) = self.files.get_mut(file) {
            match content {
                Content::Held => record.held = None,
                Content::Present => {
                    let digest = record.present.digest().map(str::to_owned);
                    record.present = Known::Bad { reason, digest };
                }
            }
        }
    }

    /// Keeps the number of remembered names in bounds.
    fn forget_names(&mut self, set: &ToolSet) {
        if self.runtimes.len() > set.len() + NAMES {
            self.runtimes
                .retain(|name, runtime| set.get(name).is_some() || !runtime.is_idle());
        }
    }
}

/// A content that cannot be linked.
struct Unlinked {
    file: String,
    content: Content,
    reason: String,
}
