//! Takes as many handles of the host as it is told, and gives none back.

use std::mem::forget;

use hostile::Outcome;
use hostile::wasi::wasi::clocks::monotonic_clock::subscribe_duration;

fn call(arguments: &str) -> Outcome {
    for _ in 0..hostile::number(arguments) {
        forget(subscribe_duration(u64::MAX));
    }
    hostile::answer(r#"{"leaked":true}"#)
}

hostile::attack!(call);
