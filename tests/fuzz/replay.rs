//! Replays the corpora of the fuzzers, and a fixed number of mutations of
//! them. A finding of `just fuzz` that is put into `corpus/` is tested here
//! from then on.

#![expect(clippy::expect_used, reason = "a failed expectation fails the test")]

use sandpit_fuzz::descriptor::Template;
use sandpit_fuzz::{Host, corpus, sections};

/// Mutations of each seed.
const MUTATIONS: u64 = 60;

#[test]
fn the_host_looks_at_every_file_and_keeps_its_bounds() {
    let host = Host::new().expect("the host");
    let (mut served, mut refused) = (0, 0);
    for (name, seed) in corpus::loader().expect("the seeds") {
        for mutation in 0..=MUTATIONS {
            let content = match mutation {
                0 => seed.clone(),
                seed_of_mutation => sections::mutate(&seed, seed_of_mutation),
            };
            match host.look_at(&content) {
                Ok(true) => served += 1,
                Ok(false) => refused += 1,
                Err(error) => panic!("{name}, mutation {mutation}: {error:#}"),
            }
        }
    }
    // Neither only good nor only bad files: else the mutations test nothing.
    assert!(served > 10 && refused > 100, "{served} and {refused}");
}

#[test]
fn the_host_takes_over_what_components_say_of_themselves() {
    let host = Host::new().expect("the host");
    let template = Template::new().expect("the template");
    let (mut served, mut refused) = (0, 0);
    for (name, seed) in corpus::descriptor().expect("the seeds") {
        for mutation in 0..=MUTATIONS {
            let input = match mutation {
                0 => seed.clone(),
                seed_of_mutation => sections::mutate(&seed, seed_of_mutation),
            };
            match host.look_at(&template.describe(&input)) {
                Ok(true) => served += 1,
                Ok(false) => refused += 1,
                Err(error) => panic!("{name}, mutation {mutation}: {error:#}"),
            }
        }
    }
    assert!(served > 10 && refused > 100, "{served} and {refused}");
}

#[test]
fn a_good_component_is_served_and_a_bad_one_is_not() {
    let host = Host::new().expect("the host");
    let seeds = corpus::loader().expect("the seeds");
    let served = |wanted: &str| {
        let (_, seed) = seeds.iter().find(|(name, _)| name == wanted).expect(wanted);
        host.look_at(seed).expect("what the host promises")
    };
    assert!(served("good"));
    for bad in [
        "loops in describe",
        "loops in its start",
        "recurses without end",
    ] {
        assert!(!served(bad), "{bad}");
    }
    assert!(!host.look_at(b"").expect("what the host promises"));
}
