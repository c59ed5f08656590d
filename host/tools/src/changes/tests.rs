//! Which changes are told, and with which words.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeMap;

use sandpit_sandbox::Capability;

use super::*;
use crate::decide::{FileFacts, Present, decide};
use crate::policy::{Policy, PolicyEntry};

fn facts(name: &str, digest: &str) -> Facts {
    Facts {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        digest: digest.to_owned(),
        asks: vec![Capability::Account],
        resources: Vec::new(),
    }
}

fn reading() -> Policy {
    Policy::from_iter([("*", PolicyEntry::granting([Capability::Account]))])
}

/// What becomes of the file `a` that holds this and held that.
fn of(present: Present<'_>, held: Option<&Facts>, policy: &Policy) -> Verdicts {
    decide(
        &[("a".to_owned(), FileFacts { present, held })].into(),
        policy,
    )
}

/// What is told, and of which digest.
fn told<'a>(before: &'a Verdicts, after: &'a Verdicts) -> Vec<(&'static str, &'a str)> {
    between(before, after)
        .iter()
        .map(|change| {
            assert!(!change.why.is_empty(), "{change:?}");
            assert_eq!(change.file, "a");
            let digest = change.facts.map_or("", |facts| facts.digest.as_str());
            (change.kind.name(), digest)
        })
        .collect()
}

#[test]
fn every_turn_is_told_once() {
    let (one, two, other) = (facts("x", "1"), facts("x", "2"), facts("y", "3"));
    let policy = reading();
    let nothing = BTreeMap::new();
    let waiting = of(Present::Waiting("Wait."), None, &policy);
    let first = of(Present::Good(&one), None, &policy);
    let second = of(Present::Good(&two), Some(&one), &policy);
    let renamed = of(Present::Good(&other), Some(&two), &policy);
    let broken = of(Present::Bad("It is broken."), Some(&two), &policy);
    let halfway = of(Present::Waiting("Wait."), Some(&two), &policy);
    let quarantined = of(Present::Good(&two), Some(&two), &Policy::default());
    let refused = of(Present::Bad("It is broken."), None, &policy);
    for (before, after, expected) in [
        (&nothing, &waiting, vec![]),
        (&waiting, &first, vec![("served", "1")]),
        (&nothing, &first, vec![("served", "1")]),
        (&first, &first, vec![]),
        (&first, &second, vec![("replaced", "2")]),
        (&second, &renamed, vec![("removed", "2"), ("served", "3")]),
        (&second, &halfway, vec![]),
        (&second, &broken, vec![("refused", "2")]),
        (&halfway, &broken, vec![("refused", "2")]),
        (&broken, &broken, vec![]),
        (&broken, &second, vec![]),
        (&second, &nothing, vec![("removed", "2")]),
        (&second, &waiting, vec![("removed", "2")]),
        (&second, &quarantined, vec![("quarantined", "2")]),
        (&quarantined, &second, vec![("served", "2")]),
        (&quarantined, &quarantined, vec![]),
        (&nothing, &refused, vec![("refused", "")]),
        (&waiting, &refused, vec![("refused", "")]),
        (&refused, &nothing, vec![]),
    ] {
        assert_eq!(told(before, after), expected, "{before:?} to {after:?}");
    }
}

#[test]
fn a_change_of_policy_is_told() {
    let one = facts("x", "1");
    let before = of(Present::Good(&one), Some(&one), &reading());
    let hidden = PolicyEntry {
        hidden: Some(true),
        ..PolicyEntry::granting([Capability::Account])
    };
    let after = of(
        Present::Good(&one),
        Some(&one),
        &Policy::from_iter([("x", hidden.clone())]),
    );
    assert_eq!(told(&before, &after), [("policy", "1")]);

    let disabled = PolicyEntry {
        enabled: Some(false),
        ..hidden
    };
    let disabled = of(
        Present::Good(&one),
        Some(&one),
        &Policy::from_iter([("x", disabled)]),
    );
    assert_eq!(told(&before, &disabled), [("disabled", "1")]);
    let changes = between(&disabled, &before);
    assert_eq!(changes.first().unwrap().why, "The policy allows it now.");
}
