//! Fuzzes the host with what components say of themselves.

#![no_main]
#![expect(clippy::expect_used, reason = "a finding ends the fuzzer")]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use sandpit_fuzz::descriptor::Template;
use sandpit_fuzz::{Host, corpus};

static HOST: OnceLock<(Host, Template)> = OnceLock::new();

fuzz_target!(init: seeds(), |input: &[u8]| {
    let (host, template) = HOST.get_or_init(|| {
        let host = Host::new().expect("the host");
        (host, Template::new().expect("the template"))
    });
    host.look_at(&template.describe(input))
        .expect("what the host promises");
});

/// Writes what there is to start from.
fn seeds() {
    let seeds = corpus::descriptor().expect("the seeds");
    corpus::write(seeds).expect("a folder for the seeds");
}
