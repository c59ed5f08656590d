//! Reads the clocks to find out about the machine: how long it has been
//! running, and how finely time can be measured on it.

use hostile::Outcome;
use hostile::wasi::wasi::clocks::monotonic_clock::now;

fn call(_arguments: &str) -> Outcome {
    let first = now();
    let mut finest = u64::MAX;
    let mut before = first;
    for _ in 0..10_000 {
        let after = now();
        if after > before {
            finest = finest.min(after - before);
        }
        before = after;
    }
    hostile::answer(format!(r#"{{"first":{first},"finest":{finest}}}"#))
}

hostile::attack!(call);
