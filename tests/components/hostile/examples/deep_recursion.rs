//! Calls itself as deep as it is told.

use std::hint::black_box;

use hostile::Outcome;

#[inline(never)]
fn dive(depth: u64) -> u64 {
    match depth {
        0 => 0,
        depth => black_box(dive(black_box(depth - 1))) + 1,
    }
}

fn call(arguments: &str) -> Outcome {
    let depth = dive(hostile::number(arguments));
    hostile::answer(format!(r#"{{"depth":{depth}}}"#))
}

hostile::attack!(call);
