//! The rules of what serves, by example and by property.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use proptest::collection::btree_map;
use proptest::prelude::*;

use super::*;
use crate::policy::PolicyEntry;

/// A component with this name and digest that asks for nothing.
fn facts(name: &str, digest: &str) -> Facts {
    Facts {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        digest: digest.to_owned(),
        asks: Vec::new(),
        resources: Vec::new(),
    }
}

fn asking(name: &str, digest: &str, asks: &[Capability]) -> Facts {
    Facts {
        asks: asks.to_vec(),
        ..facts(name, digest)
    }
}

fn reading(name: &str, digest: &str, uri: &str) -> Facts {
    Facts {
        resources: vec![uri.to_owned()],
        ..facts(name, digest)
    }
}

fn everything() -> Policy {
    Policy::from_iter([("*", PolicyEntry::granting(Capability::ALL))])
}

/// Decides for files that are given as (file, present, held).
fn of(files: &[(&str, Present<'_>, Option<&Facts>)], policy: &Policy) -> Verdicts {
    let files = files.iter().map(|(file, present, held)| {
        let facts = FileFacts {
            present: *present,
            held: *held,
        };
        ((*file).to_owned(), facts)
    });
    decide(&files.collect(), policy)
}

/// What serves: name, digest and file.
fn serving(verdicts: &Verdicts) -> Vec<(&str, &str, &str)> {
    let served = verdicts
        .iter()
        .filter(|(_, verdict)| verdict.serves.is_some());
    served
        .map(|(file, verdict)| {
            let facts = verdict.facts.as_ref().unwrap();
            (facts.name.as_str(), facts.digest.as_str(), file.as_str())
        })
        .collect()
}

fn reason<'a>(verdicts: &'a Verdicts, file: &str) -> &'a str {
    verdicts.get(file).unwrap().reason.as_deref().unwrap()
}

fn state(verdicts: &Verdicts, file: &str) -> ToolState {
    verdicts.get(file).unwrap().state
}

#[test]
fn a_tool_with_its_grants_serves() {
    let tool = asking("x", "1", &[Capability::Account]);
    let verdicts = of(&[("a", Present::Good(&tool), None)], &everything());
    assert_eq!(serving(&verdicts), [("x", "1", "a")]);
    assert_eq!(state(&verdicts, "a"), ToolState::Served);
    assert_eq!(verdicts.get("a").unwrap().reason, None);
}

#[test]
fn what_the_operator_has_not_allowed_waits_and_says_for_what() {
    let tool = asking("x", "1", &[Capability::Account, Capability::Trading]);
    let present = [("a", Present::Good(&tool), None)];

    let verdicts = of(&present, &Policy::default());
    assert_eq!(state(&verdicts, "a"), ToolState::Quarantined);
    assert!(reason(&verdicts, "a").contains("sandpit grant x account trading"));

    let reading = Policy::from_iter([("x", PolicyEntry::granting([Capability::Account]))]);
    let verdicts = of(&present, &reading);
    assert_eq!(state(&verdicts, "a"), ToolState::Quarantined);
    assert!(reason(&verdicts, "a").contains("sandpit grant x trading"));

    let pinned = PolicyEntry {
        pin: Some("2".to_owned()),
        ..PolicyEntry::granting(Capability::ALL)
    };
    let verdicts = of(&present, &Policy::from_iter([("x", pinned)]));
    assert_eq!(state(&verdicts, "a"), ToolState::Quarantined);
    assert!(reason(&verdicts, "a").contains("sandpit pin x --digest 1"));

    let disabled = PolicyEntry {
        enabled: Some(false),
        ..PolicyEntry::granting(Capability::ALL)
    };
    let verdicts = of(&present, &Policy::from_iter([("x", disabled)]));
    assert_eq!(state(&verdicts, "a"), ToolState::Disabled);
    assert!(reason(&verdicts, "a").contains("sandpit enable x"));
    assert!(serving(&verdicts).is_empty());
}

#[test]
fn a_tool_that_asks_for_nothing_needs_an_entry_all_the_same() {
    let tool = facts("x", "1");
    let present = [("a", Present::Good(&tool), None)];
    let verdicts = of(&present, &Policy::default());
    assert_eq!(state(&verdicts, "a"), ToolState::Quarantined);
    assert!(reason(&verdicts, "a").contains("grants = []"));
    let nothing = Policy::from_iter([("x", PolicyEntry::granting([]))]);
    assert_eq!(serving(&of(&present, &nothing)).len(), 1);
}

#[test]
fn the_version_before_goes_on_while_the_newer_one_cannot_serve() {
    let old = facts("x", "1");
    let greedy = asking("x", "2", &[Capability::Trading]);
    let nothing = Policy::from_iter([("*", PolicyEntry::granting([]))]);
    for (present, newer) in [
        (Present::Bad("It is broken."), ToolState::Refused),
        (Present::Waiting("It is being copied."), ToolState::Waiting),
        (Present::Good(&greedy), ToolState::Quarantined),
    ] {
        let verdicts = of(&[("a", present, Some(&old))], &nothing);
        assert_eq!(serving(&verdicts), [("x", "1", "a")], "{present:?}");
        let verdict = verdicts.get("a").unwrap();
        assert_eq!(
            (verdict.state, verdict.newer),
            (ToolState::Served, Some(newer))
        );
        assert!(reason(&verdicts, "a").starts_with("The newer file is not served."));
        // Unless the policy of today does not allow the old one either.
        let verdicts = of(&[("a", present, Some(&old))], &Policy::default());
        assert!(serving(&verdicts).is_empty(), "{present:?}");
    }
    let verdicts = of(
        &[("a", Present::Bad("Broken."), Some(&old))],
        &Policy::default(),
    );
    assert_eq!(state(&verdicts, "a"), ToolState::Refused);
    assert_eq!(verdicts.get("a").unwrap().facts, Some(old));
}

#[test]
fn a_pin_brings_the_version_before_back() {
    let (old, new) = (facts("x", "1"), facts("x", "2"));
    let pinned = PolicyEntry {
        pin: Some("1".to_owned()),
        ..PolicyEntry::granting([])
    };
    let policy = Policy::from_iter([("x", pinned)]);
    let verdicts = of(&[("a", Present::Good(&new), Some(&old))], &policy);
    assert_eq!(serving(&verdicts), [("x", "1", "a")]);
}

#[test]
fn two_newcomers_with_one_name_are_both_refused() {
    let (one, two) = (facts("x", "1"), facts("x", "2"));
    let files = [
        ("a", Present::Good(&one), None),
        ("b", Present::Good(&two), None),
    ];
    let verdicts = of(&files, &everything());
    assert!(serving(&verdicts).is_empty());
    for file in ["a", "b"] {
        assert_eq!(state(&verdicts, file), ToolState::Refused);
        assert!(reason(&verdicts, file).contains("a, b"));
    }
    // Whether the policy lets one of them serve does not matter.
    let pinned = PolicyEntry {
        pin: Some("1".to_owned()),
        ..PolicyEntry::granting([])
    };
    let verdicts = of(&files, &Policy::from_iter([("x", pinned)]));
    assert!(serving(&verdicts).is_empty());
}

#[test]
fn a_newcomer_cannot_take_a_name() {
    let (one, two) = (facts("x", "1"), facts("x", "2"));
    let files = [
        ("a", Present::Good(&two), None),
        ("b", Present::Good(&one), Some(&one)),
    ];
    let verdicts = of(&files, &everything());
    assert_eq!(serving(&verdicts), [("x", "1", "b")]);
    assert_eq!(state(&verdicts, "a"), ToolState::Refused);
    assert!(reason(&verdicts, "a").contains("the name of b"));
    // Not even while the other file is disabled or damaged.
    let files = [
        ("a", Present::Good(&two), None),
        ("b", Present::Bad("It is damaged."), Some(&one)),
    ];
    assert_eq!(serving(&of(&files, &everything())), [("x", "1", "b")]);
    assert!(serving(&of(&files, &Policy::default())).is_empty());
    let of_a = of(&files, &Policy::default());
    assert_eq!(state(&of_a, "a"), ToolState::Refused);
}

#[test]
fn a_file_that_changes_its_name_may_not_take_another_ones() {
    let (x, y, impostor) = (facts("x", "1"), facts("y", "2"), facts("y", "3"));
    let files = [
        ("a", Present::Good(&impostor), Some(&x)),
        ("b", Present::Good(&y), Some(&y)),
    ];
    let verdicts = of(&files, &everything());
    assert_eq!(serving(&verdicts), [("x", "1", "a"), ("y", "2", "b")]);
    assert_eq!(verdicts.get("a").unwrap().newer, Some(ToolState::Refused));
}

#[test]
fn a_name_is_free_when_its_file_takes_another() {
    let (x, y, newcomer) = (facts("x", "1"), facts("y", "2"), facts("x", "3"));
    let files = [
        ("a", Present::Good(&y), Some(&x)),
        ("b", Present::Good(&newcomer), None),
    ];
    let verdicts = of(&files, &everything());
    assert_eq!(serving(&verdicts), [("y", "2", "a"), ("x", "3", "b")]);
}

#[test]
fn a_newcomer_is_refused_when_the_holder_falls_back_on_its_name() {
    let (x, y, impostor, newcomer) = (
        facts("x", "1"),
        facts("y", "2"),
        facts("y", "3"),
        facts("x", "4"),
    );
    // a wants y, which b has: so a keeps x, and c cannot have it.
    let files = [
        ("a", Present::Good(&impostor), Some(&x)),
        ("b", Present::Good(&y), Some(&y)),
        ("c", Present::Good(&newcomer), None),
    ];
    let verdicts = of(&files, &everything());
    assert_eq!(serving(&verdicts), [("x", "1", "a"), ("y", "2", "b")]);
    assert_eq!(state(&verdicts, "c"), ToolState::Refused);
}

#[test]
fn two_files_may_swap_their_names() {
    let (x, y) = (facts("x", "1"), facts("y", "2"));
    let files = [
        ("a", Present::Good(&y), Some(&x)),
        ("b", Present::Good(&x), Some(&y)),
    ];
    let verdicts = of(&files, &everything());
    assert_eq!(serving(&verdicts), [("y", "2", "a"), ("x", "1", "b")]);
}

/// A file's content and what it held, out of few names, so that they collide.
#[derive(Debug, Clone)]
struct Made {
    present: Option<Facts>,
    held: Option<Facts>,
}

fn made() -> impl Strategy<Value = Made> {
    let asks = prop_oneof![
        2 => Just(Vec::new()),
        1 => Just(vec![Capability::Trading]),
    ];
    let some = ("[xyz]", "[12]", asks).prop_map(|(name, digest, asks)| Facts {
        asks,
        ..facts(&name, &digest)
    });
    (
        proptest::option::weighted(0.8, some.clone()),
        proptest::option::of(some),
    )
        .prop_map(|(present, held)| Made { present, held })
}

fn folder() -> impl Strategy<Value = BTreeMap<String, Made>> {
    btree_map("[a-e]", made(), 0..5).prop_map(|mut files| {
        // A name is held by one file at a time.
        let mut names = BTreeSet::new();
        for made in files.values_mut() {
            made.held = made
                .held
                .take()
                .filter(|held| names.insert(held.name.clone()));
        }
        files
    })
}

fn policies() -> impl Strategy<Value = Policy> {
    let entry = (
        proptest::option::of(Just(())),
        any::<bool>(),
        proptest::option::weighted(0.2, "[12]"),
    )
        .prop_map(|(all, enabled, pin)| PolicyEntry {
            enabled: Some(enabled),
            pin,
            ..match all {
                Some(()) => PolicyEntry::granting(Capability::ALL),
                None => PolicyEntry::granting([]),
            }
        });
    btree_map("[xyz]", entry, 0..4).prop_map(|entries| Policy { entries })
}

fn facts_of(files: &BTreeMap<String, Made>) -> BTreeMap<String, FileFacts<'_>> {
    let facts = files.iter().map(|(file, made)| {
        let facts = FileFacts {
            present: made
                .present
                .as_ref()
                .map_or(Present::Bad("bad"), Present::Good),
            held: made.held.as_ref(),
        };
        (file.clone(), facts)
    });
    facts.collect()
}

proptest! {
    #[test]
    fn names_are_unique_and_nothing_serves_that_the_policy_forbids(
        files in folder(),
        policy in policies(),
    ) {
        let verdicts = decide(&facts_of(&files), &policy);
        prop_assert_eq!(verdicts.len(), files.len());
        let mut names = BTreeSet::new();
        for verdict in verdicts.values() {
            prop_assert_eq!(verdict.serves.is_some(), verdict.state == ToolState::Served);
            if verdict.serves.is_some() {
                let facts = verdict.facts.as_ref().unwrap();
                prop_assert!(names.insert(facts.name.clone()), "{facts:?} twice");
                prop_assert!(admit(facts, &policy.of(&facts.name)).is_ok());
            } else {
                prop_assert!(verdict.reason.is_some());
            }
        }
    }

    #[test]
    fn no_file_takes_the_name_that_another_one_keeps(files in folder(), policy in policies()) {
        let verdicts = decide(&facts_of(&files), &policy);
        for (file, made) in &files {
            let Some(held) = &made.held else { continue };
            let moved_on = verdicts.get(file).is_some_and(|verdict| {
                verdict.serves == Some(Content::Present)
                    && verdict.facts.as_ref().is_some_and(|facts| facts.name != held.name)
            });
            if moved_on {
                continue;
            }
            for (other, verdict) in &verdicts {
                let takes = verdict.serves.is_some()
                    && verdict.facts.as_ref().is_some_and(|facts| facts.name == held.name);
                prop_assert!(other == file || !takes, "{other} takes {} from {file}", held.name);
            }
        }
    }

    #[test]
    fn what_is_decided_stays_decided(files in folder(), policy in policies()) {
        let mut files = files;
        let first = decide(&facts_of(&files), &policy);
        for (file, verdict) in &first {
            if verdict.serves == Some(Content::Present) {
                let made = files.get_mut(file).unwrap();
                made.held = made.present.clone();
            }
        }
        let serves = |verdicts: &Verdicts| {
            verdicts
                .iter()
                .filter(|(_, verdict)| verdict.serves.is_some())
                .map(|(file, verdict)| (file.clone(), verdict.facts.clone()))
                .collect::<Vec<_>>()
        };
        let second = decide(&facts_of(&files), &policy);
        prop_assert_eq!(serves(&first), serves(&second));
    }
}

#[test]
fn two_tools_have_no_resource_in_common() {
    let (x, y) = (reading("x", "1", "test:a"), reading("y", "2", "test:a"));
    let verdicts = of(
        &[
            ("a", Present::Good(&x), None),
            ("b", Present::Good(&y), None),
        ],
        &everything(),
    );
    assert_eq!(serving(&verdicts), []);
    assert!(reason(&verdicts, "a").contains("test:a"));

    let verdicts = of(
        &[
            ("a", Present::Good(&x), Some(&x)),
            ("b", Present::Good(&y), None),
        ],
        &everything(),
    );
    assert_eq!(serving(&verdicts), [("x", "1", "a")]);
    assert_eq!(state(&verdicts, "b"), ToolState::Refused);
    assert!(reason(&verdicts, "b").contains("which is one of a"));
}

#[test]
fn a_tool_may_give_a_resource_up() {
    let (old, new) = (reading("x", "1", "test:a"), facts("x", "2"));
    let other = reading("y", "3", "test:a");
    let verdicts = of(
        &[
            ("a", Present::Good(&new), Some(&old)),
            ("b", Present::Good(&other), None),
        ],
        &everything(),
    );
    assert_eq!(serving(&verdicts), [("x", "2", "a"), ("y", "3", "b")]);
}

#[test]
fn of_two_files_with_one_name_the_name_is_told() {
    let (x, y) = (reading("x", "1", "test:a"), reading("x", "2", "test:a"));
    let verdicts = of(
        &[
            ("a", Present::Good(&x), None),
            ("b", Present::Good(&y), None),
        ],
        &everything(),
    );
    assert!(reason(&verdicts, "a").contains("call themselves x"));
}
