//! Fuzzes the host with component files.

#![no_main]
#![expect(clippy::expect_used, reason = "a finding ends the fuzzer")]

use std::sync::OnceLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use sandpit_fuzz::{Host, corpus, sections};

static HOST: OnceLock<Host> = OnceLock::new();

fuzz_target!(init: seeds(), |content: &[u8]| {
    let host = HOST.get_or_init(|| Host::new().expect("the host"));
    host.look_at(content).expect("what the host promises");
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed % 4 == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mutated = sections::mutate(data.get(..size).unwrap_or_default(), u64::from(seed));
    let room = data.iter_mut().take(max_size);
    room.zip(&mutated).map(|(byte, new)| *byte = *new).count()
});

/// Writes what there is to start from.
fn seeds() {
    let seeds = corpus::loader().expect("the seeds");
    corpus::write(seeds).expect("a folder for the seeds");
}
