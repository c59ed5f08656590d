//! Reading, checking and merging policies.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn policy(entries: serde_json::Value) -> Policy {
    serde_json::from_value(entries).unwrap()
}

fn faults(entries: serde_json::Value) -> Vec<String> {
    policy(entries).check().unwrap_err().faults
}

#[test]
fn a_full_entry_is_read_and_written_as_it_is() {
    let text = json!({ "ibkr_get_*": {
        "grants": ["account", "market-data"],
        "enabled": true,
        "hidden": false,
        "pin": "a".repeat(64),
        "description": "Only for the paper account.",
        "scope": {
            "accounts": ["DU1"], "symbols": ["SPY"], "security_types": ["STK"],
            "trade": { "accounts": [], "symbols": ["SPY"], "security_types": ["BAG"] },
        },
        "limits": {
            "memory_mib": 64, "deadline_seconds": 60, "concurrent_calls": 16, "queued_calls": 64,
            "calls_per_minute": 600, "host_calls": 2000, "answer_bytes": 8_388_608,
            "log_bytes": 262_144, "stream_bytes": 67_108_864, "market_data_lines": 10,
        },
    } });
    let policy = policy(text.clone());
    assert_eq!(policy.check(), Ok(()));
    assert_eq!(serde_json::to_value(&policy).unwrap(), text);
}

#[test]
fn what_is_unknown_is_refused() {
    for (entries, key) in [
        (json!({ "a": { "grant": [] } }), "grant"),
        (json!({ "a": { "scope": { "account": [] } } }), "account"),
        (
            json!({ "a": { "scope": { "trade": { "trade": {} } } } }),
            "trade",
        ),
        (json!({ "a": { "limits": { "memory": 1 } } }), "memory"),
    ] {
        let error = serde_json::from_value::<Policy>(entries).unwrap_err();
        assert!(error.to_string().contains(&format!("`{key}`")), "{error}");
    }
}

#[test]
fn a_fault_names_the_key_what_was_found_and_what_is_expected() {
    for (entries, fault) in [
        (
            json!({ "a": { "grants": ["acount"] } }),
            "policy.a.grants is \"acount\"; it must be a list of capabilities: connection, \
             contracts, market-data, history, account, order-book, trading.",
        ),
        (
            json!({ "a_*": { "pin": "abc" } }),
            "policy.\"a_*\".pin is \"abc\"; it must be the SHA-256 of a file as 64 hexadecimal \
             digits.",
        ),
        (
            json!({ "a": { "limits": { "memory_mib": 0 } } }),
            "policy.a.limits.memory_mib is 0; it must be a number from 1 to 1024.",
        ),
        (
            json!({ "a": { "scope": { "trade": { "symbols": [" "] } } } }),
            "policy.a.scope.trade.symbols is \" \"; it must be a list of symbols, each of 1 to 64 \
             characters.",
        ),
    ] {
        assert_eq!(faults(entries), [fault]);
    }
    for (entries, part) in [
        (json!({ "No Name": {} }), "policy.\"No Name\" is"),
        (
            json!({ "a": { "scope": { "security_types": ["STOCK"] } } }),
            "STK, OPT",
        ),
        (
            json!({ "a": { "description": "a\u{1b}[31m" } }),
            "description",
        ),
        (json!({ "a": { "description": "" } }), "description"),
    ] {
        let faults = faults(entries);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(
            faults.iter().all(|fault| fault.contains(part)),
            "{faults:?}"
        );
    }
}

#[test]
fn all_faults_are_named_at_once() {
    let faults = faults(json!({
        "a": { "grants": ["x", "y"], "limits": { "concurrent_calls": 0 } },
        "b": { "pin": "é".repeat(200) },
    }));
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert!(faults.iter().all(|fault| fault.chars().count() < 400));
}

#[test]
fn without_grants_there_are_none() {
    let policy = policy(json!({ "a": { "hidden": true }, "b": { "grants": [] } }));
    assert_eq!(policy.of("a").grants, None);
    assert_eq!(policy.of("b").grants, Some(BTreeSet::new()));
    assert_eq!(policy.of("c"), Policy::default().of("c"));
    assert!(policy.of("c").enabled && !policy.of("c").hidden);
}

#[test]
fn the_more_specific_entry_wins_key_by_key() {
    let policy = policy(json!({
        "*": {
            "grants": ["account", "history"],
            "limits": { "memory_mib": 16, "calls_per_minute": 10 },
            "scope": { "accounts": ["A"], "trade": { "symbols": ["X"] } },
        },
        "get_*": {
            "grants": ["account"],
            "enabled": false,
            "limits": { "memory_mib": 32 },
            "scope": { "symbols": [], "trade": { "accounts": ["B"] } },
        },
        "get_pnl": { "enabled": true, "scope": { "accounts": ["C"] } },
    }));
    let pnl = policy.of("get_pnl");
    assert_eq!(pnl.grants, Some([Capability::Account].into()));
    assert!(pnl.enabled);
    assert_eq!(pnl.limits.memory_mib, Some(32));
    assert_eq!(pnl.limits.calls_per_minute, Some(10));
    assert_eq!(pnl.scope.reach.accounts, Some(["C".to_owned()].into()));
    assert_eq!(pnl.scope.reach.symbols, Some(BTreeSet::new()));
    assert_eq!(pnl.scope.trade.accounts, Some(["B".to_owned()].into()));
    assert_eq!(pnl.scope.trade.symbols, Some(["X".to_owned()].into()));
    assert!(!policy.of("get_other").enabled);
    assert_eq!(policy.of("other").limits.memory_mib, Some(16));
}

#[test]
fn a_pin_is_compared_in_lower_case() {
    let policy = policy(json!({ "a": { "pin": "AB".repeat(32) } }));
    assert_eq!(policy.of("a").pin, Some("ab".repeat(32)));
}

#[test]
fn unchecked_nonsense_grants_nothing() {
    let policy = policy(json!({ "a": { "grants": ["everything", "Account"] } }));
    assert_eq!(policy.of("a").grants, Some(BTreeSet::new()));
}

#[test]
fn the_schema_describes_itself() {
    let schema = serde_json::to_value(schemars::schema_for!(Policy)).unwrap();
    let text = schema.to_string();
    for word in ["market-data", "market_data_lines", "CONTFUT", "quarantined"] {
        assert!(text.contains(word), "{word} is missing in {text}");
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let good = json!({ "a": { "grants": ["account"], "limits": { "memory_mib": 1 } } });
    assert!(validator.is_valid(&good));
    for bad in [
        json!({ "a": { "grants": ["acount"] } }),
        json!({ "a": { "grant": [] } }),
        json!({ "a": { "pin": "abc" } }),
        json!({ "a": { "limits": { "memory_mib": 0 } } }),
        json!({ "a": { "scope": { "security_types": ["STOCK"] } } }),
    ] {
        assert!(!validator.is_valid(&bad), "{bad}");
    }
}

/// Entries over a small alphabet, so that many of them match.
fn entries() -> impl Strategy<Value = Policy> {
    let grants = proptest::option::of(vec(
        proptest::sample::select(Capability::ALL.map(Capability::name).to_vec()),
        0..3,
    ));
    let symbols = proptest::option::of(vec("[XY]", 0..2));
    let entry = (
        grants,
        proptest::option::of(any::<bool>()),
        symbols,
        proptest::option::of(1..100_u64),
    )
        .prop_map(|(grants, enabled, symbols, memory_mib)| PolicyEntry {
            grants: grants.map(|names| names.into_iter().map(str::to_owned).collect()),
            enabled,
            scope: symbols.map(|symbols| ScopeEntry {
                symbols: Some(symbols),
                ..ScopeEntry::default()
            }),
            limits: memory_mib.map(|mib| Limits {
                memory_mib: Some(mib),
                ..Limits::default()
            }),
            ..PolicyEntry::default()
        });
    btree_map("[ab*]{1,3}", entry, 0..5).prop_map(|entries| Policy { entries })
}

proptest! {
    #[test]
    fn entries_that_do_not_match_change_nothing(policy in entries(), name in "[ab]{1,3}") {
        let matching: Policy = policy
            .entries
            .iter()
            .filter(|(pattern, _)| pattern::matches(pattern, &name))
            .map(|(pattern, entry)| (pattern.clone(), entry.clone()))
            .collect();
        prop_assert_eq!(policy.of(&name), matching.of(&name));
    }

    #[test]
    fn every_key_is_that_of_the_most_specific_entry(policy in entries(), name in "[ab]{1,3}") {
        let merged = policy.of(&name);
        let mut matching: Vec<_> = policy
            .entries
            .iter()
            .filter(|(pattern, _)| pattern::matches(pattern, &name))
            .collect();
        matching.sort_by_key(|(pattern, _)| (pattern::specificity(pattern), pattern.as_str()));
        matching.reverse();
        let enabled = matching.iter().find_map(|(_, entry)| entry.enabled);
        prop_assert_eq!(merged.enabled, enabled.unwrap_or(true));
        let grants = matching.iter().find_map(|(_, entry)| entry.grants.clone());
        let grants = grants.map(|names| {
            names.iter().filter_map(|name| Capability::from_name(name)).collect()
        });
        prop_assert_eq!(merged.grants, grants);
        let limit = matching
            .iter()
            .find_map(|(_, entry)| entry.limits.as_ref()?.memory_mib);
        prop_assert_eq!(merged.limits.memory_mib, limit);
        let symbols = matching
            .iter()
            .find_map(|(_, entry)| entry.scope.as_ref()?.symbols.clone());
        prop_assert_eq!(
            merged.scope.reach.symbols,
            symbols.map(|symbols| symbols.into_iter().collect())
        );
    }

    #[test]
    fn what_is_checked_survives_a_round_trip(policy in entries()) {
        prop_assert_eq!(policy.check(), Ok(()));
        let text = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy);
    }
}
