//! Replays the corpora of the fuzzers, and a fixed number of mutations of
//! them. A finding of `just fuzz` that is put into `corpus/` is tested here
//! from then on.

use anyhow::{Context as _, ensure};
use sandpit_fuzz::corpus::{self, Seed};
use sandpit_fuzz::descriptor::Template;
use sandpit_fuzz::{Host, sections};

/// Mutations of each seed.
const MUTATIONS: u64 = 60;

/// Lets the host look at the seeds and at their mutations.
fn replay(seeds: &[Seed], content: impl Fn(Vec<u8>) -> Vec<u8>) -> anyhow::Result<()> {
    let host = Host::new()?;
    let (mut served, mut refused) = (0, 0);
    for (name, seed) in seeds {
        for mutation in 0..=MUTATIONS {
            let input = match mutation {
                0 => seed.clone(),
                number => sections::mutate(seed, number),
            };
            match host.look_at(&content(input)) {
                Ok(true) => served += 1,
                Ok(false) => refused += 1,
                Err(error) => return Err(error.context(format!("{name}, mutation {mutation}"))),
            }
        }
    }
    // Neither only good nor only bad files: else the mutations test nothing.
    ensure!(served > 20 && refused > 100, "{served} and {refused}");
    Ok(())
}

#[test]
fn the_host_looks_at_every_file_and_keeps_its_bounds() -> anyhow::Result<()> {
    replay(&corpus::loader()?, |file| file)
}

#[test]
fn the_host_takes_over_what_components_say_of_themselves() -> anyhow::Result<()> {
    let template = Template::new()?;
    replay(&corpus::descriptor()?, |input| template.describe(&input))
}

#[test]
fn a_good_component_is_served_and_a_bad_one_is_not() -> anyhow::Result<()> {
    let host = Host::new()?;
    let seeds = corpus::loader()?;
    let served = |wanted: &str| {
        let (_, seed) = seeds
            .iter()
            .find(|(name, _)| name == wanted)
            .context(wanted.to_owned())?;
        host.look_at(seed)
    };
    ensure!(served("good")?);
    for bad in [
        "loops in describe",
        "loops in its start",
        "recurses without end",
    ] {
        ensure!(!served(bad)?, "{bad} is served");
    }
    ensure!(!host.look_at(b"")?);
    Ok(())
}
