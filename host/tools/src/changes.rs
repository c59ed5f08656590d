//! What changed from one decision to the next, and one log line for each
//! change.

use crate::decide::{Facts, Verdict, Verdicts};
use crate::policy::ToolPolicy;
use crate::status::ToolState;

/// What happened to a tool or to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A tool is served that was not served before.
    Served,
    /// Another version of it is served.
    Replaced,
    /// It is served no longer: its file is gone, or has another name now.
    Removed,
    /// The policy of a tool that is served has changed.
    Policy,
    /// It is not served, or the newer content of its file is not.
    NotServed(ToolState),
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Replaced => "replaced",
            Self::Removed => "removed",
            Self::Policy => "policy",
            Self::NotServed(state) => state.name(),
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change<'a> {
    pub(crate) kind: Kind,
    pub(crate) file: &'a str,
    /// What is known of the component.
    pub(crate) facts: Option<&'a Facts>,
    pub(crate) policy: Option<&'a ToolPolicy>,
    pub(crate) why: &'a str,
}

/// What changed, by file.
pub(crate) fn between<'a>(before: &'a Verdicts, after: &'a Verdicts) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    for (file, before) in before {
        if !after.contains_key(file)
            && let Some(facts) = served(before)
        {
            changes.push(Change {
                kind: Kind::Removed,
                file,
                facts: Some(facts),
                policy: before.policy.as_deref(),
                why: "The file is gone.",
            });
        }
    }
    for (file, after) in after {
        of_file(file, before.get(file), after, &mut changes);
    }
    changes
}

fn of_file<'a>(
    file: &'a str,
    before: Option<&'a Verdict>,
    after: &'a Verdict,
    changes: &mut Vec<Change<'a>>,
) {
    let change = |kind, why| Change {
        kind,
        file,
        facts: after.facts.as_ref(),
        policy: after.policy.as_deref(),
        why,
    };
    let reason = after.reason.as_deref().unwrap_or_default();
    match (before.and_then(served), served(after)) {
        (None, Some(_)) => changes.push(change(Kind::Served, why_served(before, after))),
        (Some(was), Some(is)) if was.name != is.name => {
            changes.push(Change {
                facts: Some(was),
                policy: before.and_then(|before| before.policy.as_deref()),
                ..change(Kind::Removed, "The file holds another tool now.")
            });
            changes.push(change(Kind::Served, "The file holds another tool now."));
        }
        (Some(was), Some(is)) if was.digest != is.digest => {
            changes.push(change(Kind::Replaced, "The file has changed."));
        }
        (Some(_), Some(_)) => {
            if before.is_some_and(|before| before.policy != after.policy) {
                changes.push(change(Kind::Policy, "The policy has changed."));
            }
        }
        (Some(was), None) if after.state == ToolState::Waiting => {
            changes.push(Change {
                facts: Some(was),
                ..change(
                    Kind::Removed,
                    "The file is gone, and another one is in its place.",
                )
            });
        }
        (Some(_), None) => changes.push(change(Kind::NotServed(after.state), reason)),
        (None, None) => {
            let new = before.is_none_or(|before| {
                before.state != after.state
                    || before.reason != after.reason
                    || before.facts != after.facts
            });
            if new && after.state != ToolState::Waiting {
                changes.push(change(Kind::NotServed(after.state), reason));
            }
        }
    }
    if let Some(newer) = after.newer
        && newer != ToolState::Waiting
        && before.is_none_or(|before| before.newer != after.newer || before.reason != after.reason)
    {
        changes.push(change(Kind::NotServed(newer), reason));
    }
}

fn served(verdict: &Verdict) -> Option<&Facts> {
    verdict.facts.as_ref().filter(|_| verdict.serves.is_some())
}

fn why_served(before: Option<&Verdict>, after: &Verdict) -> &'static str {
    let digest = |verdict: &Verdict| verdict.facts.as_ref().map(|facts| facts.digest.clone());
    match before {
        None => "The file is new.",
        Some(before) if before.state == ToolState::Waiting => "The file is new.",
        Some(before) if digest(before) != digest(after) => "The file has changed.",
        Some(before) if before.state == ToolState::Refused => "Its name is free now.",
        Some(_) => "The policy allows it now.",
    }
}

impl Change<'_> {
    /// Writes the change into the log.
    pub(crate) fn log(&self) {
        let change = self.kind.name();
        let tool = self.facts.map(|facts| facts.name.as_str());
        let version = self.facts.map(|facts| facts.version.as_str());
        let digest = self.facts.map(|facts| facts.digest.as_str());
        let grants = self.policy.and_then(|policy| policy.grants.as_ref());
        let grants = grants.map(|grants| {
            let names: Vec<_> = grants.iter().map(|of| of.name()).collect();
            names.join(", ")
        });
        let (file, why) = (self.file, self.why);
        // The fields are the same on every line, whatever its level.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    tool,
                    version,
                    digest,
                    grants,
                    file,
                    change,
                    why,
                    "what is served changed"
                )
            };
        }
        match self.kind {
            Kind::NotServed(ToolState::Refused | ToolState::Quarantined) => line!(warn),
            _ => line!(info),
        }
    }
}

#[cfg(test)]
mod tests;
