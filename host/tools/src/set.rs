//! One state of the set of tools. It never changes; another state replaces it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decide::Verdict;
use crate::error::{NAME, Refusal, ToolError};
use crate::folder::Record;
use crate::policy::Limits;
use crate::runtime::Runtime;
use crate::status::{ToolLimits, ToolState, ToolStatus, Usage};
use crate::tool::Tool;

/// One state of the set.
#[derive(Default)]
pub(crate) struct ToolSet {
    by_name: BTreeMap<String, Arc<Tool>>,
    callable: Arc<[Arc<Tool>]>,
    visible: Arc<[Arc<Tool>]>,
    rows: Vec<Row>,
    refused: Arc<[Refusal]>,
}

/// What the operator sees of one file.
pub(crate) struct Row {
    pub(crate) status: ToolStatus,
    /// What belongs to the tool's name, if a tool of that name was ever served.
    pub(crate) runtime: Option<Arc<Runtime>>,
}

impl ToolSet {
    pub(crate) fn new(tools: Vec<Arc<Tool>>, mut rows: Vec<Row>) -> Self {
        let by_name: BTreeMap<_, _> = tools
            .into_iter()
            .map(|tool| (tool.name().to_owned(), tool))
            .collect();
        let visible = by_name.values().filter(|tool| !tool.policy().hidden);
        // Those without a name come last.
        rows.sort_by(|a, b| {
            let key = |row: &Row| (row.status.name.is_none(), row.status.name.clone());
            (key(a), &a.status.file).cmp(&(key(b), &b.status.file))
        });
        let mut refused: Vec<_> = rows
            .iter()
            .filter(|row| row.status.state == ToolState::Refused)
            .map(|row| Refusal {
                file: row.status.file.clone(),
                reason: row.status.reason.clone().unwrap_or_default(),
            })
            .collect();
        refused.sort_by(|a, b| a.file.cmp(&b.file));
        Self {
            visible: visible.cloned().collect(),
            callable: by_name.values().cloned().collect(),
            by_name,
            rows,
            refused: refused.into(),
        }
    }

    /// The tools that clients see, by name.
    pub(crate) fn visible(&self) -> Arc<[Arc<Tool>]> {
        Arc::clone(&self.visible)
    }

    /// All tools that can be called, by name.
    pub(crate) fn callable(&self) -> Arc<[Arc<Tool>]> {
        Arc::clone(&self.callable)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Tool>> {
        self.by_name.get(name)
    }

    /// The files that are refused, by file name.
    pub(crate) fn refused(&self) -> Arc<[Refusal]> {
        Arc::clone(&self.refused)
    }

    /// What the operator sees of each file.
    pub(crate) fn status(&self) -> Vec<ToolStatus> {
        let status = |row: &Row| ToolStatus {
            usage: row
                .runtime
                .as_ref()
                .map_or_else(Usage::default, |runtime| runtime.usage()),
            ..row.status.clone()
        };
        self.rows.iter().map(status).collect()
    }

    /// Why there is no tool of this name.
    pub(crate) fn missing(&self, name: &str) -> ToolError {
        let state = self
            .rows
            .iter()
            .filter(|row| row.status.name.as_deref() == Some(name))
            .map(|row| row.status.state)
            .find(|state| matches!(state, ToolState::Disabled | ToolState::Quarantined));
        let name = name.chars().take(NAME).collect();
        match state {
            Some(ToolState::Disabled) => ToolError::NotServed {
                name,
                reason: "the operator has disabled it",
            },
            Some(_) => ToolError::NotServed {
                name,
                reason: "the operator has not allowed what it asks for",
            },
            None => ToolError::unknown(&name),
        }
    }

    /// Whether clients see the same tools, described in the same way.
    pub(crate) fn looks_like(&self, other: &Self) -> bool {
        self.visible.len() == other.visible.len()
            && self
                .visible
                .iter()
                .zip(other.visible.iter())
                .all(|(a, b)| Arc::ptr_eq(a, b) || a.descriptor() == b.descriptor())
    }
}

/// What the operator sees of a file, but for its use.
pub(crate) fn row(file: &str, record: &Record, verdict: &Verdict) -> ToolStatus {
    let facts = verdict.facts.as_ref();
    let policy = verdict.policy.as_ref();
    let inspected = facts
        .and_then(|facts| record.candidate(&facts.digest))
        .map(|candidate| &candidate.inspected);
    let names = |list: &mut dyn Iterator<Item = sandpit_sandbox::Capability>| {
        list.map(|of| of.name().to_owned()).collect::<Vec<_>>()
    };
    ToolStatus {
        name: facts.map(|facts| facts.name.clone()),
        file: file.to_owned(),
        state: verdict.state,
        reason: verdict.reason.clone(),
        version: facts.map(|facts| facts.version.clone()),
        title: inspected.map(|inspected| inspected.descriptor().title.clone()),
        digest: facts.map(|facts| facts.digest.clone()),
        size: inspected.map(|inspected| inspected.size() as u64),
        asks: facts.map_or_else(Vec::new, |facts| names(&mut facts.asks.iter().copied())),
        grants: policy
            .and_then(|policy| policy.grants.as_ref())
            .map(|grants| names(&mut grants.iter().copied())),
        hidden: policy.is_some_and(|policy| policy.hidden),
        pin: policy.and_then(|policy| policy.pin.clone()),
        limits: policy.map(|policy| limits(&policy.limits)),
        usage: Usage::default(),
    }
}

fn limits(policy: &Limits) -> ToolLimits {
    ToolLimits {
        concurrent_calls: policy.concurrent(),
        queued_calls: policy.queued(),
        calls_per_minute: policy.per_minute(),
        deadline_seconds: policy.deadline_seconds,
        memory_mib: policy.memory_mib,
        market_data_lines: policy.lines(),
    }
}
