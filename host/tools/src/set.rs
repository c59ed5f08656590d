//! One state of the set of tools. It never changes; another state replaces it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decide::Verdict;
use crate::error::{NAME, Refusal, ToolError};
use crate::folder::Record;
use crate::policy::Limits;
use crate::runtime::Runtime;
use crate::status::{Kind, ToolLimits, ToolState, ToolStatus, Usage};
use crate::tool::Tool;

/// One state of the set.
#[derive(Default)]
pub(crate) struct ToolSet {
    /// Tools and prompts: they share their names.
    by_name: BTreeMap<String, Arc<Tool>>,
    callable: Arc<[Arc<Tool>]>,
    visible: Arc<[Arc<Tool>]>,
    prompts: Arc<[Arc<Tool>]>,
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
        let of = |kind| by_name.values().filter(move |tool| tool.kind() == kind);
        let visible = |tool: &&Arc<Tool>| !tool.policy().hidden;
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
            visible: of(Kind::Tool).filter(visible).cloned().collect(),
            callable: of(Kind::Tool).cloned().collect(),
            prompts: of(Kind::Prompt).filter(visible).cloned().collect(),
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

    /// The prompts that clients see, by name.
    pub(crate) fn prompts(&self) -> Arc<[Arc<Tool>]> {
        Arc::clone(&self.prompts)
    }

    /// How many tools and prompts are served.
    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// The tool or prompt of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Tool>> {
        self.by_name.get(name)
    }

    /// What is of this kind and name.
    pub(crate) fn get_of(&self, kind: Kind, name: &str) -> Option<&Arc<Tool>> {
        self.get(name).filter(|tool| tool.kind() == kind)
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

    /// Why there is nothing of this kind and name.
    pub(crate) fn missing(&self, kind: Kind, name: &str) -> ToolError {
        let state = self
            .rows
            .iter()
            .filter(|row| row.status.name.as_deref() == Some(name))
            .filter(|row| row.status.kind == Some(kind))
            .map(|row| row.status.state)
            .find(|state| matches!(state, ToolState::Disabled | ToolState::Quarantined));
        let reason = match state {
            Some(ToolState::Disabled) => "the operator has disabled it",
            Some(_) => "the operator has not allowed what it asks for",
            None => return ToolError::unknown_of(kind, name),
        };
        let name = name.chars().take(NAME).collect();
        ToolError::NotServed { kind, name, reason }
    }

    /// Whether clients see the same tools, described in the same way.
    pub(crate) fn has_tools_of(&self, other: &Self) -> bool {
        look_alike(&self.visible, &other.visible)
    }

    /// Whether clients see the same prompts, described in the same way.
    pub(crate) fn has_prompts_of(&self, other: &Self) -> bool {
        look_alike(&self.prompts, &other.prompts)
    }
}

fn look_alike(some: &[Arc<Tool>], others: &[Arc<Tool>]) -> bool {
    let mut pairs = some.iter().zip(others);
    some.len() == others.len()
        && pairs.all(|(a, b)| Arc::ptr_eq(a, b) || a.descriptor() == b.descriptor())
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
        kind: inspected.map(|inspected| Kind::of(inspected.descriptor())),
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
