//! What belongs to a tool's name and outlives the versions of its file: how
//! often it was called, who runs and who waits, and its market-data lines.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use sandpit_sandbox::{FailureKind, Lines, Reach, Scope};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::decide::{self, Facts};
use crate::metrics::ToolMetrics;
use crate::policy::ToolPolicy;
use crate::status::{ToolState, Usage};

/// What belongs to a tool's name.
pub(crate) struct Runtime {
    pub(crate) admission: Admission,
    pub(crate) lines: Lines,
    pub(crate) metrics: ToolMetrics,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    usage: Usage,
    next: u64,
    in_flight: BTreeMap<u64, InFlight>,
}

/// A call that runs or waits, and what it was let in with.
struct InFlight {
    facts: Arc<Facts>,
    scope: Arc<Scope>,
    cancel: CancellationToken,
    revoked: Arc<OnceLock<&'static str>>,
}

impl Runtime {
    pub(crate) fn new(policy: &ToolPolicy, metrics: ToolMetrics) -> Self {
        Self {
            admission: Admission::new(&policy.limits),
            lines: Lines::new(policy.limits.lines()),
            metrics,
            calls: Mutex::default(),
        }
    }

    /// Takes over another policy: its limits, and the end of all calls from
    /// which it takes something away.
    pub(crate) fn apply(&self, policy: &ToolPolicy) {
        self.admission.limit(&policy.limits);
        self.lines.set_limit(policy.limits.lines());
        for call in self.lock().in_flight.values() {
            if let Some(what) = taken_away(&call.facts, &call.scope, policy) {
                // Once is enough; the first reason stays.
                let _ = call.revoked.set(what);
                call.cancel.cancel();
            }
        }
    }

    /// Counts a call that begins, of this version and with this scope.
    pub(crate) fn begin(
        self: &Arc<Self>,
        facts: &Arc<Facts>,
        scope: &Arc<Scope>,
        cancel: &CancellationToken,
    ) -> Running {
        let cancel = cancel.child_token();
        let revoked = Arc::new(OnceLock::new());
        let mut calls = self.lock();
        calls.usage.calls += 1;
        calls.usage.last_called = Some(OffsetDateTime::now_utc());
        let id = calls.next;
        calls.next += 1;
        calls.in_flight.insert(
            id,
            InFlight {
                facts: Arc::clone(facts),
                scope: Arc::clone(scope),
                cancel: cancel.clone(),
                revoked: Arc::clone(&revoked),
            },
        );
        drop(calls);
        Running {
            runtime: Arc::clone(self),
            id,
            cancel,
            revoked,
            failed: Some(FailureKind::Cancelled),
        }
    }

    /// How the tool was used until now.
    pub(crate) fn usage(&self) -> Usage {
        let (running, queued) = self.admission.counts();
        Usage {
            running: running as u64,
            queued: queued as u64,
            market_data_lines: self.lines.in_use(),
            ..self.lock().usage
        }
    }

    /// Whether no call runs or waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.lock().in_flight.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call in flight. It counts as failed unless it is said to be good, so that
/// one whose caller left counts as well.
pub(crate) struct Running {
    runtime: Arc<Runtime>,
    id: u64,
    /// Cancelled by the caller, or when the policy takes something away.
    pub(crate) cancel: CancellationToken,
    revoked: Arc<OnceLock<&'static str>>,
    failed: Option<FailureKind>,
}

impl Running {
    /// What the policy took away while the call ran.
    pub(crate) fn revoked(&self) -> Option<&'static str> {
        self.revoked.get().copied()
    }

    /// The call ended, with a failure of this kind or without.
    pub(crate) fn end(mut self, failed: Option<FailureKind>) {
        self.failed = failed;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut calls = self.runtime.lock();
        calls.in_flight.remove(&self.id);
        if let Some(kind) = self.failed {
            calls.usage.failures += 1;
            calls.usage.refusals += u64::from(is_refusal(kind));
            calls.usage.last_failed = Some(OffsetDateTime::now_utc());
        }
    }
}

/// Whether a failure means that the call was not let do what it wanted.
fn is_refusal(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::InvalidArguments
            | FailureKind::NoPermission
            | FailureKind::Pacing
            | FailureKind::Rejected
    )
}

/// What a policy takes away from a call that was let in with these, in the
/// words that its caller reads.
fn taken_away(facts: &Facts, scope: &Scope, policy: &ToolPolicy) -> Option<&'static str> {
    match decide::admit(facts, policy) {
        Err((ToolState::Disabled, _)) => return Some("the tool is disabled"),
        Err(_) => return Some("the tool is no longer granted what it asks for"),
        Ok(()) => {}
    }
    let narrowed = loses(&scope.gateways, &policy.scope.gateways)
        || narrows(&scope.reach, &policy.scope.reach)
        || narrows(&scope.trade, &policy.scope.trade);
    narrowed.then_some("the tool may no longer reach all that it could")
}

/// Whether something that could be reached before cannot be reached after.
fn narrows(before: &Reach, after: &Reach) -> bool {
    loses(&before.accounts, &after.accounts)
        || loses(&before.symbols, &after.symbols)
        || loses(&before.security_types, &after.security_types)
}

/// Whether a list, where there is one, lets less through after than before.
fn loses(before: &Option<BTreeSet<String>>, after: &Option<BTreeSet<String>>) -> bool {
    match (before, after) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(before), Some(after)) => !before.is_subset(after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(symbols: Option<&[&str]>) -> Reach {
        Reach {
            symbols: symbols.map(|list| list.iter().map(|s| (*s).to_owned()).collect()),
            ..Reach::default()
        }
    }

    #[test]
    fn a_reach_is_narrowed_when_something_falls_out() {
        for (before, after, expected) in [
            (None, None, false),
            (None, Some(&["A"][..]), true),
            (Some(&["A"][..]), None, false),
            (Some(&["A"][..]), Some(&["A", "B"][..]), false),
            (Some(&["A", "B"][..]), Some(&["A"][..]), true),
            (Some(&["A"][..]), Some(&["B"][..]), true),
            (Some(&[][..]), Some(&[][..]), false),
        ] {
            assert_eq!(
                narrows(&reach(before), &reach(after)),
                expected,
                "{before:?} to {after:?}"
            );
        }
    }

    #[test]
    fn only_the_calls_that_lose_something_are_cancelled() {
        let policy = crate::policy::Policy::default().of("a");
        let granted = ToolPolicy {
            grants: Some([].into()),
            ..policy.clone()
        };
        let facts = Arc::new(Facts {
            name: "a".to_owned(),
            version: "1.0.0".to_owned(),
            digest: "d".to_owned(),
            asks: Vec::new(),
            resources: Vec::new(),
        });
        let Ok(metrics) = crate::metrics::CallMetrics::new() else {
            unreachable!("their names are right")
        };
        let runtime = Arc::new(Runtime::new(&granted, metrics.of("a")));
        let caller = CancellationToken::new();
        let wide = runtime.begin(&facts, &Arc::default(), &caller);
        let narrow = Scope {
            reach: reach(Some(&["A"])),
            ..Scope::default()
        };
        let narrow = runtime.begin(&facts, &Arc::new(narrow), &caller);

        let mut scoped = granted.clone();
        scoped.scope.reach = reach(Some(&["A", "B"]));
        runtime.apply(&scoped);
        assert!(wide.revoked().is_some() && wide.cancel.is_cancelled());
        assert!(narrow.revoked().is_none() && !narrow.cancel.is_cancelled());
        assert!(!caller.is_cancelled());

        runtime.apply(&policy);
        assert!(narrow.revoked().is_some() && narrow.cancel.is_cancelled());
        assert!(!runtime.is_idle());
        let refused = runtime.begin(&facts, &Arc::default(), &caller);
        wide.end(None);
        refused.end(Some(FailureKind::NoPermission));
        drop(narrow);
        assert!(runtime.is_idle());
        let usage = runtime.usage();
        assert_eq!((usage.calls, usage.failures, usage.refusals), (3, 2, 1));
    }
}
